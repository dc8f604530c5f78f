"""Audits that nobody made, to draw and to write down."""

from __future__ import annotations

from typing import Any

from deidsynth.privacy.audit.figures import Audit, Judged, Kind, Measured, MeasureName, Verdict

N = (475, 235)
NAMES = (
    "validity", "rare_values", "rare_values_normalized", "verbatim_8", "verbatim_13", "verbatim_20", "verbatim_50",
    "linkage", "text_membership", "tagger_membership",
)  # fmt: skip


def judged(
    name: MeasureName, verdict: Verdict = "pass", *, train: float = 0.5, held_out: float = 0.5, half: float = 0.04,
    of: str = "", details: dict[str, Any] | None = None,
) -> Judged:  # fmt: skip
    """A measure with a symmetric interval."""
    membership = name == "validity" or name.endswith("membership")
    kind: Kind = "epsilon" if name == "canaries" else "auc" if membership else "share"
    held_out = 0.5 if membership else held_out
    gap = train - held_out
    measured = Measured(
        name, kind, train, held_out, gap, (gap - half, gap + half), N, 1.4 * half, of, details=details or {}
    )
    why = {
        "pass": "The interval is within the tolerance.",
        "fail": "The interval is beyond the tolerance.",
        "no-verdict": "The interval is wider than the tolerance: about 900 groups of each side would be needed.",
    }
    return Judged(measured, verdict, (-0.08, 0.08), why[verdict])


def missing(name: MeasureName, reason: str, kind: Kind = "auc") -> Judged:
    """A measure without a figure."""
    return Judged(Measured.missing(name, kind, reason, n=N), "no-verdict", (-0.08, 0.08), reason)


def passing() -> list[Judged]:
    """All that a run with a synthetic tagger is asked, and passes."""
    shares: dict[MeasureName, tuple[float, float]] = {
        "rare_values": (0.867, 0.861), "rare_values_normalized": (0.897, 0.902), "verbatim_8": (0.173, 0.162),
        "verbatim_13": (0.021, 0.017), "verbatim_20": (0.0, 0.0), "verbatim_50": (0.0, 0.0), "linkage": (0.012, 0.008),
    }  # fmt: skip
    by_label = {"NAME": {"train": 0.7, "held_out": 0.69}, "DATE": {"train": 0.81, "held_out": 0.8}}
    return [
        judged("validity", train=0.512, half=0.045),
        *(
            judged(
                name, train=train, held_out=held_out, details={"by_label": by_label} if name == "rare_values" else {}
            )
            for name, (train, held_out) in shares.items()
        ),
        judged("text_membership", train=0.523, half=0.045),
        judged("tagger_membership", train=0.531, half=0.045, of="synthetic"),
    ]


def audit(verdict: Verdict, measures: list[Judged], **changes: Any) -> Audit:
    """An audit of these measures."""
    whole: dict[str, Any] = {
        "verdict": verdict,
        "measures": tuple(measures),
        "why": {
            "pass": "All measures pass.",
            "fail": "A measure fails.",
            "no-verdict": "A measure has no verdict.",
        }[verdict],
        "n_train": N[0],
        "n_held_out": N[1],
        "removed": {"groups_on_both_sides": 15, "near_duplicates": 2},
        "not_run": {
            "language_model_membership": "No language model was given.",
            "canaries": "They need a run of their own.",
        },
    }
    return Audit(**(whole | changes))


def replaced(measures: list[Judged], *others: Judged) -> list[Judged]:
    """The measures, with others in place of those of the same name."""
    names = {other.measured.name: other for other in others}
    return [names.get(each.measured.name, each) for each in measures]
