"""Language models of known shapes with random weights, and a tokenizer for them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch
from tokenizers import Tokenizer, models as token_models
from transformers import BloomConfig, BloomForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast


@dataclass(frozen=True)
class Shape:
    """The shape of a known language model.

    Args:
        family: ``llama`` or ``bloom``.
        layers: number of them.
        width: of the hidden states.
        inner: of the gated layer; BLOOM's is always four times the width.
        heads: of attention.
        key_heads: of keys and values.
        vocabulary: number of tokens.
        tied: whether input and output embeddings are the same.
    """

    family: str
    layers: int
    width: int
    inner: int
    heads: int
    key_heads: int
    vocabulary: int
    tied: bool


SHAPES = {
    "llama-1b": Shape("llama", 16, 2048, 8192, 32, 8, 128_256, True),
    "bloom-1b": Shape("bloom", 24, 1536, 0, 16, 16, 250_880, True),
    "llama-7b": Shape("llama", 32, 4096, 11_008, 32, 32, 32_000, False),
    "bloom-7b": Shape("bloom", 30, 4096, 0, 32, 32, 50_257, True),
}
TINY = {
    name: replace(shape, layers=2, width=64, inner=96, heads=4, key_heads=min(4, shape.key_heads), vocabulary=500)
    for name, shape in SHAPES.items()
}


def model_of(shape: Shape, dtype: torch.dtype, device: str, seed: int) -> Any:
    """A model of random weights, made on the device."""
    sizes = {"vocab_size": shape.vocabulary, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config: Any
    if shape.family == "llama":
        config = LlamaConfig(
            hidden_size=shape.width,
            intermediate_size=shape.inner,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.key_heads,
            max_position_embeddings=4096,
            tie_word_embeddings=shape.tied,
            **sizes,
        )
    else:
        config = BloomConfig(hidden_size=shape.width, n_layer=shape.layers, n_head=shape.heads, **sizes)
    torch.manual_seed(seed)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return (LlamaForCausalLM if shape.family == "llama" else BloomForCausalLM)(config)
    finally:
        torch.set_default_dtype(before)


def words(vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer with a vocabulary of numbers, for models that see token ids alone."""
    known = {"<pad>": 0, "<s>": 1, "</s>": 2} | {f"w{number}": number for number in range(3, vocabulary)}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(token_models.WordLevel(known, unk_token="<pad>")),
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
    )
