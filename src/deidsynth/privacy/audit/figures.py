"""Figures of the audit: plain data, counts only, never text, ids or hashes of a corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal

Verdict = Literal["pass", "fail", "no-verdict"]

MeasureName = Literal[
    "validity",
    "rare_values",
    "rare_values_normalized",
    "verbatim_8",
    "verbatim_13",
    "verbatim_20",
    "verbatim_50",
    "linkage",
    "text_membership",
    "language_model_membership",
    "tagger_membership",
    "canaries",
]

VALIDITY: Final = "validity"
"""The check of the comparison, which is about no leak."""

OF_HALVES = "halves"
"""The ``design`` that ``audit.json`` names if two runs with roles swapped were audited together."""

LEVEL = 0.95
"""Of intervals, where a measure has no other."""

Kind = Literal["share", "auc", "epsilon"]
"""What the two sides of a measure are: shares of groups; an AUC beside .5; a bound of epsilon beside the claim."""

LEAST_DIFFERENCE: Mapping[Kind, float] = {"share": -1.0, "auc": -0.5}
"""A lower limit of this is none. A bound of epsilon has no least difference but minus the claim."""


@dataclass(frozen=True, slots=True)
class Measured:
    """One measure, before it is judged.

    Args:
        name: of the measure.
        kind: of its figures. A share: ``train`` and ``held_out`` are shares of groups, in [0, 1]. An AUC: ``train`` is
            the AUC of telling training groups from held-out groups, ``held_out`` is .5. Epsilon: ``train`` is the lower
            bound found, ``held_out`` the claim.
        train: figure of the training side; None if it could not be computed.
        held_out: figure of the control.
        difference: ``train`` minus ``held_out``.
        interval: of the difference, with the confidence ``level``.
        n: number of groups of the training side and of the held-out side.
        detectable: the smallest excess that would have been told from none with 80 % power.
        of: what was measured, if there are several of a name: a model such as ``synthetic``, else empty.
        reason: why there is no figure; a sentence without text of a corpus.
        details: further counts and figures, plain JSON, such as those by label.
        level: of the interval, such as .95.
    """

    name: MeasureName
    kind: Kind
    train: float | None
    held_out: float | None
    difference: float | None
    interval: tuple[float, float] | None
    n: tuple[int, int]
    detectable: float | None
    of: str = ""
    reason: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)
    level: float = LEVEL

    @classmethod
    def missing(
        cls, name: MeasureName, kind: Kind, reason: str, *, n: tuple[int, int] = (0, 0), of: str = ""
    ) -> Measured:
        """A measure without a figure."""
        return cls(name, kind, None, None, None, None, n, None, of, reason)

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Measured:
        """A measure as :meth:`to_dict` writes it, with a verdict or without."""
        ends = plain["interval"]
        return cls(
            plain["name"],
            plain["kind"],
            plain["train"],
            plain["held_out"],
            plain["difference"],
            None if ends is None else (ends[0], ends[1]),
            (plain["n"]["train"], plain["n"]["held_out"]),
            plain["detectable"],
            plain["of"],
            plain["why"] if plain["difference"] is None else "",
            plain["details"],
            plain["level"],
        )

    def to_dict(self) -> dict[str, Any]:
        """The measure as plain JSON, which ``from_dict`` reads."""
        named = {"name": self.name, "of": self.of, "kind": self.kind}
        return {**named, **self.figures(), "why": self.reason, "details": dict(self.details)}

    def figures(self) -> dict[str, Any]:
        """The figures as plain JSON."""
        return {
            "train": self.train,
            "held_out": self.held_out,
            "difference": self.difference,
            "interval": None if self.interval is None else list(self.interval),
            "level": self.level,
            "n": {"train": self.n[0], "held_out": self.n[1]},
            "detectable": self.detectable,
        }


@dataclass(frozen=True, slots=True)
class Judged:
    """One measure with its verdict.

    Args:
        measured: the figures.
        verdict: *pass*: the interval is within the tolerance; *fail*: it is beyond, in either direction; else
            *no verdict*.
        tolerance: largest difference that is tolerated in either direction: lower and upper limit.
        why: the verdict in a sentence, which for *no verdict* says what would be needed.
    """

    measured: Measured
    verdict: Verdict
    tolerance: tuple[float, float]
    why: str

    def to_dict(self) -> dict[str, Any]:
        """What ``audit.json`` holds of it."""
        judged = {"tolerance": list(self.tolerance), "verdict": self.verdict, "why": self.measured.reason or self.why}
        return self.measured.to_dict() | judged


@dataclass(frozen=True, slots=True)
class Audit:
    """All measures of an audit.

    Args:
        verdict: *fail* if a measure fails, *no verdict* if the design is not valid or a measure has no verdict, else
            *pass*.
        measures: judged, in the order of ``MeasureName``.
        why: the verdict in a sentence.
        n_train: training groups that were compared.
        n_held_out: held-out groups that were compared.
        removed: documents and groups that were taken out before, by reason: counts.
        not_run: measures that were not run, with the reason.
        fidelity: label and length distributions, vocabulary, discriminator, near-duplicates; not judged.
    """

    verdict: Verdict
    measures: tuple[Judged, ...]
    why: str
    n_train: int
    n_held_out: int
    removed: Mapping[str, int]
    not_run: Mapping[str, str]
    fidelity: Mapping[str, Any] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """What ``audit --json`` prints and ``audit.json`` holds."""
        return {
            "schema_version": 1,
            "verdict": self.verdict,
            "why": self.why,
            "n_groups": {"train": self.n_train, "held_out": self.n_held_out},
            "removed": dict(self.removed),
            "not_run": dict(self.not_run),
            "measures": [each.to_dict() for each in self.measures],
            "fidelity": dict(self.fidelity),
        }
