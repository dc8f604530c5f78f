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


def test_a_product_takes_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(utilization.PRODUCT_SIZE, "cpu", 64)
    for precision in ("fp32", "bf16"):
        assert 1e6 < product_flops_per_second("cpu", precision) < 1e16
    assert torch.get_default_dtype() == torch.float32
