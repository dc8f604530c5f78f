"""What a first pass found, kept for the second one: offsets and digests in a file of lines, never text."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from deidsynth.config.surrogates import NAME_KINDS, Kind
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.runtime import Failure
from deidsynth.digests import text_digest
from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics.tokens import words
from deidsynth.surrogates.derived import normalized_surface
from deidsynth.surrogates.labels import kind_of


def line_of(found: Found | Failure) -> str:
    """The line that is kept of a document."""
    if isinstance(found, Failure):
        return json.dumps({"reason": found.reason}, ensure_ascii=False) + "\n"
    entities = [[each.start, each.end, each.label, each.score] for each in found.document.entities]
    kept = {"text": text_digest(found.document.text), "entities": entities, "sources": found.sources}
    return json.dumps(kept, ensure_ascii=False) + "\n"


def found_again(documents: Sequence[Document], lines: Iterable[Mapping[str, Any]]) -> list[Found | Failure]:
    """What was found in documents, from the lines that were kept of them.

    Raises:
        InputError: the documents are others now.
    """
    kept = list(lines)
    if len(kept) != len(documents) or any(
        "text" in line and line["text"] != text_digest(document.text)
        for document, line in zip(documents, kept, strict=True)
    ):
        raise InputError("the input changed while it was read; leave its files alone and run the command again")
    return [_found(document, line) for document, line in zip(documents, kept, strict=True)]


def _found(document: Document, line: Mapping[str, Any]) -> Found | Failure:
    if "reason" in line:
        return Failure(line["reason"])
    entities = (Entity(start, end, label, score) for start, end, label, score in line["entities"])
    return Found(document.with_entities(entities), tuple(line["sources"]))


def surfaces_of(document: Document, kinds: Mapping[str, Kind]) -> Iterator[str]:
    """The normalized surfaces of the entities of a document, and those of the parts of names.

    Args:
        document: with what was found in it.
        kinds: kind of value for labels that the package does not know.
    """
    for entity in document.entities:
        surface = document.surface(entity)
        yield normalized_surface(surface)
        if kind_of(entity.label, kinds) in NAME_KINDS:
            yield from map(normalized_surface, words(surface))
