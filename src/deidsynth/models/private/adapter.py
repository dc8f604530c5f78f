"""The adapter of a private adaptation: low-rank matrices beside frozen weights, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import torch
from peft.tuners.lora import LoraLayer
from torch import nn

from deidsynth.config import ResolvedAdaptConfig
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.language_model.causal_lm import Adaptable, adaptable_model

_NEW_TOKENS = "trainable_tokens_delta"


def public_tokens(config: ResolvedAdaptConfig) -> AddedTokens:
    """The inline entity tags of a configuration: those of its public labels, whatever the notes have."""
    if config.annotations != "inline":
        return AddedTokens()
    return AddedTokens(labels=tuple(sorted(set(config.private.labels))), inline=True)


def private_adapter(config: ResolvedAdaptConfig, added: AddedTokens, device: str) -> Adaptable:
    """The base model of a configuration with an adapter, the only weights that are trained.

    Embeddings, output layer and norms stay as they are. So the embeddings of new tokens are drawn, each another, and
    the adapter learns when to write which.

    Args:
        config: of a private adaptation.
        added: inline entity tags.
        device: such as ``cpu``.

    Raises:
        ModelNotUsableError: weights outside of the adapter would be trained.
    """
    adaptable = adaptable_model(config, (), device, list(added.tokens))
    _draw_new_embeddings(adaptable.model)
    check_only_adapters_train(adaptable.model)
    return adaptable


def check_only_adapters_train(model: Any) -> None:
    """Check that all trainable weights are those of adapters of linear layers, and none is shared.

    Opacus computes the gradient of a weight for each row only where one linear layer uses it; a shared weight, such as
    embeddings that are also the output layer, would get a part of its gradient.

    Raises:
        ModelNotUsableError: another weight would be trained.
    """
    ends = [each for each in (model.get_input_embeddings(), model.get_output_embeddings()) if each is not None]
    if any(_is_within(layer, ends) for layer in model.modules() if isinstance(layer, LoraLayer)):
        raise ModelNotUsableError(
            "adapt.lora.target_modules: embeddings and output layer stay frozen in a private adaptation, since they "
            "may share their weights; name layers of attention and MLP, or all-linear"
        )
    matrices = {id(weight) for layer in _matrices(model) for weight in layer.parameters()}
    wrong = [name for name, weight in model.named_parameters() if weight.requires_grad and id(weight) not in matrices]
    if wrong or not any(weight.requires_grad for weight in model.parameters()):
        raise ModelNotUsableError(
            f"adapt.private: {len(wrong)} weights outside of the adapter would be trained, or none inside; use a model "
            "whose attention and MLP are linear layers"
        )


def _matrices(model: nn.Module) -> Iterator[nn.Linear]:
    """The low-rank matrices of all adapted layers."""
    for layer in model.modules():
        if isinstance(layer, LoraLayer):
            for pair in (layer.lora_A, layer.lora_B):
                yield from (each for each in pair.values() if type(each) is nn.Linear)


def _is_within(layer: nn.Module, ends: list[Any]) -> bool:
    return any(layer is end or getattr(layer, "base_layer", None) is end for end in ends)


@torch.no_grad()
def _draw_new_embeddings(model: nn.Module) -> None:
    """Give new tokens embeddings as spread as the known ones, from a fixed seed, and freeze them."""
    known = model.get_input_embeddings().weight.float()
    mean, spread = known.mean(0).cpu(), known.std(0).cpu()
    for name, rows in model.named_parameters():
        if _NEW_TOKENS in name:
            noise = torch.randn(rows.shape, generator=torch.Generator().manual_seed(0))
            rows.copy_((mean + spread * noise).to(rows.dtype))
            rows.requires_grad_(False)
