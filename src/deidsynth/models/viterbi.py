"""The best valid tag sequence of a text, and how sure the model is of each tag among valid sequences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Lattice:
    """The valid tag sequences of one text.

    Args:
        log_probs: Shape (n_tokens, n_tags).
        may_follow: which tag may stand after which. Shape (n_tags + 1, n_tags), the last row for the start.
        joined: tokens to which the narrower ``may_continue`` applies instead. Shape (n_tokens,), or None for none.
        may_continue: Shape (n_tags, n_tags), where ``joined`` is given.
    """

    log_probs: Floats
    may_follow: NDArray[np.bool_]
    joined: NDArray[np.bool_] | None = None
    may_continue: NDArray[np.bool_] | None = None

    def allowed(self, place: int) -> NDArray[np.bool_]:
        """Which tags may follow which at a place after the first. Shape (n_tags, n_tags)."""
        if self.joined is not None and self.may_continue is not None and self.joined[place]:
            return self.may_continue
        return self.may_follow[:-1]

    @property
    def first(self) -> Floats:
        """Log-scores of the tags at the first place. Shape (n_tags,)."""
        return np.where(self.may_follow[-1], self.log_probs[0], -np.inf)


def _log_sum(values: Floats, axis: int) -> Floats:
    top = np.max(values, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.squeeze(top, axis) + np.log(np.sum(np.exp(values - top), axis=axis))


def best_sequence(lattice: Lattice) -> NDArray[np.int64]:
    """The most probable valid sequence, the tokens' tags taken as independent but for validity (Viterbi).

    Returns:
        Shape (n_tokens,).
    """
    log_probs = lattice.log_probs
    n_tokens = len(log_probs)
    best = np.zeros(n_tokens, dtype=np.int64)
    if n_tokens == 0:
        return best
    back = np.zeros(log_probs.shape, dtype=np.int64)
    score = lattice.first
    for place in range(1, n_tokens):
        paths = np.where(lattice.allowed(place), score[:, None], -np.inf)
        back[place] = np.argmax(paths, axis=0)
        score = np.max(paths, axis=0) + log_probs[place]
    best[-1] = np.argmax(score)
    for place in range(n_tokens - 1, 0, -1):
        best[place - 1] = back[place, best[place]]
    return best


def marginals(lattice: Lattice) -> Floats:
    """The probability of each tag at each token among all valid sequences (forward-backward).

    Returns:
        Shape (n_tokens, n_tags); rows sum to one.
    """
    log_probs = lattice.log_probs
    n_tokens = len(log_probs)
    if n_tokens == 0:
        return np.zeros(log_probs.shape)
    forward = np.empty(log_probs.shape)
    backward = np.zeros(log_probs.shape)
    with np.errstate(divide="ignore"):
        forward[0] = lattice.first
        for place in range(1, n_tokens):
            top = np.max(forward[place - 1])
            reached = np.exp(forward[place - 1] - top) @ lattice.allowed(place).astype(np.float64)
            forward[place] = np.log(reached) + top + log_probs[place]
        for place in range(n_tokens - 2, -1, -1):
            ahead = backward[place + 1] + log_probs[place + 1]
            top = np.max(ahead)
            left = lattice.allowed(place + 1).astype(np.float64) @ np.exp(ahead - top)
            backward[place] = np.log(left) + top
    joint = forward + backward
    return np.exp(joint - _log_sum(joint, axis=1)[:, None])
