from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from deidsynth.errors import InputError
from deidsynth.models.language_model.causal_lm import load_causal_lm
from deidsynth.models.language_model.packing import SpecialTokenIds, token_ids
from deidsynth.models.tokenizers import causal_tokenizer
from deidsynth.sampling.decoding import TextRepetitionPenalty
from deidsynth.sampling.engine import Request, Sample, SamplingSettings, batch_seed, sample, stopped
from deidsynth.sampling.local import LocalEngine
from tiny_models import CAUSAL, TEXTS, llama_model

Tiny = Callable[[str], Path]
PROMPTS = ("", "Alvedina", "  Hej\n på  dig,", "Namn: 😀 </s> <|endoftext|> <s>")
SHORT = SamplingSettings(max_length_tokens=40)


def _requests(prompts: Sequence[str] = PROMPTS) -> list[Request]:
    return [Request(number, prompt, number) for number, prompt in enumerate(prompts)]


def _load(folder: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    return load_causal_lm(str(folder), "cpu", "fp32")


def _flat(bias: float = 0.0) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, SpecialTokenIds]:
    """A model to which all tokens are alike, but for EOS."""
    tokenizer = causal_tokenizer(TEXTS, 400)
    special = SpecialTokenIds.of(tokenizer)
    model = llama_model(len(tokenizer)).eval()
    torch.nn.init.zeros_(model.lm_head.weight)
    model.lm_head.bias = torch.nn.Parameter(torch.linspace(0, 1e-3, len(tokenizer)))  # no two quite alike, for top_k
    with torch.no_grad():
        model.lm_head.bias[special.eos] = bias
    return model, tokenizer, special


@pytest.mark.parametrize("kind", list(CAUSAL))
def test_one_seed_gives_one_sample_and_another_another(kind: str, tiny: Tiny) -> None:
    engine = LocalEngine(*_load(tiny(kind)))
    texts = [[each.text for each in engine.sample_batch(_requests(), SHORT, seed)] for seed in (5, 5, 6)]
    assert texts[0] == texts[1]
    assert texts[0] != texts[2]


@pytest.mark.parametrize("kind", list(CAUSAL))
def test_prompts_stand_verbatim_at_the_start(kind: str, tiny: Tiny) -> None:
    model, tokenizer = _load(tiny(kind))
    for request, made in zip(
        _requests(), LocalEngine(model, tokenizer).sample_batch(_requests(), SHORT, 1), strict=True
    ):
        assert made.text.startswith(request.prompt)
        assert made.prompt_characters == len(request.prompt)
        assert (made.index, made.prompt_number, made.seed) == (request.index, request.prompt_number, 1)


@pytest.mark.parametrize("kind", list(CAUSAL))
def test_padding_on_the_left_changes_no_distribution(kind: str, tiny: Tiny) -> None:
    model, tokenizer = _load(tiny(kind))
    special = SpecialTokenIds.of(tokenizer)

    def first_logits(prompts: Sequence[str]) -> list[torch.Tensor]:
        steps: list[torch.Tensor] = []
        hook = model.register_forward_hook(lambda _module, _args, output: steps.append(output.logits[:, -1].clone()))
        LocalEngine(model, tokenizer).sample_batch(_requests(prompts), SHORT, 1)
        hook.remove()
        return list(steps[0])

    together = first_logits(PROMPTS)
    for prompt, logits in zip(PROMPTS, together, strict=True):
        alone = first_logits([prompt])[0]
        assert torch.allclose(logits, alone, atol=1e-4)
        ids = torch.tensor([[special.bos, *token_ids(tokenizer, prompt)]])
        with torch.no_grad():
            assert torch.allclose(logits, model(input_ids=ids).logits[0, -1], atol=1e-4)
    assert not torch.allclose(together[0], together[1], atol=1e-2)


def test_top_k_is_off() -> None:
    model, tokenizer, _ = _flat(bias=-100.0)
    requests = [Request(number, "", 0) for number in range(300)]

    def n_distinct(top_k: int) -> int:
        settings = SamplingSettings(max_length_tokens=1, top_p=1.0, top_k=top_k)
        return len({each.text for each in LocalEngine(model, tokenizer).sample_batch(requests, settings, 1)})

    assert n_distinct(0) > 100  # transformers would take the best 50 by itself
    assert n_distinct(3) <= 3


def test_what_a_model_would_like_for_sampling_is_put_aside(tiny: Tiny) -> None:
    model, tokenizer = _load(tiny("gpt2"))
    plain = LocalEngine(model, tokenizer).sample_batch(_requests(), SHORT, 1)
    model, tokenizer = _load(tiny("gpt2"))
    for name, value in (("repetition_penalty", 30.0), ("min_p", 0.9), ("top_k", 2), ("min_new_tokens", 30)):
        setattr(model.generation_config, name, value)
    again = LocalEngine(model, tokenizer).sample_batch(_requests(), SHORT, 1)
    assert [each.text for each in again] == [each.text for each in plain]


