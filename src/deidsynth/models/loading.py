"""Loading of Hugging Face models by hub id or local folder: safetensors only, no remote code."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from huggingface_hub.utils import logging as hub_logging
from transformers import (
    AutoConfig,
    AutoTokenizer,
    PretrainedConfig,
    PreTrainedModel,
    PreTrainedTokenizerBase,
    PreTrainedTokenizerFast,
)
from transformers.utils import cached_file, logging as transformers_logging

from deidsynth.errors import DeidsynthError, MissingExtraError, ModelNotFoundError, ModelNotUsableError
from deidsynth.models.devices import OUT_OF_MEMORY
from deidsynth.models.inspection import (
    ADAPTER,
    CONFIG,
    INDEX,
    PROBE,
    TOKENIZER,
    check_config,
    damaged,
    inspect_config,
    inspect_tokenizer,
    inspect_weights,
    is_panic,
    shards,
    told_as,
)

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
    """The tokenizer of a model that reads entities, which needs character offsets.

    Raises:
        ModelNotFoundError: no such model, or the hub cannot be reached.
        ModelNotUsableError: the tokenizer is damaged, has no vocabulary, or gives no character offsets.
        MissingExtraError: the tokenizer needs SentencePiece, which is not installed.
    """
    tokenizer = load_any_tokenizer(name)
    if not isinstance(tokenizer, PreTrainedTokenizerFast):
        raise ModelNotUsableError(
            f"model {name!r}: its tokenizer gives no character offsets, which a tagger needs; use a model with a fast "
            "tokenizer (tokenizer.json)"
        )
    return tokenizer


def load_any_tokenizer(name: str) -> PreTrainedTokenizerBase:
    """The tokenizer of a model that writes text, fast or slow.

    Raises:
        ModelNotFoundError: no such model, or the hub cannot be reached.
        ModelNotUsableError: the tokenizer is damaged or has no vocabulary.
        MissingExtraError: the tokenizer needs SentencePiece, which is not installed.
    """
    name = check_model_name(name)
    if Path(name).is_dir():
        inspect_config(Path(name))
        inspect_tokenizer(Path(name))
    try:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(name, trust_remote_code=False)
    except BaseException as error:
        if not _is_about_the_model(error):
            raise
        if _lacks_sentencepiece(name, error):
            raise MissingExtraError(f"model {name!r}: its tokenizer", "sentencepiece") from error
        files = "its tokenizer (tokenizer.json, tokenizer_config.json)"
        raise _not_found(name, f"{files} cannot be loaded ({type(error).__name__})") from error
    if len(tokenizer) <= len(set(tokenizer.all_special_ids)):  # transformers creates an empty one if files are missing
        raise ModelNotUsableError(f"model {name!r}: no tokenizer files; put its tokenizer.json into the folder")
    tokenizer.model_max_length = _model_max_length(name, tokenizer)
    with told_as(Path(name) / TOKENIZER, "the tokenizer in it does not work"):
        tokenizer(PROBE)
    return tokenizer


def _lacks_sentencepiece(name: str, error: BaseException) -> bool:
    """Whether a tokenizer could not be loaded for want of SentencePiece; transformers may name other libraries."""
    if find_spec("sentencepiece") is not None:
        return False
    folder = Path(name)
    has_pieces = any(folder.glob("*.model")) and not (folder / TOKENIZER).exists()
    return has_pieces or "sentencepiece" in str(error).lower()


def _model_max_length(name: str, tokenizer: PreTrainedTokenizerBase) -> int:
    stated = tokenizer.model_max_length
    if isinstance(stated, bool) or not isinstance(stated, int | float) or not stated >= 1:
        raise damaged(Path(name) / "tokenizer_config.json", "model_max_length is not a number of tokens")
    return int(min(stated, 1_000_000_000))


def load_config(name: str) -> PretrainedConfig:
    """The configuration of a model.

    Raises:
        ModelNotFoundError: no such model, or the hub cannot be reached.
        ModelNotUsableError: the configuration is damaged.
    """
    name = check_model_name(name)
    if Path(name).is_dir():
        inspect_config(Path(name))
    try:
        config = AutoConfig.from_pretrained(name, trust_remote_code=False)
    except BaseException as error:
        if not _is_about_the_model(error):
            raise
        raise _not_found(name, f"its configuration cannot be loaded ({type(error).__name__})") from error
    if not Path(name).is_dir():
        check_config(Path(name) / CONFIG, config.to_dict())
    return config


def load_model(auto_class: Any, name: str, *, new_head: bool = False, **options: Any) -> PreTrainedModel:
    """The weights of a model, loaded with one of transformers' ``AutoModel`` classes.

    Args:
        auto_class: such as ``AutoModelForCausalLM``.
        name: hub id or local folder.
        new_head: whether the layers on top of the encoder may be new, with random weights, since training follows.
        options: passed to ``from_pretrained``.

    Raises:
        ModelNotFoundError: no such model, or the hub cannot be reached.
        ModelNotUsableError: the architecture does not support this task, or the weights are damaged or incomplete.
    """
    config = load_config(name)
    name = check_model_name(name)
    if type(config) not in auto_class._model_mapping:
        raise ModelNotUsableError(f"model {name!r}: type {config.model_type} does not fit {auto_class.__name__}")
    _inspect_weights(name)
    options.setdefault("dtype", torch.float32)
    try:
        model, found = auto_class.from_pretrained(
            name, trust_remote_code=False, use_safetensors=True, output_loading_info=True, **options
        )
    except OSError as error:
        raise _not_found(name, f"its weights (model.safetensors) cannot be loaded ({type(error).__name__})") from error
    except BaseException as error:
        if not _is_about_the_model(error):
            raise
        if "ignore_mismatched_sizes" in str(error):
            raise _not_whole(name) from error
        raise _does_not_work(name, error) from error
    fresh = {*found["missing_keys"], *(key for key, *_ in found["mismatched_keys"])}
    if any(key.startswith(f"{model.base_model_prefix}.") for key in fresh):
        raise _not_whole(name)
    if fresh and not new_head:
        raise ModelNotUsableError(
            f"model {name!r}: its weights lack {len(fresh)} that its config.json describes ({min(fresh)}), so it was "
            "not trained for this; give a model that was, or download it again"
        )
    return model


def _inspect_weights(name: str) -> None:
    """Check the files that the weights of a model are in, and of one on the hub their index, before they are loaded.

    Raises:
        ModelNotFoundError: a file is missing.
        ModelNotUsableError: a file is damaged, would have to be unpickled, or belongs to an adapter.
    """
    folder = Path(name)
    if folder.is_dir():
        adapter: str | None = str(folder / ADAPTER) if (folder / ADAPTER).is_file() else None
        inspect_weights(folder)
    else:
        optional = {"_raise_exceptions_for_missing_entries": False, "_raise_exceptions_for_connection_errors": False}
        adapter = cached_file(name, ADAPTER, **optional)
        index = cached_file(name, INDEX, **optional)
        if index is not None:
            shards(Path(index))
    if adapter is not None:
        raise ModelNotUsableError(
            f"{adapter}: belongs to an adapter, which is not a model by itself; give the model that it adapts, or "
            "merge the two"
        )


def check_fit(name: str, model: PreTrainedModel, tokenizer: PreTrainedTokenizerBase) -> None:
    """Check that a model has an embedding for every token of its tokenizer.

    Raises:
        ModelNotUsableError: it has not.
    """
    ids = [*tokenizer.get_vocab().values(), *tokenizer(PROBE)["input_ids"]]
    if max(ids) >= model.get_input_embeddings().num_embeddings:
        raise ModelNotUsableError(
            f"model {name!r}: its tokenizer has tokens that its weights have no embeddings for; copy or download the "
            "folder again, with the tokenizer that belongs to it"
        )


@contextmanager
def in_use(name: str) -> Iterator[None]:
    """A context in which a model is tried out: what it cannot do is told as an error of the model.

    Raises:
        ModelNotUsableError: the model failed.
    """
    try:
        yield
    except BaseException as error:
        if isinstance(error, DeidsynthError) or not _is_about_the_model(error):
            raise
        raise _does_not_work(name, error) from error


def _is_about_the_model(error: BaseException) -> bool:
    """Whether a failure says something of the model, and not of the memory or the user at the keyboard."""
    if isinstance(error, OUT_OF_MEMORY):
        return False
    return isinstance(error, Exception) or is_panic(error)


def _does_not_work(name: str, error: BaseException) -> ModelNotUsableError:
    return ModelNotUsableError(
        f"model {name!r}: does not work as its config.json describes it ({type(error).__name__}); that file is "
        "damaged, or the model needs another version of transformers. Copy or download it again"
    )


def _not_whole(name: str) -> ModelNotUsableError:
    return ModelNotUsableError(f"model {name!r}: its weights do not match its config.json; download both files again")
