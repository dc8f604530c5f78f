"""What a model folder must be before anything in it is loaded: ordinary files, whole JSON, sizes, safetensors.

Nothing here imports torch, so that a damaged folder is told before a run is planned. What is missing altogether is told
by whoever loads it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

from safetensors import safe_open
from tokenizers import Tokenizer

from deidsynth.errors import DeidsynthError, ModelNotFoundError, ModelNotUsableError

CONFIG = "config.json"
TOKENIZER = "tokenizer.json"
WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER = "adapter_config.json"
ADAPTER_WEIGHTS = "adapter_model.safetensors"

MOST_BYTES = 2**28
"""Of a JSON file. The largest tokenizers in use take 40 MB."""

# Text that shows what fails only in use: letters, digits, white space, and characters that few vocabularies have.
PROBE = "Hej 12/3, på ñu:\n\t日 жи \U0001f600\ue000"

_TOKENIZER_CONFIG, _SPECIAL_TOKENS = "tokenizer_config.json", "special_tokens_map.json"
_OBJECTS = (
    CONFIG,
    TOKENIZER,
    INDEX,
    ADAPTER,
    "generation_config.json",
    _TOKENIZER_CONFIG,
    _SPECIAL_TOKENS,
    "added_tokens.json",
    "vocab.json",
)
# Both under the names that families of models give them. Modules are made one after the other.
_MODULES = (
    "num_hidden_layers",
    "num_layers",
    "n_layer",
    "n_layers",
    "num_labels",
    "num_experts",
    "num_local_experts",
    "n_routed_experts",
)
_SIZES = (
    "hidden_size",
    "d_model",
    "n_embd",
    "intermediate_size",
    "vocab_size",
    "num_attention_heads",
    "num_heads",
    "n_head",
    "n_heads",
    "num_key_value_heads",
    "head_dim",
    "max_position_embeddings",
    "n_positions",
)
_MOST_MODULES, _MOST = 10_000, 2**31
_TOKEN_KEYS = frozenset({"content", "id", "lstrip", "normalized", "rstrip", "single_word", "special", "__type"})
_DTYPES = ("auto", "bfloat16", "float16", "float32", "float64")


def inspect_folder(folder: Path) -> None:
    """Check all that is in a model folder, and that its tokenizer cuts a text.

    Raises:
        ModelNotFoundError: weights that it names are missing.
        ModelNotUsableError: a file is damaged, or would have to be unpickled.
    """
    inspect_config(folder)
    inspect_weights(folder)
    description = inspect_tokenizer(folder)
    if description is not None:
        # Settings for batches, which the probe does not need and which could ask for any length.
        described = json.dumps({**description, "padding": None, "truncation": None})
        with told_as(folder / TOKENIZER, "the tokenizer in it does not work"):
            Tokenizer.from_str(described).encode(PROBE)


def inspect_config(folder: Path) -> None:
    """Check the JSON files of a folder, and the sizes and types in its configuration.

    Raises:
        ModelNotUsableError: a file is no JSON object, or the configuration cannot be that of a model.
    """
    _refuse_special_files(folder)
    for name in _OBJECTS:
        if name != TOKENIZER:
            read_object(folder / name)
    path = folder / CONFIG
    check_config(path, read_object(path) or {})


def inspect_tokenizer(folder: Path) -> dict[str, Any] | None:
    """The content of ``tokenizer.json``, None without one.

    Raises:
        ModelNotUsableError: it has no vocabulary, or a text could not be given its special tokens.
    """
    _check_special_tokens(folder)
    path = folder / TOKENIZER
    description = read_object(path)
    if description is None:
        return None
    model = description.get("model")
    if not isinstance(model, dict) or not model.get("vocab") or not isinstance(model["vocab"], dict | list):
        raise damaged(path, "it has no model with a vocabulary")
    for processor in _processors(description.get("post_processor")):
        _check_template(path, processor)
    return description


def inspect_weights(folder: Path) -> frozenset[str]:
    """The names of all weights in a folder, of model or adapter; none without weights.

    Raises:
        ModelNotFoundError: the index names a file that is missing.
        ModelNotUsableError: a file is cut off or damaged, or the index leads elsewhere.
    """
    named = shards(folder / INDEX)
    for name in named:
        if not (folder / name).is_file():
            raise ModelNotFoundError(f"{folder / INDEX}: it names {name}, which is missing; copy that file here too")
    whole = [name for name in (WEIGHTS, ADAPTER_WEIGHTS) if (folder / name).is_file()]
    found: set[str] = set()
    for name in sorted({*named, *whole}):
        try:
            with safe_open(folder / name, framework="np") as stored:
                found.update(stored.keys())
        except OSError as error:
            raise _unreadable(folder / name, error) from None
        except Exception as error:  # SafetensorError has no public base
            raise ModelNotUsableError(f"{folder / name}: its weights are damaged; download the file again") from error
    return frozenset(found)


def shards(index: Path) -> list[str]:
    """The files that an index spreads the weights over, sorted; none without an index.

    Raises:
        ModelNotUsableError: it names anything but safetensors files beside it, such as a pickled file.
    """
    content = read_object(index)
    if content is None:
        return []
    places = content.get("weight_map")
    if not isinstance(places, dict) or not places:
        raise damaged(index, "it has no weight_map")
    for name in places.values():
        if not isinstance(name, str) or not name.endswith(".safetensors") or not _is_beside(name):
            raise damaged(
                index,
                "its weight_map names something else than safetensors files in this folder (pickled weights are never "
                "loaded)",
            )
    return sorted(set(places.values()))


def check_config(path: Path, config: Mapping[str, Any]) -> None:
    """Check the configuration of a model, and those inside it.

    Args:
        path: of the file, for errors.
        config: its content.

    Raises:
        ModelNotUsableError: a size is none, weights are quantized or of an unknown type, or are in other files.
    """
    waiting: list[Any] = [config]
    while waiting:
        each = waiting.pop()
        if isinstance(each, Mapping):
            _check_sizes(path, each)
            _check_storage(path, each)
            waiting += each.values()


def _check_sizes(path: Path, config: Mapping[str, Any]) -> None:
    for key, most in (*((key, _MOST_MODULES) for key in _MODULES), *((key, _MOST) for key in _SIZES)):
        value = config.get(key)
        if value is None or isinstance(value, list):  # a few families have one for each layer
            continue
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= most:
            raise damaged(path, f"{key} is not a whole number from 1 to {most:,}")


def _check_storage(path: Path, config: Mapping[str, Any]) -> None:
    if config.get("quantization_config") is not None:
        raise ModelNotUsableError(
            f"{path}: its weights are quantized (quantization_config), which is not supported; give the folder of the "
            "model as it was before. adapt.method: qlora quantizes it when it is loaded"
        )
    for key in ("dtype", "torch_dtype"):
        value = config.get(key)
        if value is not None and str(value).removeprefix("torch.") not in _DTYPES:
            raise damaged(path, f"{key} is none of {', '.join(_DTYPES)}")
    if config.get("transformers_weights") is not None:
        raise damaged(path, f"it names other files with weights (transformers_weights) than {WEIGHTS}")


def read_object(path: Path) -> dict[str, Any] | None:
    """The object in a JSON file, None without a file.

    Raises:
        ModelNotUsableError: it cannot be read, is cut off, or is something else.
    """
    if not path.is_file():
        return None
    try:
        if path.stat().st_size > MOST_BYTES:
            raise damaged(path, f"it has more than {MOST_BYTES // 2**20} MB")
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unreadable(path, error) from None
    except (ValueError, RecursionError):
        raise damaged(path, "it is cut off or is no JSON") from None
    if not isinstance(content, dict):
        raise damaged(path, "it is not a JSON object")
    return content


def damaged(path: Path, reason: str) -> ModelNotUsableError:
    """The error of a file that is not what it should be."""
    return ModelNotUsableError(f"{path}: {reason}; copy or download the model again")


def _unreadable(path: Path, error: OSError) -> ModelNotUsableError:
    return ModelNotUsableError(f"{path}: cannot be read ({error.strerror}); make it readable")


@contextmanager
def told_as(path: Path, reason: str) -> Iterator[None]:
    """A context in which what libraries in native code say of a file, a panic too, becomes one error.

    Raises:
        ModelNotUsableError: the file is damaged.
    """
    try:
        yield
    except (MemoryError, DeidsynthError):
        raise
    except Exception as error:
        raise damaged(path, f"{reason} ({type(error).__name__})") from error
    except BaseException as error:
        if not is_panic(error):
            raise
        raise damaged(path, reason) from error


def is_panic(error: BaseException) -> bool:
    """Whether an exception is a panic of a library in Rust, which is no ``Exception``."""
    return type(error).__name__ == "PanicException"


def _check_special_tokens(folder: Path) -> None:
    """Refuse descriptions of special tokens with keys that tokenizers does not know, which it would print."""
    settings = read_object(folder / _TOKENIZER_CONFIG) or {}
    added = settings.get("added_tokens_decoder")
    described = {
        _SPECIAL_TOKENS: [*(read_object(folder / _SPECIAL_TOKENS) or {}).values()],
        _TOKENIZER_CONFIG: [
            *(value for key, value in settings.items() if key.endswith("_token")),
            *(added.values() if isinstance(added, dict) else ()),
        ],
    }
    for name, tokens in described.items():
        if any(isinstance(token, dict) and token.keys() - _TOKEN_KEYS for token in tokens):
            raise damaged(folder / name, "a special token in it has keys that no token has")


def _refuse_special_files(folder: Path) -> None:
    for path in sorted(folder.iterdir()):
        if path.exists() and not path.is_file() and not path.is_dir():
            raise ModelNotUsableError(f"{path}: is not an ordinary file; remove it or copy the model again")


def _is_beside(name: str) -> bool:
    return PurePosixPath(name).name == name == PureWindowsPath(name).name


def _processors(processor: Any) -> Iterator[dict[str, Any]]:
    """A post-processor and those that it is a sequence of."""
    waiting = [processor]
    while waiting:
        each = waiting.pop()
        if isinstance(each, dict):
            yield each
            inner = each.get("processors")
            waiting += inner if isinstance(inner, list) else []


def _check_template(path: Path, processor: Mapping[str, Any]) -> None:
    """Refuse a template whose special tokens it does not define, which would end the process when a text is cut."""
    known = processor.get("special_tokens")
    for template in (processor.get("single"), processor.get("pair")):
        for piece in template if isinstance(template, list) else ():
            special = piece.get("SpecialToken") if isinstance(piece, dict) else None
            if isinstance(special, dict) and (not isinstance(known, dict) or special.get("id") not in known):
                raise damaged(path, "its post_processor adds special tokens that it does not define")
