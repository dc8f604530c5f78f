"""Results of ``deidsynth evaluate`` as tables for the terminal, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Sequence

from deidsynth.metrics import Comparison, ErrorAnalysis, EvaluationResult, NonInferiority, RunsResult
from deidsynth.metrics.comparison import Difference
from deidsynth.metrics.counts import Counts
from deidsynth.metrics.entities import LengthBand
from deidsynth.metrics.measures import MEASURES
from deidsynth.metrics.reliability import Calibration
from deidsynth.metrics.resampling import RATIOS
from deidsynth.report import formats
from deidsynth.report.names import LEAK, SHARES
from deidsynth.report.run_tables import fold_tables, run_tables
from deidsynth.report.tables import Table

COUNTS = ("tp", "fp", "fn")
Ends = tuple[float, float] | None


def score_tables(result: EvaluationResult | RunsResult) -> list[Table]:
    """The tables of an evaluation."""
    if isinstance(result, RunsResult):
        return run_tables(result)
    tables = [_measures(result), _labels(result), _exposure(result)]
    if len(result.scores.by_length) > 1:
        tables.append(_lengths(result.scores.by_length))
    if result.folds is not None:
        tables += fold_tables(result.folds)
    if result.comparison is not None:
        tables += [_comparison(result.comparison), _compared_shares(result.comparison)]
    if result.errors is not None:
        tables += _errors(result.errors)
    if result.calibration is not None and result.calibration.n_scored:
        tables.append(_calibration(result.calibration))
    return tables


def _measures(result: EvaluationResult) -> Table:
    measures = {name: result.measure(name) for name in MEASURES}
    rows = [
        (
            name,
            *(_with_interval(getattr(each, ratio), each.intervals[ratio]) for ratio in RATIOS),
            *(formats.count(getattr(each, count)) for count in COUNTS),
        )
        for name, each in measures.items()
    ]
    macro = (_with_interval(value, result.interval("macro", ratio)) for ratio, value in result.scores.macro.items())
    rows.append(("strict, macro", *macro, "", "", ""))
    return Table(
        f"Scores of {formats.count(result.n_documents)} documents",
        ("measure", "precision", "recall", "F1", *COUNTS),
        tuple(rows),
    )


def _with_interval(value: float | None, interval: Ends, digits: int = 3) -> str:
    if value is None:
        return formats.DASH
    low_high = "" if interval is None else f" [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"
    return f"{value:.{digits}f}{low_high}"


def _labels(result: EvaluationResult) -> Table:
    tokens = result.scores.token_per_label
    rows = [
        (
            label,
            formats.count(each.support),
            formats.score(each.precision),
            formats.score(each.recall),
            _with_interval(each.f1, each.interval),
            formats.score(tokens.get(label, Counts()).f1),
        )
        for label, each in sorted(result.per_label.items(), key=lambda each: -each[1].support)
    ]
    return Table("By label, strict", ("label", "support", "precision", "recall", "F1", "token F1"), tuple(rows))


def _exposure(result: EvaluationResult) -> Table:
    shares = result.exposure.to_dict()
    rows = [
        (name, _with_interval(shares[key], result.interval("exposure", key)), formats.count(shares[support]))
        for key, (name, support) in SHARES.items()
    ]
    if result.leak is not None:
        rows.append((LEAK, _with_interval(result.leak, result.interval("leak"), digits=4), ""))
    return Table("What would be hidden", ("share", "value", "of"), tuple(rows))


def _lengths(bands: Sequence[LengthBand]) -> Table:
    rows = [
        (
            f"{formats.count(band.shortest)} to {formats.count(band.longest)}",
            formats.count(band.n_documents),
            formats.count(band.strict.support),
            formats.score(band.strict.f1),
            formats.score(band.token.f1),
        )
        for band in bands
    ]
    return Table("By length", ("tokens", "documents", "support", "strict F1", "token F1"), tuple(rows))


def _comparison(comparison: Comparison) -> Table:
    rows = [
        (
            "strict, macro" if name == "macro" else name,
            formats.score(each.reference_f1),
            formats.score(each.candidate_f1),
            *_judged(each.difference["f1"], each.randomization_p, each.non_inferiority),
        )
        for name, each in comparison.measures.items()
    ]
    headers = ("measure", "reference F1", "F1", "difference", "p", "drop within margin?")
    return Table("Comparison with the reference", headers, tuple(rows))


def _compared_shares(comparison: Comparison) -> Table:
    names: dict[tuple[str, ...], str] = {("exposure", key): name for key, (name, _) in SHARES.items()} | {
        ("leak",): LEAK
    }
    rows = tuple(
        (
            name,
            formats.score(row.reference),
            formats.score(row.candidate),
            *_judged(row.difference, row.randomization_p, row.non_inferiority),
        )
        for path, name in names.items()
        if (row := comparison.shares.get(path)) is not None
    )
    headers = ("share", "reference", "value", "difference", "p", "drop within margin?")
    return Table("What would be hidden, compared with the reference", headers, rows)


def _judged(difference: Difference | None, p: float | None, verdict: NonInferiority | None) -> tuple[str, str, str]:
    """Difference, p-value and verdict."""
    return (
        formats.DASH if difference is None else _signed(difference),
        formats.DASH if p is None else f"{p:.4f}",
        "" if verdict is None else _verdict(verdict),
    )


def _signed(difference: Difference) -> str:
    shown, interval = f"{difference.point:+.3f}", difference.interval
    return shown if interval is None else f"{shown} [{interval.low:+.3f}, {interval.high:+.3f}]"


def _verdict(verdict: NonInferiority) -> str:
    if verdict.upper is None:
        return formats.DASH
    sign = "<" if verdict.non_inferior else ">="
    return f"{'yes' if verdict.non_inferior else 'no'} ({verdict.upper:+.3f} {sign} {verdict.margin:g})"


def _errors(errors: ErrorAnalysis) -> list[Table]:
    gold, predicted = errors.gold_counts, errors.predicted_counts
    kinds = dict.fromkeys([*gold, *predicted])
    rows = [
        (kind, *(formats.count(side[kind]) if kind in side else "" for side in (gold, predicted))) for kind in kinds
    ]
    tables = [Table("Errors by kind", ("kind", "gold entities", "predicted entities"), tuple(rows))]
    confused = sorted(
        ((count, one, other) for one, row in errors.confusion.items() for other, count in row.items() if one != other),
        key=lambda each: (-each[0], each[1:]),
    )
    if confused:
        shown = tuple((f"{one} as {other}", formats.count(count)) for count, one, other in confused[:12])
        tables.append(Table("Most frequent confusions", ("gold as predicted", "count"), shown))
    for title, shapes in (
        ("Missed, by shape", errors.missed_shapes),
        ("False alarms, by shape", errors.false_alarm_shapes),
    ):
        found = sorted(
            ((count, label, shape) for label, row in shapes.items() for shape, count in row.items()),
            key=lambda each: (-each[0], each[1:]),
        )
        if found:
            told = tuple((label, shape, formats.count(count)) for count, label, shape in found[:12])
            tables.append(Table(title, ("label", "shape", "count"), told))
    return tables


def _calibration(calibration: Calibration) -> Table:
    rows = [
        (
            f"{each.lower:.1f} to {each.upper:.1f}",
            formats.count(each.count),
            formats.score(each.mean_score),
            formats.score(each.share_right),
        )
        for each in calibration.bins
        if each.count
    ]
    title = f"Calibration of the scores (expected error {formats.score(calibration.expected_calibration_error)})"
    return Table(title, ("score", "entities", "mean score", "share correct"), tuple(rows))
