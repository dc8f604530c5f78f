"""Each stage alone, small models from scratch, folders in and folders out."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deidsynth.corpora import read_jsonl
from deidsynth.documents import Document, Entity
from deidsynth.errors import CorpusError
from deidsynth.metrics import score
from deidsynth.sampling.local import LocalEngine
from deidsynth.stages.artifacts import PRETRAINING_CURVE
from tiny_models import FIRST, LAST, NOTES, PLACES, note
from tiny_stages import ADAPT, CAUSAL, SYNTHESIZE, TRAIN, Facts, corpus_folder, curve, die_after, run, same_weights


@pytest.fixture(scope="module")
def adapted(root: Path, notes: Path) -> tuple[Path, Facts]:
    return run("adapt", root, {"train": notes}, ADAPT)


@pytest.fixture(scope="module")
def synthesized(root: Path, notes: Path, adapted: tuple[Path, Facts]) -> tuple[Path, Facts]:
    return run("synthesize", root, {"model": adapted[0], "prompts": notes, "train": notes}, SYNTHESIZE)


@pytest.fixture(scope="module")
def annotated(root: Path, notes: Path, trained: tuple[Path, Facts]) -> tuple[Path, Facts]:
    return run("annotate", root, {"texts": notes, "model": trained[0]}, {})


@pytest.fixture(scope="module")
def evaluated(root: Path, notes: Path, trained: tuple[Path, Facts]) -> tuple[Path, Facts]:
    return run("evaluate", root, {"model": trained[0], "corpus": notes}, {})


@pytest.mark.parametrize("stage", ["adapted", "synthesized", "trained", "annotated", "evaluated"])
def test_facts_are_plain_numbers_and_hold_no_text(stage: str, request: pytest.FixtureRequest) -> None:
    facts: Facts = request.getfixturevalue(stage)[1]
    assert json.loads(json.dumps(facts, allow_nan=False)) == dict(facts)
    for name, value in facts.items():
        assert value is None or isinstance(value, int | float) or name == "method"
    told = json.dumps(facts, ensure_ascii=False)
    assert not any(word in told for word in (*FIRST, *LAST, *PLACES))


@pytest.mark.parametrize("stage", ["adapted", "trained"])
def test_curves_and_settings_beside_a_model_hold_no_text(stage: str, request: pytest.FixtureRequest) -> None:
    folder: Path = request.getfixturevalue(stage)[0]
    vocabularies = ("tokenizer.json", "model.safetensors")
    for file in folder.rglob("*"):
        if file.is_file() and file.name not in vocabularies:
            told = file.read_text(encoding="utf-8")
            assert not any(word in told for word in (*FIRST, *LAST, *PLACES))


def test_adaptation_keeps_the_best_weights_and_tells_the_loss(adapted: tuple[Path, Facts]) -> None:
    folder, facts = adapted
    points = curve(folder)
    measured = [point["validation_loss"] for point in points if "validation_loss" in point]
    assert len(measured) == 3
    assert facts["validation_loss"] == min(measured)
    assert points[-1]["train_loss"] < points[0]["train_loss"]
    assert facts["n_train_documents"] + facts["n_validation_documents"] == len(NOTES)
    assert facts["n_validation_documents"] == 1  # of 24, 0.05
    assert facts["method"] == "full"
    assert facts["n_trained_parameters"] == facts["n_parameters"]


def test_an_adapt_that_was_killed_ends_with_thesame_weights(
    adapted: tuple[Path, Facts], root: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    killed_at = die_after(monkeypatch, "deidsynth.models.language_model.adaptation.loss_sum", 7)
    settings = ADAPT | {"checkpoint_seconds": 0.0}
    with pytest.raises(KeyboardInterrupt):
        run("adapt", root, {"train": notes}, settings, "adapt-killed")
    assert killed_at() == 7
    monkeypatch.undo()
    folder, facts = run("adapt", root, {"train": notes}, settings, "adapt-killed")
    assert same_weights(folder, adapted[0])
    assert curve(folder) == curve(adapted[0])
    assert facts["n_tokens_seen"] == adapted[1]["n_tokens_seen"]


@pytest.mark.parametrize("step", [4, 30, 46])
def test_a_train_that_was_killed_ends_with_thesame_weights(
    step: int, trained: tuple[Path, Facts], root: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"train-killed-{step}"
    target = "task_adaptive_pretraining.masked_loss_sum" if step == 4 else "training.tag_loss_sum"
    die_after(monkeypatch, f"deidsynth.models.tagger.{target}", step)
    settings = TRAIN | {"checkpoint_seconds": 0.0}
    with pytest.raises(KeyboardInterrupt):
        run("train", root, {"corpus": notes}, settings, name)
    monkeypatch.undo()
    folder, _ = run("train", root, {"corpus": notes}, settings, name)
    assert same_weights(folder, trained[0])
    assert curve(folder) == curve(trained[0])


def test_facts_tell_steps_and_passes(adapted: tuple[Path, Facts], trained: tuple[Path, Facts]) -> None:
    for (folder, facts), passes in ((adapted, ADAPT["epochs"]), (trained, TRAIN["epochs"])):
        assert (facts["n_steps"], facts["n_passes"]) == (curve(folder)[-1]["step"], passes)
    pretraining = curve(trained[0], PRETRAINING_CURVE)
    facts = trained[1]
    assert (facts["n_pretraining_steps"], facts["n_pretraining_passes"]) == (pretraining[-1]["step"], 1.0)


ADDED_PASSES = TRAIN | {"task_adaptive_pretraining": {"epochs": 1, "min_steps": 40}}


@pytest.mark.parametrize(
    ("stage", "settings", "role", "loss", "prefix"),
    [
        ("adapt", ADAPT | {"min_steps": 40}, "train", "language_model.adaptation.loss_sum", "n"),
        ("train", ADDED_PASSES, "corpus", "tagger.task_adaptive_pretraining.masked_loss_sum", "n_pretraining"),
    ],
)
def test_a_training_that_was_killed_in_its_added_passes_ends_alike(
    stage: str,
    settings: dict[str, Any],
    role: str,
    loss: str,
    prefix: str,
    root: Path,
    notes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    whole, facts = run(stage, root, {role: notes}, settings, f"{stage}-least")
    assert facts[f"{prefix}_steps"] == 40 and facts[f"{prefix}_passes"] > 6
    die_after(monkeypatch, f"deidsynth.models.{loss}", 33)
    often = settings | {"checkpoint_seconds": 0.0}
    with pytest.raises(KeyboardInterrupt):
        run(stage, root, {role: notes}, often, f"{stage}-least-killed")
    monkeypatch.undo()
    again, others = run(stage, root, {role: notes}, often, f"{stage}-least-killed")
    assert same_weights(again, whole)
    assert all(others[f"{prefix}_{what}"] == facts[f"{prefix}_{what}"] for what in ("steps", "passes"))


def test_synthetic_texts_say_where_they_come_from(synthesized: tuple[Path, Facts]) -> None:
    folder, facts = synthesized
    corpus = read_jsonl(folder / "corpus.jsonl")
    assert corpus.origin == "synthetic"
    assert corpus.n_entities == 0
    assert len(corpus) == facts["n_documents"] == round(0.75 * len(NOTES)) - facts["n_rejected"]
    assert facts["n_missing"] == facts["n_rejected"] <= facts["n_empty"]
    rows = curve(folder, "samples.jsonl")
    assert [row["doc_id"] for row in rows if row["kept"]] == [document.doc_id for document in corpus]
    sampled = {"doc_id", "index", "prompt_number", "prompt_characters", "n_tokens", "ended", "seed"}
    assert set(rows[0]) == sampled | {"findings", "kept", "repeated", "foreign_letters", "common_words"}
    assert facts["n_without_eos"] == sum(not row["ended"] for row in rows)
    assert len({row["seed"] for row in rows}) == 4  # 18 documents in batches of 5


def test_prompts_of_synthetic_texts_hold_no_real_name(synthesized: tuple[Path, Facts]) -> None:
    folder, _ = synthesized
    rows = [row for row in curve(folder, "samples.jsonl") if row["kept"]]
    for document, row in zip(read_jsonl(folder / "corpus.jsonl"), rows, strict=True):
        prompt = document.text[: int(row["prompt_characters"])]
        assert prompt
        assert not any(name in prompt for name in (*FIRST, *LAST))


@pytest.mark.parametrize("batches", [0, 1, 3])
def test_sampling_that_was_killed_gives_the_same_texts(
    batches: int,
    synthesized: tuple[Path, Facts],
    adapted: tuple[Path, Facts],
    root: Path,
    notes: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    name, inputs = f"killed-{batches}", {"model": adapted[0], "prompts": notes, "train": notes}
    whole, calls = LocalEngine.sample_batch, []

    def dying(self: LocalEngine, *arguments: Any) -> Any:
        if len(calls) == batches:
            raise KeyboardInterrupt
        calls.append(0)
        return whole(self, *arguments)

    monkeypatch.setattr(LocalEngine, "sample_batch", dying)
    with pytest.raises(KeyboardInterrupt):
        run("synthesize", root, inputs, SYNTHESIZE, name)
    again: list[int] = []
    monkeypatch.setattr(LocalEngine, "sample_batch", lambda *arguments: again.append(0) or whole(*arguments))
    folder, facts = run("synthesize", root, inputs, SYNTHESIZE, name)
    assert len(again) == 4 - batches
    for file in ("corpus.jsonl", "samples.jsonl"):
        assert (folder / file).read_bytes() == (synthesized[0] / file).read_bytes()
    assert facts["n_tokens"] == synthesized[1]["n_tokens"]


def test_another_seed_gives_other_texts(
    synthesized: tuple[Path, Facts], adapted: tuple[Path, Facts], root: Path, notes: Path
) -> None:
    inputs = {"model": adapted[0], "prompts": notes, "train": notes}
    folder, _ = run("synthesize", root, inputs, SYNTHESIZE, "other-seed", seed=4)
    assert (folder / "corpus.jsonl").read_bytes() != (synthesized[0] / "corpus.jsonl").read_bytes()


def test_a_line_separator_in_a_sampled_text_survives_a_kill(
    adapted: tuple[Path, Facts], root: Path, notes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    prompts = root / "prompts.txt"
    prompts.write_text("a\u2028b\u0085c\n", encoding="utf-8")
    settings = SYNTHESIZE | {"prompts": {"source": "file", "file": str(prompts)}}
    inputs = {"model": adapted[0], "prompts": notes, "train": notes}
    first, _ = run("synthesize", root, inputs, settings, "separators")
    before = (first / "corpus.jsonl").read_bytes()
    again, _ = run("synthesize", root, inputs, settings, "separators")
    assert (again / "corpus.jsonl").read_bytes() == before
    assert all(document.text.startswith("a\u2028b\u0085c") for document in read_jsonl(again / "corpus.jsonl"))


def test_annotation_is_silver_with_scores_and_the_same_texts(annotated: tuple[Path, Facts]) -> None:
    folder, facts = annotated
    corpus = read_jsonl(folder / "corpus.jsonl")
    assert (corpus.annotation, corpus.origin) == ("silver", "invented")
    assert [document.text for document in corpus] == [document.text for document in NOTES]
    scores = [entity.score for document in corpus for entity in document.entities]
    assert len(scores) == facts["n_entities"] > 0
    assert all(score is not None and 0.0 <= score <= 1.0 for score in scores)
    assert 0.0 <= facts["median_score"] <= 1.0


def test_training_learns_what_it_is_given(trained: tuple[Path, Facts], evaluated: tuple[Path, Facts]) -> None:
    assert trained[1]["n_misaligned_entities"] == 0
    assert trained[1]["validation_f1"] is None
    assert evaluated[1]["strict_f1"] > 0.8
    assert (trained[0] / "model" / "config.json").is_file()


def test_evaluation_scores_are_those_of_its_predictions(evaluated: tuple[Path, Facts]) -> None:
    folder, facts = evaluated
    scores = json.loads((folder / "scores.json").read_text(encoding="utf-8"))
    predicted = read_jsonl(folder / "predictions.jsonl")
    expected = score(NOTES, list(predicted))
    assert scores == json.loads(json.dumps(expected.to_dict()))
    assert (facts["strict_f1"], facts["token_f1"]) == (expected.strict.f1, expected.token.f1)


def test_nothing_to_learn(root: Path) -> None:
    bare = corpus_folder(root / "bare", (Document("1", "Inget namn."), Document("2", "Inte heller.")))
    with pytest.raises(CorpusError, match="no entities, so there is nothing to learn"):
        run("train", root, {"corpus": bare}, TRAIN, "train-bare")
    one = corpus_folder(root / "one", (note(1),))
    with pytest.raises(
        CorpusError, match=r"keep: best and train.target_recall need at least two documents of different groups"
    ):
        run("train", root, {"corpus": one}, TRAIN | {"keep": "best"}, "train-one-note")
    empty = corpus_folder(root / "empty", (Document("1", ""),))
    with pytest.raises(CorpusError, match="have no text to adapt to"):
        run("adapt", root, {"train": empty}, ADAPT, "adapt-empty")


def test_texts_of_a_row_that_ends_in_eos_alone_are_learnt(root: Path) -> None:
    # 127 digits are 127 tokens; with BOS and EOS they are one more than a row holds, and that one predicts nothing.
    corpus = corpus_folder(root / "tight", (Document("1", "7" * 127),))
    settings = ADAPT | {"batch_tokens": 128, "epochs": 1, "validation": 0.0}
    _, facts = run("adapt", root, {"train": corpus}, settings | {"scratch": CAUSAL}, "adapt-tight")
    assert facts["n_tokens_seen"] > 0


def test_overlap_tells_recall_and_which_notes_may_be_shown(root: Path, notes: Path) -> None:
    texts = corpus_folder(root / "texts", (NOTES[0], Document("new", "Helt nya ord som ingen har skrivit förut här.")))
    held_out = corpus_folder(root / "held-out", (Document("other", "Något annat som inte finns någonstans alls nu."),))
    inputs = {"texts": texts, "train": notes, "validation": held_out, "held_out": held_out}
    folder, facts = run("memorization", root, inputs, {"max_run_words": 6})
    found = json.loads((folder / "memorization.json").read_text(encoding="utf-8"))
    assert found["shown"] == [1]
    assert facts["n_notes_passing"] == 1
    assert facts["recall_train"] > 0 == facts["recall_held_out"]


@pytest.mark.parametrize("role", ["train", "validation", "held_out"])
def test_notes_with_a_rare_value_of_any_split_are_not_shown(role: str, root: Path) -> None:
    plain = "Hon heter %s och mår bra i dag."
    named = [Document(name, plain % name, (Entity(10, 10 + len(name), "NAME"),)) for name in ("Qvarnmyra", "Lingonhed")]
    texts = corpus_folder(root / f"texts-{role}", tuple(replace(each, entities=()) for each in named))
    others = corpus_folder(root / f"others-{role}", (Document("other", "Något annat som inte finns någonstans."),))
    holding = corpus_folder(root / f"holding-{role}", (named[0],))
    inputs = {"texts": texts, "train": others, "validation": others, "held_out": others, role: holding}
    folder, facts = run("memorization", root, inputs, {}, f"memorization-{role}")
    assert json.loads((folder / "memorization.json").read_text(encoding="utf-8"))["shown"] == [1]
    assert facts["n_notes_with_rare_entities"] == 1


def test_a_value_that_many_groups_of_all_splits_have_is_not_rare(root: Path) -> None:
    note = Document("1", "Bor i Qvarnmyra.", (Entity(6, 15, "CITY"),))
    many = corpus_folder(root / "many", tuple(replace(note, doc_id=str(number)) for number in range(5)))
    few = corpus_folder(root / "few", (replace(note, doc_id="few"),))
    inputs = {"texts": few, "train": many, "validation": few, "held_out": few}
    assert run("memorization", root, inputs, {}, "memorization-many")[1]["n_notes_with_rare_entities"] == 0
