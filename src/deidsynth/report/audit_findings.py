"""What an audit says: its verdict in a sentence, the measures that say most, and their figures as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import NamedTuple

from deidsynth.privacy.audit.figures import VALIDITY, Verdict
from deidsynth.report import formats
from deidsynth.report.audit_words import (
    ArtifactName,
    artifact_of,
    points,
    points_interval,
    sentence_of,
    tolerance_of,
    words,
)
from deidsynth.report.content import AuditMeasure, AuditSummary

VERDICTS: Mapping[Verdict, str] = {"pass": "Pass", "fail": "Fail", "no-verdict": "No verdict"}
MOST_EVIDENCE = 3
FIRST = ("rare_values", "linkage", "text_membership", "tagger_membership", "language_model_membership")
"""Measures whose sentences say most to somebody who reads three only; failed ones and open ones come before them."""

_URGENCY: Mapping[Verdict, int] = {"fail": 0, "no-verdict": 1, "pass": 2}
_VERBS: Mapping[Verdict, tuple[str, str]] = {
    "pass": ("passes", "pass"),
    "fail": ("fails", "fail"),
    "no-verdict": ("has no verdict", "have no verdict"),
}


class ShownFigures(NamedTuple):
    """The figures of a measure as text."""

    train: str
    held_out: str
    difference: str
    interval: str
    tolerance: str
    detectable: str


def shown_figures(measure: AuditMeasure) -> ShownFigures:
    """The figures of a measure: shares in percent, AUCs and epsilons as they are, differences in points of 100."""
    if measure.kind == "epsilon":
        return ShownFigures(
            formats.score(measure.train),
            formats.score(measure.held_out),
            formats.difference(measure.difference),
            formats.difference_interval(measure.interval),
            tolerance_of(measure),
            formats.difference(measure.detectable),
        )
    shown = formats.percent if measure.kind == "share" else formats.score
    return ShownFigures(
        shown(measure.train),
        shown(measure.held_out),
        points(measure.difference),
        points_interval(measure.interval),
        tolerance_of(measure),
        points(measure.detectable),
    )


def audited(summary: AuditSummary) -> list[ArtifactName]:
    """The artifacts of which anything was measured, and the synthetic notes in any case."""
    measured = {artifact_of(each) for each in summary.measures if each.train is not None}
    return [name for name in words().artifacts if name == "synthetic_corpus" or name in measured]


def comparable(summary: AuditSummary) -> bool:
    """Whether the check of the comparison, if it was made, lets the measures count."""
    return all(each.verdict == "pass" for each in summary.measures if each.name == VALIDITY)


def headline(summary: AuditSummary) -> str:
    """The verdict in one sentence that somebody who is no statistician can sign or refuse."""
    if summary.verdict == "pass":
        return (
            f"From {_sources(audited(summary))}, no more could be learned about patients whose notes were used than "
            "about patients whose notes were not, within the tolerances of the gate."
        )
    if summary.verdict == "no-verdict":
        if not comparable(summary):
            return "The patients of the two sides cannot be compared, so nothing can be concluded from this audit."
        return "It cannot be said whether more can be learned about patients whose notes were used than about others."
    failed = [each for each in summary.measures if each.verdict == "fail"]
    sources = _sources(list(dict.fromkeys(name for each in failed if (name := artifact_of(each)) is not None)))
    if failed and all((each.difference or 0.0) < 0 for each in failed):
        return (
            f"From {sources}, less could be learned about patients whose notes were used than about patients whose "
            "notes were not: what is missing tells whose notes were used."
        )
    return (
        f"From {sources}, more could be learned about patients whose notes were used than about patients whose notes "
        "were not."
    )


def _sources(names: Sequence[ArtifactName]) -> str:
    return listed([words().artifacts[name].from_ for name in names]) if names else "what was audited"


def listed(names: Sequence[str], last: str = "and") -> str:
    """Names in a sentence.

    >>> listed(["a", "b", "c"])
    'a, b and c'
    """
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} {last} {names[-1]}"


def counts_sentence(summary: AuditSummary) -> str:
    """How many measures pass, fail and have no verdict; the check of the comparison is not one of them."""
    verdicts = Counter(each.verdict for each in summary.measures if each.name != VALIDITY)
    total = verdicts.total()
    if not total:
        return "No measure was run."
    if not comparable(summary):
        return f"What the {formats.count(total)} measures found does not count."
    if verdicts["pass"] == total:
        return "The only measure passes." if total == 1 else f"All {formats.count(total)} measures pass."
    told = [f"{formats.count(verdicts[each])} {_VERBS[each][verdicts[each] > 1]}" for each in _VERBS if verdicts[each]]
    return f"Of {formats.count(total)} measure{'' if total == 1 else 's'}, {listed(told)}."


def evidence(summary: AuditSummary) -> list[AuditMeasure]:
    """The measures that say most: what failed, what is open, what passed; of sides that differ, only that they do."""

    def rank(each: AuditMeasure) -> tuple[int, int]:
        return _URGENCY[each.verdict], FIRST.index(each.name) if each.name in FIRST else len(FIRST)

    told = [each for each in summary.measures if sentence_of(each)]
    kept = [each for each in told if (each.name == VALIDITY) != comparable(summary)]
    return sorted(kept, key=rank)[:MOST_EVIDENCE]
