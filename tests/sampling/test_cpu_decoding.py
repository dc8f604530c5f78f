from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.sampling import cpu_decoding, decoding, llama_cpu
from deidsynth.sampling.cpu_decoding import CpuDecoder, DecodingBatch
from deidsynth.sampling.engine import SamplingSettings
from deidsynth.sampling.llama_cpu import Llama, supports
from deidsynth.sampling.nucleus import BLOCK, categorical, draw
from frequencies import check_frequencies, nucleus
from tiny_models import gpt2_model, llama_model

SPECIAL = SpecialTokenIds(bos=1, eos=2, pad=0)
VOCABULARY = 150
PROMPTS = ([1], [1, 17, 90], [1, 5, 5, 8, 140, 33, 12])
COLD = SamplingSettings(temperature=1e-4, top_p=1.0)


def _llama(
    heads: int = 4, kv_heads: int = 2, *, tied: bool = True, spread: float = 0.15, **more: Any
) -> LlamaForCausalLM:
    torch.manual_seed(11)
    settings: dict[str, Any] = {
        "vocab_size": VOCABULARY,
        "hidden_size": 80,
        "intermediate_size": 80,
        "num_hidden_layers": 3,
        "num_attention_heads": heads,
        "num_key_value_heads": kv_heads,
        "head_dim": 16,
        "max_position_embeddings": 256,
        "initializer_range": spread,
        "tie_word_embeddings": tied,
    }
    model = LlamaForCausalLM(LlamaConfig(**settings | more)).eval()
    for name, weight in model.named_parameters():  # fresh norms are all ones
        if "norm" in name:
            nn.init.uniform_(weight, 0.5, 1.5)
    return model


def _forced(model: PreTrainedModel, prompts: Sequence[Sequence[int]], tokens: Tensor) -> Tensor:
    """Our scores after each prompt and after each token that is put behind it. Shape (n_rows, 1 + n_tokens, n)."""
    with torch.inference_mode():
        rows = DecodingBatch(Llama(model), prompts, max(map(len, prompts)) + tokens.shape[1])
        return torch.stack([rows.begin().clone(), *(rows.step(each).clone() for each in tokens.T)], 1)


def _oracle(model: PreTrainedModel, prompts: Sequence[Sequence[int]], tokens: Tensor) -> Tensor:
    """Scores of transformers at the same places, each row alone and unpadded."""
    found = []
    for prompt, row in zip(prompts, tokens, strict=True):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([[*prompt, *row.tolist()]])).logits[0]
        found.append(logits[len(prompt) - 1 :].float())
    return torch.stack(found)


@pytest.mark.parametrize("tied", [True, False])
@pytest.mark.parametrize(("heads", "kv_heads"), [(4, 4), (4, 2), (5, 1), (1, 1)])
def test_scores_are_those_of_transformers(heads: int, kv_heads: int, tied: bool) -> None:
    # Wide weights would show how float32 rounds, in which transformers is no nearer to float64 than this.
    model = _llama(heads, kv_heads, tied=tied, spread=0.08)
    tokens = torch.randint(3, VOCABULARY, (3, 2 * cpu_decoding.SPAN + 5))  # the cache grows twice
    ours, theirs = _forced(model, PROMPTS, tokens), _oracle(model, PROMPTS, tokens)
    assert theirs.std() > 0.5
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_scores_of_padded_rows_are_those_of_transformers_on_the_padded_batch() -> None:
    model = _llama()
    width = max(map(len, PROMPTS))
    ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in PROMPTS])
    mask = torch.tensor([[0] * (width - len(row)) + [1] * len(row) for row in PROMPTS])
    with torch.no_grad():
        positions = (mask.cumsum(-1) - 1).clamp(min=0)
        theirs = model(input_ids=ids, attention_mask=mask, position_ids=positions).logits[:, -1]
    ours = _forced(model, PROMPTS, torch.empty(3, 0, dtype=torch.long))[:, 0]
    torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


