"""The audit of a run as read back from ``audit.json``, and what in it speaks against a release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, get_args

from deidsynth.errors import IntegrityError
from deidsynth.plain_data import looks_like_key, read_json
from deidsynth.privacy.audit.figures import OF_HALVES, MeasureName
from deidsynth.release.refusals import Refusal
from deidsynth.report import formats
from deidsynth.report.audit_page import RELEASED, render_audit
from deidsynth.report.content import AuditMeasure, AuditSummary

NOT_OF_THE_BUNDLE = frozenset({"language_model_membership", "canaries"})
"""Measures that a release can do without: they concern what is not in the bundle."""

NEEDED = tuple(name for name in get_args(MeasureName) if name not in NOT_OF_THE_BUNDLE)

_AUDIT = "audit"
_OF_TAGGER = "tagger_membership"


@dataclass(frozen=True, slots=True)
class AuditRecord:
    """An audit.

    Args:
        content: all of it, plain JSON.
        summary: its verdicts and figures.
        audited: digest of each audited file or folder: ``synthetic``, the JSONL file of the corpus, and ``tagger``.
    """

    content: Mapping[str, Any]
    summary: AuditSummary
    audited: Mapping[str, Any]

    @classmethod
    def read(cls, path: Path) -> Self:
        """The audit in a file.

        Raises:
            IntegrityError: it cannot be read, or is no audit of this version.
        """
        try:
            content = read_json(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            raise IntegrityError(f"{path}: cannot be read as JSON; audit again") from None
        audited = content.get("audited", {}) if isinstance(content, dict) else None
        if not isinstance(audited, dict):
            raise IntegrityError(f"{path}: not an audit; give the audit.json of deidsynth audit --output")
        try:
            return cls(content, AuditSummary.of(content), audited)
        except IntegrityError as error:
            raise type(error)(f"{path}: {error}") from None

    def page(self) -> str:
        """The page of the audit.

        Raises:
            IntegrityError: its figures are not those of its measures.
        """
        try:
            return render_audit(self.content)
        except (KeyError, TypeError, ValueError, AttributeError):
            raise IntegrityError("the audit has figures that its measures do not have; audit again") from None

    def failures(self) -> list[Refusal]:
        """Measures that fail."""
        return [_of_measure(each) for each in self.summary.measures if each.verdict == "fail"]

    def refusals(self, digests: Mapping[str, str]) -> list[Refusal]:
        """What speaks against a release.

        Args:
            digests: of what is to be released: ``synthetic`` and ``tagger``.
        """
        found = [_of_measure(each) for each in self.summary.measures if each.verdict != "pass"]
        found += self._not_run()
        if not found and self.summary.verdict != "pass":
            words = "fails" if self.summary.verdict == "fail" else "has no verdict"
            found = [Refusal(_AUDIT, f"as a whole it {words}; its page says why", may_be_accepted=True)]
        return [*self._of_something_else(digests), *found]

    def _not_run(self) -> Iterator[Refusal]:
        there = {each.name for each in self.summary.measures if each.name != _OF_TAGGER or each.of != "gold"}
        for name in NEEDED:
            if name not in there:
                yield Refusal(_AUDIT, f"{name} was not run; audit again with all that it needs", may_be_accepted=True)

    def _of_something_else(self, digests: Mapping[str, str]) -> Iterator[Refusal]:
        """Why it does not say anything about what is to be released."""
        if self.content.get("design") == OF_HALVES:
            yield Refusal(_AUDIT, "is of a recipe that was run on halves, which nobody releases; give one of this run")
            return
        is_of_tagger = any(each.name == _OF_TAGGER for each in self.summary.measures)
        for what, digest in digests.items():
            stated = self.audited.get(what)
            if stated is None and (what == "synthetic" or is_of_tagger):
                yield Refusal(_AUDIT, f"does not say that it is of {RELEASED[what]} of this run; audit again")
            elif stated is not None and stated != digest:
                yield Refusal(_AUDIT, f"is of something else than {RELEASED[what]} of this run; audit again")


def name_of(measure: AuditMeasure) -> str:
    """The name of a measure, with the model that it is of; nothing that a file may say beside names."""
    name = measure.name if measure.name in get_args(MeasureName) else "a measure of another version"
    return f"{name} of {measure.of}" if looks_like_key(measure.of) else name


def _of_measure(measure: AuditMeasure) -> Refusal:
    """Why a measure that did not pass speaks against a release."""
    ends = formats.difference_interval(measure.interval, measure.tolerance)
    if measure.difference is None:
        told = "has no figure"
    elif measure.verdict == "fail":
        told = f"fails: training minus held-out is {formats.difference(measure.difference)} ({ends})"
    else:
        told = f"has no verdict, for lack of data: training minus held-out is {ends}"
    tolerated = formats.difference_interval(measure.tolerance)
    n = f"{measure.n.train} training and {measure.n.held_out} held-out groups"
    return Refusal(_AUDIT, f"{name_of(measure)} {told}, tolerated is {tolerated}, from {n}", may_be_accepted=True)
