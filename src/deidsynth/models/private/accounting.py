"""What a private adaptation spends: epsilon of a Poisson-sampled Gaussian mechanism, by two accountants.

Neighbors differ in one group, added or removed. Nothing here depends on data.

Source: Koskela et al. 2020 and Doroshenko et al. 2022 for privacy loss distributions (``dp-accounting``); Gopi et al.
2021 for privacy random variables (Opacus).
"""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

from deidsynth.config import PrivateConfig
from deidsynth.models.private.extra import private_library

_GRID = 1e-4
"""Discretization of privacy losses; the result is an upper bound whatever it is."""
_SEARCH_GRID = 1e-3
"""The same of the search for the noise, times epsilon, for which one is taken if it is less: coarser is faster."""
_LEAST_NOISE = 0.1
_NOISE_STEP = 1e-3


@dataclass(frozen=True, slots=True)
class Budget:
    """The guarantee of an adaptation for one group, added or removed.

    Args:
        epsilon: upper bound by privacy loss distributions.
        epsilon_opacus: the same by Opacus' accountant of privacy random variables, as a check.
        delta: of both.
        noise_multiplier: standard deviation of the noise, as a multiple of the norm that gradients are clipped to.
    """

    epsilon: float
    epsilon_opacus: float
    delta: float
    noise_multiplier: float


def budget_of(config: PrivateConfig) -> Budget:
    """The budget of a configuration that states a noise multiplier or an epsilon.

    Raises:
        MissingExtraError: the extra ``dp`` is not installed.
    """
    noise = config.noise_multiplier or noise_for(config)
    return Budget(
        epsilon=epsilon_of(noise, config),
        epsilon_opacus=epsilon_by_opacus(noise, config),
        delta=config.delta,
        noise_multiplier=noise,
    )


def epsilon_of(noise_multiplier: float, config: PrivateConfig) -> float:
    """Epsilon of all steps together, by privacy loss distributions."""
    accountant = _accountant(_GRID)
    accountant.compose(_steps(noise_multiplier, config))
    return float(accountant.get_epsilon(config.delta))


def epsilon_by_opacus(noise_multiplier: float, config: PrivateConfig) -> float:
    """Epsilon of all steps together, by Opacus' accountant of privacy random variables."""
    accountant = private_library("opacus.accountants").PRVAccountant()
    accountant.history = [(noise_multiplier, config.sampling_rate, config.steps)]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a looser accountant, which only finds its grid, warns of its own orders
        return float(accountant.get_epsilon(config.delta))


def noise_for(config: PrivateConfig) -> float:
    """The smallest noise multiplier, in thousandths, whose epsilon is within ``config.epsilon``."""
    library, epsilon = private_library("dp_accounting"), config.epsilon or 0.0
    found = library.calibrate_dp_mechanism(
        lambda: _accountant(_SEARCH_GRID * max(epsilon, 1.0)),
        lambda noise: _steps(noise, config),
        epsilon,
        config.delta,
        library.LowerEndpointAndGuess(_LEAST_NOISE, 1.0),
        tol=_NOISE_STEP,
    )
    noise = round(float(found) + _NOISE_STEP / 2, 3)
    while epsilon_of(noise, config) > epsilon:
        noise = round(noise + _NOISE_STEP, 3)
    return noise


def _accountant(grid: float) -> Any:
    library = private_library("dp_accounting")
    relation = library.NeighboringRelation.ADD_OR_REMOVE_ONE
    return private_library("dp_accounting.pld").PLDAccountant(relation, grid)


def _steps(noise_multiplier: float, config: PrivateConfig) -> Any:
    library = private_library("dp_accounting")
    step = library.PoissonSampledDpEvent(config.sampling_rate, library.GaussianDpEvent(noise_multiplier))
    return library.SelfComposedDpEvent(step, config.steps)
