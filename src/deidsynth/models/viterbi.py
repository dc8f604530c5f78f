"""The best valid tag sequence of a text, and how sure the model is of each tag among valid sequences."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def _log_sum(values: Floats, axis: int) -> Floats:
    top = np.max(values, axis=axis, keepdims=True)
    top = np.where(np.isfinite(top), top, 0.0)
    with np.errstate(divide="ignore"):
        return np.squeeze(top, axis) + np.log(np.sum(np.exp(values - top), axis=axis))


def _log_allowed(may_follow: NDArray[np.bool_]) -> Floats:
    return np.where(may_follow, 0.0, -np.inf)


def best_sequence(log_probs: Floats, may_follow: NDArray[np.bool_]) -> NDArray[np.int64]:
    """The most probable valid sequence, the tokens' tags taken as independent but for validity (Viterbi).

    Args:
        log_probs: Shape (n_tokens, n_tags).
        may_follow: Shape (n_tags + 1, n_tags), the last row for the start of the text.

    Returns:
        Shape (n_tokens,).
    """
    n_tokens = len(log_probs)
    best = np.zeros(n_tokens, dtype=np.int64)
    if n_tokens == 0:
        return best
    allowed = _log_allowed(may_follow)
    back = np.zeros(log_probs.shape, dtype=np.int64)
    score = log_probs[0] + allowed[-1]
    for place in range(1, n_tokens):
        paths = score[:, None] + allowed[:-1]
        back[place] = np.argmax(paths, axis=0)
        score = np.max(paths, axis=0) + log_probs[place]
    best[-1] = np.argmax(score)
    for place in range(n_tokens - 1, 0, -1):
        best[place - 1] = back[place, best[place]]
    return best


def marginals(log_probs: Floats, may_follow: NDArray[np.bool_]) -> Floats:
    """The probability of each tag at each token among all valid sequences (forward-backward).

    Args:
        log_probs: Shape (n_tokens, n_tags).
        may_follow: Shape (n_tags + 1, n_tags), the last row for the start of the text.

    Returns:
        Shape (n_tokens, n_tags); rows sum to one.
    """
    n_tokens = len(log_probs)
    if n_tokens == 0:
        return np.zeros(log_probs.shape)
    allowed = may_follow[:-1].astype(np.float64)
    forward = np.empty(log_probs.shape)
    backward = np.zeros(log_probs.shape)
    with np.errstate(divide="ignore"):
        forward[0] = log_probs[0] + _log_allowed(may_follow)[-1]
        for place in range(1, n_tokens):
            top = np.max(forward[place - 1])
            forward[place] = np.log(np.exp(forward[place - 1] - top) @ allowed) + top + log_probs[place]
        for place in range(n_tokens - 2, -1, -1):
            ahead = backward[place + 1] + log_probs[place + 1]
            top = np.max(ahead)
            backward[place] = np.log(allowed @ np.exp(ahead - top)) + top
    joint = forward + backward
    return np.exp(joint - _log_sum(joint, axis=1)[:, None])
