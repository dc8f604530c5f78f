"""The comparison of the gold and the synthetic model as plain tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deidsynth.report import formats

MEASURES = ("strict", "span", "merged", "token")
RATIOS = ("precision", "recall", "f1")
MODELS = ("gold", "synthetic")


class Table(NamedTuple):
    """A table of finished text: the first column names the row, the others hold numbers."""

    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def comparison_table(report: Mapping[str, Any]) -> Table:
    """Precision, recall and F1 of both models under every measure, and the difference in F1.

    Args:
        report: the content of ``report.json``; parts may be missing.
    """
    headers = ("measure", "gold P", "gold R", "gold F1", "synth. P", "synth. R", "synth. F1", "difference")
    rows = []
    for measure in MEASURES:
        counts = [part(report, "models", model, measure) for model in MODELS]
        if any(counts):
            shown = (formats.score(of.get(ratio)) for of in counts for ratio in RATIOS)
            rows.append((measure, *shown, _f1_gap(counts)))
    return Table(headers, tuple(rows))


def label_table(report: Mapping[str, Any]) -> Table:
    """Strict F1 of both models for every label, most frequent in gold first."""
    rows = [
        (row.label, formats.count(row.support), formats.score(row.gold.get("f1")),
         formats.score(row.synthetic.get("f1")), _f1_gap((row.gold, row.synthetic)))
        for row in label_rows(report)
    ]  # fmt: skip
    return Table(("label", "support", "gold F1", "synth. F1", "difference"), tuple(rows))


class LabelRow(NamedTuple):
    """Strict counts of one label under both models; ``support`` is how many gold holds."""

    label: str
    support: int
    gold: Mapping[str, Any]
    synthetic: Mapping[str, Any]


def label_rows(report: Mapping[str, Any]) -> list[LabelRow]:
    """The labels in either model's scores, most frequent in gold first."""
    of_gold, of_synthetic = (part(report, "models", model, "per_label") for model in MODELS)
    rows = []
    for label in {**of_gold, **of_synthetic}:
        gold, synthetic = of_gold.get(label) or {}, of_synthetic.get(label) or {}
        known = gold or synthetic
        rows.append(LabelRow(label, int(known.get("tp", 0)) + int(known.get("fn", 0)), gold, synthetic))
    return sorted(rows, key=lambda row: (-row.support, row.label))


def to_markdown(headers: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table in Markdown, the first column to the left and the others to the right.

    >>> print(to_markdown(["a", "b"], [["x", "1"]]))
    | a | b |
    |---|---:|
    | x | 1 |
    """
    lines = [headers, *rows]
    shown = ["| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines]
    return "\n".join([shown[0], "|---" + "|---:" * (len(headers) - 1) + "|", *shown[1:]])


def f1_gap(gold: Mapping[str, Any], synthetic: Mapping[str, Any]) -> float | None:
    """F1 of the synthetic model minus that of the gold model, None where one is undefined."""
    ours, theirs = formats.number(synthetic.get("f1")), formats.number(gold.get("f1"))
    return None if ours is None or theirs is None else ours - theirs


def _f1_gap(counts: Sequence[Mapping[str, Any]]) -> str:
    return formats.difference(f1_gap(counts[0], counts[1]))


def part(data: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The mapping at a path of keys, empty where it is missing."""
    current: Any = data
    for key in path:
        current = current.get(key) if isinstance(current, Mapping) else None
    return current if isinstance(current, Mapping) else {}
