"""What we save in the pipelines of transformers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from transformers import pipeline

from deidsynth.models.tagger.token_classifier import load_tagger
from tool_notes import ENTITIES, LONG, NAME, NOTE, ODD, TEXTS


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_pipeline_with_a_stride_finds_names_wherever_they_are(text: str, model: Path) -> None:
    tag = pipeline("token-classification", model=str(model / "model"), aggregation_strategy="simple", stride=16)
    found = [(each["entity_group"], text[each["start"] : each["end"]].strip()) for each in tag(text)]
    assert set(ENTITIES) <= set(found)


def test_without_a_stride_a_long_text_is_cut(model: Path) -> None:
    tag = pipeline("token-classification", model=str(model / "model"), aggregation_strategy="simple")
    text = f"{NOTE} {LONG}"
    ends = [each["end"] for each in tag(text)]
    assert ends and max(ends) <= len(NOTE)


def test_labels_are_those_of_the_corpus_in_both_directions(model: Path) -> None:
    config = pipeline("token-classification", model=str(model / "model")).model.config
    assert set(config.label2id) == {"O", "B-NAME", "I-NAME", "B-CITY", "I-CITY"}
    assert {number: tag for tag, number in config.label2id.items()} == config.id2label


def test_an_ensemble_loads_as_its_first_model_and_the_others_with_its_tokenizer(model: Path, tmp_path: Path) -> None:
    tagger = load_tagger(str(model / "model"))
    replace(tagger, others=(tagger.model,)).save(tmp_path)
    assert len(load_tagger(str(tmp_path)).models) == 2
    for folder in (tmp_path, tmp_path / "ensemble-2"):
        tag = pipeline(
            "token-classification", model=str(folder), tokenizer=str(tmp_path), aggregation_strategy="simple", stride=16
        )
        assert NAME in {ODD[each["start"] : each["end"]].strip() for each in tag(ODD)}
