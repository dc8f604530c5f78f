"""What ``deidsynth evaluate`` found about several runs or folds, as tables."""

from __future__ import annotations

from collections.abc import Mapping
from math import sqrt
from typing import Any

from deidsynth.report import formats
from deidsynth.report.titled_table import LEAK, MEASURES, SHARES, TitledTable

HEADLINE = {
    "strict precision": ("strict", "precision"),
    "strict recall": ("strict", "recall"),
    "strict F1": ("strict", "f1"),
    "token F1": ("token", "f1"),
    "characters found": ("exposure", "characters_found"),
    "documents without a miss": ("exposure", "documents_without_miss"),
}
FIGURES = {
    "strict precision": ("strict", "precision"),
    "strict recall": ("strict", "recall"),
    **{f"{measure} F1": (measure, "f1") for measure in MEASURES},
    "strict F1, macro": ("macro", "f1"),
    **{shown: ("exposure", key) for key, (shown, _) in SHARES.items()},
}


def run_tables(found: Mapping[str, Any]) -> list[TitledTable]:
    """Each run, and the mean and spread over runs, with the part that training has in it."""
    return [_each("run", found["runs"]), _over_runs(found)]


def fold_tables(found: Mapping[str, Any]) -> list[TitledTable]:
    """Each fold, and the mean and spread over folds."""
    rows = [
        (shown, *(formats.score(row[name]) for name in ("mean", "sd", "lowest", "highest")))
        for shown, row in _rows(found["over_folds"])
    ]
    title = f"Over {len(found['folds'])} folds"
    return [
        _each("fold", found["folds"]),
        TitledTable(title, ("figure", "mean", "SD", "lowest", "highest"), tuple(rows)),
    ]


def _each(what: str, parts: list[dict[str, Any]]) -> TitledTable:
    rows = [
        (
            part["predicted"],
            formats.count(part["n_documents"]),
            *(formats.score(_at(part, at)) for at in HEADLINE.values()),
        )
        for part in parts
    ]
    return TitledTable(f"Each {what}", (what, "documents", *HEADLINE), tuple(rows))


def _over_runs(found: Mapping[str, Any]) -> TitledTable:
    rows = []
    for shown, row in _rows(found["over_runs"]):
        interval, variance = row["interval"], row["variance"]
        around = "" if interval is None else f" [{interval[0]:.3f}, {interval[1]:.3f}]"
        documents, training = variance["documents"], variance["training"]
        both = None if documents is None or training is None else documents + training
        rows.append(
            (
                shown,
                f"{formats.score(row['mean'])}{around}",
                formats.score(row["lowest"]),
                formats.score(row["highest"]),
                formats.score(None if training is None else sqrt(training)),
                formats.score(None if documents is None else sqrt(documents)),
                formats.percent(training / both if both else None),
            )
        )
    headers = ("figure", "mean", "lowest", "highest", "SD of training", "SD of documents", "variance by training")
    return TitledTable(
        f"Over {found['n_runs']} runs, {formats.count(found['n_documents'])} documents", headers, tuple(rows)
    )


def _rows(over: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    rows = [(shown, _at(over, at)) for shown, at in FIGURES.items()]
    return [*rows, (LEAK, over["leak"])] if over.get("leak") else rows


def _at(found: Mapping[str, Any], path: tuple[str, str]) -> Any:
    return found[path[0]][path[1]]
