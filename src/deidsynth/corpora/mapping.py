"""Renaming and merging labels, so that a model trained with one label scheme can be scored on another."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib import resources
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from deidsynth.config import StageConfig, load_data, parse
from deidsynth.corpora.label_sets import are_plausible, what_is_wrong
from deidsynth.corpora.records import Record
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError, InputError

_FOLDER = resources.files("deidsynth.corpora") / "mappings"


def _without_blanks(label: str) -> str:
    if not label or any(character.isspace() for character in label):
        raise ValueError("a new label must not be empty or have white space, such as in FIRST_NAME")
    return label


class LabelMapping(StageConfig):
    """What each label becomes."""

    about: str = Field("", description="what it is for")
    labels: dict[str, Annotated[str, AfterValidator(_without_blanks)] | None] = Field(
        description="the new name of each label; null drops its entities"
    )
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
    _refuse_unlisted(corpus.label_counts(), mapping)
    dropped: Counter[str] = Counter()

    def renamed(document: Document) -> Document:
        mapped = ((entity, _new_label(entity.label, mapping, dropped)) for entity in document.entities)
        return document.with_entities(replace(entity, label=new) for entity, new in mapped if new is not None)

    return corpus.with_documents([renamed(document) for document in corpus]), dropped


def map_records(records: Sequence[Record], mapping: LabelMapping) -> tuple[list[Record], Counter[str]]:
    """As ``map_labels``, for records that are not checked yet: labels that no corpus can have get their new names.

    Raises:
        CorpusError: labels that the mapping does not list, if it refuses them.
    """
    _refuse_unlisted(Counter(span.label for record in records for span in record.spans), mapping)
    dropped: Counter[str] = Counter()

    def renamed(record: Record) -> Record:
        mapped = ((span, _new_label(span.label, mapping, dropped)) for span in record.spans)
        return replace(record, spans=tuple(span._replace(label=new) for span, new in mapped if new is not None))

    return [renamed(record) for record in records], dropped


def _new_label(label: str, mapping: LabelMapping, dropped: Counter[str]) -> str | None:
    """The new name of a label; None if its entities are dropped, one of which is counted."""
    new = mapping.labels.get(label, label if mapping.others == "keep" else None)
    if new is None:
        dropped[label] += 1
    return new


def _refuse_unlisted(counts: Mapping[str, int], mapping: LabelMapping) -> None:
    unknown = {label: count for label, count in counts.items() if label not in mapping.labels}
    if unknown and mapping.others == "refuse":
        shown = f": {', '.join(sorted(unknown))}" if are_plausible(unknown) else f" ({what_is_wrong(unknown)})"
        raise CorpusError(
            f"{len(unknown)} labels are not in the mapping{shown}; add them under labels "
            "(null drops their entities), or set others to keep or drop"
        )
