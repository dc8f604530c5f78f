"""One decoding step of a Llama-type model on the CPU, computed directly from its weights.

The query heads of one key/value head are rows of one matrix product, so keys and values are never repeated; the cache
is updated in place. Residuals, norms and rotations are computed in float32, matrix products in the type of the weights.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional
from transformers import LlamaForCausalLM, PreTrainedModel

TYPICAL_ROWS = 64  # for which packed weights are optimized; other numbers give the same result
LARGEST_BYTES = 4 * 2**30  # of weights, as they are in memory twice


def supports(model: PreTrainedModel) -> bool:
    """Whether ``Llama`` supports a model: plain, on the CPU, unquantized, without hooks."""
    if type(model) is not LlamaForCausalLM or model.training:
        return False
    if any(module._forward_hooks or module._forward_pre_hooks for module in model.modules()):
        return False
    config: Any = model.config
    rope = getattr(config, "rope_parameters", None) or {}
    plain_rope = rope.get("rope_type") == "default" and not set(rope) - {"rope_type", "rope_theta"}
    if not plain_rope or config.hidden_act != "silu":
        return False
    weights = [*model.parameters()]
    linear = [each for each in model.modules() if hasattr(each, "in_features")]
    return (
        all(type(each) is nn.Linear and each.bias is None for each in linear)
        and {each.device.type for each in weights} == {"cpu"}
        and len({each.dtype for each in weights}) == 1
        and weights[0].dtype in (torch.bfloat16, torch.float32)
        and sum(each.numel() * each.element_size() for each in weights) <= LARGEST_BYTES
    )


class Product:
    """A linear layer that combines several modules with the same input into one matrix product.

    For bfloat16 with oneDNN, the weights are packed in its own order; otherwise it would reorder them in every product,
    which takes a third of the time. Packed products are meant for a few rows.

    Args:
        modules: linear, without bias.
    """

    def __init__(self, *modules: nn.Module) -> None:
        weight = torch.cat([module.weight.data for module in modules]) if len(modules) > 1 else modules[0].weight.data
        self.n_outputs = len(weight)
        packs = weight.dtype == torch.bfloat16 and _can_pack()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight, TYPICAL_ROWS) if packs else None
        self._weight = weight

    def __call__(self, inputs: Tensor) -> Tensor:
        """Shape (..., n_inputs) in, (..., n_outputs) out."""
        if self._packed is None:
            return functional.linear(inputs, self._weight)
        return torch.ops.mkldnn._linear_pointwise(inputs, self._packed, None, "none", [], "")


@functools.cache
def _can_pack() -> bool:
    """Whether this build of torch computes correctly with packed weights; tested once."""
    weight, inputs = torch.eye(64, dtype=torch.bfloat16), torch.arange(192.0).view(3, 64).bfloat16()
    try:
        packed = torch.ops.mkldnn._reorder_linear_weight(weight, TYPICAL_ROWS)
        outputs = torch.ops.mkldnn._linear_pointwise(inputs, packed, None, "none", [], "")
    except (AttributeError, RuntimeError):  # private operators that may change
        return False
    return torch.equal(outputs, inputs)


@dataclass(frozen=True, slots=True, repr=False)
class Layer:
    """The weights of one layer.

    Args:
        attention_norm: float32. Shape (hidden,).
        qkv: queries, keys and values.
        output: of attention.
        feed_norm: float32. Shape (hidden,).
        gate_up: both halves of the gated feed-forward layer.
        down: its output.
    """

    attention_norm: Tensor
    qkv: Product
    output: Product
    feed_norm: Tensor
    gate_up: Product
    down: Product


class Llama:
    """The weights and computations of a model.

    Args:
        model: one that ``supports`` accepts. Its weights are copied; later changes have no effect.
    """

    def __init__(self, model: PreTrainedModel) -> None:
        config: Any = model.config
        inner: Any = model.model
        self.heads, self.kv_heads = int(config.num_attention_heads), int(config.num_key_value_heads)
        self.layers = [self._layer(each) for each in inner.layers]
        self.head_size = self.layers[0].qkv.n_outputs // (self.heads + 2 * self.kv_heads)
        self.embedding: Tensor = inner.embed_tokens.weight.data
        self.norm: Tensor = inner.norm.weight.data.float()
        self.unembedding = Product(model.lm_head)
        self.epsilon = float(config.rms_norm_eps)
        self._frequencies: Tensor = inner.rotary_emb.inv_freq.float()
        scale = torch.ones(self.heads + self.kv_heads, 1)
        scale[: self.heads] = self.head_size**-0.5  # the scale of attention is applied to the queries in advance
        self._scale = scale

    @staticmethod
    def _layer(layer: Any) -> Layer:
        attention, feed = layer.self_attn, layer.mlp
        return Layer(
            attention_norm=layer.input_layernorm.weight.data.float(),
            qkv=Product(attention.q_proj, attention.k_proj, attention.v_proj),
            output=Product(attention.o_proj),
            feed_norm=layer.post_attention_layernorm.weight.data.float(),
            gate_up=Product(feed.gate_proj, feed.up_proj),
            down=Product(feed.down_proj),
        )

    @property
    def dtype(self) -> torch.dtype:
        """Of the weights and the cache."""
        return self.embedding.dtype

    def rotation(self, positions: Tensor) -> tuple[Tensor, Tensor]:
        """Cosines and signed sines for queries and keys; those of queries include the scale of attention.

        Args:
            positions: of tokens in their documents. Any shape.

        Returns:
            Two tensors of shape (*positions.shape, heads + kv_heads, head_size).
        """
        angles = positions.unsqueeze(-1).float() * self._frequencies
        cosines, sines = angles.cos(), angles.sin()
        return (
            torch.cat([cosines, cosines], -1).unsqueeze(-2) * self._scale,
            torch.cat([-sines, sines], -1).unsqueeze(-2) * self._scale,
        )

    def project(self, layer: Layer, states: Tensor, rotation: tuple[Tensor, Tensor]) -> tuple[Tensor, Tensor, Tensor]:
        """Rotated queries and keys, and values.

        Args:
            layer: its weights.
            states: the residual stream. Shape (..., hidden).
            rotation: of ``rotation``.

        Returns:
            Shapes (..., heads, head_size), (..., kv_heads, head_size) twice.
        """
        normed = functional.rms_norm(states, layer.attention_norm.shape, layer.attention_norm, self.epsilon)
        whole = layer.qkv(normed.to(self.dtype))
        whole = whole.unflatten(-1, (self.heads + 2 * self.kv_heads, self.head_size))
        turned = whole[..., : self.heads + self.kv_heads, :].float()
        cosines, sines = rotation
        turned = torch.addcmul(turned * cosines, turned.roll(self.head_size // 2, -1), sines).to(self.dtype)
        return turned[..., : self.heads, :], turned[..., self.heads :, :], whole[..., -self.kv_heads :, :]

    def feed(self, layer: Layer, states: Tensor, attended: Tensor) -> Tensor:
        """The residual stream after a layer, in place.

        Args:
            layer: its weights.
            states: the residual stream before it. Shape (..., hidden).
            attended: output of attention. Shape (..., heads * head_size).
        """
        states += layer.output(attended)
        normed = functional.rms_norm(states, layer.feed_norm.shape, layer.feed_norm, self.epsilon)
        gate, up = layer.gate_up(normed.to(self.dtype)).chunk(2, -1)
        states += layer.down(functional.silu(gate).mul_(up))
        return states

    def logits(self, states: Tensor) -> Tensor:
        """Logits of the next token, float32. Shape (..., vocabulary)."""
        normed = functional.rms_norm(states, self.norm.shape, self.norm, self.epsilon)
        return self.unembedding(normed.to(self.dtype)).float()