def test_prompts_are_read_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    model, tokens = _llama(), torch.randint(3, VOCABULARY, (3, 4))
    whole = _forced(model, PROMPTS, tokens)
    monkeypatch.setattr(cpu_decoding, "PREFILL_TOKENS", 1)
    torch.testing.assert_close(_forced(model, PROMPTS, tokens), whole, atol=1e-5, rtol=1e-5)


def test_rows_that_leave_do_not_touch_those_that_stay() -> None:
    model = _llama()
    prompts = [*PROMPTS, [1, 9], [1, 60, 61, 62]]
    tokens = torch.randint(3, VOCABULARY, (5, 40))
    theirs = _oracle(model, prompts, tokens)
    with torch.inference_mode():
        rows = DecodingBatch(Llama(model), prompts, 47)
        rows.begin()
        order = list(range(5))
        for place in range(40):
            if place in (3, 20, 33):
                staying = range(len(order)) if place == 3 else [0, len(order) - 1]
                order = [order[number] for number in rows.keep(staying)]
            ours = rows.step(tokens[order, place])
            torch.testing.assert_close(ours, theirs[order, place + 1], atol=1e-5, rtol=1e-5)
    assert order == [0, 4]


def _divergence(logits: Tensor, reference: Tensor) -> float:
    """Mean KL divergence from the reference, in nats."""
    first, other = reference.double().log_softmax(-1), logits.double().log_softmax(-1)
    return float((first.exp() * (first - other)).sum(-1).mean())


@pytest.mark.parametrize("packs", [True, False])
def test_bfloat16_is_as_near_to_float32_as_that_of_transformers(packs: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if not packs:
        monkeypatch.setattr(llama_cpu, "_can_pack", lambda: False)
    model = _llama(5, 1, num_hidden_layers=5)
    prompts = [[1, number] for number in range(3, 27)]
    tokens = torch.randint(3, VOCABULARY, (24, 60))
    model.to(torch.bfloat16).float()  # the very weights that bfloat16 has
    reference = _oracle(model, prompts, tokens)
    model.to(torch.bfloat16)
    ours = _divergence(_forced(model, prompts, tokens), reference)
    assert 0 < ours <= _divergence(_oracle(model, prompts, tokens), reference)


@pytest.mark.parametrize("vocabulary", [7, BLOCK, 3 * BLOCK, 3 * BLOCK + 41])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"top_p": 0.95},
        {"top_p": 0.3},
        {"top_p": 0.01},
        {"top_k": 5},
        {"top_k": 5, "top_p": 0.6},
        {"temperature": 0.7, "top_p": 0.9},
        {"temperature": 1.6, "top_p": 0.9, "top_k": 60},
        {"top_k": 10_000},
    ],
)
def test_draws_are_distributed_as_transformers_would_have_them(vocabulary: int, settings: dict[str, Any]) -> None:
    generator = torch.Generator().manual_seed(5)
    logits = 2 * torch.randn(1, vocabulary, generator=generator)
    expected = nucleus(logits, **settings)[0]
    rows = logits.repeat(20_000, 1)
    drawn = draw(rows, **({"temperature": 1.0, "top_p": 1.0, "top_k": 0} | settings), generator=generator)
    check_frequencies(drawn, expected)


@pytest.mark.parametrize("top_p", [0.1, 0.33, 0.5, 0.8])
def test_of_tokens_that_are_alike_the_same_ones_are_kept(top_p: float) -> None:
    generator = torch.Generator().manual_seed(5)
    logits = torch.tensor([[1.0, 3.0, 3.0, 1.0, 3.0, 0.0, 1.0, 1.0, 3.0, -torch.inf]])
    drawn = draw(logits.repeat(4000, 1), 1.0, top_p, 0, generator)
    expected = nucleus(logits, top_p=top_p)[0]
    assert drawn.unique().tolist() == expected.nonzero().flatten().tolist()
    check_frequencies(drawn, expected)


def test_rows_are_drawn_each_from_its_own() -> None:
    logits = torch.full((5, 300), -torch.inf)
    wanted = torch.tensor([0, 127, 128, 299, 256])
    logits[torch.arange(5), wanted] = 0.0
    assert draw(logits, 1.0, 0.9, 0, torch.Generator()).equal(wanted)