def test_the_nucleus_cuts_the_tail_and_temperature_sharpens() -> None:
    model, tokenizer, _ = _flat(bias=-100.0)
    favored = torch.tensor(token_ids(tokenizer, "abc"))
    with torch.no_grad():
        model.lm_head.bias[favored] = torch.tensor([9.0, 8.0, 7.0])
    requests = [Request(number, "", 0) for number in range(400)]

    def letters(**settings: float) -> set[str]:
        made = LocalEngine(model, tokenizer).sample_batch(
            requests, SamplingSettings(max_length_tokens=1, **settings), 1
        )
        return {each.text for each in made}

    # Of a, b and c, and about 390 others with e^0 each: .640 .235 .087 and .031 in all.
    assert letters(top_p=0.5) == {"a"}
    assert letters(top_p=0.8) == {"a", "b"}
    assert letters(top_p=0.95) == {"a", "b", "c"}
    assert len(letters(top_p=1.0)) > 3
    assert letters(top_p=0.95, temperature=0.2) == {"a"}


def test_unlikely_tokens_are_out_by_the_likeliest_one() -> None:
    model, tokenizer, _ = _flat()
    favored = [token_ids(tokenizer, letter)[0] for letter in "abc"]
    with torch.no_grad():
        model.lm_head.bias[favored] = torch.tensor([9.0, 8.0, 7.0])
    requests = [Request(number, "", 0) for number in range(400)]
    for min_p, expected in ((0.3, {"a", "b"}), (0.1, {"a", "b", "c"}), (0.9, {"a"})):  # e^-1 = .37, e^-2 = .14
        settings = SamplingSettings(max_length_tokens=1, top_p=1.0, min_p=min_p)
        assert {each.text for each in LocalEngine(model, tokenizer).sample_batch(requests, settings, 1)} == expected


def test_tokens_of_the_text_are_punished_and_no_others() -> None:
    special = SpecialTokenIds(bos=0, eos=0, pad=1)
    ids = torch.tensor([[1, 0, 3], [0, 4, 5]])
    scores = torch.tensor([[2.0, 2.0, 2.0, 2.0, -2.0, -2.0]] * 2)
    punished = TextRepetitionPenalty(2.0, special)(ids, scores)
    assert punished.tolist() == [[2.0, 2.0, 2.0, 1.0, -2.0, -2.0], [2.0, 2.0, 2.0, 2.0, -4.0, -4.0]]
    assert scores[0].tolist() == [2.0, 2.0, 2.0, 2.0, -2.0, -2.0]
    spared = TextRepetitionPenalty(2.0, SpecialTokenIds(bos=0, eos=0, pad=1, added=(3, 5)))(ids, scores)
    assert spared.tolist() == [[2.0, 2.0, 2.0, 2.0, -2.0, -2.0], [2.0, 2.0, 2.0, 2.0, -4.0, -2.0]]


@pytest.mark.parametrize("kind", list(CAUSAL))
def test_a_penalty_on_repetition_makes_texts_more_varied_whatever_their_batch(kind: str, tiny: Tiny) -> None:
    engine = LocalEngine(*_load(tiny(kind)))

    def texts(requests: Sequence[Request], penalty: float) -> list[str]:
        settings = SamplingSettings(max_length_tokens=60, top_k=1, repetition_penalty=penalty)
        return [each.text for each in engine.sample_batch(requests, settings, 1)]

    varied, plain = texts(_requests(), 1.5), texts(_requests(), 1.0)
    assert sum(len(set(text)) / len(text) for text in varied) > sum(len(set(text)) / len(text) for text in plain)
    assert varied == [texts([request], 1.5)[0] for request in _requests()]


def test_the_fast_loop_is_left_where_it_lacks_a_setting() -> None:
    assert SamplingSettings(temperature=0.5, top_p=0.5, top_k=3, stop=("x",)).is_plain
    assert not SamplingSettings(min_p=0.1).is_plain
    assert not SamplingSettings(repetition_penalty=1.1).is_plain


def test_a_text_is_cut_before_the_first_stop_text_behind_its_prompt() -> None:
    made = Sample(0, "abc -- def || ghi", 0, 6, 9, False, 1)
    assert stopped(made, ["||", "--"]) == replace(made, text="abc -- def ", ended=True)
    assert stopped(made, ["??"]) is made
    assert stopped(made, []) is made


