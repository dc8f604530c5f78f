"""What ``deidsynth evaluate`` found, as tables for a terminal, Markdown or LaTeX."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from deidsynth.report import formats
from deidsynth.report.run_tables import fold_tables, run_tables
from deidsynth.report.tables import to_markdown
from deidsynth.report.titled_table import LEAK, MEASURES, SHARES, TitledTable

__all__ = ["TitledTable", "latex", "markdown", "score_tables"]

RATIOS = ("precision", "recall", "f1")
COUNTS = ("tp", "fp", "fn")
_LATEX = str.maketrans(
    {character: f"\\{character}" for character in "_%&#$"} | {formats.THIN: r"\,", formats.DASH: "--"}
)


def score_tables(found: Mapping[str, Any]) -> list[TitledTable]:
    """The tables of an evaluation.

    Args:
        found: what `deidsynth.metrics.evaluate` or `evaluate_several` gave, perhaps with a ``comparison``.
    """
    if "runs" in found:
        return run_tables(found)
    tables = [_measures(found), _labels(found), _exposure(found)]
    if len(found.get("by_length", ())) > 1:
        tables.append(_lengths(found))
    if "folds" in found:
        tables += fold_tables(found)
    if "comparison" in found:
        tables += [_comparison(found["comparison"]), _compared_shares(found["comparison"])]
    if "errors" in found:
        tables += _errors(found["errors"])
    if found.get("calibration", {}).get("n_scored"):
        tables.append(_calibration(found["calibration"]))
    return tables


def markdown(tables: Sequence[TitledTable]) -> str:
    """The tables in Markdown, each under its title."""
    return "\n\n".join(f"**{table.title}**\n\n{to_markdown(table.headers, table.rows)}" for table in tables)


def latex(tables: Sequence[TitledTable]) -> str:
    """The tables in LaTeX, for the package ``booktabs``."""
    return "\n\n".join(map(_latex, tables))


def _latex(table: TitledTable) -> str:
    lines = [
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{table.title.translate(_LATEX)}}}",
        f"\\begin{{tabular}}{{l{'r' * (len(table.headers) - 1)}}}",
        "\\toprule",
        _latex_row(table.headers),
        "\\midrule",
        *map(_latex_row, table.rows),
        "\\bottomrule",
        "\\end{tabular}",
        "\\end{table}",
    ]
    return "\n".join(lines)


def _latex_row(cells: Sequence[str]) -> str:
    return " & ".join(cell.translate(_LATEX) for cell in cells) + r" \\"


def _measures(found: Mapping[str, Any]) -> TitledTable:
    intervals = found.get("intervals", {})
    rows = [
        (
            measure,
            *(_with_interval(found[measure][name], intervals.get(measure, {}).get(name)) for name in RATIOS),
            *(formats.count(found[measure][name]) for name in COUNTS),
        )
        for measure in MEASURES
    ]
    macro, around = found["macro"], intervals.get("macro", {})
    rows.append(("strict, macro", *(_with_interval(macro[name], around.get(name)) for name in RATIOS), "", "", ""))
    return TitledTable(
        f"Scores of {formats.count(found['n_documents'])} documents",
        ("measure", "precision", "recall", "F1", *COUNTS),
        tuple(rows),
    )


def _with_interval(value: float | None, interval: Sequence[float] | None, digits: int = 3) -> str:
    if value is None:
        return formats.DASH
    low_high = "" if interval is None else f" [{interval[0]:.{digits}f}, {interval[1]:.{digits}f}]"
    return f"{value:.{digits}f}{low_high}"


def _labels(found: Mapping[str, Any]) -> TitledTable:
    intervals = found.get("intervals", {}).get("per_label", {})
    rows = [
        (
            label,
            formats.count(counts["tp"] + counts["fn"]),
            *(formats.score(counts[name]) for name in RATIOS[:2]),
            _with_interval(counts["f1"], intervals.get(label, {}).get("f1")),
            formats.score(found["token_per_label"].get(label, {}).get("f1")),
        )
        for label, counts in sorted(found["per_label"].items(), key=lambda each: -each[1]["tp"] - each[1]["fn"])
    ]
    return TitledTable("By label, strict", ("label", "support", "precision", "recall", "F1", "token F1"), tuple(rows))


def _exposure(found: Mapping[str, Any]) -> TitledTable:
    shares, intervals = found["exposure"], found.get("intervals", {})
    around = intervals.get("exposure", {})
    rows = [
        (name, _with_interval(shares[key], around.get(key)), formats.count(shares[support]))
        for key, (name, support) in SHARES.items()
    ]
    if found.get("leak") is not None:
        rows.append((LEAK, _with_interval(found["leak"], intervals.get("leak"), digits=4), ""))
    return TitledTable("What would be hidden", ("share", "value", "of"), tuple(rows))


def _lengths(found: Mapping[str, Any]) -> TitledTable:
    rows = [
        (
            f"{formats.count(band['shortest_tokens'])} to {formats.count(band['longest_tokens'])}",
            formats.count(band["n_documents"]),
            formats.count(band["strict"]["tp"] + band["strict"]["fn"]),
            formats.score(band["strict"]["f1"]),
            formats.score(band["token"]["f1"]),
        )
        for band in found["by_length"]
    ]
    return TitledTable("By length", ("tokens", "documents", "support", "strict F1", "token F1"), tuple(rows))


def _comparison(comparison: Mapping[str, Any]) -> TitledTable:
    names = {measure: measure for measure in MEASURES} | {"macro": "strict, macro"}
    rows = [
        (
            shown,
            formats.score(comparison[measure]["reference_f1"]),
            formats.score(comparison[measure]["candidate_f1"]),
            *_judged(comparison[measure], comparison[measure]["difference"]["f1"]),
        )
        for measure, shown in names.items()
    ]
    headers = ("measure", "reference F1", "F1", "difference", "p", "drop within margin?")
    return TitledTable("Beside the reference", headers, tuple(rows))


def _compared_shares(comparison: Mapping[str, Any]) -> TitledTable:
    named = [(name, comparison["exposure"][key]) for key, (name, _) in SHARES.items()]
    if "leak" in comparison:
        named.append((LEAK, comparison["leak"]))
    rows = tuple(
        (
            name,
            formats.score(row["reference"]),
            formats.score(row["candidate"]),
            *_judged(row, row["difference"]),
        )
        for name, row in named
    )
    headers = ("share", "reference", "value", "difference", "p", "drop within margin?")
    return TitledTable("What would be hidden, beside the reference", headers, rows)


def _judged(row: Mapping[str, Any], difference: Mapping[str, Any] | None) -> tuple[str, str, str]:
    """Difference, p-value and verdict."""
    p, verdict = row["randomization_p"], row.get("non_inferiority")
    return (
        formats.DASH if difference is None else _signed(difference["point"], difference["interval"]),
        formats.DASH if p is None else f"{p:.4f}",
        "" if verdict is None else _verdict(verdict),
    )


def _signed(point: float, interval: Sequence[float] | None) -> str:
    shown = f"{point:+.3f}"
    return shown if interval is None else f"{shown} [{interval[0]:+.3f}, {interval[1]:+.3f}]"


def _verdict(verdict: Mapping[str, Any]) -> str:
    if verdict["upper"] is None:
        return formats.DASH
    sign = "<" if verdict["non_inferior"] else ">="
    return f"{'yes' if verdict['non_inferior'] else 'no'} ({verdict['upper']:+.3f} {sign} {verdict['margin']:g})"


def _errors(errors: Mapping[str, Any]) -> list[TitledTable]:
    gold, predicted = errors["gold"]["counts"], errors["predicted"]["counts"]
    kinds = dict.fromkeys([*gold, *predicted])
    rows = [
        (kind, *(formats.count(side[kind]) if kind in side else "" for side in (gold, predicted))) for kind in kinds
    ]
    tables = [TitledTable("Errors by kind", ("kind", "gold entities", "predicted entities"), tuple(rows))]
    confused = sorted(
        (
            (count, one, other)
            for one, row in errors["confusion"].items()
            for other, count in row.items()
            if one != other
        ),
        key=lambda each: (-each[0], each[1:]),
    )
    if confused:
        shown = tuple((f"{one} as {other}", formats.count(count)) for count, one, other in confused[:12])
        tables.append(TitledTable("Most frequent confusions", ("gold as predicted", "count"), shown))
    for key, title in (("missed_shapes", "Missed, by shape"), ("false_alarm_shapes", "False alarms, by shape")):
        found = sorted(
            ((count, label, shape) for label, row in errors[key].items() for shape, count in row.items()),
            key=lambda each: (-each[0], each[1:]),
        )
        if found:
            shapes = tuple((label, shape, formats.count(count)) for count, label, shape in found[:12])
            tables.append(TitledTable(title, ("label", "shape", "count"), shapes))
    return tables


def _calibration(found: Mapping[str, Any]) -> TitledTable:
    rows = [
        (
            f"{each['lower']:.1f} to {each['upper']:.1f}",
            formats.count(each["count"]),
            formats.score(each["mean_score"]),
            formats.score(each["share_right"]),
        )
        for each in found["bins"]
        if each["count"]
    ]
    title = f"Calibration of the scores (expected error {formats.score(found['expected_calibration_error'])})"
    return TitledTable(title, ("score", "entities", "mean score", "share right"), tuple(rows))
