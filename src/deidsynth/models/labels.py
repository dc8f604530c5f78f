"""The labels of a tagger, as its configuration says them; nothing here imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.inspection import CONFIG, inspect_config, read_object
from deidsynth.tagging import TagSet


def labels_in(folder: Path) -> tuple[str, ...]:
    """The labels of the tagger in a folder, sorted.

    Args:
        folder: with its weights; these are not read.

    Raises:
        ModelNotUsableError: the model is not a tagger, or its configuration is damaged.
    """
    inspect_config(folder)
    config = read_object(folder / CONFIG) or {}
    return tuple(sorted(tag_set_of(str(folder), config.get("id2label")).begin))


def tag_set_of(name: str, id2label: Mapping[Any, Any] | None) -> TagSet:
    """The tags of a model's outputs, in their order.

    Args:
        name: of the model, for the message.
        id2label: of its configuration.

    Raises:
        ModelNotUsableError: the model is not a tagger.
    """
    try:
        names = {int(number): tag for number, tag in (id2label or {}).items()}
        return TagSet(tuple(names[number] for number in range(len(names))))
    except (AttributeError, KeyError, TypeError, ValueError, ModelNotUsableError):
        raise ModelNotUsableError(
            f"model {name!r} is not a tagger: its id2label must be O and a pair B-X, I-X for every label X; "
            "train one with `deidsynth train`"
        ) from None
