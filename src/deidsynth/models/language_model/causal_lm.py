"""Causal language models: creation from scratch, loading, and preparation for adaptation."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import torch
from peft import LoraConfig as PeftLoraConfig, PeftModel, TaskType, get_peft_model, prepare_model_for_kbit_training
from tokenizers import AddedToken
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import (
    AutoModelForCausalLM,
    BitsAndBytesConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
)
from transformers.pytorch_utils import Conv1D

from deidsynth.config import ResolvedAdaptConfig, ScratchCausalConfig
from deidsynth.errors import MissingExtraError, ModelNotUsableError
from deidsynth.models.cpu.packed_attention import packed_attention
from deidsynth.models.inspection import ADAPTER
from deidsynth.models.language_model.adapters import merged_adapter
from deidsynth.models.language_model.packing import IGNORED, Packed, SpecialTokenIds, apart
from deidsynth.models.loading import check_fit, check_model_name, in_use, load_any_tokenizer, load_model
from deidsynth.models.tokenizers import causal_tokenizer
from deidsynth.starters import SCRATCH, resolve

UNLIMITED = 1_000_000
MOST_LOGITS = 2**27
"""Logits that are in memory at once: 0.5 GiB in fp32."""

SCRATCH_HEADS = 4
SCRATCH_KV_HEADS = 1
"""A single key/value head makes sampling fast."""
SCRATCH_CONTEXT = 2048
"""Context of a model from scratch, in tokens: the default maximum length of sampling."""


@dataclass(frozen=True)
class Adaptable:
    """A model prepared for adaptation.

    Args:
        model: with the weights to train marked trainable.
        tokenizer: of the model.
        method: ``full``, ``lora`` or ``qlora``.
    """

    model: nn.Module
    tokenizer: PreTrainedTokenizerBase
    method: str


def adaptable_model(
    config: ResolvedAdaptConfig, texts: Iterable[str], device: str, added: Sequence[str] = ()
) -> Adaptable:
    """The base model of a configuration with its trainable weights.

    Args:
        config: with base and method.
        texts: training texts, on which the tokenizer of a model from scratch is trained.
        device: such as ``cpu``.
        added: special tokens to add; tokens that the model already has do not change.

    Raises:
        ModelNotFoundError: no such model.
        MissingExtraError: QLoRA without its dependency.
        ModelNotUsableError: QLoRA without CUDA, or a model that is not causal.
    """
    method = config.method
    if config.base == SCRATCH:
        tokenizer = causal_tokenizer(texts, config.scratch.vocabulary_size)
        add_tokens(tokenizer, added)
        model: nn.Module = scratch_model(config.scratch, tokenizer)
    else:
        named = resolve(config.base, "causal")
        folder = Path(named).expanduser()
        base = str(folder.resolve()) if folder.is_dir() else named  # an adapter refers to its base
        tokenizer = load_any_tokenizer(base)
        model = load_model(AutoModelForCausalLM, base, **quantization(method, device))
        _check_causal(base, model, tokenizer)
        new = add_tokens(tokenizer, added)
        embed(model, new)
        if method == "qlora":
            model = prepare_model_for_kbit_training(model)
        if method in ("lora", "qlora"):
            model = get_peft_model(model, peft_config(config, model, new))
    if config.gradient_checkpointing:
        checkpoint_layers(model)
    SpecialTokenIds.of(tokenizer)
    return Adaptable(model, tokenizer, method)


def checkpoint_layers(model: Any) -> None:
    """Keep only each layer's input for the backward pass; the rest is computed again."""
    if not getattr(model, "supports_gradient_checkpointing", True):
        raise ModelNotUsableError(
            "adapt.gradient_checkpointing: this type of model does not support it; set it to false"
        )
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})


def is_checkpointed(model: nn.Module) -> bool:
    """Whether layers are computed again in the backward pass."""
    return any(getattr(module, "gradient_checkpointing", False) for module in model.modules())


def add_tokens(tokenizer: PreTrainedTokenizerBase, tokens: Sequence[str]) -> list[int]:
    """The ids of the special tokens that were missing in the tokenizer and are now added to it."""
    known = tokenizer.get_vocab()
    new = [token for token in tokens if token not in known]
    tokenizer.add_tokens([AddedToken(token, special=True, normalized=False) for token in new], special_tokens=True)
    return list(tokenizer.convert_tokens_to_ids(new))


@torch.no_grad()
def embed(model: PreTrainedModel, ids: Sequence[int]) -> None:
    """Add embeddings of new tokens to a model: each is the mean of all existing ones; tied weights stay tied.

    Args:
        model: whose embeddings are filled, and extended if needed.
        ids: of the new tokens, after those of all others.
    """
    if not ids:
        return
    n_known = min(ids)
    before: Any = model.get_input_embeddings()
    if max(ids) >= before.num_embeddings:
        model.resize_token_embeddings(max(ids) + 1, mean_resizing=False)
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    tables = {id(each.weight): each.weight for each in (inputs, outputs) if each is not None}
    biases = [outputs.bias] if getattr(outputs, "bias", None) is not None else []
    for table in [*tables.values(), *biases]:
        table[[*ids]] = table[:n_known].float().mean(0).to(table.dtype)


