"""Viterbi and forward-backward: the best valid tag sequence, and marginal probabilities among valid sequences.

Many texts are processed in parallel, the longest first, so that those that have a token at a position
are the first ones, and the rows of a position are contiguous. ``n_rows`` counts the tokens of all texts, by position.
"""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from deidsynth.tagging import TagSet

Floats = NDArray[np.float64]
Numbers = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNWANTED = 1e6
"""Penalty of O for a flagged token: larger than all other scores together, but finite."""


@dataclass(frozen=True)
class TagTransitions:
    """Scores of tag transitions; -inf for invalid ones.

    Args:
        start: from the beginning of a text. Shape (n_tags,).
        between: ``[i, j]`` from tag i to tag j. Shape (n_tags, n_tags).
        inside: the same for a token that continues a word. Shape (n_tags, n_tags).
        outside: the tag O.
    """

    start: Floats
    between: Floats
    inside: Floats
    outside: int

    @classmethod
    def of(cls, tag_set: TagSet, log_weights: Floats | None = None) -> TagTransitions:
        """Valid transitions, with optional log-weights of shape (n_tags, n_tags)."""
        added = np.zeros((len(tag_set), len(tag_set))) if log_weights is None else log_weights
        may_follow = tag_set.may_follow()
        return cls(
            start=np.where(may_follow[-1], 0.0, -np.inf),
            between=np.where(may_follow[:-1], added, -np.inf),
            inside=np.where(tag_set.may_continue(), added, -np.inf),
            outside=tag_set.outside,
        )


@dataclass(frozen=True)
class Lattice:
    """Model outputs for the tokens of one text.

    Args:
        log_probs: Shape (n_tokens, n_tags).
        joined: tokens that continue a word. Shape (n_tokens,), or None for none.
        flagged: tokens that must be in an entity of the best sequence; marginals do not change. Shape (n_tokens,), or
            None for none.
    """

    log_probs: Floats
    joined: Bools | None = None
    flagged: Bools | None = None


def best_sequences(lattices: Sequence[Lattice], transitions: TagTransitions) -> list[tuple[Numbers, Floats]]:
    """The best valid sequence of each text (Viterbi), and the marginals of its tags (forward-backward).

    Args:
        lattices: the texts.
        transitions: their scores are added to the tokens' log-probabilities.

    Returns:
        For each text its tags, shape (n_tokens,), and the marginal probability of each tag at each token among all
        valid sequences, shape (n_tokens, n_tags); rows sum to one.
    """
    n_tags = len(transitions.start)
    if not any(len(lattice.log_probs) for lattice in lattices):
        return [(np.zeros(0, dtype=np.int64), np.zeros((0, n_tags))) for _ in lattices]
    texts = _Texts.of(lattices)
    tags = _best(texts, transitions)
    with np.errstate(divide="ignore"):  # log(0) for unreachable tags
        joint = _forward(texts, transitions) + _backward(texts, transitions)
    marginals = np.exp(joint - joint.max(axis=1, keepdims=True))
    marginals /= marginals.sum(axis=1, keepdims=True)
    return [(tags[rows], marginals[rows]) for rows in texts.rows]


@dataclass(frozen=True)
class _Texts:
    """A batch of texts.

    Args:
        log_probs: Shape (n_rows, n_tags).
        joined: Shape (n_rows,).
        flagged: Shape (n_rows,).
        bounds: first row of each position, and the end. Shape (longest + 1,).
        rows: rows of each text, in the order given.
    """

    log_probs: Floats
    joined: Bools
    flagged: Bools
    bounds: Numbers
    rows: Sequence[Numbers]

    @classmethod
    def of(cls, lattices: Sequence[Lattice]) -> _Texts:
        """The batch of some lattices, at least one of which has a token."""
        lengths = np.array([len(lattice.log_probs) for lattice in lattices])
        ranks = np.argsort(np.argsort(-lengths, kind="stable"), kind="stable")
        going_on = (lengths[:, None] > np.arange(lengths.max())).sum(axis=0)
        bounds = np.concatenate([[0], np.cumsum(going_on)])
        rows = [bounds[:length] + rank for length, rank in zip(lengths, ranks, strict=True)]
        log_probs = np.empty((bounds[-1], lattices[0].log_probs.shape[1]))
        joined, flagged = np.zeros((2, bounds[-1]), dtype=bool)
        for lattice, places in zip(lattices, rows, strict=True):
            log_probs[places] = lattice.log_probs
            if lattice.joined is not None:
                joined[places] = lattice.joined
            if lattice.flagged is not None:
                flagged[places] = lattice.flagged
        return cls(log_probs, joined, flagged, bounds, rows)

    @functools.cached_property
    def steps(self) -> list[tuple[slice, slice]]:
        """Each position after the first: its rows, and those of the same texts at the previous position."""
        starts, ends = self.bounds[:-1].tolist(), self.bounds[1:].tolist()
        return [
            (slice(start, end), slice(before, before + end - start))
            for before, start, end in zip(starts, starts[1:], ends[1:], strict=False)
        ]


