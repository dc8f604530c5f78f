from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from transformers import (
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    ByT5Tokenizer,
    GPT2Config,
    T5Config,
    T5ForConditionalGeneration,
)

from deidsynth.config import AdaptConfig, resolve_adapt
from deidsynth.errors import MissingExtraError, ModelNotFoundError, ModelNotUsableError
from deidsynth.models import loading
from deidsynth.models.language_model.causal_lm import adaptable_model, load_causal_lm
from deidsynth.models.loading import check_model_name, load_any_tokenizer, load_model, load_tokenizer
from deidsynth.models.tagger.token_classifier import load_tagger

Tiny = Callable[[str], Path]


@pytest.fixture
def copy(tiny: Tiny, tmp_path: Path) -> Callable[[str], Path]:
    """A tiny model that may be broken."""

    def make(kind: str) -> Path:
        return Path(shutil.copytree(tiny(kind), tmp_path / kind))

    return make


def _set(folder: Path, **keys: object) -> None:
    file = folder / "config.json"
    file.write_text(json.dumps(json.loads(file.read_text()) | keys))


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "~/nowhere-at-all", "a/b/c", ""])
def test_a_path_that_is_not_there(name: str) -> None:
    with pytest.raises(
        ModelNotFoundError, match=r"no such folder.*To work offline, download it there with `hf download"
    ):
        load_tokenizer(name)
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        load_model(AutoModelForCausalLM, name)


def test_a_file_is_no_model(tmp_path: Path) -> None:
    (tmp_path / "weights").write_text("")
    with pytest.raises(ModelNotFoundError, match="no such folder"):
        load_tokenizer(str(tmp_path / "weights"))


def test_a_folder_without_configuration(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="the folder has no config.json"):
        load_model(AutoModelForCausalLM, str(tmp_path))


def test_a_name_that_is_no_path_is_left_to_the_hub() -> None:
    assert check_model_name("someone/some-model") == "someone/some-model"


def test_the_home_folder_is_spelt_out(copy: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(copy("gpt2").parent))
    assert len(load_tokenizer("~/gpt2")) > 1
    assert load_causal_lm("~/gpt2", "cpu", "fp32")[0].config.model_type == "gpt2"


def test_truncated_weights(copy: Callable[[str], Path]) -> None:
    weights = copy("bert") / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[: weights.stat().st_size // 2])
    with pytest.raises(ModelNotUsableError, match="its weights are damaged; download the file again"):
        load_model(AutoModelForTokenClassification, str(weights.parent))


def test_pickled_weights_are_never_read(copy: Callable[[str], Path]) -> None:
    folder = copy("gpt2")
    model = load_model(AutoModelForCausalLM, str(folder))
    torch.save(model.state_dict(), folder / "pytorch_model.bin")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match="pickled weights are never loaded"):
        load_model(AutoModelForCausalLM, str(folder))


def test_no_weights(copy: Callable[[str], Path]) -> None:
    folder = copy("gpt2")
    (folder / "model.safetensors").unlink()
    with pytest.raises(ModelNotFoundError, match=r"its weights \(model.safetensors\) cannot be loaded"):
        load_model(AutoModelForCausalLM, str(folder))


def test_weights_of_other_sizes_than_the_configuration_says(copy: Callable[[str], Path]) -> None:
    folder = copy("gpt2")
    _set(folder, n_embd=64)
    with pytest.raises(ModelNotUsableError, match="do not match its config.json"):
        load_model(AutoModelForCausalLM, str(folder))


@pytest.mark.parametrize(("kind", "layers"), [("gpt2", "n_layer"), ("bert", "num_hidden_layers")])
def test_layers_without_weights_are_not_made_up(kind: str, layers: str, copy: Callable[[str], Path]) -> None:
    folder = copy(kind)
    _set(folder, **{layers: 4})
    task = AutoModelForCausalLM if kind == "gpt2" else AutoModelForTokenClassification
    with pytest.raises(ModelNotUsableError, match="do not match its config.json"):
        load_model(task, str(folder))


def test_an_encoder_of_other_sizes_is_not_made_up_either(copy: Callable[[str], Path]) -> None:
    folder = copy("bert")
    _set(folder, vocab_size=999)
    with pytest.raises(ModelNotUsableError, match="do not match its config.json"):
        load_model(AutoModelForTokenClassification, str(folder), num_labels=5, ignore_mismatched_sizes=True)


