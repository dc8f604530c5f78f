"""What a training may be asked for beyond a plain one: validation, an ensemble, a target recall, surrogates."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from deidsynth.config import TrainConfig, parse, resolve_train
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document, Origin
from deidsynth.errors import ConfigError, CorpusError
from deidsynth.models.tagger import token_data
from deidsynth.models.tagger.token_classifier import load_tagger
from deidsynth.models.tagger.training import carve_validation
from deidsynth.progress import SilentProgress, SilentTask
from deidsynth.stages.work import processes
from tiny_models import NOTES
from tiny_stages import TRAIN, Facts, corpus_folder, curve, die_after, run, same_weights


def test_the_best_epoch_is_kept_on_documents_of_other_groups(root: Path) -> None:
    documents = tuple(
        Document(f"{number}", each.text, each.entities, f"g{number // 3}") for number, each in enumerate(NOTES)
    )
    corpus = corpus_folder(root / "grouped", documents)
    settings = TRAIN | {"keep": "best", "validation": 0.25, "epochs": 5}
    folder, facts = run("train", root, {"corpus": corpus}, settings, "train-best")
    assert (facts["n_documents"], facts["n_validation_documents"]) == (18, 6)
    measured = [point["validation_f1"] for point in curve(folder) if "validation_f1" in point]
    assert len(measured) == 5
    assert facts["validation_f1"] == max(measured)
    last, _ = run("train", root, {"corpus": corpus}, settings | {"epochs": 1}, "train-one")
    assert not same_weights(last, folder)


def test_an_ensemble_is_trained_with_other_seeds_and_resumed(
    root: Path, notes: Path, trained: tuple[Path, Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = TRAIN | {"ensemble_size": 2, "checkpoint_seconds": 0.0}
    folder, facts = run("train", root, {"corpus": notes}, settings, "train-two")
    assert same_weights(folder, trained[0])  # the first is the one that is trained alone
    tagger = load_tagger(str(folder / "model"))
    assert [len(tagger.models), facts["n_parameters"]] == [2, 2 * trained[1]["n_parameters"]]
    assert facts["n_tokens_tagged"] == 2 * trained[1]["n_tokens_tagged"]
    one, two = (dict(model.named_parameters()) for model in tagger.models)
    assert not any(torch.equal(weight, two[name]) for name, weight in one.items() if weight.ndim == 2)
    die_after(monkeypatch, "deidsynth.models.tagger.training.tag_loss_sum", 70)  # of 48 steps each
    with pytest.raises(KeyboardInterrupt):
        run("train", root, {"corpus": notes}, settings, "train-two-killed")
    monkeypatch.undo()
    again, _ = run("train", root, {"corpus": notes}, settings, "train-two-killed")
    for part in ("model", "model/ensemble-2"):
        assert (again / part / "model.safetensors").read_bytes() == (folder / part / "model.safetensors").read_bytes()
    assert {path.name for path in again.glob("*.jsonl")} >= {"curve.jsonl", "2-curve.jsonl"}


class Heard(SilentProgress):
    """Counts the steps of each task, and remembers what is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []
        self.steps: Counter[str] = Counter()

    def message(self, text: str) -> None:
        self.messages.append(text)

    def task(self, name: str, total: float | None, unit: str = "") -> Counted:
        return Counted(self.steps, name)


class Counted(SilentTask):
    """Counts its steps under its name."""

    def __init__(self, steps: Counter[str], name: str) -> None:
        self._steps, self._name = steps, name

    def advance(self, n: float = 1, **info: str | float) -> None:
        self._steps[self._name] += int(n)


