"""A report of a run that nobody made, to draw and to write down."""

from __future__ import annotations

from typing import Any

from deidsynth.config import RunConfig
from deidsynth.documents import Document, Entity
from deidsynth.metrics import Counts, Scores, score
from deidsynth.metrics.measures import MEASURES
from deidsynth.metrics.privacy import Exposure
from deidsynth.report.content import RunReport

TEXT = "Ana Ruiz & <b>Bo</b>, 54.\nVisto en Lugo."
GOLD = Document("g", TEXT, (Entity(0, 8, "NAME"), Entity(22, 24, "AGE"), Entity(35, 39, "PLACE")))


def report_content() -> dict[str, Any]:
    """The content of ``report.json``; the synthetic model has missed one of three entities."""
    gold = score([GOLD], [GOLD]).to_dict()
    synthetic = score([GOLD], [GOLD.with_entities(GOLD.entities[:2])]).to_dict()
    return {
        "schema_version": 4,
        "models": {"gold": gold, "synthetic": synthetic},
        "difference": {
            "strict_f1": synthetic["strict"]["f1"] - 1,
            "token_f1": synthetic["token"]["f1"] - 1,
        },
        "uncertainty": uncertainty(),
        "stages": [
            stage("import", "import", "Read the corpus", "corpus", 1.25, status="cached",
                  facts={"n_documents": 1234, "skipped": {}, "format": "brat"}),
            stage("adapt", "adapt", "Adapt the language model", "adapt", 912.0,
                  facts={"finished_share": 0.981, "resumed": False}),
            stage("gold", "train", "Train the gold model", "train_gold", 1.0),
            stage("synthetic", "train", "Train the synthetic model", "train_synthetic", 61.0),
        ],
        "corpora": {
            "train": described(900, NAME=700, AGE=300),
            "validation": described(90, NAME=70, AGE=30),
            "test": described(100, NAME=70, AGE=30),
            "synthetic": described(800, NAME=500, AGE=500),
        },
        "shared_groups": {"train_test": 0, "validation_test": 0},
        "curves": {
            "adapt": [{"step": step, "epoch": step / 10, "train_loss": 5 / step, "validation_loss": 6 / step}
                      for step in range(1, 900)],
            "gold": [{"step": 10, "train_loss": 0.5, "validation_loss": None}],
            "synthetic": [],
        },
        "memorization": memorization(recall(0.122), recall(0.061), []),
        "audit": None,
        "gaps_in_guarantee": [],
        "language": "es", "origin": "real", "created": "2026-01-02T03:04:05+00:00", "device": "cpu",
        "versions": {"torch": "2.9"},
        "config": RunConfig.model_validate({"corpus": {"path": "<here>"}}).model_dump(mode="json"),
    }  # fmt: skip


def run_report(**changes: Any) -> RunReport:
    """That report, with other content where it is given."""
    return RunReport.model_validate(report_content() | changes)


def stage(
    name: str, stage: str, title: str, box: str | None, seconds: float, *, status: str = "done",
    facts: dict[str, Any] | None = None, fact_titles: dict[str, str] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """An entry of ``stages``."""
    return {
        "name": name, "stage": stage, "key": "sha256:feed", "status": status, "duration_seconds": seconds,
        "facts": facts or {}, "title": title, "box": box, "fact_titles": fact_titles or {}, "headline": [],
    }  # fmt: skip


def uncertainty(n_groups: int = 100) -> dict[str, Any]:
    """Intervals of all scores."""
    ratios = {"precision": [0.9, 1.0], "recall": [0.5, 0.9], "f1": [0.7, 0.95]}
    measures = dict.fromkeys(("strict", "span", "merged", "token"), ratios)
    return {
        "gold": measures, "synthetic": measures, "difference": {"strict_f1": [-0.3, -0.1], "token_f1": [-0.3, 0.1]},
        "level": 0.95, "n_resamples": 10_000, "seed": 1, "n_groups": n_groups,
    }  # fmt: skip


def described(n_documents: int, **labels: int) -> dict[str, Any]:
    """The figures of a corpus."""
    quantiles = {"min": 3, "p25": 40, "median": 55.5, "p75": 80, "max": 300, "mean": 60}
    return {
        "origin": "real", "annotation": "gold", "language": "es", "n_documents": n_documents, "n_groups": n_documents,
        "n_chars": 300 * n_documents, "n_words": 60 * n_documents, "n_entities": sum(labels.values()),
        "n_documents_without_entities": 0, "chars": quantiles, "words": quantiles, "entities": quantiles,
        "labels": {label: {"count": count, "median_chars": 4} for label, count in labels.items()},
    }  # fmt: skip


def memorization(train: dict[str, Any], held_out: dict[str, Any], shown: list[int]) -> dict[str, Any]:
    """What reappears."""
    return {
        "n": 5, "train": train, "held_out": held_out, "n_notes_checked": 400, "n_notes_passing": 390,
        "max_run_words": 12, "min_groups": 3, "min_entity_characters": 7, "n_notes_with_long_runs": 2,
        "n_notes_with_rare_entities": 8, "shown": shown,
    }  # fmt: skip


def scores(counts: Counts, n_documents: int = 2) -> dict[str, Any]:
    """Scores with the same counts under every measure, as ``evaluate`` writes them."""
    by_label = {"NAME": counts}
    exposure = Exposure(9, 6, 50, 1, n_documents, 1, 3, 2)
    measures = dict.fromkeys(MEASURES, counts)
    return Scores(measures, by_label, by_label, exposure, leak=0.1, n_documents=n_documents).to_dict()


def recall(share: float | None) -> dict[str, Any]:
    """How much of some wording reappears."""
    counts = {"n_reference": 1000, "n_found": 0, "n_reference_occurrences": 1000, "n_found_occurrences": 0}
    return {"n": 5, "recall": share, "recall_occurrences": share, **counts}