def scratch_model(shape: ScratchCausalConfig, tokenizer: PreTrainedTokenizerBase) -> LlamaForCausalLM:
    """A new Llama-type model with tied embeddings."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(tokenizer),
            hidden_size=shape.hidden_size,
            intermediate_size=11 * shape.hidden_size // 4,  # a gated layer of this size matches a plain one of 4 x
            num_hidden_layers=shape.layers,
            num_attention_heads=SCRATCH_HEADS,
            num_key_value_heads=SCRATCH_KV_HEADS,
            max_position_embeddings=SCRATCH_CONTEXT,
            tie_word_embeddings=True,
            pad_token_id=tokenizer.pad_token_id,
            bos_token_id=tokenizer.bos_token_id,
            eos_token_id=tokenizer.eos_token_id,
        )
    )


def quantization(method: str, device: str) -> dict[str, Any]:
    """The options of ``from_pretrained`` for a method of adaptation.

    Raises:
        ModelNotUsableError: QLoRA without CUDA.
        MissingExtraError: QLoRA without its dependency.
    """
    if method != "qlora":
        return {} if method == "full" or not device.startswith("cuda") else {"dtype": torch.bfloat16}
    if not device.startswith("cuda"):
        raise ModelNotUsableError(f"adapt.method: qlora needs a CUDA GPU, and the device is {device}; use lora or full")
    try:
        import bitsandbytes  # noqa: F401 - only whether it is installed
    except ImportError:
        raise MissingExtraError("adapt.method: qlora", "qlora") from None

    quantization = BitsAndBytesConfig(
        load_in_4bit=True,
        bnb_4bit_quant_type="nf4",
        bnb_4bit_use_double_quant=True,
        bnb_4bit_compute_dtype=torch.bfloat16,
    )
    return {"quantization_config": quantization, "device_map": {"": device}, "dtype": torch.bfloat16}


def peft_config(config: ResolvedAdaptConfig, model: PreTrainedModel, new: Sequence[int]) -> PeftLoraConfig:
    """The configuration of an adapter; of the embeddings, only those of new tokens are trained."""
    return PeftLoraConfig(
        r=config.lora.r,
        lora_alpha=config.lora.alpha,
        lora_dropout=config.lora.dropout,
        target_modules=config.lora.target_modules,
        fan_in_fan_out=any(isinstance(module, Conv1D) for module in model.modules()),
        task_type=TaskType.CAUSAL_LM,
        trainable_token_indices=_embedding_rows(model, new) if new else None,
    )


def _embedding_rows(model: PreTrainedModel, ids: Sequence[int]) -> dict[str, list[int]]:
    """The rows of new tokens by layer name; a tied output layer is included in the input layer."""
    inputs, outputs = model.get_input_embeddings(), model.get_output_embeddings()
    layers = [inputs] if outputs is None or outputs.weight is inputs.weight else [inputs, outputs]
    return {name: [*ids] for name, module in model.named_modules() if any(module is layer for layer in layers)}


def load_causal_lm(name: str, device: str, precision: str) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """A model for sampling, in evaluation mode; an adapter is merged into its base.

    Args:
        name: hub id, or a folder with a model or an adapter.
        device: such as ``cpu``.
        precision: of the weights.

    Raises:
        ModelNotFoundError: no such model, or the base of an adapter is missing.
        ModelNotUsableError: the model is not causal.
    """
    name = check_model_name(name)
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    tokenizer = load_any_tokenizer(name)
    if (Path(name) / ADAPTER).exists():
        model = merged_adapter(Path(name), len(tokenizer), dtype)
    else:
        model = load_model(AutoModelForCausalLM, name, dtype=dtype)
    _check_causal(name, model, tokenizer)
    return model.to(device).eval(), tokenizer


def loss_sum(model: nn.Module, rows: Packed) -> Tensor:
    """Negative log-likelihood of the labels, in nats, summed; attention stays within documents.

    If a model's attention ignores positions (BLOOM, OPT, Falcon), each document gets a row of its own.
    """
    n_places = rows.labels.numel()
    with training_attention(model):
        losses = [_labels_loss(model, labels, n_places, inputs) for labels, inputs in forward_passes(model, rows)]
    return torch.stack(losses).sum()


def training_attention(model: nn.Module) -> contextlib.AbstractContextManager[None]:
    """A context with the attention that ``loss_sum`` uses."""
    # Layers that are computed again in the backward pass must find the attention of the forward pass.
    if is_checkpointed(model) or not keeps_documents_apart(model):
        return contextlib.nullcontext()
    return packed_attention(model, next(model.parameters()).device.type)


def forward_passes(model: nn.Module, rows: Packed) -> Iterator[tuple[Tensor, dict[str, Any]]]:
    """Labels and inputs of each forward pass over packed rows, on the device of the model."""
    rows = rows.to(str(next(model.parameters()).device))
    if keeps_documents_apart(model):
        yield rows.labels, {"input_ids": rows.ids, "position_ids": rows.positions, "use_cache": False}
        return
    for batch, mask in apart(rows, pad=0):
        yield batch.labels, {"input_ids": batch.ids, "attention_mask": mask, "use_cache": False}


def _labels_loss(model: Any, labels: Tensor, n_places: int, inputs: Mapping[str, Any]) -> Tensor:
    """The summed loss of a forward pass; logits of many tokens over a large vocabulary are made in chunks.

    Each chunk's logits are made again in the backward pass, so that only one chunk's are in memory.

    Args:
        model: a causal language model.
        labels: the id to predict at each position. Shape (n_rows, length).
        n_places: positions of all forward passes that share a backward pass.
        inputs: of the forward pass.
    """
    size = chunk_size(model, n_places)
    if size is None:
        return _cross_entropy(model(**inputs).logits, labels)
    outputs, states = model.get_output_embeddings(), decoder(model)(**inputs).last_hidden_state.flatten(0, 1)
    losses = [
        checkpoint(lambda part, wanted: _cross_entropy(outputs(part), wanted), part, wanted, use_reentrant=False)
        for part, wanted in zip(states.split(size), labels.flatten().split(size), strict=True)
    ]
    return torch.stack(losses).sum()


def chunk_size(model: Any, n_places: int) -> int | None:
    """Positions whose logits are in memory at once; None for all of them."""
    outputs = model.get_output_embeddings()
    n_tokens = 0 if outputs is None else outputs.weight.shape[0]
    if n_places * n_tokens <= MOST_LOGITS or not ends_in_output_layer(model):
        return None
    return max(1, MOST_LOGITS // n_tokens)


def _cross_entropy(logits: Tensor, labels: Tensor) -> Tensor:
    return nn.functional.cross_entropy(
        logits.float().reshape(-1, logits.shape[-1]), labels.flatten(), ignore_index=IGNORED, reduction="sum"
    )


def decoder(model: Any) -> Any:
    """The layers below the output layer; adapters inside them stay in place."""
    whole = model.get_base_model() if isinstance(model, PeftModel) else model
    return whole.get_decoder() if hasattr(whole, "get_decoder") else whole.base_model


def ends_in_output_layer(model: Any) -> bool:
    """Whether the logits are the output layer's product alone: no scale, no cap; determined once."""
    if model not in _ENDS:
        ids = torch.tensor([[1, 2, 3]], device=next(model.parameters()).device)
        training = model.training
        model.eval()
        with torch.no_grad(), torch.autocast(ids.device.type, enabled=False):
            states = decoder(model)(input_ids=ids, use_cache=False).last_hidden_state
            logits = model(input_ids=ids, use_cache=False).logits
            _ENDS[model] = torch.allclose(model.get_output_embeddings()(states), logits, rtol=1e-3, atol=1e-4)
        model.train(training)
    return _ENDS[model]