@pytest.mark.parametrize("ends_early", [False, True])
def test_taggers_are_trained_in_parallel(
    ends_early: bool, root: Path, notes: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> None:
    settings = TRAIN | {"ensemble_size": 2, "epochs": 3, "task_adaptive_pretraining": {"epochs": 0}}
    if ends_early:
        monkeypatch.setattr(processes, "PROGRAM", "import sys; sys.exit(9)")
    heard, name = Heard(), f"train-at-once-{ends_early}"
    request.addfinalizer(lambda: torch.set_num_threads(1))
    torch.set_num_threads(2)  # one for each
    at_once, facts = run("train", root, {"corpus": notes}, settings, name, listener=heard)
    steps = sum(len(curve(at_once, each)) for each in ("curve.jsonl", "2-curve.jsonl"))
    if ends_early:  # what a process leaves undone is done in turn
        assert heard.steps == {"train": steps / 2, "train, tagger 2": steps / 2}
        assert "2 of 2 processes ended early (code 9, 9)" in heard.messages[0]
        return
    assert (heard.steps, heard.messages) == ({"train, 2 taggers in parallel": steps}, [])
    torch.set_num_threads(1)
    in_turn, expected = run("train", root, {"corpus": notes}, settings, "train-in-turn")
    assert facts == expected
    for part in ("model", "model/ensemble-2"):
        weights = [(folder / part / "model.safetensors").read_bytes() for folder in (at_once, in_turn)]
        assert weights[0] == weights[1]


def test_a_tagger_that_learned_nothing_is_told_of_by_its_training_and_what_it_annotates(
    root: Path, notes: Path, trained: tuple[Path, Facts]
) -> None:
    heard = Heard()
    settings = TRAIN | {"epochs": 4, "optimizer": "adamw", "learning_rate": 1.0, "weight_averaging": 0.0}
    folder, facts = run("train", root, {"corpus": notes}, settings, "train-nothing", listener=heard)
    assert facts["n_entities_found"] < 0.1 * facts["n_entities_checked"]
    assert facts["training_loss"] > 0.9 * facts["constant_loss"] > 0
    assert [message.partition(":")[0] for message in heard.messages] == ["warning"]
    assert "set train.min_steps, say to 600" in heard.messages[0]
    heard = Heard()
    _, facts = run("annotate", root, {"texts": notes, "model": folder}, {}, "annotate-nothing", listener=heard)
    assert facts["n_entities_expected"] == sum(len(note.entities) for note in NOTES) > 10 * facts["n_entities"]
    assert "the tagger finds next to nothing" in heard.messages[0]
    heard, (well, facts) = Heard(), trained
    assert facts["n_entities_found"] > 0.9 * facts["n_entities_checked"] > 0
    run("annotate", root, {"texts": notes, "model": well}, {}, "annotate-well", listener=heard)
    assert heard.messages == []


def test_a_target_of_recall_is_met_on_documents_held_back(root: Path, notes: Path, trained: tuple[Path, Facts]) -> None:
    settings = TRAIN | {"epochs": 1, "target_recall": 1.0, "validation": 0.25}
    folder, facts = run("train", root, {"corpus": notes}, settings, "train-recall")
    assert facts["n_documents"] + facts["n_validation_documents"] == len(NOTES)
    assert (facts["n_validation_documents"], facts["validation_token_recall"]) == (6, 1.0)
    assert 0 < facts["validation_token_precision"] <= 1
    kept = json.loads((folder / "model" / "deidsynth.json").read_text(encoding="utf-8"))
    assert kept["tagger"]["outside_threshold"] == facts["outside_threshold"]
    # What it then leaves outside is nothing private, on these documents.
    annotated, _ = run("annotate", root, {"texts": notes, "model": folder}, {}, "annotate-recall")
    found = {document.doc_id: document.entities for document in read_jsonl(annotated / "corpus.jsonl")}
    _, held_back = carve_validation(list(NOTES), 0.25, seed=3)
    for document in held_back:
        hidden = {place for each in found[document.doc_id] for place in range(each.start, each.end)}
        private = {place for each in document.entities for place in range(each.start, each.end)}
        assert private <= hidden
    assert trained[1]["outside_threshold"] is None


def test_a_target_of_recall_needs_documents_to_spare(root: Path) -> None:
    alone = corpus_folder(root / "alone", NOTES[:1])
    with pytest.raises(CorpusError, match="at least two documents of different groups"):
        run("train", root, {"corpus": alone}, TRAIN | {"target_recall": 0.9}, "train-alone")


def test_training_needs_entities_beside_those_held_out(root: Path) -> None:
    annotated, plain = NOTES[0], [Document(f"plain-{number}", "Frisk.") for number in range(9)]
    corpus = corpus_folder(root / "one-annotated", (annotated, *plain))
    lost = TRAIN | {"keep": "best", "validation": 0.9}
    with pytest.raises(CorpusError, match="documents that are left for training have no entities; lower it"):
        run("train", root, {"corpus": corpus}, lost, "train-lost")


def test_every_second_pass_may_be_over_invented_values(
    root: Path, notes: Path, trained: tuple[Path, Facts], monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[str] = []
    real = token_data.tokenize

    def remember(tokenizer: Any, text: str) -> Any:
        seen.append(text)
        return real(tokenizer, text)

    monkeypatch.setattr(token_data, "tokenize", remember)
    folder, facts = run(
        "train", root, {"corpus": notes}, TRAIN | {"mention_replacement": 1.0, "language": "sv"}, "train-replacement"
    )
    assert (len(seen), len({*seen} - {note.text for note in NOTES})) == (2 * len(NOTES), len(NOTES))
    told, plain = curve(folder), curve(trained[0])
    assert (told[-1]["step"], told[-1]["epoch"]) == (plain[-1]["step"], plain[-1]["epoch"])  # no more work
    assert facts["n_entities"] == trained[1]["n_entities"]
    assert not same_weights(folder, trained[0])


@pytest.mark.parametrize("origin", ["synthetic", "real", "invented"])
def test_mentions_of_a_label_that_nobody_knows_give_way_to_others_of_synthetic_text(
    root: Path, monkeypatch: pytest.MonkeyPatch, origin: Origin
) -> None:
    notes = [
        note.with_entities(replace(entity, label="MYSTERY") for entity in note.entities[:1]) for note in NOTES[:12]
    ]
    folder = root / f"mystery-{origin}"
    folder.mkdir()
    write_jsonl(Corpus(tuple(notes), origin=origin), folder / "corpus.jsonl")
    seen: list[str] = []
    real = token_data.tokenize

    def remember(tokenizer: Any, text: str) -> Any:
        seen.append(text)
        return real(tokenizer, text)

    monkeypatch.setattr(token_data, "tokenize", remember)
    settings = TRAIN | {"mention_replacement": 1.0, "language": "sv", "epochs": 1}
    run("train", root, {"corpus": folder}, settings, f"train-mystery-{origin}")
    others = seen[len(notes) :]
    assert len(others) == len(notes)
    if origin != "synthetic":
        assert others == [note.text for note in notes]
        return
    mentions = {note.surface(note.entities[0]) for note in notes}
    for note, other in zip(notes, others, strict=True):
        [entity] = note.entities
        before, after = note.text[: entity.start], note.text[entity.end :]
        assert other.startswith(before) and other.endswith(after) and other != note.text
        assert other[len(before) : len(other) - len(after)] in mentions


def test_no_value_is_invented_in_an_unknown_language() -> None:
    config = parse(TrainConfig, TRAIN | {"mention_replacement": 1.0})
    with pytest.raises(ConfigError, match=r"train.language: mention_replacement needs the language of the text"):
        resolve_train(config, language=None)
