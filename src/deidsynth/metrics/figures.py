"""Figures computed from sums over documents, all resampled together.

A `Block` has numbers for each document and computes figures from their sums. All blocks of one or two systems are
resampled with the same draws of documents, by group, so that ten thousand documents take seconds regardless of the
number of figures. A figure is named by its path in ``evaluate --json``, such as ``("exposure", "characters_found")``.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from deidsynth.metrics.comparison import (
    Difference,
    NonInferiority,
    check_margin,
    difference_of,
    drop_below,
    exchanged,
    share_as_large,
)
from deidsynth.metrics.entities import Scores
from deidsynth.metrics.resampling import (
    RATIOS,
    Floats,
    Interval,
    check_options,
    divide,
    generator,
    interval_of,
    ratios,
    resample,
    sum_groups,
)

FigurePath = tuple[str, ...]
LOWER_IS_BETTER: frozenset[FigurePath] = frozenset({("leak",), ("exposure", "characters_overredacted")})


@dataclass(frozen=True, slots=True)
class Block:
    """Numbers of each document, and the figures computed from their sums.

    Args:
        rows: shape (n_documents, n_columns).
        figures: from sums of shape (..., n_columns) to figures of shape (...), by path; NaN if undefined.
    """

    rows: Floats
    figures: Callable[[Floats], dict[FigurePath, Floats]]


@dataclass(frozen=True, slots=True)
class Compared:
    """One figure of two systems.

    Args:
        reference: value of the reference; None if undefined.
        candidate: value of the candidate; None if undefined.
        difference: candidate - reference; None if either is undefined.
        randomization_p: two-sided p-value; None if the difference is undefined.
        non_inferiority: None if no margin was given or if lower is better.
    """

    reference: float | None
    candidate: float | None
    difference: Difference | None
    randomization_p: float | None
    non_inferiority: NonInferiority | None

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON; the verdict only where there is one."""
        return {
            "reference": self.reference,
            "candidate": self.candidate,
            "difference": None if self.difference is None else self.difference.to_dict(),
            "randomization_p": self.randomization_p,
            **({} if self.non_inferiority is None else {"non_inferiority": self.non_inferiority.to_dict()}),
        }


def measure_blocks(scores: Scores) -> list[Block]:
    """Precision, recall and F1 of every measure."""
    return [_counts((measure,), rows) for measure, rows in scores.by_document.items()]


def share_blocks(scores: Scores, *, leak: bool = True) -> list[Block]:
    """The shares that would be hidden, and optionally the leak if it is known."""
    return [
        _share((name,) if name == "leak" else ("exposure", name), rows)
        for name, rows in scores.shares_by_document.items()
        if leak or name != "leak"
    ]


def label_block(scores: Scores, labels: Sequence[str] | None = None, *, each: bool = False) -> Block:
    """Macro averages, and optionally precision, recall and F1 of each label.

    A label that occurs neither in gold nor in predicted of a resample keeps its figures over all documents: otherwise
    the average would rise whenever a rare label with low scores is not drawn.

    Args:
        scores: of one system.
        labels: all possible labels, to give two systems the same columns; by default those of the scores.
        each: whether to include the figures of each label.
    """
    own = list(scores.per_label)
    names = own if labels is None else list(labels)
    columns = np.zeros((len(scores.labels_by_document), len(names), 3))
    columns[:, [names.index(label) for label in own]] = scores.labels_by_document

    over_all = {name: np.nan_to_num(values) for name, values in ratios(columns.sum(axis=0)).items()}
    known = columns.sum(axis=(0, 2)) > 0

    def figures(sums: Floats) -> dict[FigurePath, Floats]:
        counts = sums.reshape(*sums.shape[:-1], len(names), 3)
        there = counts.sum(axis=-1) > 0
        n_labels = (there | known).sum(axis=-1).astype(np.float64)
        found: dict[FigurePath, Floats] = {}
        for name, values in ratios(counts).items():
            filled = np.where(there, np.nan_to_num(values), over_all[name])
            found["macro", name] = divide(filled.sum(axis=-1), n_labels)
            if each:
                found |= {("per_label", label, name): values[..., place] for place, label in enumerate(names)}
        return found

    return Block(columns.reshape(len(columns), -1), figures)


