"""How sure the headline figures are: intervals, and what a small test set does not show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from deidsynth.metrics import Scores
from deidsynth.metrics.proportions import wilson_interval
from deidsynth.report import formats
from deidsynth.report.content import Ends, RunReport
from deidsynth.report.tables import Table

FEW_GROUPS = 50
"""With fewer groups of test documents, percentile intervals are themselves rough and often too narrow."""

DIFFERENCES: Mapping[str, Literal["strict_f1", "token_f1"]] = {"strict": "strict_f1", "token": "token_f1"}
FIGURES = (("token", "f1", "token F1"), ("strict", "f1", "strict F1"), ("strict", "recall", "strict recall"))


def known(ends: Ends) -> Ends:
    """The interval; None where all resamples agree, which says that there is too little to resample, not certainty."""
    return None if ends is None or ends[0] == ends[1] else ends


def level(report: RunReport) -> str:
    """The confidence of the intervals, as ``95 %``."""
    return f"{report.uncertainty.level * 100:g}{formats.THIN}%"


def size_of_test(report: RunReport) -> str:
    """The size of the test set in words."""
    n_documents, n_groups = report.corpora.test.n_documents, report.uncertainty.n_groups
    documents = f"{formats.count(n_documents)} test document{'' if n_documents == 1 else 's'}"
    if n_groups == n_documents:
        return documents
    return f"{documents} in {formats.count(n_groups)} group{'' if n_groups == 1 else 's'}"


def few_notes(report: RunReport) -> str | None:
    """A warning about a small test set; None if it is large enough for the intervals."""
    if report.uncertainty.n_groups >= FEW_GROUPS:
        return None
    return (
        f"There are only {size_of_test(report)}. Every figure is rough, and so are the intervals, which are often too "
        "narrow with so few. Test on more notes before you rely on them."
    )


def chance(report: RunReport) -> str | None:
    """Whether the difference in token F1 may be due to the choice of test notes; None if that is unknown."""
    point, ends = report.difference.token_f1, known(report.uncertainty.difference["token_f1"])
    if point is None:
        return None
    notes = size_of_test(report)
    if ends is None:
        return f"With these {notes}, there is no interval for the difference in token F1."
    shown = formats.difference_interval(ends)
    if ends[0] <= 0 <= ends[1]:
        return (
            f"The difference in token F1 may be due to the choice of test notes: with {notes}, its {level(report)} "
            f"interval is {shown} and contains 0."
        )
    return (
        f"The difference in token F1 is significant: with {notes}, its {level(report)} interval is {shown}, which "
        "does not contain 0."
    )


def without_miss(report: RunReport) -> dict[str, tuple[str, tuple[float, float]] | None]:
    """By model, the test documents in which nothing was missed, in words and with an interval; None without entities.

    Documents of one group are not independent, so the interval counts no more units than there are groups.
    """
    return {
        "gold": _without_miss(report.models.gold, report),
        "synthetic": _without_miss(report.models.synthetic, report),
    }


def _without_miss(scores: Scores, report: RunReport) -> tuple[str, tuple[float, float]] | None:
    found = scores.exposure
    if not found.n_documents:
        return None
    units = min(found.n_documents, report.uncertainty.n_groups or found.n_documents)
    share = found.n_documents_without_miss / found.n_documents
    told = f"{formats.count(found.n_documents_without_miss)} of {formats.count(found.n_documents)}"
    return told, wilson_interval(share, units, level=report.uncertainty.level).ends


def uncertainty_table(report: RunReport) -> Table:
    """The headline figures of both models and their difference, with intervals."""
    both = {
        "gold": (report.models.gold, report.uncertainty.gold),
        "synthetic": (report.models.synthetic, report.uncertainty.synthetic),
    }
    rows = []
    for measure, ratio, name in FIGURES:
        cells = [
            _cell(formats.score(getattr(scores.measures[measure], ratio)), formats.interval(_ends(of[measure], ratio)))
            for scores, of in both.values()
        ]
        rows.append((name, *cells, _gap(report, measure) if ratio == "f1" else ""))
    clean = [
        formats.DASH if each is None else _cell(each[0], formats.interval(each[1]))
        for each in without_miss(report).values()
    ]
    rows.append(("documents without a miss", *clean, ""))
    title = f"Headline figures with {level(report)} intervals, {size_of_test(report)}"
    return Table(title, ("figure", "gold", "synthetic", "difference"), tuple(rows))


def _ends(of: object, ratio: str) -> Ends:
    return known(getattr(of, ratio))


def _gap(report: RunReport, measure: str) -> str:
    key = DIFFERENCES[measure]
    return _cell(
        formats.difference(getattr(report.difference, key)),
        formats.difference_interval(known(report.uncertainty.difference[key])),
    )


def _cell(figure: str, interval: str) -> str:
    return figure if figure == formats.DASH else f"{figure} [{interval}]"
