"""The page of an audit for a data steward: one self-contained HTML page, plain sentences first, counts only."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, get_args

from deidsynth.digests import hex_of
from deidsynth.privacy.audit.figures import LEVEL, VALIDITY, MeasureName
from deidsynth.report import audit_figure, formats
from deidsynth.report.audit_details import details_of
from deidsynth.report.audit_fidelity import fidelity_of
from deidsynth.report.audit_findings import (
    VERDICTS,
    audited,
    comparable,
    counts_sentence,
    evidence,
    headline,
    listed,
    shown_figures,
)
from deidsynth.report.audit_words import (
    Answer,
    ArtifactName,
    artifact_of,
    difference_sentence,
    level_of,
    sentence_of,
    title_of,
    words,
)
from deidsynth.report.content import AuditMeasure, AuditSummary
from deidsynth.report.document import render
from deidsynth.showing import visible

RELEASED = {"synthetic": "the synthetic corpus", "tagger": "the synthetic model"}
"""What an audit says by digest that it is of, in words."""
_SHOWN_DIGITS = 16
_NEGATIVE = re.compile(r"(?<!\S)-(?=\d)")

AllDetails = Mapping[tuple[str, str], Mapping[str, Any]]
"""Details by name of a measure and what was measured."""


def render_audit(
    audit: Mapping[str, Any], *, title: str = "Privacy audit", facts: Sequence[tuple[str, str]] = ()
) -> str:
    """The HTML page of an audit, complete and without external references.

    Args:
        audit: as in ``audit.json``.
        title: of the page, such as the name of the run.
        facts: names and values to show at the top, such as when and from what the audit was made.

    Raises:
        OtherVersionError: the audit was written by another version of deidsynth.
        IntegrityError: it is damaged.
    """
    summary = AuditSummary.of(audit)
    details = {(each["name"], each["of"]): each.get("details") or {} for each in audit["measures"]}
    compared = [each for each in summary.measures if each.name != VALIDITY]
    limit = audit_figure.reach(compared)
    return render(
        "audit.html",
        title=visible(title),
        verdict=_verdict(summary),
        facts=[
            *_sizes(summary),
            *_fingerprints(audit),
            *((visible(name), visible(value)) for name, value in facts),
        ],
        silent=_silent(summary),
        questions=words().questions,
        artifacts=[_artifact(name, summary, details) for name in audited(summary)],
        others=_attacks([each for each in compared if artifact_of(each) is None], details),
        validity=_validity(summary, details),
        rows=[
            _marks(each) | {"figure": audit_figure.row(each, limit)} for each in compared if audit_figure.drawn(each)
        ],
        scale=audit_figure.scale(limit),
        not_run=_not_run(summary),
        gaps=_gaps(summary),
        removed=[(visible(formats.title(reason)), formats.count(n)) for reason, n in summary.removed.items() if n],
        fidelity=fidelity_of(audit.get("fidelity") or {}),
        definitions=_definitions(summary),
    )


def _verdict(summary: AuditSummary) -> dict[str, Any]:
    return {
        "key": summary.verdict,
        "word": VERDICTS[summary.verdict],
        "sentence": headline(summary),
        "why": _told(summary.why, first=False),
        "counts": counts_sentence(summary),
        "evidence": [
            _marks(each) | {"sentence": f"{sentence_of(each)} {difference_sentence(each)}".strip()}
            for each in evidence(summary)
        ],
    }


def _marks(measure: AuditMeasure) -> dict[str, Any]:
    """What is shown of a measure wherever it is named."""
    return {
        "title": visible(title_of(measure)),
        "name": visible(measure.name),
        "key": measure.verdict,
        "word": VERDICTS[measure.verdict],
        "figures": shown_figures(measure),
    }


def _told(sentence: str, *, first: bool = True) -> str:
    """A sentence of the audit as one of the page: with minus signs, a period, and a capital where it is first."""
    shown = _NEGATIVE.sub(formats.MINUS, visible(sentence).strip())
    if first:
        shown = shown[:1].upper() + shown[1:]
    return shown if not shown or shown.endswith((".", "!", "?")) else f"{shown}."


def _sizes(summary: AuditSummary) -> list[tuple[str, str]]:
    return [
        ("Patients whose notes were used", formats.count(summary.n_groups.train)),
        ("Patients held out, to compare with", formats.count(summary.n_groups.held_out)),
    ]


def _fingerprints(audit: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The beginning of the digest of each artifact that was audited, by which it is known that the page is about it."""
    of_artifacts = audit.get("audited") or {}
    return [
        (f"Fingerprint of {name}", visible(hex_of(str(of_artifacts[key])))[:_SHOWN_DIGITS])
        for key, name in RELEASED.items()
        if key in of_artifacts
    ]


def _silent(summary: AuditSummary) -> str:
    """A sentence on the artifacts of which the page says nothing; empty if there are none."""
    known = audited(summary)
    names = [artifact.from_ for name, artifact in words().artifacts.items() if name not in known]
    if not names:
        return ""
    which = "it" if len(names) == 1 else "one of them"
    return f"It says nothing about {listed(names, 'or')}: nothing here is a reason to release {which}."