def intervals(
    blocks: Sequence[Block],
    groups: Sequence[Hashable] | None,
    *,
    n_resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 1,
) -> dict[FigurePath, Interval | None]:
    """Percentile intervals of all figures, as defined by `deidsynth.metrics.resampling.bootstrap`.

    Raises:
        InputError: the number of groups is not that of the documents, or an option is out of bounds.
    """
    check_options(level, n_resamples)
    rows = sum_groups(_columns(blocks), groups)
    drawn = figures_of(blocks, resample(rows, n_resamples, generator(seed)))
    points = figures_of(blocks, rows.sum(axis=0))
    return {path: interval_of(drawn[path], float(points[path]), len(rows), level) for path in points}


def comparisons(
    reference: Sequence[Block],
    candidate: Sequence[Block],
    groups: Sequence[Hashable] | None,
    *,
    margin: float | None = None,
    n_resamples: int = 10_000,
    level: float = 0.95,
    seed: int = 1,
) -> dict[FigurePath, Compared]:
    """Comparison of all figures of two systems, as defined for F1 by `deidsynth.metrics.comparison`.

    Args:
        reference: blocks of the reference system.
        candidate: the same blocks of the candidate, for the same documents in the same order.
        groups: the group of each document; by default every document is its own group.
        margin: non-inferiority margin if higher is better; None skips the test.
        n_resamples: number of resamples, and of permutations.
        level: of the intervals and of the one-sided bound.
        seed: of the draws.

    Raises:
        InputError: a margin outside (0, 1), or as for `intervals`.
    """
    check_options(level, n_resamples)
    if margin is not None:
        check_margin(margin)
    rows = sum_groups(np.hstack([_columns(reference), _columns(candidate)]), groups)
    half = rows.shape[1] // 2

    def both(sums: Floats) -> tuple[dict[FigurePath, Floats], dict[FigurePath, Floats]]:
        return figures_of(reference, sums[..., :half]), figures_of(candidate, sums[..., half:])

    first, second = both(rows.sum(axis=0))
    drawn = both(resample(rows, n_resamples, generator(seed)))
    permuted = both(exchanged(rows, n_resamples, generator(seed)))
    found: dict[FigurePath, Compared] = {}
    for path in first:
        point = float(second[path] - first[path])
        gaps = drawn[1][path] - drawn[0][path]
        judged = margin is not None and path not in LOWER_IS_BETTER
        found[path] = Compared(
            _known(first[path]),
            _known(second[path]),
            difference_of(gaps, point, len(rows), level),
            share_as_large(permuted[1][path] - permuted[0][path], point),
            drop_below(-gaps, -point, len(rows), margin, level) if judged and margin is not None else None,
        )
    return found


def figures_of(blocks: Sequence[Block], sums: Floats) -> dict[FigurePath, Floats]:
    """All figures, of shape (...), from sums of shape (..., n_columns) over the concatenated columns of the blocks."""
    found: dict[FigurePath, Floats] = {}
    for block, start, end in _places(blocks):
        found |= block.figures(sums[..., start:end])
    return found


def nested(figures: Mapping[FigurePath, Any]) -> dict[str, Any]:
    """Values by path as nested dictionaries, in their order: plain JSON if the values are.

    >>> nested({("macro", "f1"): 0.5, ("leak",): 0.1})
    {'macro': {'f1': 0.5}, 'leak': 0.1}
    """
    found: dict[str, Any] = {}
    for path, value in figures.items():
        place = found
        for name in path[:-1]:
            place = place.setdefault(name, {})
        place[path[-1]] = value
    return found


def _places(blocks: Sequence[Block]) -> Iterator[tuple[Block, int, int]]:
    start = 0
    for block in blocks:
        end = start + block.rows.shape[1]
        yield block, start, end
        start = end


def _columns(blocks: Sequence[Block]) -> Floats:
    return np.hstack([block.rows for block in blocks])


def _counts(path: FigurePath, rows: Floats) -> Block:
    return Block(rows, lambda sums: {(*path, name): ratios(sums)[name] for name in RATIOS})


def _share(path: FigurePath, rows: Floats) -> Block:
    return Block(rows, lambda sums: {path: divide(sums[..., 0], sums[..., 1])})


def _known(value: Floats) -> float | None:
    return None if np.isnan(value) else float(value)
