"""How the synthetic notes compare with the real ones: sentences and tables that describe, without a verdict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from markupsafe import Markup

from deidsynth.report import figures, formats
from deidsynth.report.audit_details import Details, DetailTable, details_of
from deidsynth.showing import visible

SIDES = ("real", "synthetic")
TOLD = ("n_documents", "n_sampled", "labels", "lengths", "vocabulary", "diversity", "near_duplicates", "discriminator")
"""Keys with a sentence or a table of their own; what else there is is shown as it is."""


class LabelRate(NamedTuple):
    """How often a label occurs in 1,000 words, real and synthetic."""

    label: str
    real: str
    synthetic: str
    figure: Markup


class ShownFidelity(NamedTuple):
    """What the page shows of a comparison.

    Args:
        sentences: each with what it is about.
        lengths: quantiles of words in a note; None if they are not known.
        labels: the most frequent first.
        distinct: shares of distinct words and runs of words; None if they are not known.
        rest: figures of which the page knows no more than their names.
    """

    sentences: tuple[tuple[str, str], ...]
    lengths: DetailTable | None
    labels: tuple[LabelRate, ...]
    distinct: DetailTable | None
    rest: Details


def fidelity_of(fidelity: Mapping[str, Any]) -> ShownFidelity | None:
    """The comparison of an audit; None if there was none.

    Args:
        fidelity: as `privacy.audit.fidelity` makes it; any key may be missing.
    """
    if not fidelity:
        return None
    return ShownFidelity(
        tuple(_sentences(fidelity)),
        _lengths(fidelity),
        _labels(fidelity),
        _distinct(fidelity),
        details_of({key: value for key, value in fidelity.items() if key not in TOLD}),
    )


def _sentences(fidelity: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    n, sampled = (_pair(fidelity, key) for key in ("n_documents", "n_sampled"))
    if n is not None:
        some = (
            f"; looked at: {formats.count(sampled[0])} and {formats.count(sampled[1])}"
            if sampled and sampled != n
            else ""
        )
        yield "Notes", f"{formats.count(n[0])} real and {formats.count(n[1])} synthetic notes are compared{some}."
    auc = _at(fidelity, "discriminator", "auc")
    if auc is not None:
        yield (
            "Discriminator",
            f"Shown a real and a synthetic note, a classifier of words tells which is which {100 * auc:.0f} times of "
            "100; if it could not tell them apart, it would be right 50 times.",
        )
    distance = _at(fidelity, "labels", "jensen_shannon_distance")
    if distance is not None:
        yield (
            "Labels",
            f"The distance of the label distributions (Jensen-Shannon) is {distance:.2f}: 0 is alike, 1 is nothing in "
            "common.",
        )
    shared = [_at(fidelity, "vocabulary", key, "tokens") for key in ("of_real_in_synthetic", "of_synthetic_in_real")]
    if shared[0] is not None and shared[1] is not None:
        yield (
            "Vocabulary",
            f"Of 100 words of real text, {100 * shared[0]:.0f} occur in the synthetic text; of 100 words of synthetic "
            f"text, {100 * shared[1]:.0f} occur in the real text.",
        )
    repeated = [_at(fidelity, "near_duplicates", side, "share") for side in SIDES]
    if repeated[0] is not None and repeated[1] is not None:
        yield (
            "Near-duplicates",
            f"{formats.percent(repeated[1])} of the synthetic notes nearly repeat an earlier one, and "
            f"{formats.percent(repeated[0])} of the real notes.",
        )


def _lengths(fidelity: Mapping[str, Any]) -> DetailTable | None:
    by_side = [_mapping(fidelity, "lengths", side, "quantiles") for side in SIDES]
    names = list(dict.fromkeys(name for each in by_side for name in each))
    if not names:
        return None
    rows = [(_percentile(name), *(formats.count(formats.number(each.get(name))) for each in by_side)) for name in names]
    means = [formats.count(_at(fidelity, "lengths", side, "mean")) for side in SIDES]
    return DetailTable("Words in a note", ("Percentile", "Real", "Synthetic"), (*rows, ("mean", *means)))


def _percentile(name: str) -> str:
    try:
        share = float(name)
    except ValueError:
        return visible(name)
    return "median" if share == 0.5 else f"{100 * share:g}{formats.THIN}%"


def _labels(fidelity: Mapping[str, Any]) -> tuple[LabelRate, ...]:
    rates = {
        visible(str(label)): _rates(_as_mapping(each))
        for label, each in _mapping(fidelity, "labels", "per_1000_words").items()
    }
    high = max((rate for pair in rates.values() for rate in pair if rate is not None), default=0.0)
    return tuple(
        LabelRate(label, _rate(real), _rate(synthetic), figures.dumbbell(real, synthetic, width=180, high=high))
        for label, (real, synthetic) in sorted(rates.items(), key=lambda each: (-(each[1][0] or 0.0), each[0]))
    )


def _rates(each: Mapping[str, Any]) -> tuple[float | None, float | None]:
    return formats.number(each.get("real")), formats.number(each.get("synthetic"))


def _rate(rate: float | None) -> str:
    return formats.DASH if rate is None else f"{rate:.1f}"


def _distinct(fidelity: Mapping[str, Any]) -> DetailTable | None:
    by_side = [_mapping(fidelity, "diversity", side) for side in SIDES]
    n_words = _at(fidelity, "diversity", "n_words")
    rows = [
        (name, *(formats.percent(formats.number(each.get(key))) for each in by_side))
        for key, name in (
            ("distinct_1", "words"),
            ("distinct_2", "runs of 2 words"),
            ("distinct_3", "runs of 3 words"),
            ("distinct_4", "runs of 4 words"),
        )
        if any(key in each for each in by_side)
    ]
    if not rows:
        return None
    of = "" if n_words is None else f", in {formats.count(n_words)} words of each"
    return DetailTable(f"Distinct words and runs{of}", ("", "Real", "Synthetic"), tuple(rows))


def _pair(fidelity: Mapping[str, Any], key: str) -> tuple[float, float] | None:
    real, synthetic = (_at(fidelity, key, side) for side in SIDES)
    return None if real is None or synthetic is None else (real, synthetic)


def _at(fidelity: Mapping[str, Any], *path: str) -> float | None:
    """The number at a place; None if there is none."""
    return formats.number(_mapping(fidelity, *path[:-1]).get(path[-1]))


def _mapping(fidelity: Mapping[str, Any], *path: str) -> Mapping[str, Any]:
    """The mapping at a place; an empty one if there is none."""
    found: Mapping[str, Any] = fidelity
    for key in path:
        found = _as_mapping(found.get(key))
    return found


def _as_mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
