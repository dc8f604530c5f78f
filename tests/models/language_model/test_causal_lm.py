from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from deidsynth.config import AdaptConfig, LoraConfig, ScratchCausalConfig, resolve_adapt
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.language_model.causal_lm import adaptable_model, context_length
from tiny_models import TEXTS

Tiny = Callable[[str], Path]
SMALL = ScratchCausalConfig(hidden_size=32, layers=1, vocabulary_size=300)


def test_qlora_needs_cuda(tiny: Tiny) -> None:
    config = resolve_adapt(AdaptConfig(base=str(tiny("llama")), method="qlora"))
    with pytest.raises(ModelNotUsableError, match="qlora needs a CUDA GPU, and the device is cpu; use lora or full"):
        adaptable_model(config, [], "cpu")


def test_a_model_from_scratch_has_the_shape_asked_for() -> None:
    torch.manual_seed(1)
    made = adaptable_model(resolve_adapt(AdaptConfig(base="scratch", scratch=SMALL)), TEXTS, "cpu")
    assert made.method == "full"
    shape = made.model.config
    assert (shape.num_attention_heads, shape.num_key_value_heads, shape.intermediate_size) == (4, 1, 88)
    assert context_length(made.model.config) == 2048
    assert made.model.get_input_embeddings().weight is made.model.get_output_embeddings().weight


@pytest.mark.parametrize(("kind", "context"), [("llama", 256), ("gpt2", 128), ("bloom", 1_000_000)])
def test_lora_trains_the_adapter_and_nothing_else(kind: str, context: int, tiny: Tiny) -> None:
    config = resolve_adapt(AdaptConfig(base=str(tiny(kind)), method="lora", lora=LoraConfig(r=2, alpha=4)))
    made = adaptable_model(config, [], "cpu")
    assert made.method == "lora"
    trainable = [name for name, weight in made.model.named_parameters() if weight.requires_grad]
    assert trainable
    assert all("lora_" in name for name in trainable)
    assert context_length(made.model.config) == context
