"""The same words in other white space and other Unicode forms: the same models, texts, figures and entities."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

import deidsynth
from deidsynth.corpora import read_jsonl
from deidsynth.documents import Document
from deidsynth.models.tagger.prediction import outside_probabilities, predict
from deidsynth.models.tagger.token_classifier import Tagger, load_tagger
from deidsynth.stages.artifacts import CORPUS, MEMORIZATION, SAMPLES
from respelling import SPELLINGS, Spell, mixed, respelled
from tiny_models import NOTES, note
from tiny_stages import ADAPT, SYNTHESIZE, TRAIN, Facts, corpus_folder, run, same_weights

Trained = tuple[Path, Facts]
MIXED = tuple(respelled(document, mixed(Random(document.doc_id))) for document in NOTES)
UNSEEN = note(100, n_sentences=8)


@pytest.fixture(scope="module")
def respelled_notes(root: Path) -> Path:
    return corpus_folder(root / "respelled", MIXED)


@pytest.fixture(scope="module")
def tagger(trained: Trained) -> Tagger:
    return load_tagger(str(trained[0] / "model"))


@pytest.fixture(scope="module")
def found(tagger: Tagger) -> Document:
    """An unseen note with what the tagger finds in it."""
    (document,) = predict(tagger, [UNSEEN])
    assert document.entities
    return document


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=SPELLINGS)
def test_the_tagger_finds_the_same_entities(spell: Spell, tagger: Tagger, found: Document) -> None:
    expected = respelled(found, spell)
    (document,) = predict(tagger, [expected.with_entities(())])
    assert document.text == expected.text != found.text
    assert [entity.key for entity in document.entities] == [entity.key for entity in expected.entities]
    assert [entity.score for entity in document.entities] == pytest.approx([each.score for each in found.entities])


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(seed=st.integers(0, 10**6))
def test_the_tagger_finds_the_same_entities_in_any_mixture(seed: int, tagger: Tagger, found: Document) -> None:
    expected = respelled(found, mixed(Random(seed)))
    (document,) = predict(tagger, [expected.with_entities(())])
    assert document.text == expected.text
    assert [entity.key for entity in document.entities] == [entity.key for entity in expected.entities]


def test_offsets_are_those_of_the_text_that_was_given(trained: Trained, found: Document) -> None:
    text = found.text.replace(" ", "\u00a0\u00a0").replace("\n", "\r\n")
    document = deidsynth.Tagger(trained[0] / "model", device="cpu")(text)
    assert document.text == text
    surfaces = [document.surface(entity).replace("\u00a0\u00a0", " ") for entity in document.entities]
    assert surfaces == [found.surface(entity) for entity in found.entities]


def test_what_is_no_entity_stays_as_it_was(trained: Trained, found: Document) -> None:
    expected = respelled(found, mixed(Random(1)))
    policy = {"detect": {"patterns": False, "second_pass": False}}
    masked = deidsynth.Deidentifier.load(trained[0] / "model", policy=policy, device="cpu")(expected.text)
    assert masked.text == expected.replace_entities(lambda entity: f"[{entity.label}]").text


def test_probabilities_for_a_threshold_are_the_same(tagger: Tagger) -> None:
    plain, other = outside_probabilities(tagger, NOTES[:4]), outside_probabilities(tagger, MIXED[:4])
    assert plain[0] == pytest.approx(other[0])
    assert (plain[1] == other[1]).all() and plain[1].any()


def test_a_tagger_learns_the_same(trained: Trained, root: Path, respelled_notes: Path) -> None:
    folder, facts = run("train", root, {"corpus": respelled_notes}, TRAIN, "train-respelled")
    assert same_weights(folder, trained[0])
    assert facts == trained[1]


def test_mentions_are_replaced_the_same(root: Path, notes: Path, respelled_notes: Path) -> None:
    fast = TRAIN | {"epochs": 1, "mention_replacement": 0.5, "task_adaptive_pretraining": {"epochs": 0}}
    made = [
        run("train", root, {"corpus": folder, "texts": folder}, fast, f"train-replaced-{folder.name}")[0]
        for folder in (notes, respelled_notes)
    ]
    assert same_weights(*made)


@pytest.mark.parametrize("annotations", ["none", "inline"])
def test_a_language_model_learns_and_writes_the_same(
    annotations: str, root: Path, notes: Path, respelled_notes: Path
) -> None:
    made = []
    for folder in (notes, respelled_notes):
        name = f"{annotations}-{folder.name}"
        adapt = ADAPT | {"epochs": 2, "annotations": annotations, "control_codes": ["length"]}
        model, _ = run("adapt", root, {"train": folder}, adapt, f"adapt-{name}")
        inputs = {"model": model, "prompts": folder, "train": folder}
        asked = SYNTHESIZE | {"volume_ratio": 0.25, "annotations": "inline" if annotations == "inline" else "machine"}
        made.append((model, run("synthesize", root, inputs, asked, f"synthesize-{name}")[0]))
    (model, texts), (other_model, other_texts) = made
    assert same_weights(model, other_model)
    for name in (CORPUS, SAMPLES):
        assert (texts / name).read_text(encoding="utf-8") == (other_texts / name).read_text(encoding="utf-8")


def test_figures_of_memorization_are_the_same(root: Path, notes: Path, respelled_notes: Path) -> None:
    copied = tuple(replace(document, doc_id=f"s-{document.doc_id}", entities=()) for document in NOTES[:3])
    texts = corpus_folder(root / "copied", copied, "silver")
    figures = []
    for folder in (notes, respelled_notes):
        inputs = {"texts": texts, "train": folder, "validation": folder, "held_out": folder}
        settings = {"min_groups": 25, "min_entity_characters": 8}
        made, _ = run("memorization", root, inputs, settings, f"memorization-{folder.name}")
        figures.append(json.loads((made / MEMORIZATION).read_text(encoding="utf-8")))
    assert figures[0] == figures[1]
    assert figures[0]["n_notes_with_long_runs"] == figures[0]["n_notes_with_rare_entities"] == 3


def test_predictions_are_scored_on_the_text_as_it_is(root: Path, trained: Trained, respelled_notes: Path) -> None:
    folder, facts = run("evaluate", root, {"model": trained[0], "corpus": respelled_notes}, {}, "evaluate-respelled")
    assert [document.text for document in read_jsonl(folder / "predictions.jsonl")] == [each.text for each in MIXED]
    assert facts["strict_f1"] == 1.0