def _artifact(name: ArtifactName, summary: AuditSummary, details: AllDetails) -> dict[str, Any]:
    known = words().artifacts[name]
    measures = [each for each in summary.measures if artifact_of(each) == name]
    return {
        "key": name.replace("_", "-"),
        "title": known.title,
        "answers": [
            {
                "question": words().questions[question],
                **_answer(answer, measures, comparable(summary)),
                "attacks": _attacks([each for each in measures if each.name in answer.evidence], details),
            }
            for question, answer in known.answers.items()
        ],
    }


def _answer(answer: Answer, measures: Sequence[AuditMeasure], valid: bool) -> dict[str, Any]:
    """What the measures of a question say together: the worst of them, nothing if the sides differ by themselves."""
    found = [each for each in measures if each.name in answer.evidence]
    verdicts = {each.verdict for each in found}
    missing = [name for name in answer.measures if name not in {each.name for each in found}]
    told = [f"{visible(title_of(each))}: {VERDICTS[each.verdict].lower()}" for each in found if each.verdict != "pass"]
    told += [f"{words().of(name).title}: not run" for name in missing]
    if passed := sum(each.verdict == "pass" for each in found):
        told.append(f"{formats.count(passed)} measure{'' if passed == 1 else 's'}: pass")
    if found and not valid:
        told = ["the two sides cannot be compared"]
    if not found:
        key, word = "none", "Not run" if answer.evidence else "Not measured"
    elif valid and "fail" in verdicts:
        key, word = "fail", VERDICTS["fail"]
    elif not valid or missing or "no-verdict" in verdicts:
        key, word = "no-verdict", VERDICTS["no-verdict"]
    else:
        key, word = "pass", VERDICTS["pass"]
    return {"key": key, "word": word, "told": told, "gap": answer.gap}


def _attacks(measures: Sequence[AuditMeasure], details: AllDetails) -> list[dict[str, Any]]:
    """Measures with all that is known of them, those of the same attack together."""
    attacks: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for each in measures:
        known = words().of(each.name)
        attacks.setdefault((known.attack, known.holds), []).append(_result(each, details))
    return [{"attack": attack, "holds": holds, "rows": rows} for (attack, holds), rows in attacks.items()]


def _result(measure: AuditMeasure, details: AllDetails) -> dict[str, Any]:
    return _marks(measure) | {
        "sentence": sentence_of(measure),
        "why": _told(measure.why),
        "cells": _cells(measure),
        "details": details_of(details[measure.name, measure.of]),
    }


def _cells(measure: AuditMeasure) -> list[tuple[str, str, str]]:
    """Names of the figures of a measure, the figures, and what is said below them."""
    figures = shown_figures(measure)
    n = [f"{formats.count(number)} patients" for number in (measure.n.train, measure.n.held_out)]
    below = {
        "share": (f"of {n[0]}", f"of {n[1]}"),
        "auc": (f"AUC, {n[0]}", f"by guessing, {n[1]}"),
        "epsilon": (
            f"epsilon, at least; {formats.count(measure.n.train)} planted",
            f"epsilon, claimed; {formats.count(measure.n.held_out)} left out",
        ),
    }[measure.kind]
    level = "" if measure.level == LEVEL else f" ({level_of(measure)})"
    return [
        ("Notes used", figures.train, below[0]),
        ("Held out", figures.held_out, below[1]),
        ("Difference", figures.difference, figures.interval + level),
        ("Tolerated", figures.tolerance, ""),
        ("Smallest leak detectable", figures.detectable, ""),
    ]


def _validity(summary: AuditSummary, details: AllDetails) -> dict[str, Any] | None:
    """The check of the comparison; None if it was not run."""
    found = [each for each in summary.measures if each.name == VALIDITY]
    return {"row": _result(found[0], details), "attacks": _attacks(found, details)} if found else None


def _not_run(summary: AuditSummary) -> list[tuple[str, str]]:
    """Measures without a figure, with the reason: those that were left out, and those that could not be computed."""
    told = {words().of(name).title: reason for name, reason in summary.not_run.items()}
    told |= {title_of(each): each.why for each in summary.measures if each.train is None}
    known = {*summary.not_run, *(each.name for each in summary.measures)}
    told |= {words().of(name).title: "It is not in this audit." for name in get_args(MeasureName) if name not in known}
    return [(visible(title), _told(reason)) for title, reason in told.items()]


def _gaps(summary: AuditSummary) -> list[tuple[str, str, str]]:
    """What no measure covers, by artifact and question."""
    one = f"{100 / summary.n_groups.train:.1f}" if summary.n_groups.train else formats.DASH
    single = (
        f"One patient who is given away in full moves a share by {one} points of 100; no measure here can see that."
    )
    gaps = [
        (words().artifacts[name].title, words().questions[question].title, answer.gap)
        for name in audited(summary)
        for question, answer in words().artifacts[name].answers.items()
    ]
    return [("Every artifact", "a single patient", single), *gaps]


def _definitions(summary: AuditSummary) -> list[tuple[str, str]]:
    """Titles of measures with their definition, those of the same definition together."""
    titles: dict[str, list[str]] = {}
    for name in dict.fromkeys(each.name for each in summary.measures):
        known = words().of(name)
        titles.setdefault(known.definition, []).append(known.title)
    return [("; ".join(same), definition) for definition, same in titles.items() if definition]
