"""Annotation in parts, with a real tagger of random weights: the bytes of annotation at once."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch

from deidsynth.config import AnnotateConfig, TrainConfig
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work import blocks
from deidsynth.stages.work.annotate import Annotate
from deidsynth.tagging import TagSet
from deidsynth.workflow.shards import place_parts
from tiny_models import TEXTS, note

N_DOCUMENTS, BLOCK = 23, 5


@pytest.fixture
def inputs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Path]:
    """Texts of unlike lengths and a tagger."""
    monkeypatch.setattr(blocks, "DOCUMENTS_AT_ONCE", BLOCK)
    folders = {role: tmp_path / role for role in ("texts", "model")}
    for folder in folders.values():
        folder.mkdir()
    documents = tuple(note(number, 1 + number % 4) for number in range(N_DOCUMENTS))
    write_jsonl(Corpus(documents, origin="synthetic"), folders["texts"] / "corpus.jsonl")
    torch.manual_seed(3)
    shape = {"hidden_size": 32, "layers": 2, "vocabulary_size": 300}
    config = TrainConfig.model_validate({"encoder": "scratch", "scratch": shape})
    new_tagger(config, TagSet(("O", "B-CITY", "I-CITY", "B-NAME", "I-NAME")), TEXTS).save(folders["model"] / "model")
    return folders


def context(place: Path) -> StageContext:
    place.mkdir(parents=True, exist_ok=True)
    return StageContext(place)


def annotated(inputs: Mapping[str, Path], place: Path, *parts: Path) -> bytes:
    around = context(place / "scratch")
    place_parts(parts, place / "scratch")
    (place / "output").mkdir()
    Annotate().run(AnnotateConfig(batch_size=3), inputs, place / "output", around)
    return (place / "output" / "corpus.jsonl").read_bytes()


def part(inputs: Mapping[str, Path], place: Path, number: int, n_parts: int) -> Mapping[str, Any]:
    around = context(place / "scratch")
    return Annotate().run_part(AnnotateConfig(batch_size=3), inputs, place, around, number, n_parts)


@pytest.mark.parametrize("n_parts", [2, *(pytest.param(each, marks=pytest.mark.slow) for each in (1, 7))])
def test_parts_give_the_bytes_of_the_whole(inputs, tmp_path, monkeypatch, n_parts) -> None:
    whole = annotated(inputs, tmp_path / "whole")
    assert b'"score"' in whole
    parts = [tmp_path / f"part-{number}" for number in range(n_parts)]
    counts = [part(inputs, place, number, n_parts)["n_documents"] for number, place in enumerate(parts)]
    assert sum(counts) == N_DOCUMENTS
    for place in parts:
        (place / "scratch").rmdir()

    def refuse(*_: Any) -> None:
        raise AssertionError("everything was there")

    monkeypatch.setattr(blocks, "load_tagger", refuse)
    assert annotated(inputs, tmp_path / "joined", *parts) == whole


@pytest.mark.slow
def test_a_part_that_is_missing_is_made_by_the_whole(inputs, tmp_path) -> None:
    whole = annotated(inputs, tmp_path / "whole")
    part(inputs, tmp_path / "second", 1, 2)
    (tmp_path / "second" / "scratch").rmdir()
    assert annotated(inputs, tmp_path / "joined", tmp_path / "second") == whole