def test_nothing_without_mass_is_drawn() -> None:
    masses = torch.zeros(20_000, 2 * BLOCK + 3)
    masses[:, 3::7] = torch.rand(20_000, 37) * 1e-7
    masses[:, 5] = 1.0
    drawn = categorical(masses, torch.Generator().manual_seed(1))
    assert (masses.gather(1, drawn[:, None]) > 0).all()


@pytest.mark.parametrize("kv_heads", [1, 2])
def test_generate_is_the_oracle_where_chance_has_no_say(kv_heads: int) -> None:
    model = _llama(4, kv_heads)
    ours = CpuDecoder(model).continuations(PROMPTS, SPECIAL, COLD, max_new_tokens=70, seed=1)
    theirs = decoding.continuations(model, PROMPTS, SPECIAL, COLD, max_new_tokens=70, seed=1)
    assert ours == theirs


def test_sampled_tokens_have_the_models_distribution() -> None:
    model, settings = _llama(), SamplingSettings(temperature=0.9, top_p=0.9)
    drawn = CpuDecoder(model).continuations([[1, 8, 30]] * 4000, SPECIAL, settings, max_new_tokens=2, seed=3)
    with torch.no_grad():
        first = nucleus(model(torch.tensor([[1, 8, 30]])).logits[:, -1], 0.9, 0.9)[0]
        check_frequencies(torch.tensor([row[0] for row in drawn]), first)
        most = int(first.argmax())
        second = nucleus(model(torch.tensor([[1, 8, 30, most]])).logits[:, -1], 0.9, 0.9)[0]
    check_frequencies(torch.tensor([row[1] for row in drawn if row[0] == most and len(row) > 1]), second)


def _ending(share: float) -> LlamaForCausalLM:
    """A model that gives EOS about this probability everywhere, and all other tokens what they have."""
    model = _llama(tied=False, spread=0.05)
    with torch.no_grad():
        model.model.norm.weight.zero_()
        model.model.norm.weight[0] = 1.0
        model.model.embed_tokens.weight[:, 0] = 3.0  # a part of the stream that says nothing
        for layer in model.model.layers:
            layer.self_attn.o_proj.weight[0] = layer.mlp.down_proj.weight[0] = 0.0
            layer.self_attn.o_proj.weight *= 0.01
            layer.mlp.down_proj.weight *= 0.01
        model.lm_head.weight.zero_()
        model.lm_head.weight[SPECIAL.eos, 0] = torch.tensor(share / (1 - share) * (VOCABULARY - 1)).log() / 7
    return model


def test_rows_end_at_their_eos_and_the_others_go_on() -> None:
    model, settings = _ending(0.05), SamplingSettings(top_p=1.0)
    drawn = CpuDecoder(model).continuations([[1]] * 60, SPECIAL, settings, max_new_tokens=50, seed=3)
    assert len({len(row) for row in drawn}) > 10
    assert all(SPECIAL.eos not in row[:-1] for row in drawn)
    cut = [row for row in drawn if row[-1] != SPECIAL.eos]
    assert cut
    assert {len(row) for row in cut} == {50}


def test_who_leaves_when_changes_no_text(monkeypatch: pytest.MonkeyPatch) -> None:
    model, nothing = _llama(), replace(SPECIAL, eos=-1)  # in float32, where rows do not see each other
    prompts = [[1, number] for number in range(3, 40)]
    endless = [CpuDecoder(model).continuations([each], nothing, COLD, max_new_tokens=60, seed=1)[0] for each in prompts]
    later = [token for row in endless for token in row[10:]]
    special = replace(SPECIAL, eos=max(set(later), key=later.count))
    expected = [row[: row.index(special.eos) + 1] if special.eos in row else row for row in endless]
    assert len({len(row) for row in expected}) > 5
    for share in (0.0, 0.2, 1.0):
        monkeypatch.setattr(cpu_decoding, "LEAVE_SHARE", share)
        assert CpuDecoder(model).continuations(prompts, special, COLD, max_new_tokens=60, seed=1) == expected


