"""Comparison of gold and synthetic model: a plain table, and rows by label."""

from __future__ import annotations

from typing import NamedTuple

from deidsynth.metrics.counts import Counts
from deidsynth.report import formats
from deidsynth.report.content import Models, RunReport
from deidsynth.report.tables import Table

MEASURES = ("strict", "span", "merged", "token")


def comparison_table(report: RunReport) -> Table:
    """Precision, recall and F1 of both models by measure, and the difference in F1."""
    headers = ("measure", "gold P", "gold R", "gold F1", "synth. P", "synth. R", "synth. F1", "difference")
    rows = []
    for measure in MEASURES:
        gold, synthetic = report.models.gold.measures[measure], report.models.synthetic.measures[measure]
        shown = (formats.score(value) for of in (gold, synthetic) for value in (of.precision, of.recall, of.f1))
        rows.append((measure, *shown, formats.difference(f1_gap(gold, synthetic))))
    return Table("Models trained on gold and on synthetic notes", headers, tuple(rows))


class LabelRow(NamedTuple):
    """Strict counts of one label for both models; ``support`` is the number of gold entities."""

    label: str
    support: float
    gold: Counts
    synthetic: Counts


def label_rows(models: Models) -> list[LabelRow]:
    """The labels in either model's scores, most frequent in gold first."""
    of_gold, of_synthetic = models.gold.per_label, models.synthetic.per_label
    rows = []
    for label in {**of_gold, **of_synthetic}:
        gold, synthetic = of_gold.get(label, Counts()), of_synthetic.get(label, Counts())
        rows.append(LabelRow(label, gold.support, gold, synthetic))
    return sorted(rows, key=lambda row: (-row.support, row.label))


def f1_gap(gold: Counts, synthetic: Counts) -> float | None:
    """F1 of the synthetic model minus that of the gold model; None if either is undefined."""
    return None if gold.f1 is None or synthetic.f1 is None else synthetic.f1 - gold.f1
