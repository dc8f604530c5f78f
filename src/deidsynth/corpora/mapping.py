"""Renaming and merging labels, so that a model trained with one label scheme can be scored on another."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Literal

from pydantic import Field

from deidsynth.config import StageConfig, load_data, parse
from deidsynth.corpora.label_sets import are_plausible, what_is_wrong
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError, InputError

_FOLDER = resources.files("deidsynth.corpora") / "mappings"


class LabelMapping(StageConfig):
    """What each label becomes."""

    about: str = Field("", description="what it is for")
    labels: dict[str, str | None] = Field(description="the new name of each label; null drops its entities")
    others: Literal["refuse", "keep", "drop"] = Field(
        "refuse", description="what to do with entities whose label the mapping does not list"
    )


def ready_mappings() -> dict[str, LabelMapping]:
    """The built-in mappings, by name."""
    files = sorted(Path(str(_FOLDER)).glob("*.yaml"))
    return {file.stem: parse(LabelMapping, load_data(file), source=file.name) for file in files}


def load_mapping(name: str) -> LabelMapping:
    """A built-in mapping by name, or the mapping in a YAML file.

    Raises:
        InputError: neither a built-in mapping nor a file.
        ConfigError: the file is not a label mapping.
    """
    ready = ready_mappings()
    if name in ready:
        return ready[name]
    if not Path(name).is_file():
        raise InputError(f"{name}: neither a file nor a built-in mapping; built in: {', '.join(ready)}")
    return parse(LabelMapping, load_data(Path(name)), source=name)


def map_labels(corpus: Corpus, mapping: LabelMapping) -> tuple[Corpus, Counter[str]]:
    """The corpus with mapped labels, and the number of dropped entities by their old label.

    Raises:
        CorpusError: labels that the mapping does not list, if it refuses them.
    """
    unknown = {label: count for label, count in corpus.label_counts().items() if label not in mapping.labels}
    if unknown and mapping.others == "refuse":
        shown = f": {', '.join(sorted(unknown))}" if are_plausible(unknown) else f" ({what_is_wrong(unknown)})"
        raise CorpusError(
            f"{len(unknown)} labels are not in the mapping{shown}; add them under labels "
            "(null drops their entities), or set others to keep or drop"
        )
    dropped: Counter[str] = Counter()

    def renamed(document: Document) -> Document:
        entities = []
        for entity in document.entities:
            new = mapping.labels.get(entity.label, entity.label if mapping.others == "keep" else None)
            if new is None:
                dropped[entity.label] += 1
            else:
                entities.append(replace(entity, label=new))
        return document.with_entities(entities)

    return corpus.with_documents([renamed(document) for document in corpus]), dropped
