"""The verdicts of an audit: of each measure by its tolerance, and of all together.

A measure *fails* where its whole interval is beyond the tolerance, above or below, and *passes* where its whole
interval is within. Everything else has *no verdict*: the groups are too few to say. Long passages have none either
where held-out groups have them too: no difference shows what was read of both sides. Since a fail needs an interval
that is beyond the tolerance, not just beyond 0, a dozen measures of honest text together hardly ever fail
(docs/operating-curve.md).
"""

from __future__ import annotations

from collections.abc import Sequence
from math import ceil, floor, inf, log10
from pathlib import Path

from pydantic import Field

from deidsynth.config.parsing import StageConfig, load_data, parse
from deidsynth.metrics.proportions import wilson_interval
from deidsynth.privacy.audit.figures import LEAST_DIFFERENCE, VALIDITY, Judged, Measured, Verdict

FILE = Path(__file__).parent / "tolerances.yaml"
MOST_TIMES = 1000
"""More times as many groups than this are called out of reach."""


class Tolerance(StageConfig):
    """Tolerated differences of one measure, training groups minus held-out groups."""

    lower: float | None = Field(ge=-1.0, le=0.0, description="largest deficit; null for no limit")
    upper: float = Field(ge=0.0, le=1.0, description="largest excess")
    by_chance: float = Field(
        1.0,
        ge=0.0,
        le=1.0,
        description="largest held-out share that chance explains; above it the held-out side was read as well",
    )
    source: str = Field(min_length=1, description="where the numbers come from; `judgement` if from nowhere else")


class Tolerances(StageConfig):
    """The tolerances of all measures but validity, whose interval must contain 0."""

    rare_values: Tolerance
    rare_values_normalized: Tolerance
    verbatim_8: Tolerance
    verbatim_13: Tolerance
    verbatim_20: Tolerance
    verbatim_50: Tolerance
    linkage: Tolerance
    text_membership: Tolerance
    language_model_membership: Tolerance
    tagger_membership: Tolerance
    canaries: Tolerance

    @classmethod
    def default(cls) -> Tolerances:
        """The tolerances of ``tolerances.yaml``."""
        return parse(cls, load_data(FILE), FILE.name)

    @classmethod
    def read(cls, path: str | Path | None) -> Tolerances:
        """The tolerances of a YAML file; a measure that is not in it has its default, ``by_chance`` also where it is.

        Args:
            path: of the file; None for the default of all.

        Raises:
            InputError: the file cannot be read, names a measure that does not exist, or has a value out of bounds.
        """
        if path is None:
            return cls.default()
        default, given = load_data(FILE), load_data(Path(path).expanduser())
        for name, each in given.items():
            if isinstance(each, dict) and "by_chance" in default.get(name, {}):
                each.setdefault("by_chance", default[name]["by_chance"])
        return parse(cls, {**default, **given}, str(path))


def judge(measured: Measured, tolerances: Tolerances) -> Judged:
    """A measure with its verdict.

    Args:
        measured: the figures. Without them, the verdict is *no verdict*.
        tolerances: of all measures.
    """
    limits = _limits(measured, tolerances)
    if measured.difference is None or measured.interval is None:
        return Judged(measured, "no-verdict", limits, measured.reason or "there is no figure")
    if measured.name == VALIDITY:
        return _validity(measured, measured.interval)
    if measured.kind == "epsilon":
        verdict, why = _against_claim(measured, measured.difference, limits)
    else:
        was_read = _was_control_read(measured, _tolerance(measured, tolerances))
        verdict, why = _within(measured, measured.difference, measured.interval, limits, was_control_read=was_read)
    return Judged(measured, verdict, limits, why)


def conclude(judged: Sequence[Judged]) -> tuple[Verdict, str]:
    """The verdict of an audit, and a sentence that says why.

    Args:
        judged: the measures. Without validity among them, and without its *pass*, the audit refuses to conclude.
    """
    validity = next((each for each in judged if each.measured.name == VALIDITY), None)
    if validity is None or validity.verdict != "pass":
        why = "whether the two sides can be compared was not measured" if validity is None else validity.why
        return "no-verdict", f"the audit refuses to conclude: {why}"
    measures = [each for each in judged if each.measured.name != VALIDITY]
    if not measures:
        return "no-verdict", "nothing was measured"
    by_verdict = {verdict: [each for each in measures if each.verdict == verdict] for verdict in ("fail", "no-verdict")}
    if failed := by_verdict["fail"]:
        return "fail", f"{len(failed)} of {len(measures)} measures beyond the tolerance: {_names(failed)}"
    if open_ := by_verdict["no-verdict"]:
        return "no-verdict", f"{len(open_)} of {len(measures)} measures without a verdict: {_names(open_)}"
    return "pass", f"every one of {len(measures)} measures is within its tolerance"


def _names(judged: Sequence[Judged]) -> str:
    named = (each.measured for each in judged)
    return ", ".join(f"{each.name} of {each.of}" if each.of else each.name for each in named)