def test_an_architecture_that_cannot_do_the_task(tmp_path: Path) -> None:
    shape = T5Config(vocab_size=384, d_model=16, d_ff=16, num_layers=1, num_heads=2, d_kv=8)
    T5ForConditionalGeneration(shape).save_pretrained(tmp_path)
    with pytest.raises(ModelNotUsableError, match="type t5 does not fit AutoModelForCausalLM"):
        load_model(AutoModelForCausalLM, str(tmp_path))


def test_a_slow_tokenizer_reads_no_entities_and_writes_text(tmp_path: Path) -> None:
    shape = T5Config(vocab_size=384, d_model=16, d_ff=16, num_layers=1, num_heads=2, d_kv=8)
    shape.save_pretrained(tmp_path)
    ByT5Tokenizer().save_pretrained(tmp_path)
    with pytest.raises(ModelNotUsableError, match="gives no character offsets, which a tagger needs"):
        load_tokenizer(str(tmp_path))
    assert load_any_tokenizer(str(tmp_path)).eos_token_id == 1


@pytest.mark.parametrize(("kind", "file"), [("GPTSw3Tokenizer", "spiece.model"), ("LlamaTokenizer", "tokenizer.model")])
def test_a_tokenizer_of_sentencepiece_names_the_extra(
    kind: str, file: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    GPT2Config(vocab_size=500, n_embd=32, n_layer=1, n_head=2, bos_token_id=1, eos_token_id=1).save_pretrained(tmp_path)
    (tmp_path / "tokenizer_config.json").write_text(json.dumps({"tokenizer_class": kind, "eos_token": "</s>"}))
    (tmp_path / file).write_bytes(b"pieces")
    monkeypatch.setattr(loading, "find_spec", lambda _: None)
    message = r"its tokenizer needs an optional dependency: pip install 'deidsynth\[sentencepiece\]'"
    with pytest.raises(MissingExtraError, match=message):
        load_any_tokenizer(str(tmp_path))
    monkeypatch.setattr(loading, "find_spec", lambda _: "there")
    with pytest.raises(ModelNotFoundError, match="its tokenizer"):
        load_any_tokenizer(str(tmp_path))


@pytest.mark.parametrize("kind", ["bert", "gpt2"])
def test_absent_tokenizer_files_do_not_become_an_empty_tokenizer(kind: str, copy: Callable[[str], Path]) -> None:
    folder = copy(kind)
    for file in folder.glob("tokenizer*"):
        file.unlink()
    with pytest.raises(ModelNotUsableError, match="no tokenizer files; put its tokenizer.json into the folder"):
        load_tokenizer(str(folder))


@pytest.mark.parametrize("file", ["tokenizer.json", "tokenizer_config.json", "config.json"])
def test_a_damaged_json_file(file: str, copy: Callable[[str], Path]) -> None:
    folder = copy("bert")
    (folder / file).write_text((folder / file).read_text()[:40])
    with pytest.raises(ModelNotUsableError, match=f"{file}: it is cut off or is no JSON; copy or download"):
        load_tokenizer(str(folder))


def test_code_in_the_folder_is_never_run(copy: Callable[[str], Path]) -> None:
    folder = copy("bert")
    (folder / "code.py").write_text("raise SystemExit('it ran')")
    _set(folder, model_type="other", auto_map={"AutoConfig": "code.C", "AutoModelForTokenClassification": "code.M"})
    with pytest.raises(ModelNotFoundError, match="its configuration cannot be loaded"):
        load_model(AutoModelForTokenClassification, str(folder))


def test_an_encoder_cannot_write_text(tiny: Tiny) -> None:
    folder = str(tiny("bert"))
    with pytest.raises(ModelNotUsableError, match="is not causal, so it cannot"):
        load_causal_lm(folder, "cpu", "fp32")
    with pytest.raises(ModelNotUsableError, match="is not causal, so it cannot"):
        adaptable_model(resolve_adapt(AdaptConfig(base=folder)), [], "cpu")


def test_a_model_that_is_no_tagger(tiny: Tiny) -> None:
    with pytest.raises(ModelNotUsableError, match=r"is not a tagger: its id2label must be O .* `deidsynth train`"):
        load_tagger(str(tiny("bert")))


def test_causal_models_come_in_the_precision_asked_for(tiny: Tiny) -> None:
    model, tokenizer = load_causal_lm(str(tiny("llama")), "cpu", "bf16")
    assert {weight.dtype for weight in model.parameters()} == {torch.bfloat16}
    assert not model.training
    assert tokenizer.eos_token_id == 2
