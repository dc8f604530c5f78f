"""Results of ``deidsynth evaluate`` for several runs or folds, as tables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from math import sqrt

from deidsynth.metrics import RunsResult, Scores
from deidsynth.metrics.figures import FigurePath
from deidsynth.metrics.measures import MEASURES
from deidsynth.metrics.results import Folds, NamedScores
from deidsynth.metrics.spread import FigureSpread, Variance
from deidsynth.report import formats
from deidsynth.report.names import LEAK, SHARES
from deidsynth.report.tables import Table

HEADLINE: Mapping[str, Callable[[Scores], float | None]] = {
    "strict precision": lambda scores: scores.strict.precision,
    "strict recall": lambda scores: scores.strict.recall,
    "strict F1": lambda scores: scores.strict.f1,
    "token F1": lambda scores: scores.token.f1,
    "characters found": lambda scores: scores.exposure.characters_found,
    "documents without a miss": lambda scores: scores.exposure.documents_without_miss,
}
FIGURES: Mapping[str, FigurePath] = {
    "strict precision": ("strict", "precision"),
    "strict recall": ("strict", "recall"),
    **{f"{measure} F1": (measure, "f1") for measure in MEASURES},
    "strict F1, macro": ("macro", "f1"),
    **{shown: ("exposure", key) for key, (shown, _) in SHARES.items()},
    LEAK: ("leak",),
}


def run_tables(result: RunsResult) -> list[Table]:
    """Each run, and mean and spread over runs, with the share of the variance that is due to training."""
    return [_each("run", result.runs), _over_runs(result)]


def fold_tables(folds: Folds) -> list[Table]:
    """Each fold, and mean and spread over folds."""
    rows = [
        (shown, *(formats.score(value) for value in (row.mean, row.sd, row.lowest, row.highest)))
        for shown, row in _rows(folds.over)
    ]
    title = f"Over {len(folds.parts)} folds"
    return [
        _each("fold", folds.parts),
        Table(title, ("figure", "mean", "SD", "lowest", "highest"), tuple(rows)),
    ]


def _each(what: str, parts: Sequence[NamedScores]) -> Table:
    rows = [
        (name, formats.count(scores.n_documents), *(formats.score(figure(scores)) for figure in HEADLINE.values()))
        for name, scores in parts
    ]
    return Table(f"Each {what}", (what, "documents", *HEADLINE), tuple(rows))


def _over_runs(result: RunsResult) -> Table:
    rows = []
    for shown, row in _rows(result.over):
        around = "" if row.interval is None else f" [{row.interval.low:.3f}, {row.interval.high:.3f}]"
        variance = row.variance or Variance(None, None)
        rows.append(
            (
                shown,
                f"{formats.score(row.mean)}{around}",
                formats.score(row.lowest),
                formats.score(row.highest),
                formats.score(_root(variance.training)),
                formats.score(_root(variance.documents)),
                formats.percent(variance.training_share),
            )
        )
    headers = ("figure", "mean", "lowest", "highest", "SD of training", "SD of documents", "variance by training")
    title = f"Over {len(result.runs)} runs, {formats.count(result.n_documents)} documents"
    return Table(title, headers, tuple(rows))


def _root(variance: float | None) -> float | None:
    return None if variance is None else sqrt(variance)


def _rows(over: Mapping[FigurePath, FigureSpread]) -> list[tuple[str, FigureSpread]]:
    return [(shown, over[path]) for shown, path in FIGURES.items() if path in over]