def _limits(measured: Measured, tolerances: Tolerances) -> tuple[float, float]:
    """Lower and upper limit; where there is no lower one, the least difference that there is."""
    if measured.name == VALIDITY:
        return 0.0, 0.0
    tolerance = _tolerance(measured, tolerances)
    least = LEAST_DIFFERENCE.get(measured.kind, -(measured.held_out or 0.0))
    return least if tolerance.lower is None else tolerance.lower, tolerance.upper


def _tolerance(measured: Measured, tolerances: Tolerances) -> Tolerance:
    found: Tolerance = getattr(tolerances, measured.name)
    return found


def _validity(measured: Measured, interval: tuple[float, float]) -> Judged:
    if interval[0] <= 0 <= interval[1]:
        return Judged(measured, "pass", (0.0, 0.0), f"a bag of words does not tell the sides apart ({_span(interval)})")
    above = interval[0] > 0
    why = (
        f"a bag of words {'tells the sides apart' if above else 'finds the sides more alike than chance allows'} "
        f"without any model ({_span(interval)}), so a difference says nothing about what was made from them; "
        + ("choose held-out groups at random" if above else "look for documents that stand on both sides")
    )
    return Judged(measured, "no-verdict", (0.0, 0.0), why)


def _against_claim(measured: Measured, difference: float, limits: tuple[float, float]) -> tuple[Verdict, str]:
    bound, claim = measured.train or 0.0, measured.held_out or 0.0
    if difference > limits[1]:
        return "fail", f"epsilon is at least {bound:.2f}, more than the {claim:.2f} that is claimed"
    if measured.detectable is None:
        return (
            "no-verdict",
            measured.reason or f"so few canaries cannot contradict the claim of {claim:.2f}; insert more",
        )
    return "pass", f"a lower bound of {bound:.2f} does not contradict the claim of {claim:.2f}"


def _within(
    measured: Measured,
    difference: float,
    interval: tuple[float, float],
    limits: tuple[float, float],
    *,
    was_control_read: bool,
) -> tuple[Verdict, str]:
    (low, high), (lower, upper) = interval, limits
    tolerated = f"the tolerated {_span(limits)}"
    if low > upper:
        return "fail", f"the excess is at least {low:.3f}, above {tolerated}"
    if high < lower:
        return (
            "fail",
            f"the deficit is at least {-high:.3f}, below {tolerated}: what is avoided gives away who was known",
        )
    if was_control_read:
        return "no-verdict", (
            f"{measured.held_out or 0.0:.3f} of the held-out groups have it too, which is no chance: held-out text was "
            "read as well, such as for prompts, so there is no control; hold out groups that nothing was made from"
        )
    if lower <= low and high <= upper:
        return "pass", f"the difference is {_span(interval)}, within {tolerated}{_reserve(measured, upper)}"
    sides = [name for name, beyond in (("an excess", high > upper), ("a deficit", low < lower)) if beyond]
    unknown = f"{' and '.join(sides)} beyond {tolerated} can be neither shown nor ruled out"
    needed = _needed(measured.n, difference, interval, limits)
    return "no-verdict", f"the difference is {_span(interval)}: {unknown}; {needed}"


def _was_control_read(measured: Measured, tolerance: Tolerance) -> bool:
    """Whether more held-out groups were found than chance explains, with 97.5 % confidence."""
    if measured.kind != "share" or not measured.held_out:
        return False
    return wilson_interval(measured.held_out, measured.n[1]).ends[0] > tolerance.by_chance


def _reserve(measured: Measured, upper: float) -> str:
    """What to say of a pass where there was no room for a larger excess."""
    if measured.kind == "share" and measured.held_out is not None and 1 - measured.held_out < upper:
        return "; but nearly all held-out groups have it too, which leaves no room for a larger excess"
    return ""


def _needed(n: tuple[int, int], difference: float, interval: tuple[float, float], limits: tuple[float, float]) -> str:
    """How many groups would be needed: the width of an interval falls with the square root of their number."""
    (low, high), (lower, upper) = interval, limits
    below, above = difference - low, high - difference
    if difference > upper:
        times = _ratio(below, difference - upper)
    elif difference < lower:
        times = _ratio(above, lower - difference)
    else:
        times = max(_ratio(above, upper - difference), _ratio(below, difference - lower))
    if times**2 > MOST_TIMES:
        return "it is so close to the limit that no reachable number of groups would tell"
    train, held_out = (_rounded_up(times**2 * each) for each in n)
    return (
        f"about {train:,} training groups and {held_out:,} held-out groups would tell, if the difference stays as it is"
    )


def _ratio(width: float, room: float) -> float:
    return width / room if room > 0 else inf


def _rounded_up(number: float) -> int:
    """At least the number, in two digits.

    >>> [_rounded_up(each) for each in (7.2, 96.0, 1203.0)]
    [8, 96, 1300]
    """
    unit: int = 10 ** max(0, floor(log10(max(number, 1.0))) - 1)
    return ceil(number / unit) * unit


def _span(ends: tuple[float, float]) -> str:
    return f"{ends[0]:.3f} to {ends[1]:.3f}"
