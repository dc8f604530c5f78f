"""Loading of Hugging Face models by hub id or local folder: safetensors only, no remote code."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from huggingface_hub.utils import logging as hub_logging
from transformers import AutoConfig, AutoTokenizer, PretrainedConfig, PreTrainedModel, PreTrainedTokenizerFast
from transformers.utils import logging as transformers_logging

from deidsynth.errors import ModelNotFoundError, ModelNotUsableError

transformers_logging.set_verbosity_error()
transformers_logging.disable_progress_bar()
hub_logging.set_verbosity_error()


def _not_found(name: str, reason: str) -> ModelNotFoundError:
    if name and Path(name).exists():
        return ModelNotFoundError(
            f"model {name!r}: {reason}. The folder must be complete and in Hugging Face format: config.json, "
            "tokenizer.json, model.safetensors (pickled weights are never loaded). Copy or download it again"
        )
    return ModelNotFoundError(
        f"model {name!r}: {reason}. Give a local folder in Hugging Face format (config.json, tokenizer.json, "
        "model.safetensors), or a hub id on a machine with access to the hub. To work offline, download it there with "
        "`hf download HUB_ID --local-dir FOLDER`, copy FOLDER here and use that path"
    )


def check_model_name(name: str) -> str:
    """The name, or the path of a local folder with ``~`` expanded.

    Raises:
        ModelNotFoundError: the name is empty, the path does not exist, or the folder has no ``config.json``.
    """
    folder = Path(name).expanduser()
    if name and folder.is_dir():
        if not any((folder / file).exists() for file in ("config.json", "adapter_config.json")):
            raise _not_found(str(folder), "the folder has no config.json")
        return str(folder)
    if not name or folder.exists() or name.startswith((".", "/", "~")) or name.count("/") > 1:
        raise _not_found(name, "no such folder")
    return name


def load_tokenizer(name: str) -> PreTrainedTokenizerFast:
    """The fast tokenizer of a model.

    Raises:
        ModelNotFoundError: no such model, or the hub cannot be reached.
        ModelNotUsableError: the tokenizer has no vocabulary, or gives no character offsets.
    """
    name = check_model_name(name)
    try:
        tokenizer = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise _not_found(name, f"its tokenizer cannot be loaded ({type(error).__name__})") from error
    if not tokenizer.is_fast:
        raise ModelNotUsableError(
            f"model {name!r}: its tokenizer gives no character offsets; it needs a fast tokenizer"
        )
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # transformers creates an empty one if files are missing
        raise ModelNotUsableError(f"model {name!r}: no tokenizer files; put its tokenizer.json into the folder")
    tokenizer.model_max_length = min(tokenizer.model_max_length, 1_000_000_000)
    return tokenizer


def load_config(name: str) -> PretrainedConfig:
    """The configuration of a model.

    Raises:
        ModelNotFoundError: no such model, or the hub cannot be reached.
    """
    name = check_model_name(name)
    try:
        return AutoConfig.from_pretrained(name, trust_remote_code=False)
    except (OSError, ValueError, KeyError) as error:
        raise _not_found(name, f"its configuration cannot be loaded ({type(error).__name__})") from error


def load_model(auto_class: Any, name: str, **options: Any) -> PreTrainedModel:
    """The weights of a model, loaded with one of transformers' ``AutoModel`` classes.

    Args:
        auto_class: such as ``AutoModelForCausalLM``.
        name: hub id or local folder.
        options: passed to ``from_pretrained``.

    Raises:
        ModelNotFoundError: no such model, or the hub cannot be reached.
        ModelNotUsableError: the architecture does not support this task, or the weights are damaged or incomplete.
    """
    config = load_config(name)
    name = check_model_name(name)
    if type(config) not in auto_class._model_mapping:
        raise ModelNotUsableError(f"model {name!r}: type {config.model_type} does not fit {auto_class.__name__}")
    options.setdefault("dtype", torch.float32)
    try:
        model, found = auto_class.from_pretrained(
            name, trust_remote_code=False, use_safetensors=True, output_loading_info=True, **options
        )
    except OSError as error:
        raise _not_found(name, f"its weights (model.safetensors) cannot be loaded ({type(error).__name__})") from error
    except Exception as error:
        if type(error).__name__ == "SafetensorError":
            raise ModelNotUsableError(f"model {name!r}: its weights are damaged; download the file again") from error
        if "ignore_mismatched_sizes" in str(error):
            raise _not_whole(name) from error
        raise
    # Training of a tagger starts with a new output layer; any other missing weight is an error.
    fresh = {*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])}
    if any(key.startswith(f"{model.base_model_prefix}.") for key in fresh):
        raise _not_whole(name)
    return model


def _not_whole(name: str) -> ModelNotUsableError:
    return ModelNotUsableError(f"model {name!r}: its weights do not match its config.json; download both files again")
