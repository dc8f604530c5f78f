"""Epsilon by two accountants, and the noise for a target."""

from __future__ import annotations

import math

import pytest

from deidsynth.config import PrivateConfig
from deidsynth.errors import MissingExtraError
from deidsynth.models.private import extra
from deidsynth.models.private.accounting import budget_of, epsilon_by_opacus, epsilon_of


def test_two_accountants_agree() -> None:
    config = PrivateConfig(noise_multiplier=1.0, sampling_rate=0.1, steps=200)
    found = budget_of(config)
    assert found.epsilon == pytest.approx(9.971, abs=0.002)
    assert found.epsilon_opacus == pytest.approx(found.epsilon, abs=0.02)
    assert (found.delta, found.noise_multiplier) == (1e-5, 1.0)


@pytest.mark.parametrize(("epsilon", "rate", "steps"), [(8.0, 0.1, 200), (1.0, 0.02, 100)])
def test_noise_is_the_least_for_a_target(epsilon: float, rate: float, steps: int) -> None:
    config = PrivateConfig(epsilon=epsilon, sampling_rate=rate, steps=steps)
    found = budget_of(config)
    assert found.epsilon <= epsilon < epsilon_of(found.noise_multiplier - 0.005, config)
    assert found.epsilon_opacus == pytest.approx(found.epsilon, abs=0.02)


def test_one_step_without_sampling_is_the_gaussian_mechanism() -> None:
    """Balle and Wang 2018: delta = F(1/2s - es) - exp(e) F(-1/2s - es)."""
    noise, config = 2.0, PrivateConfig(noise_multiplier=2.0, sampling_rate=1 - 1e-9, steps=1)
    epsilon = epsilon_of(noise, config)

    def normal(x: float) -> float:
        return (1 + math.erf(x / math.sqrt(2))) / 2

    delta = normal(0.5 / noise - epsilon * noise) - math.exp(epsilon) * normal(-0.5 / noise - epsilon * noise)
    assert delta == pytest.approx(1e-5, rel=0.02)


def test_without_the_extra_the_line_that_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(extra.importlib, "import_module", missing)
    with pytest.raises(MissingExtraError, match=r"adapt\.private needs .* pip install 'deidsynth\[dp\]'"):
        extra.check_extra()
    with pytest.raises(MissingExtraError):
        epsilon_by_opacus(1.0, PrivateConfig(noise_multiplier=1.0))