def keeps_documents_apart(model: nn.Module) -> bool:
    """Whether restarting positions in a row keep documents from attending to earlier ones; determined once."""
    if model not in _APART:
        positions = torch.tensor([[0, 1, 2, 0, 1, 2]])
        one, other = (_logits(model, [*first, 7, 8, 9], positions) for first in ([1, 2, 3], [4, 5, 6]))
        _APART[model] = torch.equal(one[:, 3:], other[:, 3:])
    return _APART[model]


_APART: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()
_ENDS: WeakKeyDictionary[nn.Module, bool] = WeakKeyDictionary()


def _check_causal(name: str, model: nn.Module, tokenizer: PreTrainedTokenizerBase) -> None:
    with in_use(name):
        check_fit(name, model, tokenizer)
        one, other = (_logits(model, [1, 2, 3, last]) for last in (4, 5))
    if one.isnan().any():
        raise ModelNotUsableError(f"model {name!r}: its weights are damaged (not numbers); copy or download it again")
    if not torch.equal(one[:, :3], other[:, :3]):
        raise ModelNotUsableError(
            f"model {name!r} is not causal, so it cannot generate text; use a causal language model here, "
            "and an encoder only as train.encoder"
        )


def _logits(model: nn.Module, ids: Sequence[int], positions: Tensor | None = None) -> Tensor:
    """Logits of one row; the model's mode is restored. Shape (1, n_tokens, vocabulary)."""
    device = next(model.parameters()).device
    options = {} if positions is None else {"position_ids": positions.to(device)}
    training = model.training
    model.eval()
    with torch.no_grad(), torch.autocast(device.type, enabled=False):
        logits = model(input_ids=torch.tensor([list(ids)], device=device), use_cache=False, **options).logits
    model.train(training)
    return logits


def context_length(config: PretrainedConfig) -> int:
    """The context length of a model in tokens, by its configuration."""
    for name in ("max_position_embeddings", "n_positions"):
        if getattr(config, name, None):
            return int(getattr(config, name))
    return UNLIMITED
