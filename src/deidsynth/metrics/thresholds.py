"""Thresholds that trade precision for recall: a token is flagged if its probability of being outside is low.

A tagger gives every token a probability of being outside all entities. Tokens whose outside probability is at most the
threshold are flagged, so a higher threshold flags more tokens: recall rises, precision mostly falls. The recall at a
threshold holds for the tokens it was chosen on; on other text it can be lower.

Related: Minkov et al. 2006 (NER systems that suit user's preferences) shift the weight of the outside label of a
trained tagger to the same end.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from deidsynth.errors import InputError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Threshold:
    """The result of flagging every token with an outside probability of at most ``threshold``.

    Args:
        threshold: in [0, 1].
        recall: share of the private tokens that are flagged.
        precision: share of the flagged tokens that are private.
    """

    threshold: float
    recall: float
    precision: float


def outside_threshold(
    outside_probability: NDArray[np.floating], is_private: NDArray[np.bool_], target_recall: float
) -> Threshold:
    """The lowest threshold, with the fewest flagged tokens, whose recall is at least the target.

    It is the outside probability of a private token. Nothing is rounded: flagging with ``<= threshold`` on the same
    probabilities gives exactly the returned recall and precision.

    >>> outside_threshold(np.array([0.1, 0.4, 0.4, 0.9]), np.array([True, True, False, True]), 0.6)
    Threshold(threshold=0.4, recall=0.6666666666666666, precision=0.6666666666666666)

    Args:
        outside_probability: shape (n_tokens,), in [0, 1], for tokens that the tagger was not trained on.
        is_private: shape (n_tokens,), whether a token is in a gold entity.
        target_recall: share of the private tokens to find, in (0, 1].

    Raises:
        InputError: the target is not in (0, 1], no token is private, or the arrays are not as described.
    """
    if not 0 < target_recall <= 1:
        raise InputError(f"the target recall must be above 0 and at most 1, got {target_recall}")
    probabilities, private = _checked(outside_probability, is_private)
    of_private = np.sort(probabilities[private])
    recalls = np.arange(1, len(of_private) + 1) / len(of_private)
    threshold = float(of_private[np.searchsorted(recalls, target_recall, side="left")])
    n_found = int(np.count_nonzero(of_private <= threshold))
    return Threshold(threshold, n_found / len(of_private), n_found / int(np.count_nonzero(probabilities <= threshold)))


def _checked(outside_probability: ArrayLike, is_private: ArrayLike) -> tuple[Floats, NDArray[np.bool_]]:
    probabilities = np.asarray(outside_probability, dtype=np.float64)
    if probabilities.ndim != 1:
        raise InputError(
            f"outside probabilities must have one dimension, got {probabilities.ndim}; put the tokens of all texts in "
            "one row"
        )
    # NaN is in no interval, so asking for what is inside catches it too.
    n_outside = int(np.count_nonzero(~((probabilities >= 0) & (probabilities <= 1))))
    if n_outside:
        raise InputError(
            f"outside probabilities must be in [0, 1]; {n_outside} of {len(probabilities)} are not; give probabilities"
        )
    private = np.asarray(is_private)
    if private.shape != probabilities.shape:
        raise InputError(
            f"expected one private flag for each of {len(probabilities)} outside probabilities, got an array of "
            f"shape {private.shape}"
        )
    if private.dtype != np.bool_:
        raise InputError(
            f"private flags must be booleans, got {private.dtype}; compare the labels with the outside one"
        )
    if not private.any():
        raise InputError("no token is private, so recall is undefined; give validation data with entities")
    return probabilities, private
