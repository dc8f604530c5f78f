"""The starters through the stages: adapted, sampled from, fine-tuned; with their own recipes."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import torch

from deidsynth import starters
from deidsynth.config import StageConfig
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus
from deidsynth.models.language_model.causal_lm import load_causal_lm
from deidsynth.models.tagger.token_classifier import load_tagger
from deidsynth.stages import STAGES, StageContext
from tiny_models import NOTES
from tiny_stages import resolved


def ran(stage: str, config: StageConfig, root: Path) -> Path:
    """The output folder of a stage on the tiny notes."""
    for part in ("in", "out", "work"):
        (root / part).mkdir(parents=True)
    write_jsonl(Corpus(NOTES), root / "in" / "corpus.jsonl")
    role = "train" if stage == "adapt" else "corpus"
    STAGES[stage].run(config, {role: root / "in"}, root / "out", StageContext(root / "work", seed=1))
    return root / "out"


def test_the_default_encoder_is_the_starter_and_learns(tmp_path: Path) -> None:
    config = resolved("train", {"epochs": 1, "task_adaptive_pretraining": {"epochs": 0.2}})
    assert config.model_dump()["encoder"] == "starter"
    out = ran("train", config, tmp_path)
    tagger = load_tagger(str(out / "model"))
    assert tagger.model.config.model_type == "modernbert" and len(tagger.tokenizer) == 8000
    assert (out / "pretraining.jsonl").exists()
    start = load_tagger(str(out / "model")).model.model.embeddings.tok_embeddings.weight
    assert start.dtype == torch.float32


def test_the_default_base_is_the_starter_and_is_adapted_in_full(tmp_path: Path) -> None:
    config = resolved("adapt", {"epochs": 0.5, "sequence_length": 64})
    assert config.model_dump()["base"] == "starter"
    model, _ = load_causal_lm(str(ran("adapt", config, tmp_path) / "model"), "cpu", "fp32")
    shipped, _ = load_causal_lm(starters.resolve("starter", "causal"), "cpu", "fp32")
    assert not torch.equal(model.model.embed_tokens.weight, shipped.model.embed_tokens.weight)
    assert model.config.num_hidden_layers == shipped.config.num_hidden_layers


def test_an_adapter_of_a_starter_finds_its_base_in_another_installation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "old" / "starters"
    shutil.copytree(starters.FOLDER, elsewhere)
    data = {"base": "starter-xs", "method": "lora", "epochs": 0.5, "sequence_length": 64, "lora": {"r": 2}}
    with monkeypatch.context() as patch:
        patch.setattr(starters, "FOLDER", elsewhere)
        out = ran("adapt", resolved("adapt", data), tmp_path)
    assert str(elsewhere) in (out / "model" / "adapter_config.json").read_text()
    shutil.rmtree(elsewhere)
    model, tokenizer = load_causal_lm(str(out / "model"), "cpu", "fp32")
    assert len(tokenizer) == model.config.vocab_size == 8000
