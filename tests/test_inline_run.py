"""Whole runs in which the language model writes the entities itself."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deidsynth.config import RunConfig, load_data, parse
from deidsynth.corpora import read_jsonl
from deidsynth.errors import ConfigError
from deidsynth.workflow.pipeline import run
from tiny_models import one_thread
from tiny_runs import SETTINGS, write_config, write_notes

__all__ = ["one_thread"]

SAMPLING = {**SETTINGS["synthesize"], "max_length_tokens": 120}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("inline-run")
    write_notes(root / "notes")
    return root


def config(folder: Path, output: str, **synthesize: Any) -> RunConfig:
    adapt = {**SETTINGS["adapt"], "control_codes": ["labels"]}
    path = write_config(
        folder / f"{output}.yaml", folder / "notes", folder / output, adapt=adapt, synthesize={**SAMPLING, **synthesize}
    )
    return parse(RunConfig, load_data(path))


def test_a_synthetic_model_learns_from_what_the_language_model_wrote(folder: Path) -> None:
    made = run(config(folder, "inline", annotations="inline"), device="cpu")
    corpus = read_jsonl(made.folder / "synthetic" / "corpus.jsonl")
    assert (corpus.origin, corpus.annotation) == ("synthetic", "silver")
    facts = {stage.name: stage.facts for stage in made.report.stages}
    assert facts["synthesize"]["n_entities"] == facts["annotate"]["n_entities"] == corpus.n_entities > len(corpus)
    assert facts["synthetic"]["n_entities"] == corpus.n_entities
    assert made.synthetic.strict.f1 is not None
    assert (made.folder / "report.html").stat().st_size > 10_000
    assert (made.folder / "models" / "lm" / "deidsynth.json").is_file()


def test_what_both_annotate_alike_is_published_and_checked(folder: Path) -> None:
    made = run(config(folder, "agreement", annotations="agreement", agreement=0.4), device="cpu")
    statuses = {result.name: result.status for result in made.results}
    assert statuses["synthesize"] == "cached"  # the texts are those of the inline run
    facts = {stage.name: stage.facts for stage in made.report.stages}
    corpus = read_jsonl(made.folder / "synthetic" / "corpus.jsonl")
    assert facts["annotate"]["n_disagreeing"] == facts["synthesize"]["n_documents"] - len(corpus)
    assert made.report.memorization.n_notes_checked == len(corpus)


def test_configurations_that_contradict_themselves() -> None:
    endpoint = {"base_url": "http://127.0.0.1:8000/v1", "model": "lm"}
    for data, message in (
        ({"synthesize": {"annotations": "inline"}, "adapt": {"annotations": "none"}}, "leave adapt.annotations out"),
        ({"synthesize": {"annotations": "inline", "endpoint": endpoint}}, "a server returns plain text"),
        (
            {"synthesize": {"endpoint": endpoint}, "adapt": {"control_codes": ["length"]}},
            "control codes cannot be sent to a server",
        ),
        ({"adapt": {"control_codes": ["length", "length"]}}, "duplicate field"),
    ):
        with pytest.raises(ConfigError, match=message):
            parse(RunConfig, data)
