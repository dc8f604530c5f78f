"""The audit of a run as read back from ``audit.json``, and what in it speaks against a release."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Literal, Self, get_args

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from deidsynth.errors import InputError
from deidsynth.plain_data import read_json
from deidsynth.privacy.audit.figures import MeasureName, Verdict
from deidsynth.release.refusals import Refusal
from deidsynth.report import formats

NOT_OF_THE_BUNDLE = frozenset({"language_model_membership", "canaries"})
"""Measures that a release can do without: they concern what is not in the bundle."""

NEEDED = tuple(name for name in get_args(MeasureName) if name not in NOT_OF_THE_BUNDLE)

_AUDIT = "audit"
_STRICT = ConfigDict(strict=True, frozen=True, allow_inf_nan=False, hide_input_in_errors=True)
# Strict mode takes no list for a tuple outside of JSON.
_Ends = Annotated[tuple[float, float], Field(strict=False)]


class MeasureRecord(BaseModel):
    """One judged measure; what else the file says of it stays in the file."""

    model_config = _STRICT

    name: MeasureName
    of: str = ""
    train: float | None
    held_out: float | None
    difference: float | None
    interval: _Ends | None
    n: dict[Literal["train", "held_out"], int]
    detectable: float | None
    tolerance: _Ends
    verdict: Verdict

    def refusal(self) -> Refusal | None:
        """Why it speaks against a release; None if it passed."""
        if self.verdict == "pass":
            return None
        tolerated = formats.difference_interval(self.tolerance)
        if self.difference is None:
            told = "has no figure"
        elif self.verdict == "fail":
            ends = formats.difference_interval(self.interval)
            told = f"fails: training minus held-out is {formats.difference(self.difference)} ({ends})"
        else:
            ends = formats.difference_interval(self.interval)
            told = f"has no verdict, for lack of data: training minus held-out is {ends}"
        n = f"{self.n.get('train', 0)} training and {self.n.get('held_out', 0)} held-out groups"
        return Refusal(_AUDIT, f"{self.shown} {told}, tolerated is {tolerated}, from {n}", may_be_accepted=True)

    @property
    def shown(self) -> str:
        """Its name, with the model that it is of, if it is of one."""
        return self.name if not self.of else f"{self.name} of {self.of}"


class AuditRecord(BaseModel):
    """An audit.

    Args:
        verdict: of the whole audit.
        measures: judged.
        not_run: reasons, by name of the measure.
        audited: digest of each audited file or folder: ``synthetic``, the JSONL file of the corpus, and ``tagger``.
    """

    model_config = _STRICT

    schema_version: Literal[1]
    verdict: Verdict
    measures: Annotated[tuple[MeasureRecord, ...], Field(strict=False)]
    not_run: dict[str, str] = {}
    audited: dict[str, str | None] = {}

    @classmethod
    def read(cls, path: Path) -> Self:
        """The audit in a file.

        Raises:
            InputError: it cannot be read, or is no audit of this version.
        """
        try:
            return cls.model_validate(read_json(path.read_bytes()))
        except (OSError, ValueError, RecursionError) as error:
            reason = "cannot be read" if isinstance(error, OSError) else "not an audit as this deidsynth writes it"
            if isinstance(error, ValidationError):
                reason += f" ({error.error_count()} faults)"
        raise InputError(f"{path}: {reason}; audit again, or give the audit.json of deidsynth audit")

    def failures(self) -> list[Refusal]:
        """Measures that fail."""
        return [found for each in self.measures if each.verdict == "fail" and (found := each.refusal()) is not None]

    def refusals(self, digests: Mapping[str, str]) -> list[Refusal]:
        """What speaks against a release.

        Args:
            digests: of what is to be released: ``synthetic`` and ``tagger``.
        """
        found = [each.refusal() for each in self.measures]
        of_measures = [each for each in found if each is not None] + list(self._missing())
        if not of_measures and self.verdict != "pass":
            words = "fails" if self.verdict == "fail" else "has no verdict"
            of_measures = [Refusal(_AUDIT, f"as a whole it {words}; its page says why", may_be_accepted=True)]
        return [*self._of_something_else(digests), *of_measures]

    def _missing(self) -> Iterator[Refusal]:
        there = {each.name for each in self.measures}
        for name in NEEDED:
            if name not in there:
                yield Refusal(_AUDIT, f"{name} was not run; audit again with all that it needs", may_be_accepted=True)

    def _of_something_else(self, digests: Mapping[str, str]) -> Iterator[Refusal]:
        """Why it does not say anything about what is to be released."""
        words = {"synthetic": "the synthetic corpus", "tagger": "the synthetic model"}
        taggers = {each.of for each in self.measures if each.name == "tagger_membership"}
        for what, digest in digests.items():
            stated = self.audited.get(what)
            if stated is None and (what == "synthetic" or taggers):
                yield Refusal(_AUDIT, f"does not say that it is of {words[what]} of this run; audit again")
            elif stated is not None and stated != digest:
                yield Refusal(_AUDIT, f"is of something else than {words[what]} of this run; audit again")
