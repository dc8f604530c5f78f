"""Continuous batching, on the CPU with tiny models."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from deidsynth.errors import ConfigError, InputError, ModelNotUsableError
from deidsynth.models.language_model.causal_lm import load_causal_lm
from deidsynth.sampling import continuous
from deidsynth.sampling.continuous import ContinuousEngine, supports
from deidsynth.sampling.engine import Request, SamplingSettings
from deidsynth.sampling.local import LocalEngine
from deidsynth.sampling.token_prompts import TokenPrompts
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work import synthesize
from frequencies import check_frequencies, nucleus

Tiny = Callable[[str], Path]
SETTINGS = SamplingSettings(max_length_tokens=40, temperature=0.9, top_p=0.9)
COLD = SamplingSettings(max_length_tokens=40, temperature=1e-4, top_p=1.0)
PROMPTS = ("", "Alvedina", "Hej\n på  dig,", "Namn: 😀")


def requests(n: int = 8) -> list[Request]:
    return [Request(number, PROMPTS[number % 4], number % 4) for number in range(n)]


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_generate_is_the_oracle_where_chance_has_no_say(kind: str, tiny: Tiny) -> None:
    model, tokenizer = load_causal_lm(str(tiny(kind)), "cpu", "fp32")
    expected = LocalEngine(model, tokenizer).sample_batch(requests(), COLD, 1)
    assert ContinuousEngine(model, tokenizer).sample_batch(requests(), COLD, 1) == expected
    assert len({each.text for each in expected}) == 4


def test_the_same_requests_and_seed_give_the_same_samples(tiny: Tiny) -> None:
    engine = ContinuousEngine(*load_causal_lm(str(tiny("llama")), "cpu", "fp32"))
    drawn = [engine.sample_batch(requests(), SETTINGS, seed) for seed in (1, 1, 2)]
    assert drawn[0] == drawn[1] != drawn[2]
    assert len({each.text for each in drawn[0]}) == 8


def test_samples_have_the_models_distribution(tiny: Tiny) -> None:
    model, tokenizer = load_causal_lm(str(tiny("llama")), "cpu", "fp32")
    prompts = TokenPrompts(tokenizer)
    special = replace(prompts.special, suppressed=(20, 21, 22))
    (ids,) = prompts.encoded([Request(0, "Alvedina", 0)], SETTINGS, 256)
    drawn = continuous.continuations(model, [ids] * 2000, [1] * 2000, special, SETTINGS, seed=3)
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[:, -1]
    logits[:, list(special.suppressed)] = -torch.inf
    check_frequencies(torch.tensor([row[0] for row in drawn]), nucleus(logits, 0.9, 0.9)[0])


def test_the_model_is_as_before_and_other_settings_are_left_to_generate(tiny: Tiny) -> None:
    model, tokenizer = load_causal_lm(str(tiny("llama")), "cpu", "fp32")
    before = model.config._attn_implementation
    engine = ContinuousEngine(model, tokenizer)
    engine.sample_batch(requests(2), SETTINGS, 1)
    assert model.config._attn_implementation == before
    penalized = replace(SETTINGS, repetition_penalty=1.3)
    expected = LocalEngine(model, tokenizer).sample_batch(requests(), penalized, 1)
    assert engine.sample_batch(requests(), penalized, 1) == expected


def test_what_is_supported(tiny: Tiny) -> None:
    found = {kind: supports(load_causal_lm(str(tiny(kind)), "cpu", "fp32")[0]) for kind in ("llama", "gpt2", "bloom")}
    assert found == {"llama": True, "gpt2": True, "bloom": False}


def test_a_failure_of_the_library_is_told(tiny: Tiny) -> None:
    model, tokenizer = load_causal_lm(str(tiny("llama")), "cpu", "fp32")
    engine = ContinuousEngine(model, tokenizer)
    with pytest.raises(InputError, match=r"prompt 0 has \d+ tokens and leaves no room"):
        engine.sample_batch([Request(0, "Alvedina " * 40, 0)], SETTINGS, 1)
    with torch.no_grad():
        model.model.norm.weight.fill_(float("nan"))
    with pytest.raises(ModelNotUsableError, match="continuous batching failed.*engine: generate"):
        engine.sample_batch(requests(), SETTINGS, 1)


@pytest.mark.parametrize(
    ("engine", "device", "flash", "expected"),
    [
        ("auto", "cpu", True, LocalEngine),
        ("auto", "cuda", True, ContinuousEngine),
        ("auto", "cuda:1", False, LocalEngine),
        ("generate", "cuda", True, LocalEngine),
        ("continuous", "cpu", False, ContinuousEngine),
    ],
)
def test_which_engine_is_chosen(engine, device, flash, expected, tiny: Tiny, tmp_path, monkeypatch) -> None:
    monkeypatch.setattr(continuous, "is_flash_attn_2_available", lambda: flash)
    loaded = load_causal_lm(str(tiny("llama")), "cpu", "fp32")
    monkeypatch.setattr(synthesize, "load_causal_lm", lambda *_: loaded)
    config = synthesize.SynthesizeConfig(engine=engine)
    (tmp_path / "model").mkdir()
    found = synthesize._engine(config, {"model": tmp_path}, StageContext(tmp_path, seed=1, device=device))
    assert type(found) is expected


def test_a_model_that_cannot_use_it_is_refused(tiny: Tiny, tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to(tiny("bloom"))
    config = synthesize.SynthesizeConfig(engine="continuous")
    with pytest.raises(ConfigError, match="cannot be exchanged; use engine: generate"):
        synthesize._engine(config, {"model": tmp_path}, StageContext(tmp_path, seed=1))
