"""The names of people in a document, whole where first and last names were labeled apart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deidsynth.config.surrogates import NAME_KINDS, Kind
from deidsynth.deidentification.names import Name, Part
from deidsynth.deidentification.words import words_of
from deidsynth.documents import Document, Entity
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.words import particles_of

_SEPARATORS = " \t\n,"


def found_names(document: Document, language: str | None, own: Mapping[str, Kind] | None = None) -> Iterator[Name]:
    """The names that entities are, first and last names that follow each other as one.

    Only words with a capital letter are parts of a name, and neither titles nor particles are.

    Args:
        document: normalized.
        language: ISO 639-1 code of the text, if known.
        own: kind of value for labels, beside those that the package knows.
    """
    particles = particles_of(language or "")
    kinds = {entity.label: kind_of(entity.label, own) for entity in document.entities}
    parts: list[Part] = []
    last: Entity | None = None
    for entity in document.entities:
        kind = kinds[entity.label]
        if kind not in NAME_KINDS:
            continue
        in_one = last is not None and not document.text[last.end : entity.start].strip(_SEPARATORS)
        if not in_one or kind == "full_name" or (last and kinds[last.label] == "full_name"):
            yield Name(tuple(parts))
            parts = []
        surface = document.surface(entity)
        parts += [
            Part(word.form, entity.label)
            for word in words_of(surface)
            if surface[word.start].isupper() and word.form.isalpha() and word.form not in particles
        ]
        last = entity
    yield Name(tuple(parts))
