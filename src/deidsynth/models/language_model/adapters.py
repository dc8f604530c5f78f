"""Adapters of language models, loaded onto their base and merged with it."""

from __future__ import annotations

import warnings
from pathlib import Path, PurePath
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model_state_dict
from transformers import AutoModelForCausalLM, PreTrainedModel

from deidsynth.errors import ModelNotFoundError, ModelNotUsableError
from deidsynth.models.inspection import ADAPTER, ADAPTER_WEIGHTS, damaged, inspect_weights, read_object
from deidsynth.models.loading import in_use, load_model
from deidsynth.starters import catalog, resolve


def merged_adapter(folder: Path, n_tokens: int, dtype: torch.dtype) -> PreTrainedModel:
    """The base of an adapter with the adapter merged into it.

    Args:
        folder: of the adapter.
        n_tokens: of its tokenizer, whose last ones may be new.
        dtype: of the weights.

    Raises:
        ModelNotFoundError: the weights of the adapter or its base are missing.
        ModelNotUsableError: a file is damaged, or the weights are not those that the adapter describes.
    """
    path = folder / ADAPTER
    stored = _stored_weights(folder)
    base = _base_of(path)
    try:
        bare = load_model(AutoModelForCausalLM, base, dtype=dtype)
    except ModelNotFoundError as error:
        raise ModelNotFoundError(f"{path}: the model that it adapts is not there: {error}") from error
    return _merged(bare, folder, stored, n_tokens)


def merge_adapter(bare: PreTrainedModel, folder: Path) -> PreTrainedModel:
    """A model with an adapter merged into it, whatever base the adapter names.

    Args:
        bare: the model that the adapter was trained on; its weights change.
        folder: of the adapter.

    Raises:
        ModelNotFoundError: the weights of the adapter are missing.
        ModelNotUsableError: a file is damaged, or the weights are not those that the adapter describes.
    """
    stored = _stored_weights(folder)
    _settings_of(folder / ADAPTER)
    return _merged(bare, folder, stored, bare.get_input_embeddings().num_embeddings)


def _stored_weights(folder: Path) -> frozenset[str]:
    weights = folder / ADAPTER_WEIGHTS
    if not weights.is_file():
        raise ModelNotFoundError(
            f"{weights}: is missing (pickled weights are never loaded); copy the adapter's folder again, or save it as "
            "safetensors"
        )
    return inspect_weights(folder)


def _merged(bare: PreTrainedModel, folder: Path, stored: frozenset[str], n_tokens: int) -> PreTrainedModel:
    with in_use(str(folder)):
        settings = LoraConfig.from_pretrained(str(folder))
        if settings.trainable_token_indices and n_tokens > bare.get_input_embeddings().num_embeddings:
            bare.resize_token_embeddings(n_tokens, mean_resizing=False)  # the adapter has the new rows
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that weights are missing is told below
            model = PeftModel.from_pretrained(bare, str(folder))
        described = get_peft_model_state_dict(model, save_embedding_layers=False)
        if missing := described.keys() - stored:
            raise ModelNotUsableError(
                f"{folder / ADAPTER_WEIGHTS}: lacks {len(missing)} of the weights that {ADAPTER} describes; copy or "
                "download the adapter again"
            )
        merged: PreTrainedModel = model.merge_and_unload()
        return merged


def _settings_of(path: Path) -> dict[str, Any]:
    settings = read_object(path) or {}
    if settings.get("peft_type") != "LORA":
        raise damaged(path, "its peft_type is not LORA")
    return settings


def _base_of(path: Path) -> str:
    """The base of an adapter; starters are located in the current installation.

    Raises:
        ModelNotUsableError: the adapter is of another kind, or names no base by hub id or whole path.
    """
    recorded = _settings_of(path).get("base_model_name_or_path")
    if not isinstance(recorded, str) or not recorded or ".." in PurePath(recorded).parts:
        raise ModelNotUsableError(
            f"{path}: base_model_name_or_path is neither a hub id nor a whole path; write the model there that the "
            "adapter was trained on"
        )
    base = Path(recorded)
    if not base.exists() and base.parent.name == "starters":
        for starter in catalog():
            if starter.folder == base.name:
                return resolve(starter.name, starter.kind)
    return recorded
