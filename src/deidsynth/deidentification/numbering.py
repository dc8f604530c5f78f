"""Numbers of values in a document: the same person has the same number."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from deidsynth.config.surrogates import NAME_KINDS, Kind
from deidsynth.documents import Document
from deidsynth.folding import folded
from deidsynth.surrogates.derived import WORD, normalized_surface
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.name_parts import without_genitive
from deidsynth.surrogates.words import particles_of

Name = frozenset[str]
"""The parts of a name, folded; a single letter is an initial."""


def numbers_of(document: Document, kinds: Mapping[str, Kind], language: str | None = None) -> list[int]:
    """For each entity, the number of its value among the distinct ones of its label, from 1 on, in order of text.

    Names are of the same person if all parts of one are among those of the other, initials standing for parts. A
    surname that several people have goes to the one named last before it.

    Args:
        document: with entities.
        kinds: kind of value for labels that the package does not know.
        language: of the text, if known: its particles are no parts of names.
    """
    by_label: dict[str, list[int]] = {}
    for index, entity in enumerate(document.entities):
        by_label.setdefault(entity.label, []).append(index)
    numbers = [0] * len(document.entities)
    for label, indices in by_label.items():
        surfaces = [document.surface(document.entities[index]) for index in indices]
        is_name = kind_of(label, kinds) in NAME_KINDS
        found = _of_names(surfaces, language) if is_name else _of_values(surfaces)
        for index, number in zip(indices, found, strict=True):
            numbers[index] = number
    return numbers


def _of_values(surfaces: Sequence[str]) -> list[int]:
    seen: dict[str, int] = {}
    return [seen.setdefault(normalized_surface(surface), len(seen) + 1) for surface in surfaces]


def _of_names(surfaces: Sequence[str], language: str | None) -> list[int]:
    particles = particles_of(language or "")
    names = [_parts(surface, particles) for surface in surfaces]
    words = {part for name in names for part in name}
    names = [frozenset(_as_named(part, words, language) for part in name) for name in names]
    fuller = _fuller_names(names)
    people = {name for name, others in fuller.items() if all(_size(other) <= _size(name) for other in others)}
    shorter: dict[Name, list[Name]] = {person: [] for person in people}
    person_of = dict[Name, Name]()  # the one named last, or the first in the text
    for name, others in fuller.items():
        persons = [other for other in others if other in people]
        person_of[name] = persons[0]
        for person in persons:
            shorter[person].append(name)
    numbers, order = list[int](), dict[Name, int]()
    for name in names:
        person = person_of[name]
        person_of |= dict.fromkeys(shorter[person], person)
        numbers.append(order.setdefault(person, len(order) + 1))
    return numbers


def _parts(surface: str, particles: frozenset[str]) -> Name:
    parts = [folded(word[0]) for word in WORD.finditer(surface) if word[0].casefold() not in particles]
    return frozenset(parts or [normalized_surface(surface)])


def _as_named(part: str, words: set[str], language: str | None) -> str:
    """A part without the s of a genitive, if other names have it so."""
    base = without_genitive(part, language)
    return base if base in words else part


def _fuller_names(names: Iterable[Name]) -> dict[Name, list[Name]]:
    """For each name, those that have all its parts, itself among them, each once and in order of text."""
    distinct = dict.fromkeys(names)
    having: dict[str, list[Name]] = {}
    for name in distinct:
        for key in {key for part in name for key in (part, part[:1])}:
            having.setdefault(key, []).append(name)
    rarest = {name: min((having[part] for part in name), key=len) for name in distinct}
    return {name: [other for other in others if _is_of(name, other)] for name, others in rarest.items()}


def _is_of(name: Name, full: Name) -> bool:
    """Whether every part of a name is in a fuller one, or is an initial of one of its parts."""
    return all(part in full or (len(part) == 1 and any(each.startswith(part) for each in full)) for part in name)


def _size(name: Name) -> int:
    return sum(map(len, name))
