from __future__ import annotations

import pytest
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from deidsynth.models.training import utilization
from deidsynth.models.training.utilization import product_flops_per_second, training_flops_per_token


@pytest.mark.parametrize("tied", [True, False])
def test_flops_of_a_llama_by_hand(tied: bool) -> None:
    config = LlamaConfig(
        vocab_size=10,
        hidden_size=8,
        intermediate_size=12,
        num_hidden_layers=2,
        num_attention_heads=2,
        num_key_value_heads=1,
        tie_word_embeddings=tied,
    )
    # a layer: queries 8x8, keys and values 8x4 each, output 8x8, three of 8x12, two norms of 8
    weights = 2 * (64 + 2 * 32 + 64 + 3 * 96 + 16) + 8 + 80
    assert training_flops_per_token(LlamaForCausalLM(config), 100) == 6 * weights + 12 * 2 * 8 * 100


def test_the_fastest_product_counts_two_operations_a_multiplication(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(utilization.PRODUCT_SIZE, "cpu", 4)
    seconds = [0.5, 0.25, 1.0, 0.5, 0.5]
    clock = iter([at for number, took in enumerate(seconds) for at in (10.0 * number, 10.0 * number + took)])
    monkeypatch.setattr(utilization.time, "perf_counter", lambda: next(clock))
    # every of the 4 x 4 results takes 4 multiplications and 4 additions: 128 operations in .25 s
    assert product_flops_per_second("cpu", "fp32") == 128 / 0.25


def test_a_product_is_computed_in_the_precision_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    made, ones = [], torch.ones
    monkeypatch.setattr(torch, "ones", lambda *size, **options: made.append((size, options["dtype"])) or ones(*size))
    for precision in ("fp32", "bf16"):
        product_flops_per_second("cpu", precision)
    size = (utilization.PRODUCT_SIZE["cpu"],) * 2
    assert made == [(size, torch.float32)] * 2 + [(size, torch.bfloat16)] * 2
