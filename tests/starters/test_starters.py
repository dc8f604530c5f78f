"""The shipped models: whole, found by name, refused when they are not what was shipped."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, strategies as st
from safetensors import safe_open
from transformers import AutoConfig

from deidsynth import starters
from deidsynth.corpora import read_corpus
from deidsynth.errors import ModelNotFoundError, ModelNotUsableError
from deidsynth.models.loading import load_tokenizer
from deidsynth.models.tagger.token_data import tokenize

NAMES = [(starter.name, starter.kind) for starter in starters.catalog()]
ENCODER = load_tokenizer(starters.resolve("starter", "encoder"))
CAUSAL = load_tokenizer(starters.resolve("starter", "causal"))


@pytest.fixture
def copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A copy of all starters that stands in for the installed ones."""
    folder = tmp_path / "starters"
    shutil.copytree(starters.FOLDER, folder)
    monkeypatch.setattr(starters, "FOLDER", folder)
    starters.catalog.cache_clear()
    yield folder
    starters.catalog.cache_clear()


def test_there_are_two_language_models_and_an_encoder() -> None:
    assert NAMES == [("starter", "causal"), ("starter-xs", "causal"), ("starter", "encoder")]


@pytest.mark.parametrize("starter", starters.catalog(), ids=lambda starter: starter.folder)
def test_a_starter_is_whole_small_and_documented(starter: starters.Starter) -> None:
    folder = Path(starters.resolve(starter.name, starter.kind))
    assert sorted(starter.files) == sorted(path.name for path in folder.iterdir())
    assert all(path.stat().st_size < 25_000_000 for path in folder.iterdir())
    with safe_open(folder / "model.safetensors", "pt") as weights:
        assert {str(weights.get_tensor(name).dtype) for name in weights.keys()} == {"torch.bfloat16"}  # noqa: SIM118
    card = (folder / "README.md").read_text(encoding="utf-8")
    for word in ("| license |", "steps", "tokens seen", "Intended use", "Known gaps", "public domain", "held-out"):
        assert word in card


def test_shapes_are_those_that_sampling_wants() -> None:
    for name in ("starter", "starter-xs"):
        config = AutoConfig.from_pretrained(starters.resolve(name, "causal"))
        assert (config.model_type, config.tie_word_embeddings, config.max_position_embeddings) == ("llama", True, 2048)
        assert config.num_key_value_heads <= 2 and config.vocab_size <= 8192
    assert AutoConfig.from_pretrained(starters.resolve("starter", "encoder")).model_type == "modernbert"
    sizes = {(starter.name, starter.kind): starter.n_parameters for starter in starters.catalog()}
    assert 1.5e6 < sizes["starter-xs", "causal"] < 3e6
    assert 7e6 < sizes["starter", "causal"] < 9e6
    assert 5e6 < sizes["starter", "encoder"] < 7e6


def test_a_name_means_the_kind_that_is_asked_for() -> None:
    assert starters.resolve("starter", "causal") != starters.resolve("starter", "encoder")
    assert starters.resolve("some/hub-model", "causal") == "some/hub-model"
    with pytest.raises(ModelNotUsableError, match="'starter-xs' is not an encoder; starters that are: starter$"):
        starters.resolve("starter-xs", "encoder")


@pytest.mark.parametrize("damage", ["truncated", "tampered"])
def test_a_damaged_starter_is_refused(copied: Path, damage: str) -> None:
    weights = copied / "starter" / "model.safetensors"
    content = bytearray(weights.read_bytes())
    if damage == "truncated":
        del content[-1000:]
    else:
        content[-5] ^= 1
    weights.write_bytes(content)
    with pytest.raises(ModelNotUsableError, match="model.safetensors is damaged or was changed"):
        starters.resolve("starter", "causal")
    starters.resolve("starter-xs", "causal")


def test_a_missing_file_or_catalog_is_told(copied: Path) -> None:
    (copied / "starter-xs" / "tokenizer.json").unlink()
    with pytest.raises(ModelNotFoundError, match=r"tokenizer.json is missing; reinstall deidsynth"):
        starters.resolve("starter-xs", "causal")
    (copied / starters.CATALOG).unlink()
    starters.catalog.cache_clear()
    with pytest.raises(ModelNotFoundError, match=r"catalog.json: cannot be read \(FileNotFoundError\)"):
        starters.catalog()


def test_the_command_line_refuses_a_damaged_starter_with_exit_code_2(tmp_path: Path) -> None:
    source = Path(starters.__file__).parents[1]
    package = tmp_path / "deidsynth"
    shutil.copytree(source, package, ignore=shutil.ignore_patterns("__pycache__"))
    weights = package / "starters" / "starter-encoder" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    line = {"doc_id": "1", "text": "Anna", "entities": [{"start": 0, "end": 4, "label": "NAME"}]}
    (tmp_path / "notes.jsonl").write_text(json.dumps(line) + "\n", encoding="utf-8")
    command = [sys.executable, "-m", "deidsynth", "train", "notes.jsonl", "--output", "ner"]
    environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 2
    assert "is damaged or was changed" in done.stderr and "reinstall deidsynth" in done.stderr
    assert not (tmp_path / "ner").exists()


def test_looking_up_a_starter_needs_no_torch() -> None:
    code = "import sys, deidsynth.starters as s; s.resolve('starter', 'causal'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


pieces = ["\r\n", "\t", "  ", "e\u0301", "\u202b", "😀", "Å", "ñ", "</s>", "<mask>"]
texts = st.lists(st.characters(exclude_categories=["Cs"]) | st.sampled_from(pieces)).map("".join)


@given(texts)
def test_decoding_gives_back_any_string(text: str) -> None:
    for tokenizer in (CAUSAL, ENCODER):
        ids, offsets = tokenize(tokenizer, text)
        assert tokenizer.decode(ids, skip_special_tokens=False, clean_up_tokenization_spaces=False) == text
        assert all(0 <= start < end <= len(text) for start, end in offsets)


def test_all_starters_share_one_vocabulary() -> None:
    vocabularies = [load_tokenizer(starters.resolve(*each)).get_vocab() for each in NAMES]  # type: ignore[arg-type]
    assert vocabularies[0] == vocabularies[1] == vocabularies[2]
    assert len(vocabularies[0]) <= 8192


def test_tokens_end_where_kinds_of_characters_meet() -> None:
    text = "NHC-12345 MadridHospital 3,5mg Åsa"
    starts = {
        text.index(piece) for piece in ("-12345", "1", "2345", "345", "45", "5 M", "Hospital", ",5", "mg", " Åsa")
    }
    _, offsets = tokenize(ENCODER, text)
    assert starts <= {start for start, _ in offsets}


def test_entity_boundaries_of_meddocan_are_token_boundaries(data_folder: Path) -> None:
    count = missed = 0
    for document in read_corpus(data_folder / "meddocan").corpus:
        _, offsets = tokenize(ENCODER, document.text)
        starts = {end - len(document.text[start:end].lstrip()) for start, end in offsets}
        ends = {end for _, end in offsets}
        for entity in document.entities:
            count += 2
            missed += (entity.start not in starts) + (entity.end not in ends)
    assert count > 30_000
    assert missed <= 0.002 * count
