"""Numbers of values in a document: the same person has the same number."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from deidsynth.config.surrogates import NAME_KINDS, Kind
from deidsynth.documents import Document
from deidsynth.folding import folded
from deidsynth.surrogates.derived import WORD, normalized_surface
from deidsynth.surrogates.labels import kind_of
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
    names = [frozenset(_without_genitive(part, words) for part in name) for name in names]
    people = list[Name]()  # the fullest names, in order of text
    for name in names:
        if name not in people and not any(_size(other) > _size(name) and _is_of(name, other) for other in names):
            people.append(name)
    numbers, order, last = list[int](), dict[int, int](), dict[int, int]()
    for place, name in enumerate(names):
        of = [person for person, full in enumerate(people) if _is_of(name, full)]
        person = max(of, key=lambda each: (last.get(each, -1), -each))
        last[person] = place
        numbers.append(order.setdefault(person, len(order) + 1))
    return numbers


def _parts(surface: str, particles: frozenset[str]) -> Name:
    parts = [folded(word[0]) for word in WORD.finditer(surface) if word[0].casefold() not in particles]
    return frozenset(parts or [normalized_surface(surface)])


def _without_genitive(part: str, words: set[str]) -> str:
    return part[:-1] if len(part) > 2 and part.endswith("s") and part[:-1] in words else part


def _is_of(name: Name, full: Name) -> bool:
    """Whether every part of a name is in a fuller one, or is an initial of one of its parts."""
    return all(part in full or (len(part) == 1 and any(each.startswith(part) for each in full)) for part in name)


def _size(name: Name) -> int:
    return sum(map(len, name))
