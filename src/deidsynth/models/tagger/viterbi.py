"""Viterbi and forward-backward: the best valid tag sequence, and marginal probabilities among valid sequences.

Many texts are processed in parallel, the longest first, so that those that have a token at a position
are the first ones, and the rows of a position are contiguous. ``n_rows`` counts the tokens of all texts, by position.

Positions are processed in blocks, so that memory does not grow with them but for the model outputs and what is found:
the forward pass keeps the weights before each block, from which the backward pass computes the block again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from deidsynth.tagging import TagSet

Floats = NDArray[np.float64]
Scores = NDArray[np.floating[Any]]
Numbers = NDArray[np.int64]
Bools = NDArray[np.bool_]

UNWANTED = 1e6
"""Penalty of O for a flagged token: larger than all other scores together, but finite."""

BLOCK_NUMBERS = 1 << 20
"""Numbers in an array of a block: 8 MB each. What fits into one block is not computed twice."""


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
        log_probs: computed with in float64, whatever their type. Shape (n_tokens, n_tags).
        joined: tokens that continue a word. Shape (n_tokens,), or None for none.
        flagged: tokens that must be in an entity of the best sequence; marginals do not change. Shape (n_tokens,), or
            None for none.
    """

    log_probs: Scores
    joined: Bools | None = None
    flagged: Bools | None = None


def best_sequences(lattices: Sequence[Lattice], transitions: TagTransitions) -> list[tuple[Numbers, Floats]]:
    """The best valid sequence of each text (Viterbi), and the marginals of its tags (forward-backward).

    Args:
        lattices: the texts.
        transitions: their scores are added to the tokens' log-probabilities.

    Returns:
        For each text its tags, and the marginal probability of each of them among all valid sequences. Shape of both
        (n_tokens,).
    """
    lengths = [len(lattice.log_probs) for lattice in lattices]
    found = [(np.zeros(length, dtype=np.int64), np.zeros(length)) for length in lengths]
    for piece in decoded_pieces(lattices, transitions):
        tags, chances = found[piece.text]
        tags[piece.place] = piece.tags
        chances[piece.place] = piece.marginals[np.arange(len(piece.tags)), piece.tags]
    return found


class DecodedPiece(NamedTuple):
    """Neighboring tokens of one text, decoded.

    Args:
        text: its number among the lattices.
        place: of the tokens in the text.
        tags: of the best sequence. Shape (n_tokens,).
        marginals: probability of each tag at each token among all valid sequences; rows sum to one. Shape (n_tokens,
            n_tags).
    """

    text: int
    place: slice
    tags: Numbers
    marginals: Floats


def decoded_pieces(
    lattices: Sequence[Lattice], transitions: TagTransitions, block_numbers: int = BLOCK_NUMBERS
) -> Iterator[DecodedPiece]:
    """All tokens of all texts in pieces, those at the ends of the texts first.

    Args:
        lattices: the texts.
        transitions: as for ``best_sequences``.
        block_numbers: limits the numbers in an array, unless a position has more.
    """
    if not any(len(lattice.log_probs) for lattice in lattices):
        return
    texts, moves = _Texts.of(lattices), _Moves(transitions)
    blocks = texts.blocks(block_numbers)
    before: list[_Before | None] = [None]
    for block in blocks[:-1]:
        before.append(_passed(texts, block, moves, before[-1]).end())
    after: _After | None = None
    for block, start in zip(reversed(blocks), reversed(before), strict=True):
        tags, marginals, after = _returned(_passed(texts, block, moves, start), moves, after)
        for text, (place, rows) in texts.rows(block).items():
            yield DecodedPiece(text, place, tags[rows], marginals[rows])