@pytest.mark.parametrize("length", [1, 2, 7])
def test_a_text_that_was_cut_off_is_flagged(length: int) -> None:
    model, tokenizer, _ = _flat(bias=-100.0)
    requests = _requests(["", "ab"] if length > 2 else [""])
    made = LocalEngine(model, tokenizer).sample_batch(requests, SamplingSettings(max_length_tokens=length), 1)
    assert [each.ended for each in made] == [False] * len(made)
    assert [each.n_tokens for each in made] == [length] * len(made)


def test_a_text_that_ends_is_told_apart_even_at_full_length() -> None:
    model, tokenizer, special = _flat()
    calls = iter(range(100))

    def end_after_three(_module: object, _args: object, output: Any) -> None:
        output.logits[..., special.eos] = 1e4 if next(calls) >= 3 else -1e4

    model.register_forward_hook(end_after_three)
    made = LocalEngine(model, tokenizer).sample_batch(_requests([""]), SamplingSettings(max_length_tokens=3), 1)
    assert (made[0].ended, made[0].n_tokens) == (True, 3)


@pytest.mark.parametrize("kind", list(CAUSAL))
def test_stretches_and_leaving_rows_change_nothing(kind: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokenizer = _load(tiny(kind))
    special = SpecialTokenIds.of(tokenizer)
    calls: list[int] = []

    def end_some(_module: object, _args: object, output: Any) -> None:
        last = output.logits[:, -1]
        calls.append(len(last))
        last[last.argmax(dim=-1) % 11 == 0, special.eos] = 1e4  # so that texts end, one here and one there

    model.register_forward_hook(end_some)
    settings = SamplingSettings(top_k=1, max_length_tokens=60)
    alone = [LocalEngine(model, tokenizer).sample_batch([request], settings, 1)[0] for request in _requests()]
    calls.clear()
    monkeypatch.setattr("deidsynth.sampling.decoding.STRETCH_TOKENS", 3)
    together = LocalEngine(model, tokenizer).sample_batch(_requests(), settings, 1)
    assert [(each.text, each.ended) for each in together] == [(each.text, each.ended) for each in alone]
    assert len(set(calls)) > 2  # rows left at different times


def test_an_empty_text_is_a_text() -> None:
    model, tokenizer, _ = _flat(bias=1e4)
    made = LocalEngine(model, tokenizer).sample_batch(_requests(["", "Hej"]), SHORT, 1)
    assert [(each.text, each.ended) for each in made] == [("", True), ("Hej", True)]


@pytest.mark.parametrize("kind", ["gpt2", "llama"])
def test_a_text_may_fill_the_models_positions_and_no_more(kind: str, tiny: Tiny) -> None:
    model, tokenizer = _load(tiny(kind))
    context = model.config.max_position_embeddings
    eos = SpecialTokenIds.of(tokenizer).eos

    def never_end(_module: object, _args: object, output: Any) -> None:
        output.logits[..., eos] = -1e4

    model.register_forward_hook(never_end)
    made = LocalEngine(model, tokenizer).sample_batch(_requests(["Hej"]), SamplingSettings(max_length_tokens=4096), 1)
    assert made[0].n_tokens == context - 1  # BOS has the first
    assert not made[0].ended


@pytest.mark.parametrize(("length", "prompt"), [(8, "Alvedina Kvistlund 1234567890"), (4096, "xyz " * 200)])
def test_a_prompt_that_leaves_no_room_is_refused_without_its_text(length: int, prompt: str, tiny: Tiny) -> None:
    engine = LocalEngine(*_load(tiny("gpt2")))
    with pytest.raises(InputError, match=r"prompt 1 has \d+ tokens and leaves no room for text.*shorter") as caught:
        engine.sample_batch(_requests(["a", prompt]), SamplingSettings(max_length_tokens=length), 1)
    assert prompt.split()[0] not in str(caught.value)


class _Recorder:
    def __init__(self) -> None:
        self.seeds: list[int] = []

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        self.seeds.append(seed)
        return []


def test_every_batch_has_a_seed_of_its_own_wherever_sampling_begins() -> None:
    batches = [_requests() for _ in range(5)]
    whole, rest = _Recorder(), _Recorder()
    for number, batch in enumerate(batches):
        sample(whole, batch, SHORT, 7, number)
    for number in (2, 3, 4):
        sample(rest, batches[number], SHORT, 7, number)
    assert len(set(whole.seeds)) == 5
    assert rest.seeds == whole.seeds[2:]
    assert len({batch_seed(seed, number) for seed in range(50) for number in range(50)}) == 2500


def test_no_repr_shows_a_text() -> None:
    model, tokenizer, _ = _flat(bias=1e4)
    assert "Zyxana" not in repr(LocalEngine(model, tokenizer).sample_batch(_requests(["Zyxana"]), SHORT, 1))