@dataclass(frozen=True)
class _Predecessors:
    """Predecessors of each tag, with transition scores; tags with the same predecessors form a group.

    An inside tag has two predecessors, so most pairs of tags can be skipped.

    Args:
        group: of each tag. Shape (n_tags,).
        few: the two best predecessors of groups with at most two, some of which add -inf. Shape (n_few, 2).
        few_added: shape as that of ``few``.
        many_added: of the groups after these, from all tags. Shape (n_many, n_tags).
    """

    group: Numbers
    few: Numbers
    few_added: Floats
    many_added: Floats

    @classmethod
    def of(cls, added: Floats) -> _Predecessors:
        """From the scores of tag j after tag i, ``[i, j]``; shape (n_tags, n_tags)."""
        unlike, group = np.unique(added.T, axis=0, return_inverse=True)
        is_many = np.isfinite(unlike).sum(axis=1) > 2
        place = np.where(is_many, np.cumsum(is_many) - 1 + (~is_many).sum(), np.cumsum(~is_many) - 1)
        few = np.argsort(-unlike[~is_many], axis=1, kind="stable")[:, :2][
            :, [0, -1]
        ]  # a single predecessor is repeated
        return cls(place[group.ravel()], few, np.take_along_axis(unlike[~is_many], few, axis=1), unlike[is_many])

    def step(self, score: Floats) -> Floats:
        """The best score of each text and tag at the next position.

        Args:
            score: Shape (n_texts, n_tags), also of the result.
        """
        few = score[:, self.few] + self.few_added
        many = score[:, None, :] + self.many_added
        best: Floats = np.concatenate([np.maximum(few[:, :, 0], few[:, :, 1]), many.max(axis=2)], axis=1)
        return best[:, self.group]


def _best(texts: _Texts, transitions: TagTransitions) -> Numbers:
    """The tags of the best sequences. Shape (n_rows,)."""
    between, inside = _Predecessors.of(transitions.between), _Predecessors.of(transitions.inside)
    score = texts.log_probs.copy()
    score[texts.flagged, transitions.outside] -= UNWANTED
    score[: texts.bounds[1]] += transitions.start
    for here, before in texts.steps:
        best = between.step(score[before])
        joined = texts.joined[here]
        if joined.any():
            best[joined] = inside.step(score[before][joined])
        score[here] += best
    # Predecessors are only computed for the best sequences.
    tags = np.argmax(score, axis=1)
    into = np.ascontiguousarray(np.stack([transitions.between.T, transitions.inside.T]))
    joined = texts.joined.astype(np.int64)
    for here, before in reversed(texts.steps):
        tags[before] = (score[before] + into[joined[here], tags[here]]).argmax(axis=1)
    return tags


def _forward(texts: _Texts, transitions: TagTransitions) -> Floats:
    """The log-weights of all paths to each tag. Shape (n_rows, n_tags)."""
    between, inside = np.exp(transitions.between), np.exp(transitions.inside)
    forward = texts.log_probs.copy()
    forward[: texts.bounds[1]] += transitions.start
    for here, before in texts.steps:
        top = forward[before].max(axis=1, keepdims=True)
        forward[here] += np.log(_reached(np.exp(forward[before] - top), between, inside, texts.joined[here])) + top
    return forward


def _backward(texts: _Texts, transitions: TagTransitions) -> Floats:
    """The log-weights of all paths from each tag. Shape (n_rows, n_tags)."""
    between, inside = np.exp(transitions.between).T, np.exp(transitions.inside).T
    backward = np.zeros(texts.log_probs.shape)
    for here, before in reversed(texts.steps):
        ahead = backward[here] + texts.log_probs[here]
        top = ahead.max(axis=1, keepdims=True)
        backward[before] = np.log(_reached(np.exp(ahead - top), between, inside, texts.joined[here])) + top
    return backward


def _reached(weights: Floats, between: Floats, inside: Floats, joined: Bools) -> Floats:
    """The weights at the next position. Shape (n_texts, n_tags), as that of ``weights``."""
    total: Floats = weights @ between
    if joined.any():
        total[joined] = weights[joined] @ inside
    return total
