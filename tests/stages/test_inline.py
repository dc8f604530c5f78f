"""The inline arm, agreement and control codes, from adaptation to a corpus, with tiny models."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import ConfigError, CorpusError, InputError
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.settings_file import ModelSettings
from tiny_models import NOTES
from tiny_stages import run

Tiny = Callable[[str], Path]
SHAPE = {"hidden_size": 48, "layers": 2, "vocabulary_size": 450}
ADAPT = {"base": "scratch", "scratch": SHAPE, "epochs": 40, "batch_tokens": 320, "sequence_length": 160}
ADAPT |= {"evaluations": 1, "learning_rate": 0.006, "annotations": "inline", "control_codes": ["labels", "length"]}
SAMPLE = {"batch_size": 8, "max_length_tokens": 150, "prompts": {"language": "sv"}, "filters": {"mode": "count"}}
SAMPLE |= {"annotations": "inline", "top_p": 0.8, "volume_ratio": 1.0}


def folder_of(root: Path, name: str, documents: tuple[Document, ...]) -> Path:
    (root / name).mkdir()
    write_jsonl(Corpus(documents, origin="invented"), root / name / "corpus.jsonl")
    return root / name


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("inline")


def _added_tokens(model: Path) -> AddedTokens:
    return ModelSettings.load(model / "model").added_tokens or AddedTokens()


@pytest.fixture(scope="module")
def inputs(root: Path) -> dict[str, Path]:
    """Inputs of sampling, with a model that writes entities and knows control codes."""
    notes = folder_of(root, "notes", NOTES)
    model, facts = run("adapt", root, {"train": notes}, ADAPT)
    assert facts["n_added_tokens"] == 3 + 2 + 4 + 4 + 1
    assert _added_tokens(model).labels == ("CITY", "NAME")
    return {"model": model, "prompts": notes, "train": notes}


@pytest.fixture(scope="module")
def sampled(root: Path, inputs: dict[str, Path]) -> tuple[Path, Mapping[str, Any]]:
    folder, facts = run("synthesize", root, inputs, SAMPLE)
    return folder, facts


def rows(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "samples.jsonl").read_text(encoding="utf-8").splitlines()]


def test_the_model_writes_text_with_entities(sampled: tuple[Path, Mapping[str, Any]]) -> None:
    folder, facts = sampled
    corpus = read_jsonl(folder / "corpus.jsonl")
    assert (corpus.origin, corpus.annotation, len(corpus)) == ("synthetic", "silver", len(NOTES))
    assert facts["n_entities"] == corpus.n_entities > 2 * len(NOTES)
    assert {entity.label for document in corpus for entity in document.entities} == {"CITY", "NAME"}
    assert not any("<|" in document.text for document in corpus)
    known = {note.surface(entity) for note in NOTES for entity in note.entities}
    found = [document.surface(entity) for document in corpus for entity in document.entities]
    assert sum(surface in known for surface in found) > len(found) / 3  # the tags stand where they stood in training
    repaired = sum(value for name, value in facts.items() if name.startswith("n_repaired_"))
    assert 0 <= repaired < facts["n_special_tokens"]
    assert facts["n_malformed"] <= len(NOTES)


def test_records_carry_numbers_and_no_text(sampled: tuple[Path, Mapping[str, Any]]) -> None:
    made = rows(sampled[0])
    assert sorted(row["control_codes_document"] for row in made) == list(range(len(NOTES)))
    assert not any("entities" in row or "text" in row for row in made)
    assert all(row["n_special_tokens"] >= 0 and isinstance(row["repairs"], dict) for row in made)


def test_a_killed_run_takes_entities_up_again(root: Path, inputs: dict[str, Path], sampled: Any) -> None:
    scratch = root / "synthesize-scratch"
    batches = sorted(scratch.iterdir())
    before = (sampled[0] / "corpus.jsonl").read_bytes(), (sampled[0] / "samples.jsonl").read_bytes()
    batches[-1].unlink()
    (sampled[0] / "corpus.jsonl").unlink()
    run("synthesize", root, inputs, SAMPLE)
    assert before == ((sampled[0] / "corpus.jsonl").read_bytes(), (sampled[0] / "samples.jsonl").read_bytes())


def test_a_machine_may_annotate_what_such_a_model_writes(root: Path, inputs: dict[str, Path], sampled: Any) -> None:
    folder, facts = run("synthesize", root, inputs, {**SAMPLE, "annotations": "machine"}, "machine")
    corpus = read_jsonl(folder / "corpus.jsonl")
    assert corpus.n_entities == 0 and "n_entities" not in facts
    assert [each.text for each in corpus] == [each.text for each in read_jsonl(sampled[0] / "corpus.jsonl")]


def test_malformed_documents_are_rejected(root: Path, inputs: dict[str, Path]) -> None:
    filters = {
        "mode": "reject",
        "max_malformed": 0.0,
        "max_sampled_ratio": 1,
        "max_repeated": 1,
        "near_duplicate_share": 1,
    }
    filters |= {"max_run_words": 200, "min_groups": 1, "min_common_words": 0}
    loose = {**SAMPLE, "filters": filters, "top_p": 1.0, "temperature": 1.3}
    folder, facts = run("synthesize", root, inputs, loose, "strict")
    bad = [row for row in rows(folder) if sum(n for kind, n in row["repairs"].items() if kind != "blanks")]
    assert facts["n_malformed"] == len(bad) > 0
    assert not any(row["kept"] for row in bad)


def test_balanced_control_codes(root: Path, inputs: dict[str, Path], tmp_path: Path) -> None:
    train = folder_of(tmp_path, "train", (*NOTES[:9], Document("none", "Inget här.")))
    config = {**SAMPLE, "prompts": {"language": "sv", "control_codes": "balanced"}, "volume_ratio": 3}
    folder, _ = run("synthesize", tmp_path, {**inputs, "train": train}, config)
    numbers = [row["control_codes_document"] for row in rows(folder)]
    assert numbers.count(9) == len(numbers) // 3  # of three labels, one of them: none


def test_without_documents_control_codes_are_those_that_the_model_counted(
    inputs: dict[str, Path], tmp_path: Path
) -> None:
    empty = folder_of(tmp_path, "empty", (Document("1", ""),))
    folder, facts = run("synthesize", tmp_path, {**inputs, "train": empty}, SAMPLE)
    [row] = rows(folder)
    assert "control_codes_document" not in row and facts["n_special_tokens"] >= 0
    forgetful = shutil.copytree(inputs["model"], tmp_path / "forgetful")
    settings = ModelSettings.load(forgetful / "model")
    assert sum(count for _, count in settings.control_codes) == len(NOTES)
    settings.model_copy(update={"control_codes": ()}).save(forgetful / "model")
    with pytest.raises(InputError, match="has no counts of them; give the documents with --train CORPUS"):
        run("synthesize", tmp_path, {**inputs, "model": forgetful, "train": empty}, SAMPLE, "x")


def test_a_plain_model_is_asked_for_neither(root: Path, inputs: dict[str, Path], tmp_path: Path) -> None:
    plain = {**ADAPT, "annotations": "auto", "control_codes": [], "epochs": 1}
    model, facts = run("adapt", tmp_path, {"train": inputs["train"]}, plain)
    assert "n_added_tokens" not in facts and not (model / "model" / "deidsynth.json").exists()
    for config, message in (
        (SAMPLE, "annotations: inline: the model writes no inline entity tags"),
        (
            {**SAMPLE, "annotations": "machine", "prompts": {"language": "sv", "control_codes": "gold"}},
            "prompts.control_codes: the model has no control codes",
        ),
    ):
        with pytest.raises(ConfigError, match=message):
            run("synthesize", tmp_path, {**inputs, "model": model}, config)
    for settings in ({"annotations": "inline"}, {"control_codes": ["length"]}):
        with pytest.raises(ConfigError, match="a model needs adaptation to learn them"):
            run("base", tmp_path, {}, settings)


def test_an_adapter_writes_entities(root: Path, inputs: dict[str, Path], tiny: Tiny, tmp_path: Path) -> None:
    settings = {**ADAPT, "base": str(tiny("llama")), "method": "lora", "epochs": 3, "learning_rate": 0.02}
    model, facts = run("adapt", tmp_path, {"train": inputs["train"]}, settings)
    n_rows = 2 * facts["n_added_tokens"] * 32
    assert facts["method"] == "lora" and facts["n_trained_parameters"] > n_rows
    folder, facts = run("synthesize", tmp_path, {**inputs, "model": model}, SAMPLE)
    assert facts["n_special_tokens"] > 0
    spellings = _added_tokens(model).tokens
    assert not any(each in document.text for document in read_jsonl(folder / "corpus.jsonl") for each in spellings)


def _annotated(*entities: tuple[int, int, str]) -> Document:
    return Document("1", "Bo och Ek i Ås", tuple(Entity(*entity) for entity in entities))


def test_documents_are_kept_where_both_annotations_agree(tmp_path: Path) -> None:
    name, other, city = (0, 2, "NAME"), (7, 9, "NAME"), (12, 14, "CITY")
    inline = [_annotated(name, other, city), _annotated(name, other), _annotated(name), _annotated()]
    machine = [_annotated(name, other, city), _annotated(name, city), _annotated(), _annotated()]

    def folder(role: str, documents: list[Document]) -> Path:
        numbered = tuple(Document(str(n), each.text, each.entities) for n, each in enumerate(documents))
        return folder_of(tmp_path, role, numbered)

    inputs = {"texts": folder("texts", inline), "machine": folder("machine", machine)}
    kept, facts = run("annotate-inline", tmp_path, inputs, {"agreement": 0.9})
    assert [each.doc_id for each in read_jsonl(kept / "corpus.jsonl")] == ["0", "3"]
    assert (facts["n_compared"], facts["n_disagreeing"], facts["n_identical"]) == (4, 2, 2)
    assert facts["agreement_f1"] == pytest.approx(2 * 4 / (6 + 5))
    kept, facts = run("annotate-inline", tmp_path, inputs, {"agreement": 0.5}, "half")
    assert [each.entities for each in read_jsonl(kept / "corpus.jsonl")] == [inline[n].entities for n in (0, 1, 3)]
    kept, facts = run("annotate-inline", tmp_path, inputs, {}, "all")
    assert (facts["n_documents"], facts["n_entities"]) == (4, 6)
    inputs = {"texts": folder("few", inline[2:3]), "machine": folder("none", machine[2:3])}
    with pytest.raises(CorpusError, match="the language model and the gold model agree on none of 1 texts"):
        run("annotate-inline", tmp_path, inputs, {"agreement": 0.9}, "nothing")
