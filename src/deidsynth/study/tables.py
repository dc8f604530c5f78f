"""The tables of a study, as in the paper: formatted text, and CSV without rounding."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from typing import Any

from deidsynth.report import formats
from deidsynth.report.tables import Table, latex, markdown
from deidsynth.study.advisor import Advice, verdict
from deidsynth.study.comparison import MODELS, Arm, Comparison, Gap, Spread
from deidsynth.study.noise import NoiseEstimate
from deidsynth.study.noise_tables import NOISE_READING, noise_tables, refusal
from deidsynth.study.reported import reported_measure

BUDGETS = {"epochs": "equal epochs in all arms", "steps": "equal optimizer steps in all arms"}
AXIS_NAMES = {
    "adaptation_fraction": "adaptation",
    "annotator_fraction": "annotator",
    "synthetic_volume": "volume",
    "base_model": "language model",
    "encoder": "encoder",
    "arm": "arm",
}


def study_tables(comparison: Comparison, measures: Sequence[str] = ("token", "strict")) -> list[Table]:
    """One table for each measure."""
    return [_table(comparison, measure) for measure in measures]


def _table(comparison: Comparison, measure: str) -> Table:
    shown = _shown_axes(comparison)
    published = comparison.reported_label is not None and measure == reported_measure()
    published = published and any(arm.reported for arm in comparison.arms)
    headers = list(shown.values())
    headers += ["cells", "gold F1", "synthetic F1", "synthetic - gold"]
    if len(comparison.arms) > 1:
        headers.append("from the last row")
    if published:
        headers += ["gold, reported", "synthetic, reported"]
    rows = []
    for arm in comparison.arms:
        row = [axis_value(axis, arm) for axis in shown]
        row += [str(len(arm.cells)), *(_spread(arm.scores[measure][model]) for model in MODELS)]
        row.append(_gap(arm.difference[measure]))
        if len(comparison.arms) > 1:
            row.append(_gap(arm.from_reference[measure]))
        if published:
            row += [formats.score((arm.reported or {}).get(model)) for model in MODELS]
        rows.append(tuple(row))
    repeated = f"{comparison.folds}-fold cross-validation" if comparison.folds else "the corpus's own splits"
    title = f"{comparison.study}: {measure} F1; {repeated}, {BUDGETS[comparison.budget]}"
    if published:
        title += f"; last columns: {comparison.reported_label}"
    return Table(title, tuple(headers), tuple(rows))


def _shown_axes(comparison: Comparison) -> dict[str, str]:
    """The axes with a column, and its header; the two shares are one column if they are always equal."""
    shown = {axis: AXIS_NAMES[axis] for axis in comparison.varied or ("adaptation_fraction",)}
    pair = ("adaptation_fraction", "annotator_fraction")
    if all(axis in shown for axis in pair) and all(arm.axes[pair[0]] == arm.axes[pair[1]] for arm in comparison.arms):
        del shown[pair[1]]
        shown[pair[0]] = "adaptation and annotator"
    return shown


def axis_value(axis: str, arm: Arm) -> str:
    """The value of an axis as text: shares with numbers of documents, arms with the documents they keep."""
    value = arm.axes[axis]
    if axis == "arm":
        return f"{value} ({formats.count(round(arm.documents.get('synthetic', 0)))} documents)"
    purpose = {"adaptation_fraction": "adaptation", "annotator_fraction": "annotator", "synthetic_volume": "synthetic"}
    if axis not in purpose:
        return str(value)
    documents = formats.count(round(arm.documents.get(purpose[axis], 0)))
    if value is None:
        return f"{documents} documents"
    shown = f"{value * 100:g} %" if axis.endswith("_fraction") else f"{value:g}x"
    return f"{shown} ({documents})"


def _spread(spread: Spread) -> str:
    shown = formats.score(spread.mean)
    return shown if spread.sd is None else f"{shown} (SD {formats.score(spread.sd)})"


def _gap(gap: Gap | None) -> str:
    if gap is None:
        return formats.DASH
    shown = formats.difference(gap.point)
    if gap.interval is None:
        return shown
    return f"{shown} [{formats.difference(gap.interval[0])}, {formats.difference(gap.interval[1])}]"


def advice_tables(advice: Sequence[Advice]) -> dict[str, Table]:
    """Predicted gains from more data, one table for each setting with at least one prediction."""
    headers = ("more of", "sizes so far", "exponent", "current F1 (fitted)", "predicted gain in F1")
    tables = {}
    for setting in dict.fromkeys(each.setting for each in advice if each.gain is not None):
        rows = tuple(_advice_row(each) for each in advice if each.setting == setting)
        tables[setting] = Table(f"Predicted gains in synthetic token F1; {setting}", headers, rows)
    return tables


def _advice_row(advice: Advice) -> tuple[str, ...]:
    sizes = ", ".join(formats.count(size) for size in advice.sizes) or formats.DASH
    name = f"{formats.count(advice.more)} {advice.resource}"
    if advice.gain is None or advice.exponent is None:
        return (name, sizes, formats.DASH, formats.DASH, f"rejected: {advice.refused}")
    gain = _gap(Gap(advice.gain, advice.interval))
    return (name, sizes, formats.significant(advice.exponent), formats.score(advice.now), gain)


def as_markdown(
    comparisons: Sequence[Comparison], advice: Sequence[Advice] = (), noise: Sequence[NoiseEstimate] = ()
) -> str:
    """All tables in Markdown, with explanations."""
    parts = []
    for comparison in comparisons:
        parts.append(f"## {comparison.study}")
        parts += [text for text in (comparison.about, comparison.reported_note) if text]
        parts.append(markdown(study_tables(comparison)))
    for setting, table in advice_tables(advice).items():
        parts += ["## What more data would give", markdown([table])]
        parts.append(verdict([each for each in advice if each.setting == setting]))
    tables = noise_tables(noise)
    if tables:
        parts += ["## Effect of annotation noise", markdown(tables), NOISE_READING]
    parts += [text for text in (refusal(noise), READING) if text]
    return "\n\n".join(parts) + "\n"


READING = (
    "SD: standard deviation over folds and seeds. Brackets: 95 % intervals of the difference, by resampling groups "
    "of test documents on which both were evaluated, counts averaged over seeds; they do not include the variance of "
    "training. Shares are of the training documents without prompts. Token F1 is micro-averaged over tokens, strict "
    "F1 requires the exact span and label; the two are not comparable."
)


def as_latex(comparisons: Sequence[Comparison]) -> str:
    """All tables in LaTeX, for the package ``booktabs``."""
    return latex([table for comparison in comparisons for table in study_tables(comparison)]) + "\n"


def as_csv(comparisons: Sequence[Comparison]) -> str:
    """A line for every study, arm and measure, without rounding."""
    lines = [line for comparison in comparisons for line in _csv_rows(comparison)]
    text = io.StringIO()
    writer = csv.DictWriter(text, fieldnames=list(lines[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)
    return text.getvalue()


def _csv_rows(comparison: Comparison) -> list[dict[str, Any]]:
    rows = []
    for arm in comparison.arms:
        for measure, models in arm.scores.items():
            row: dict[str, Any] = {"study": comparison.study, "budget": comparison.budget, "measure": measure}
            row |= {**arm.axes, "cells": len(arm.cells)}
            for model in MODELS:
                spread = models[model]
                low, high = spread.interval or (None, None)
                row |= {
                    f"{model}_f1": spread.mean,
                    f"{model}_sd": spread.sd,
                    f"{model}_low": low,
                    f"{model}_high": high,
                }
            for name, gap in (("difference", arm.difference), ("from_reference", arm.from_reference)):
                found = gap[measure]
                low, high = (found.interval if found is not None else None) or (None, None)
                row |= {name: None if found is None else found.point, f"{name}_low": low, f"{name}_high": high}
            published = (arm.reported or {}) if measure == reported_measure() else {}
            row |= {f"reported_{model}": published.get(model) for model in MODELS}
            row |= {f"recall_{which}": value for which, value in arm.overlap.items()}
            rows.append(row)
    return rows
