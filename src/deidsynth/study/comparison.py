"""Comparison of cells: means and spread over folds and seeds, and paired intervals of differences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from deidsynth.config.study import AXES
from deidsynth.errors import InputError
from deidsynth.metrics import bootstrap, paired_bootstrap, variance_split
from deidsynth.metrics.resampling import Floats
from deidsynth.study.reported import reported_measure, reported_row, reported_table

REPEATED = ("fold", "seed")
COMPARED = tuple(axis for axis in AXES if axis not in REPEATED)
MODELS = ("gold", "synthetic")
RESAMPLES = 2_000
Record = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Spread:
    """F1 of one arm over folds and seeds, as a share.

    Args:
        mean: over cells; None if every F1 is 0/0.
        sd: standard deviation over cells; None with fewer than two.
        interval: 95 % over groups of test documents, counts averaged over seeds; None if undefined.
        n: cells with a score.
    """

    mean: float | None
    sd: float | None
    interval: tuple[float, float] | None
    n: int


@dataclass(frozen=True, slots=True)
class Gap:
    """A difference of F1 on the same test documents, with its 95 % interval if defined."""

    point: float
    interval: tuple[float, float] | None


@dataclass(frozen=True, slots=True)
class Arm:
    """All cells that only differ in fold and seed.

    Args:
        axes: their common values.
        cells: names.
        documents: mean number of documents by purpose.
        scores: by measure and model.
        difference: synthetic - gold, by measure.
        from_reference: synthetic - synthetic of the reference arm, by measure; None for that arm itself.
        overlap: mean 5-gram recall of training text and of test text in the synthetic text.
        reported: published F1 by model, for the same experiment.
    """

    axes: dict[str, Any]
    cells: tuple[str, ...]
    documents: dict[str, float]
    scores: dict[str, dict[str, Spread]]
    difference: dict[str, Gap | None]
    from_reference: dict[str, Gap | None]
    overlap: dict[str, float | None]
    reported: dict[str, float] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The comparison of a study.

    Args:
        study: its name.
        about: description from its file.
        budget: ``epochs`` or ``steps``, whichever is equal in all arms.
        folds: number of folds; None for the corpus's own splits.
        language: of the corpus.
        origin: of the corpus.
        varied: axes along which the arms differ.
        reference: index of the reference arm, the last one.
        arms: in order of the axes.
        reported_label: name of the published figures; None without any.
        reported_note: remark on them.
        versions: of the packages, from the first cell.
    """

    study: str
    about: str | None
    budget: str
    folds: int | None
    language: str | None
    origin: str
    varied: tuple[str, ...]
    reference: int
    arms: tuple[Arm, ...]
    reported_label: str | None
    reported_note: str | None
    versions: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)


def compare_studies(records: Sequence[Record], measures: Sequence[str] = ("token", "strict")) -> list[Comparison]:
    """The comparisons of the studies in some cell files, by name.

    Raises:
        InputError: cells of one study have different budgets.
    """
    studies: dict[str, list[Record]] = {}
    for record in records:
        studies.setdefault(record["study"], []).append(record)
    return [_compare(name, studies[name], measures) for name in sorted(studies)]


def _compare(name: str, records: Sequence[Record], measures: Sequence[str]) -> Comparison:
    budgets = sorted({record["budget"] for record in records})
    if len(budgets) > 1:
        raise InputError(f"{name}: cells have different budgets (epochs and steps); give the studies different names")
    groups: dict[tuple[Any, ...], list[Record]] = {}
    for record in records:
        groups.setdefault(tuple(record["axes"][axis] for axis in COMPARED), []).append(record)
    keys = sorted(groups, key=lambda key: tuple((value is None, isinstance(value, str), value) for value in key))
    first = records[0]
    table = reported_table(first.get("reported"))
    reference = groups[keys[-1]]
    arms = tuple(_arm(dict(zip(COMPARED, key, strict=True)), groups[key], reference, measures, table) for key in keys)
    return Comparison(
        study=name,
        about=first.get("about"),
        budget=budgets[0],
        folds=first.get("folds"),
        language=first.get("language"),
        origin=first.get("origin", "real"),
        varied=tuple(axis for place, axis in enumerate(COMPARED) if len({key[place] for key in keys}) > 1),
        reference=len(keys) - 1,
        arms=arms,
        reported_label=None if table is None else table["label"],
        reported_note=None if table is None else table["note"],
        versions=dict(first.get("versions", {})),
    )


def _arm(
    axes: dict[str, Any],
    records: Sequence[Record],
    reference: Sequence[Record],
    measures: Sequence[str],
    table: Mapping[str, Any] | None,
) -> Arm:
    purposes = dict.fromkeys(purpose for record in records for purpose in record["documents"])
    return Arm(
        axes=axes,
        cells=tuple(record["cell"] for record in records),
        documents={
            purpose: float(np.mean([record["documents"][purpose] or 0 for record in records])) for purpose in purposes
        },
        scores={measure: {model: _spread(records, measure, model) for model in MODELS} for measure in measures},
        difference={measure: _gap(records, "gold", records, "synthetic", measure) for measure in measures},
        from_reference={
            measure: None if records is reference else _gap(reference, "synthetic", records, "synthetic", measure)
            for measure in measures
        },
        overlap={which: _mean_recall(records, which) for which in ("train", "held_out")},
        reported=reported_row(table, axes) if table is not None and reported_measure() in measures else None,
    )


def _spread(records: Sequence[Record], measure: str, model: str) -> Spread:
    scores = {
        (record["axes"]["fold"], record["axes"]["seed"]): float(f1)
        for record in records
        if (f1 := record["models"][model][measure]["f1"]) is not None
    }
    split = variance_split(scores)
    rows = np.vstack(list(pooled(records, measure, model).values()))
    interval = bootstrap(rows, n_resamples=RESAMPLES)["f1"]
    return Spread(split.mean, split.sd, None if interval is None else (interval.low, interval.high), len(scores))


def pooled(records: Sequence[Record], measure: str, model: str) -> dict[str, Floats]:
    """tp, fp and fn of every group of test documents, averaged over the seeds, by test set; shape (n_groups, 3)."""
    tables: dict[str, list[Floats]] = {}
    for record in records:
        rows = np.asarray(record["statistics"][measure][model], dtype=np.float64).reshape(-1, 3)
        tables.setdefault(record["test"], []).append(rows)
    return {test: np.mean(np.stack(rows), axis=0) for test, rows in tables.items()}


def _gap(
    first: Sequence[Record], first_model: str, second: Sequence[Record], second_model: str, measure: str
) -> Gap | None:
    """Second - first, over the test sets that both were evaluated on."""
    left, right = pooled(first, measure, first_model), pooled(second, measure, second_model)
    common = [test for test in left if test in right]
    if not common:
        return None
    rows = [np.vstack([side[test] for test in common]) for side in (left, right)]
    found = paired_bootstrap(rows[0], rows[1], n_resamples=RESAMPLES)["f1"]
    if found is None:
        return None
    interval = None if found.interval is None else (found.interval.low, found.interval.high)
    return Gap(found.point, interval)


def _mean_recall(records: Sequence[Record], which: str) -> float | None:
    known = [record["memorization"].get(which, {}).get("recall") for record in records if record.get("memorization")]
    values = [float(value) for value in known if value is not None]
    return float(np.mean(values)) if values else None
