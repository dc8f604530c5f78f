"""vLLM by a module that has the signatures of the real one, and a tiny model behind it."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from transformers import PreTrainedModel

from deidsynth.config import AdaptConfig, SynthesizeConfig, parse, resolve_adapt
from deidsynth.errors import ConfigError, InputError, MissingExtraError, ModelNotUsableError, StorageError
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.language_model.causal_lm import adaptable_model, add_tokens, load_causal_lm
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.loading import load_tokenizer
from deidsynth.models.settings_file import ModelSettings
from deidsynth.sampling import decoding
from deidsynth.sampling.checking import check_sampling
from deidsynth.sampling.endpoint import document_seed
from deidsynth.sampling.engine import Request, SamplingSettings
from deidsynth.sampling.local import LocalEngine
from deidsynth.sampling.token_prompts import TokenPrompts
from deidsynth.sampling.vllm import VllmEngine
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work import synthesize

Tiny = Callable[[str], Path]
SETTINGS = SamplingSettings(max_length_tokens=40, temperature=0.9, top_p=0.9, top_k=50)
PROMPTS = ("", "Alvedina", "Hej\n på  dig,", "Namn: 😀")


@dataclass
class SamplingParams:
    """Those fields of the real class that exist in all versions since 0.8."""

    n: int = 1
    presence_penalty: float = 0.0
    frequency_penalty: float = 0.0
    repetition_penalty: float = 1.0
    temperature: float = 1.0
    top_p: float = 1.0
    top_k: int = -1
    min_p: float = 0.0
    seed: int | None = None
    stop: str | list[str] | None = None
    stop_token_ids: list[int] | None = None
    ignore_eos: bool = False
    max_tokens: int | None = 16
    min_tokens: int = 0
    logprobs: int | None = None
    prompt_logprobs: int | None = None
    detokenize: bool = True
    skip_special_tokens: bool = True
    spaces_between_special_tokens: bool = True
    include_stop_str_in_output: bool = False
    logit_bias: dict[int, float] | None = None
    allowed_token_ids: list[int] | None = None
    extra_args: dict[str, Any] | None = None
    bad_words: list[str] | None = None


@dataclass
class LLM:
    model: str
    tokenizer: str | None = None
    dtype: str = "auto"
    max_model_len: int | None = None
    generation_config: str = "auto"
    asked: list[SamplingParams] = field(default_factory=list, init=False)

    def generate(
        self,
        prompts: Sequence[dict[str, list[int]]],
        sampling_params: SamplingParams | Sequence[SamplingParams] | None = None,
        *,
        use_tqdm: bool = True,
        lora_request: Any = None,
    ) -> list[Any]:
        assert isinstance(sampling_params, list) and len(sampling_params) == len(prompts)
        self.asked += sampling_params
        model, tokenizer = load_causal_lm(self.model, "cpu", "fp32")
        special = TokenPrompts(tokenizer).special
        found = []
        for prompt, wanted in zip(prompts, sampling_params, strict=True):
            ids = prompt["prompt_token_ids"]
            assert len(ids) + wanted.max_tokens <= self.max_model_len and wanted.stop_token_ids == [special.eos]
            settings = SamplingSettings(wanted.temperature, wanted.top_p, max(0, wanted.top_k))
            (drawn,) = decoding.continuations(
                model, [ids], special, settings, max_new_tokens=wanted.max_tokens, seed=wanted.seed
            )
            found.append(SimpleNamespace(outputs=[SimpleNamespace(token_ids=tuple(drawn), finish_reason="stop")]))
        return found


@pytest.fixture
def vllm(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    module = ModuleType("vllm")
    module.__spec__ = ModuleSpec("vllm", None)
    module.LLM, module.SamplingParams = LLM, SamplingParams
    monkeypatch.setitem(sys.modules, "vllm", module)
    return module


def requests() -> list[Request]:
    return [Request(number, PROMPTS[number % 4], number % 4) for number in range(8)]


def test_documents_are_those_of_this_process_each_with_its_seed(vllm: ModuleType, tiny: Tiny, tmp_path: Path) -> None:
    model, tokenizer = load_causal_lm(str(tiny("gpt2")), "cpu", "fp32")
    engine = VllmEngine(tiny("gpt2"), tokenizer, Codec(tokenizer), 40, "fp32", tmp_path)
    samples = engine.sample_batch(requests(), SETTINGS, 7)
    local = LocalEngine(model, tokenizer)
    for request, made in zip(requests(), samples, strict=True):
        (expected,) = local.sample_batch([request], SETTINGS, document_seed(7, request.index))
        assert (made.text, made.n_tokens, made.ended) == (expected.text, expected.n_tokens, expected.ended)
        assert made.seed == 7
    assert engine.sample_batch(requests(), SETTINGS, 7) == samples
    model = engine._model
    assert (model.dtype, model.max_model_len, model.generation_config) == ("float32", 42, "vllm")
    assert {each.top_k for each in model.asked} == {50}
    assert all(not each.detokenize and each.logit_bias is None for each in model.asked)


def test_settings_are_passed_on_and_control_codes_are_never_drawn(vllm: ModuleType, tiny: Tiny, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(tiny("llama")))
    added = AddedTokens(control_codes=("length",), length_bounds=(1, 2, 3))
    add_tokens(tokenizer, list(added.tokens))
    codec = Codec(tokenizer, added)
    engine = VllmEngine(tiny("llama"), tokenizer, codec, 40, "bf16", tmp_path)
    wanted = SamplingSettings(0.7, 0.8, 0, 0.1, 1.2, ("\n",), 40)
    made = engine._sampling(wanted, 9, 7, requests()[3])
    changed = {each.name for each in fields(made) if getattr(made, each.name) != each.default}
    assert changed == {"temperature", "top_p", "min_p", "repetition_penalty", "seed", "max_tokens"} | {
        "stop_token_ids",
        "logit_bias",
        "detokenize",
    }
    assert made.logit_bias == dict.fromkeys(codec.control_code_ids, -100.0)
    assert engine._model.dtype == "bfloat16"


def test_a_prompt_without_room_is_told_by_its_number(vllm: ModuleType, tiny: Tiny, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(tiny("llama")))
    engine = VllmEngine(tiny("llama"), tokenizer, Codec(tokenizer), 10, "fp32", tmp_path)
    with pytest.raises(InputError, match=r"prompt 5 has \d+ tokens and leaves no room") as caught:
        engine.sample_batch([Request(0, "Alvedina " * 40, 5)], SamplingSettings(max_length_tokens=10), 1)
    assert "the context of the model is 256, synthesize.max_length_tokens is 10;" in str(caught.value)


@pytest.mark.parametrize("error", [RuntimeError, ValueError])
def test_a_failure_of_it_is_told_with_what_to_do(
    vllm: ModuleType, tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    def fails(*given: object, **settings: object) -> None:
        raise error("Alvedina")

    tokenizer = load_tokenizer(str(tiny("llama")))
    told = rf"^vLLM cannot sample from this model \({error.__name__}\), see its log; set synthesize.engine: auto$"
    engine = VllmEngine(tiny("llama"), tokenizer, Codec(tokenizer), 40, "fp32", tmp_path)
    monkeypatch.setattr(engine._model, "generate", fails)
    with pytest.raises(ModelNotUsableError, match=told):
        engine.sample_batch(requests(), SETTINGS, 1)
    monkeypatch.setattr(vllm, "LLM", fails)
    with pytest.raises(ModelNotUsableError, match=told):
        VllmEngine(tiny("llama"), tokenizer, Codec(tokenizer), 40, "fp32", tmp_path)


def test_a_damaged_configuration_is_told_by_its_file(vllm: ModuleType, tiny: Tiny, tmp_path: Path) -> None:
    tokenizer = load_tokenizer(str(tiny("llama")))
    folder = Path(shutil.copytree(tiny("llama"), tmp_path / "model"))
    (folder / "config.json").write_text("[]", encoding="utf-8")
    with pytest.raises(ModelNotUsableError, match=r"config\.json"):
        VllmEngine(folder, tokenizer, Codec(tokenizer), 40, "fp32", tmp_path)


@pytest.fixture
def adapter(tiny: Tiny, tmp_path: Path) -> Path:
    made = adaptable_model(resolve_adapt(AdaptConfig(base=str(tiny("llama")), method="lora")), [], "cpu")
    for part in (made.model, made.tokenizer):
        part.save_pretrained(tmp_path / "adapter")
    return tmp_path / "adapter"


def test_a_merged_model_is_in_the_scratch_folder_until_it_is_loaded(
    vllm: ModuleType, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch, loaded = tmp_path / "scratch", []
    scratch.mkdir()

    def load(model: str, **settings: Any) -> LLM:
        assert (Path(model) / "model.safetensors").exists() and settings["tokenizer"] == str(adapter)
        loaded.append(Path(model))
        return LLM(model, **settings)

    monkeypatch.setattr(vllm, "LLM", load)
    tokenizer = load_tokenizer(str(adapter))
    VllmEngine(adapter, tokenizer, Codec(tokenizer), 40, "fp32", scratch)
    assert [each.parent for each in loaded] == [scratch] and not [*scratch.iterdir()]


def test_a_full_disk_is_told_as_such(
    vllm: ModuleType, adapter: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*given: object, **settings: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(PreTrainedModel, "save_pretrained", full)
    tokenizer = load_tokenizer(str(adapter))
    with pytest.raises(StorageError, match="the disk is full or over quota"):
        VllmEngine(adapter, tokenizer, Codec(tokenizer), 40, "fp32", tmp_path)


def test_the_stage_takes_it_where_it_is_asked_for(vllm: ModuleType, tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to(tiny("llama"))
    config = parse(SynthesizeConfig, {"engine": "vllm"})
    check_sampling(config, "cpu")
    assert ModelSettings.load(tmp_path / "model").added_tokens is None
    assert isinstance(synthesize._engine(config, {"model": tmp_path}, StageContext(tmp_path, seed=1)), VllmEngine)


def test_without_it_the_install_line_is_told_before_anything_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"engine: vllm needs .*: pip install 'deidsynth\[vllm\]'"):
        check_sampling(parse(SynthesizeConfig, {"engine": "vllm"}), "cuda")


def test_a_server_and_an_engine_contradict_each_other() -> None:
    endpoint = {"base_url": "http://127.0.0.1:8000/v1", "model": "lm"}
    with pytest.raises(ConfigError, match="engine: vllm samples in this process"):
        parse(SynthesizeConfig, {"endpoint": endpoint, "engine": "vllm"})