@dataclass(frozen=True)
class _Texts:
    """A batch of texts.

    Args:
        lattices: in the order given.
        ranks: place of each text among all by length, the longest first. Shape (n_texts,).
        bounds: first row of each position, and the end. Shape (longest + 1,).
    """

    lattices: Sequence[Lattice]
    ranks: Numbers
    bounds: Numbers

    @classmethod
    def of(cls, lattices: Sequence[Lattice]) -> _Texts:
        """The batch of some lattices, at least one of which has a token."""
        lengths = np.array([len(lattice.log_probs) for lattice in lattices])
        ranks = np.argsort(np.argsort(-lengths, kind="stable"), kind="stable")
        going_on = len(lengths) - np.searchsorted(np.sort(lengths), np.arange(lengths.max()), side="right")
        return cls(lattices, ranks, np.concatenate([[0], np.cumsum(going_on)]))

    def blocks(self, most_numbers: int) -> list[tuple[int, int]]:
        """Ranges of positions whose rows have at most so many numbers; one position at least."""
        n_rows = max(1, most_numbers // self.lattices[0].log_probs.shape[1])
        found, first, end = [], 0, len(self.bounds) - 1
        while first < end:
            last = int(np.searchsorted(self.bounds, self.bounds[first] + n_rows, side="right")) - 1
            found.append((first, max(last, first + 1)))
            first = found[-1][1]
        return found

    def rows(self, block: tuple[int, int]) -> dict[int, tuple[slice, Numbers]]:
        """For each text with tokens in a block their place in the text, and their rows in the block."""
        first, last = block
        starts = self.bounds[first:last] - self.bounds[first]
        found = {}
        for number, (lattice, rank) in enumerate(zip(self.lattices, self.ranks.tolist(), strict=True)):
            end = min(last, len(lattice.log_probs))
            if end > first:
                found[number] = slice(first, end), starts[: end - first] + rank
        return found


class _Before(NamedTuple):
    """Weights at the position before a block: of the best path to each tag, and of all paths to it."""

    score: Floats
    forward: Floats


class _After(NamedTuple):
    """At the position after a block: best tags, tokens that continue a word, and weights of all paths from here on."""

    tags: Numbers
    joined: Bools
    ahead: Floats


@dataclass(frozen=True)
class _Block:
    """Some positions of a batch after the forward pass.

    Args:
        log_probs: Shape (n_rows, n_tags).
        joined: Shape (n_rows,).
        starts: first row of each position, and the end. Shape (n_positions + 1,).
        score: of the best path to each tag. Shape (n_rows, n_tags).
        forward: the log-weights of all paths to each tag. Shape (n_rows, n_tags).
    """

    log_probs: Floats
    joined: Bools
    starts: list[int]
    score: Floats
    forward: Floats

    def end(self) -> _Before:
        """The weights at the last position."""
        last = slice(self.starts[-2], self.starts[-1])
        return _Before(self.score[last].copy(), self.forward[last].copy())

    def steps(self) -> Iterator[tuple[slice, slice]]:
        """Each position after the first: its rows, and those of the same texts at the previous position."""
        for before, start, end in zip(self.starts, self.starts[1:], self.starts[2:], strict=False):
            yield slice(start, end), slice(before, before + end - start)

    def steps_back(self) -> Iterator[tuple[slice, slice]]:
        """The steps from the last to the first."""
        for number in range(len(self.starts) - 2, 0, -1):
            before, start, end = self.starts[number - 1 : number + 2]
            yield slice(start, end), slice(before, before + end - start)


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


class _Moves:
    """From a position to the next, and back.

    Args:
        transitions: of tags.
    """

    def __init__(self, transitions: TagTransitions) -> None:
        self.start, self.outside = transitions.start, transitions.outside
        self._best = _Predecessors.of(transitions.between), _Predecessors.of(transitions.inside)
        self._onward = np.exp(transitions.between), np.exp(transitions.inside)
        self._back = self._onward[0].T, self._onward[1].T
        self._into = np.ascontiguousarray(np.stack([transitions.between.T, transitions.inside.T]))

    def best(self, score: Floats, joined: Bools) -> Floats:
        """Weights of the best paths to each tag at the next position, without the tokens there.

        Args:
            score: of the best paths to here. Shape (n_texts, n_tags), also of the result.
            joined: the tokens at the next position that continue a word. Shape (n_texts,).
        """
        between, inside = self._best
        best = between.step(score)
        if joined.any():
            best[joined] = inside.step(score[joined])
        return best

    def onward(self, forward: Floats, joined: Bools) -> Floats:
        """Log-weights of all paths to each tag at the next position, without the tokens there; as ``best``."""
        return _summed(forward, self._onward, joined)

    def back(self, ahead: Floats, joined: Bools) -> Floats:
        """Log-weights of all paths from each tag at the previous position.

        Args:
            ahead: of all paths from here, with the tokens here. Shape (n_texts, n_tags), also of the result.
            joined: the tokens here that continue a word. Shape (n_texts,).
        """
        return _summed(ahead, self._back, joined)

    def before(self, score: Floats, tags: Numbers, joined: Bools) -> Numbers:
        """The best tags at the previous position, of shape (n_texts,).

        Args:
            score: of the best paths to there. Shape (n_texts, n_tags).
            tags: the best ones here. Shape (n_texts,).
            joined: the tokens here that continue a word. Shape (n_texts,).
        """
        found: Numbers = (score + self._into[joined.astype(np.int64), tags]).argmax(axis=1)
        return found


def _summed(log_weights: Floats, between_and_inside: tuple[Floats, Floats], joined: Bools) -> Floats:
    """The log of the summed weights of all paths one position further."""
    between, inside = between_and_inside
    top = log_weights.max(axis=1, keepdims=True)
    weights = np.exp(log_weights - top)
    total = weights @ between
    if joined.any():
        total[joined] = weights[joined] @ inside
    found: Floats = np.log(total) + top
    return found


def _passed(texts: _Texts, block: tuple[int, int], moves: _Moves, before: _Before | None) -> _Block:
    """A block after the forward pass.

    Args:
        texts: the batch.
        block: range of positions.
        moves: between positions.
        before: weights before the block; None at the beginning of the texts.
    """
    starts = (texts.bounds[block[0] : block[1] + 1] - texts.bounds[block[0]]).tolist()
    log_probs = np.empty((starts[-1], len(moves.start)))
    joined, flagged = np.zeros((2, starts[-1]), dtype=bool)
    for number, (place, rows) in texts.rows(block).items():
        lattice = texts.lattices[number]
        log_probs[rows] = lattice.log_probs[place]
        if lattice.joined is not None:
            joined[rows] = lattice.joined[place]
        if lattice.flagged is not None:
            flagged[rows] = lattice.flagged[place]
    found = _Block(log_probs, joined, starts, log_probs.copy(), log_probs.copy())
    score, forward, first = found.score, found.forward, slice(0, starts[1])
    score[flagged, moves.outside] -= UNWANTED
    with np.errstate(divide="ignore"):  # log(0) for unreachable tags
        if before is None:
            score[first] += moves.start
            forward[first] += moves.start
        else:
            score[first] += moves.best(before.score[first], joined[first])
            forward[first] += moves.onward(before.forward[first], joined[first])
        for here, there in found.steps():
            score[here] += moves.best(score[there], joined[here])
            forward[here] += moves.onward(forward[there], joined[here])
    return found


def _returned(block: _Block, moves: _Moves, after: _After | None) -> tuple[Numbers, Floats, _After]:
    """The best tags and the marginals of a block, and what the block before it needs.

    Args:
        block: after the forward pass, whose weights are overwritten.
        moves: between positions.
        after: the position after the block; None at the end of the texts.
    """
    tags = np.argmax(block.score, axis=1)
    backward = np.zeros(block.log_probs.shape)
    with np.errstate(divide="ignore"):
        if after is not None:
            there = slice(block.starts[-2], block.starts[-2] + len(after.tags))
            tags[there] = moves.before(block.score[there], after.tags, after.joined)
            backward[there] = moves.back(after.ahead, after.joined)
        for here, there in block.steps_back():
            joined = block.joined[here]
            tags[there] = moves.before(block.score[there], tags[here], joined)
            backward[there] = moves.back(backward[here] + block.log_probs[here], joined)
    first = slice(0, block.starts[1])
    leaving = _After(tags[first].copy(), block.joined[first].copy(), backward[first] + block.log_probs[first])
    marginals = block.forward
    marginals += backward
    marginals -= marginals.max(axis=1, keepdims=True)
    np.exp(marginals, out=marginals)
    marginals /= marginals.sum(axis=1, keepdims=True)
    return tags, marginals, leaving
