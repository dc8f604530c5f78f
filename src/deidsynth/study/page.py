"""The report of a study: one self-contained HTML page, and all other files of ``study report``."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from markupsafe import Markup

from deidsynth.files import whole_file, write_atomically
from deidsynth.report import formats
from deidsynth.report.document import render
from deidsynth.study.advisor import Advice, advise, verdict
from deidsynth.study.comparison import Comparison, compare_studies
from deidsynth.study.curves import Curve, draw_curves
from deidsynth.study.noise import NoiseEstimate, estimate_noise
from deidsynth.study.noise_tables import NOISE_READING, noise_sections, refusal
from deidsynth.study.records import read_records
from deidsynth.study.tables import BUDGETS, READING, advice_tables, as_csv, as_latex, as_markdown, study_tables

REPORT_SCHEMA_VERSION = 1


def report_study(folder: Path) -> dict[str, Any]:
    """Write tables, curves and page from the cell files of a folder; returns the written files, by kind.

    Args:
        folder: of one study, or of several studies in subfolders.

    Raises:
        InputError: there are no cell files, or one is damaged.
    """
    records = read_records(folder)
    comparisons = compare_studies(records)
    curves = {comparison.study: draw_curves(comparison) for comparison in comparisons}
    advice, noise = advise(records), estimate_noise(records)
    content = report_content(comparisons, advice, noise)
    texts = {
        "tables.md": as_markdown(comparisons, advice, noise),
        "tables.tex": as_latex(comparisons),
        "tables.csv": as_csv(comparisons),
        "study.json": json.dumps(content, indent=1, allow_nan=False) + "\n",
        "study.html": render_page(comparisons, curves, advice, noise),
    }
    drawings = folder / "curves"
    for curve in (each for drawn in curves.values() for each in drawn):
        drawings.mkdir(exist_ok=True)
        write_atomically(drawings / f"{curve.name}.svg", curve.svg)
        with whole_file(drawings / f"{curve.name}.png") as temporary:
            temporary.write_bytes(curve.png)
    for name, text in texts.items():
        write_atomically(folder / name, text)
    return content


def report_content(
    comparisons: Sequence[Comparison], advice: Sequence[Advice], noise: Sequence[NoiseEstimate]
) -> dict[str, Any]:
    """The content of ``study report --json``: all figures of all studies, without rounding."""
    return {
        "schema_version": REPORT_SCHEMA_VERSION,
        "studies": [comparison.to_dict() for comparison in comparisons],
        "advice": [each.to_dict() for each in advice],
        "noise": [each.to_dict() for each in noise],
    }


def render_page(
    comparisons: Sequence[Comparison],
    curves: Mapping[str, Sequence[Curve]],
    advice: Sequence[Advice],
    noise: Sequence[NoiseEstimate],
) -> str:
    """The HTML page.

    Returns:
        A complete HTML document without external references.
    """
    return render(
        "study.html",
        "deidsynth.study",
        studies=[_section(comparison, curves.get(comparison.study, ())) for comparison in comparisons],
        headline=headline(comparisons),
        advice=[
            {"table": table._asdict(), "verdict": verdict([each for each in advice if each.setting == setting])}
            for setting, table in advice_tables(advice).items()
        ],
        noise=noise_sections(noise),
        noise_refused=refusal(noise),
        noise_reading=NOISE_READING,
        reading=READING,
        invented=all(comparison.origin == "invented" for comparison in comparisons),
        versions=[(name, str(version)) for name, version in comparisons[0].versions.items()],
    )


def headline(comparisons: Sequence[Comparison]) -> str:
    """The number of compared cells, as text."""
    n_cells = sum(len(arm.cells) for comparison in comparisons for arm in comparison.arms)
    n_arms = sum(len(comparison.arms) for comparison in comparisons)
    count = len(comparisons)
    return (
        f"{formats.count(n_cells)} cells in {formats.count(n_arms)} arms of {count} stud{'y' if count == 1 else 'ies'}"
    )


def _section(comparison: Comparison, curves: Sequence[Curve]) -> dict[str, Any]:
    return {
        "name": comparison.study,
        "about": comparison.about,
        "note": comparison.reported_note,
        "budget": BUDGETS[comparison.budget],
        "tables": [table._asdict() for table in study_tables(comparison)],
        "curves": [{"svg": Markup(curve.svg), "caption": curve.caption} for curve in curves],
        "memorization": [
            {
                "arm": ", ".join(f"{axis.replace('_', ' ')} {arm.axes[axis]}" for axis in comparison.varied) or "all",
                "train": formats.score(arm.overlap["train"]),
                "held_out": formats.score(arm.overlap["held_out"]),
            }
            for arm in comparison.arms
        ],
    }
