"""Private adaptation through the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus
from deidsynth.models.private import extra
from tiny_models import NOTES, one_thread, tiny
from tiny_runs import write_notes

__all__ = ["one_thread", "tiny"]

pytest.importorskip("opacus")
pytest.importorskip("dp_accounting")


def deidsynth(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="deidsynth")


def settings(*pairs: str) -> list[str]:
    return [part for pair in pairs for part in ("--set", pair)]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    write_jsonl(Corpus(NOTES, origin="invented", annotation="gold", language="sv"), tmp_path / "notes.jsonl")
    return tmp_path / "notes.jsonl"


def test_adapt_states_its_budget_and_writes_an_adapter_that_samples(corpus: Path, tmp_path: Path, tiny) -> None:
    output = tmp_path / "lm"
    result = deidsynth(
        "adapt", "--corpus", corpus, "--output", output, "--base", tiny("llama"), "--device", "cpu", "--json",
        *settings("private.epsilon=8", "private.steps=5", "private.expected_batch=3", "sequence_length=32"),
        *settings("annotations=inline", "private.labels=[NAME, CITY]"),
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    facts = json.loads(result.stdout)
    assert (facts["method"], facts["n_validation_documents"], facts["n_train_groups"]) == ("lora", 0, len(NOTES))
    assert 7.8 < facts["epsilon"] <= 8.0 and facts["epsilon_opacus"] == pytest.approx(facts["epsilon"], abs=0.02)
    assert (facts["delta"], facts["steps"], facts["expected_batch"]) == (1e-5, 5, 3.0)
    manifest = json.loads((output / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["facts"]["epsilon"] == facts["epsilon"]
    assert not list(output.rglob("checkpoint*"))
    added = json.loads((output / "model" / "deidsynth.json").read_text(encoding="utf-8"))["added_tokens"]
    assert added["labels"] == ["CITY", "NAME"]
    sampled = deidsynth(
        "synthesize", output, "--bos", "-n", "3", "--output", tmp_path / "texts.jsonl", "--device", "cpu",
        *settings("max_length_tokens=24", "annotations=inline"),
    )  # fmt: skip
    assert sampled.exit_code == 0, sampled.stderr
    assert len((tmp_path / "texts.jsonl").read_text(encoding="utf-8").splitlines()) == 3


def test_contradictions_are_found_before_the_corpus_is_read(tmp_path: Path) -> None:
    result = deidsynth(
        "adapt", "--corpus", tmp_path / "nowhere", "--output", tmp_path / "lm",
        *settings("private.epsilon=8", "base=scratch"),
    )  # fmt: skip
    assert result.exit_code == 2
    assert "adapt.private needs a pretrained base" in result.stderr


def test_without_the_extra_nothing_begins(corpus: Path, tmp_path: Path, tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise ImportError(name)

    monkeypatch.setattr(extra.importlib, "import_module", missing)
    result = deidsynth(
        "adapt",
        "--corpus",
        corpus,
        "--output",
        tmp_path / "lm",
        "--base",
        tiny("llama"),
        *settings("private.epsilon=8"),
    )
    assert result.exit_code == 2
    assert "pip install 'deidsynth[dp]'" in result.stderr


@pytest.mark.parametrize("is_covered", [False, True])
def test_a_run_says_whether_the_corpus_is_covered(is_covered: bool, tmp_path: Path, tiny) -> None:
    notes = write_notes(tmp_path / "notes")
    chosen = ["private.epsilon=8"]
    if is_covered:
        chosen += ["private.labels=[NAME, PLACE, DATE]"]
    given = [f"adapt.{pair}" for pair in [f"base={tiny('llama')}", *chosen]]
    if is_covered:
        given += ["synthesize.annotations=inline", "synthesize.prompts.source=bos", "synthesize.filters.mode=off"]
        given += ["synthesize.samples_per_prompt=20"]
    result = deidsynth(
        "run", "--corpus", notes, "--language", "sv", "--output", tmp_path / "run", "--dry-run", "--device", "cpu",
        *settings(*given),
    )  # fmt: skip
    assert result.exit_code == 0, result.stderr
    said = "language model adaptation only: the corpus has no guarantee" in result.stderr
    assert said == (not is_covered)
    assert ("synthesize.prompts.source: prompts are words of real notes" in result.stderr) == (not is_covered)