def test_tokens_that_never_follow_are_never_drawn() -> None:
    model = _llama()
    settings = SamplingSettings(temperature=2.0, top_p=1.0)
    special = replace(SPECIAL, suppressed=tuple(range(3, model.config.vocab_size, 2)))
    for sample in (CpuDecoder(model).continuations, partial(decoding.continuations, model)):
        drawn = {
            token for row in sample([[1, 8, 30]] * 20, special, settings, max_new_tokens=20, seed=3) for token in row
        }
        assert len(drawn) > 5
        assert drawn.isdisjoint(special.suppressed)


@pytest.mark.parametrize("length", [1, 2, cpu_decoding.SPAN, cpu_decoding.SPAN + 1])
def test_no_row_is_longer_than_asked_for(length: int) -> None:
    drawn = CpuDecoder(_ending(1e-9)).continuations(PROMPTS, SPECIAL, COLD, max_new_tokens=length, seed=3)
    assert [len(row) for row in drawn] == [length] * 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_one_seed_gives_one_sample_whatever_was_drawn_before(dtype: torch.dtype) -> None:
    decoder, settings = CpuDecoder(_llama().to(dtype)), SamplingSettings()

    def sampled(seed: int) -> list[list[int]]:
        torch.rand(1)  # chance elsewhere in the process
        return decoder.continuations(PROMPTS, SPECIAL, settings, max_new_tokens=40, seed=seed)

    state = torch.get_rng_state()
    first = sampled(4)
    torch.set_rng_state(state)
    assert first == sampled(4)
    assert first != sampled(5)
    assert first == sampled(4)


def test_the_model_stays_as_it_was() -> None:
    model = _llama()
    before = {name: weight.clone() for name, weight in model.named_parameters()}
    CpuDecoder(model).continuations(PROMPTS, SPECIAL, SamplingSettings(), max_new_tokens=5, seed=1)
    assert all(weight.equal(before[name]) and weight.requires_grad for name, weight in model.named_parameters())


def test_what_is_supported() -> None:
    assert supports(_llama())
    assert supports(_llama().to(torch.bfloat16))
    assert supports(llama_model().eval())


def _with_bias() -> PreTrainedModel:
    model = _llama(tied=False)
    model.lm_head.bias = nn.Parameter(torch.zeros(VOCABULARY))
    return model


def _with_hook() -> PreTrainedModel:
    model = _llama()
    model.model.layers[0].register_forward_hook(lambda *_: None)
    return model


@pytest.mark.parametrize(
    "make",
    [
        lambda: gpt2_model().eval(),
        lambda: _llama().train(),
        lambda: _llama().half(),
        lambda: _llama(attention_bias=True),
        lambda: _llama(mlp_bias=True),
        lambda: _llama(hidden_act="gelu"),
        lambda: _llama(rope_parameters={"rope_type": "linear", "factor": 2.0, "rope_theta": 10000.0}),
        _with_bias,
        _with_hook,
    ],
    ids=["gpt2", "training", "half", "attention-bias", "mlp-bias", "gelu", "rope", "head-bias", "hook"],
)
def test_what_is_left_to_generate(make: Any) -> None:
    assert not supports(make())


@pytest.mark.parametrize("fault", [float("nan"), float("inf")])
def test_logits_that_are_no_numbers_are_refused(fault: float) -> None:
    logits = torch.zeros(3, VOCABULARY)
    logits[1, 7] = fault
    with pytest.raises(ModelNotUsableError, match="not finite; use precision: fp32"):
        draw(logits, 1.0, 0.9, 0, torch.Generator())
    model = gpt2_model(VOCABULARY)
    with torch.no_grad():
        model.transformer.ln_f.bias.fill_(fault)
    with pytest.raises(ModelNotUsableError, match="not finite; use precision: fp32"):
        decoding.continuations(model, PROMPTS, SPECIAL, SamplingSettings(), max_new_tokens=3, seed=1)
