"""``deidsynth synthesize`` with a real, tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.surrogates.names import name_pool
from tiny_models import NOTES, save_tiny

SETTINGS = ["top_p=1.0", "max_length_tokens=40", "batch_size=4", "filters.min_common_words=0"]


@pytest.fixture(autouse=True)
def strict(monkeypatch) -> None:
    """Random weights seldom write the same four tokens again."""
    monkeypatch.setattr("deidsynth.sampling.filters.LOOP_TOKENS", 1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny("llama", tmp_path_factory.mktemp("model"))


@pytest.fixture
def sampled(deidsynth, model, tmp_path):
    """A call of the command for twelve texts: its result, and the texts."""

    def call(*options: str | Path, settings: list[str]):
        output = tmp_path / "new.jsonl"
        output.unlink(missing_ok=True)
        flat = [part for setting in [*SETTINGS, *settings] for part in ("--set", setting)]
        command = ["synthesize", model, "--bos", "-n", "12", "--output", output, "--device", "cpu", "--seed", "5"]
        result = deidsynth(*command, *options, *flat)
        assert result.exit_code == 0, result.stderr
        return result, [document.text for document in read_jsonl(output)]

    return call


def test_rejected_texts_are_replaced_and_told(sampled) -> None:
    plain, before = sampled("--json", settings=["filters.mode=count", "filters.max_repeated=0.4"])
    result, texts = sampled("--json", settings=["filters.max_sampled_ratio=4", "filters.max_repeated=0.4"])
    counted, facts = json.loads(plain.stdout), json.loads(result.stdout)
    assert 0 < counted["n_loops"] < counted["n_documents"] == 12
    assert facts["n_documents"] == len(texts) == 12
    assert facts["n_sampled"] == 12 + facts["n_rejected"] > 12
    assert len(set(texts) & set(before)) == 12 - counted["n_loops"]
    assert "there is no training text to compare with" in result.stderr


def test_texts_are_compared_with_the_corpus_of_the_model(sampled, tmp_path) -> None:
    train = tmp_path / "train.jsonl"
    write_jsonl(Corpus(NOTES, origin="invented"), train)
    result, texts = sampled("--train", train, settings=["filters.max_foreign_letters=0.9"])
    assert len(texts) == 12
    assert "no training text" not in result.stderr


def test_a_shortage_is_told(sampled) -> None:
    result, texts = sampled(settings=["filters.max_repeated=0.4", "filters.max_sampled_ratio=1"])
    assert 0 < len(texts) < 12
    assert f"{12 - len(texts)} of 12 texts are missing because the filters rejected" in result.stderr


def test_what_can_be_set(deidsynth, model, sampled, tmp_path) -> None:
    _, texts = sampled(settings=["min_p=0.1", "repetition_penalty=1.3", "stop=[e]", "filters.mode=off"])
    assert texts
    assert not any("e" in text for text in texts)
    refused = deidsynth(
        "synthesize",
        model,
        "--bos",
        "--output",
        tmp_path / "x.jsonl",
        "--set",
        "filters.min_words=3",
        "--set",
        "min_p=1",
        "--set",
        "stop=['']",
    )
    assert refused.exit_code == 2
    assert "filters.min_words: unknown key" in refused.stderr
    assert "min_p" in refused.stderr
    assert "stop: an empty stop string would cut every document" in refused.stderr


def test_a_model_that_writes_entities_and_heeds_labels(deidsynth, tmp_path) -> None:
    train, model, output = tmp_path / "train.jsonl", tmp_path / "lm", tmp_path / "new.jsonl"
    write_jsonl(Corpus(NOTES, origin="invented"), train)
    shape = ["hidden_size=32", "layers=1", "vocabulary_size=400"]
    adapt = ["epochs=12", "annotations=inline", "control_codes=[labels]", "batch_tokens=512", "sequence_length=128"]
    adapt += ["learning_rate=0.006", *(f"scratch.{each}" for each in shape)]
    flat = [part for setting in adapt for part in ("--set", setting)]
    made = deidsynth("adapt", "--corpus", train, "--base", "scratch", "--output", model, "--device", "cpu", *flat)
    assert made.exit_code == 0, made.stderr
    command = ["synthesize", model, "--bos", "-n", "12", "--device", "cpu", "--seed", "5", "--match-labels", "gold"]
    command += ["--set", "annotations=inline", "--set", "filters.mode=count", "--set", "max_length_tokens=100"]
    as_it_stands = deidsynth(*command, "--output", tmp_path / "alone.jsonl")
    assert as_it_stands.exit_code == 0, as_it_stands.stderr
    result = deidsynth(*command, "--output", output, "--train", train, "--json")
    assert result.exit_code == 0, result.stderr
    corpus, facts = read_jsonl(output), json.loads(result.stdout)
    assert (corpus.annotation, corpus.n_entities) == ("silver", facts["n_entities"])
    assert facts["n_entities"] > 0
    assert facts["n_special_tokens"] > 0


def test_prompts_are_invented_in_the_language_of_their_corpus(deidsynth, model, tmp_path) -> None:
    notes, output = tmp_path / "notes.jsonl", tmp_path / "new.jsonl"
    note = Document("1", "Patient Åsa Lindqvist", (Entity(8, 21, "NAME"),))
    write_jsonl(Corpus((note,), origin="invented"), notes)
    command = ["synthesize", model, "--prompts-from", notes, "-n", "4", "--output", output, "--device", "cpu"]
    flat = [part for setting in [*SETTINGS, "filters.mode=off"] for part in ("--set", setting)]
    refused = deidsynth(*command, *flat)
    assert refused.exit_code == 2
    assert "prompts.language: the language of the prompts is unknown" in refused.stderr
    told = deidsynth(*command, *flat, "--language", "sv")
    assert told.exit_code == 0, told.stderr
    first = read_jsonl(output)
    assert first.language == "sv"
    assert not any(text.startswith("Patient Grace Hull") for text in (document.text for document in first))
    swedish = name_pool("sv", "train")
    for document in first:
        _, given, last = document.text.split()[:3]
        assert given in swedish.male + swedish.female
        assert last.startswith(swedish.last)
    output.unlink()
    write_jsonl(Corpus((note,), origin="invented", language="sv"), notes)
    assert deidsynth(*command, *flat).exit_code == 0
    assert read_jsonl(output) == first


def test_labels_cannot_be_asked_of_a_model_that_knows_none(deidsynth, model, tmp_path) -> None:
    result = deidsynth("synthesize", model, "--bos", "--output", tmp_path / "x.jsonl", "--match-labels", "balanced")
    assert result.exit_code == 2
    assert "prompts.control_codes: the model has no control codes" in result.stderr
