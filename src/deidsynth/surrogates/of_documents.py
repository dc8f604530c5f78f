"""Surrogates for what was found in documents, derived from a key."""

from __future__ import annotations

import re
import threading
from collections.abc import Collection, Container, Iterator, Mapping, Sequence
from dataclasses import dataclass
from random import Random

from deidsynth.config.policy import DateShift
from deidsynth.config.surrogates import IDENTITY_KINDS, NAME_KINDS, Kind
from deidsynth.documents import Document, Entity
from deidsynth.surrogates.ages import written_age
from deidsynth.surrogates.coverage import is_covered
from deidsynth.surrogates.date_reading import read_dates
from deidsynth.surrogates.date_shift import ShiftedDates, days_of_offset, latest_of
from deidsynth.surrogates.derived import Derivation, normalized_surface
from deidsynth.surrogates.identity_shapes import identity_like
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.names import name_pool
from deidsynth.surrogates.persons import Persons
from deidsynth.surrogates.public_values import PublicValues, is_home_country
from deidsynth.surrogates.shapes import like_case
from deidsynth.surrogates.streets import street_like
from deidsynth.surrogates.surface_formats import variant
from deidsynth.surrogates.values import Surrogates
from deidsynth.surrogates.words import particles_of, words_of

_DATES: Collection[Kind] = frozenset({"date", "date_part"})
_NUMBERS: Collection[Kind] = IDENTITY_KINDS | {"phone", "spanish_license", "postcode", "ip_address", "shape"}
"""Kinds that are the same whatever separates their digits."""
_TRIES, _OWN_TRIES, _TRIES_ON_THE_MAP = 60, 30, 8
_SHORTEST = 3
_ALNUM = re.compile(r"[^\W_]+")


@dataclass(frozen=True, slots=True)
class Scopes:
    """What surrogates of a document are derived from.

    Args:
        values: for all values but dates.
        dates: for the offset of dates, of the patient or the document.
    """

    values: Derivation
    dates: Derivation


class DocumentSurrogates:
    """Surrogates for the entities of documents, safely from several threads.

    A sex stays, as it does in names; so do ages up to 89, since dates keep their intervals, and the country in which
    nearly everybody lives. All else changes.

    Args:
        language: of the texts.
        kinds: kind of value for labels, beside and before those that the package knows.
        shift: how dates are shifted.
    """

    def __init__(self, language: str, kinds: Mapping[str, Kind], shift: DateShift) -> None:
        self._language, self._kinds, self._shift = language, dict(kinds), shift
        self._words = words_of(language)
        self._of_thread = threading.local()

    def __repr__(self) -> str:
        return f"DocumentSurrogates(language={self._language!r})"

    def of(
        self, document: Document, entities: Sequence[Entity], scopes: Scopes, avoid: Container[str]
    ) -> dict[Entity, str]:
        """What stands in place of some entities of a document; those for which nothing can be invented are left out.

        Args:
            document: with all entities, none of whose surfaces a surrogate equals.
            entities: those that get surrogates.
            scopes: what they are derived from.
            avoid: normalized surfaces that no surrogate equals either.
        """
        by_kind = [(entity, kind_of(entity.label, self._kinds)) for entity in entities]
        known = [(each, kind) for each, kind in by_kind if kind is not None and is_covered(kind, self._language)]
        surfaces = {normalized_surface(document.surface(entity)) for entity in document.entities}
        taken = _Taken(surfaces, avoid, particles_of(self._words))
        names = [(entity, kind) for entity, kind in known if kind in NAME_KINDS]
        persons = Persons(
            scopes.values, self._language, document, names, taken.is_surface, alone=scopes.values.is_document
        )
        dates = self._dates(document, [entity for entity, kind in known if kind in _DATES], scopes, taken)
        found: dict[Entity, str] = {}
        for entity, kind in known:
            surface = document.surface(entity)
            if kind in _DATES:
                new = dates[entity]
            elif kind in NAME_KINDS:
                new = persons.surrogate(entity)
                new = None if new is None or taken.is_surface(new) else new
            elif kind == "sex" or (kind == "country" and is_home_country(surface, self._words)):
                new = surface
            elif kind == "age":
                new = written_age(surface, self._words)
            else:
                new = self._value(entity.label, kind, surface, scopes, taken)
            if new is not None:
                found[entity] = new
        return found

    def _dates(
        self, document: Document, entities: Sequence[Entity], scopes: Scopes, taken: _Taken
    ) -> dict[Entity, str | None]:
        """The dates shifted; by an offset with which no day and month is another one of the document, if possible."""
        language, surfaces = self._words, [document.surface(entity) for entity in entities]
        read = [read_dates(surface, language) for surface in surfaces]
        latest = latest_of(each for dates in read for each in dates or ())
        has_month = [any(each.month is not None for each in dates or ()) for dates in read]
        written = list[str | None]()
        for attempt in range(_TRIES if scopes.dates.is_document else 1):
            shifted = ShiftedDates(language, days_of_offset(scopes.dates, self._shift, attempt), latest)
            again = [
                None if dates is None else shifted.written(surface, dates)
                for surface, dates in zip(surfaces, read, strict=True)
            ]
            written = written or again
            if not any(new is not None and new in taken for new, had in zip(again, has_month, strict=True) if had):
                written = again
                break
        return dict(zip(entities, written, strict=True))

    def _value(self, label: str, kind: Kind, surface: str, scopes: Scopes, taken: _Taken) -> str | None:
        """A value that is nobody's, in the shape of a surface; None if there is none."""
        old = surface.strip()
        normal = normalized_surface(old)
        part = _compact(normal) if kind in _NUMBERS else normal
        if not any(each.isalnum() for each in part):
            return None
        for attempt, value in enumerate(self._proposals(label, kind, old, part, scopes.values)):
            if value in taken:
                continue
            if scopes.values.is_document and not taken.claim(value, (kind, part)) and attempt < _OWN_TRIES:
                continue
            return surface.replace(old, value, 1)
        return None

    def _proposals(self, label: str, kind: Kind, old: str, part: str, derivation: Derivation) -> Iterator[str]:
        surrogates = self._surrogates
        for attempt in range(_TRIES):
            seed = derivation.seed(kind, part, attempt)
            value = self._like(kind, old, seed)
            if value is None:
                surrogates.restart(seed)
                value = surrogates.value(label, like=old)
            yield value

    def _like(self, kind: Kind, old: str, seed: str) -> str | None:
        """A value of those kinds that look like real ones more closely than what is invented for training."""
        rng = Random(seed)
        if kind in IDENTITY_KINDS:
            return identity_like(rng, old, self._words)
        if kind == "street":
            return street_like(rng, old, self._words)
        if kind == "organization":
            value = variant(rng, kind, self._words, name_pool(self._words), old)
            return value if value is None else like_case(value, old)
        if kind in {"place", "postcode"}:
            drawn = (
                PublicValues(self._words, f"{seed}-{place}").value(kind, old) for place in range(_TRIES_ON_THE_MAP)
            )
            has_number = kind == "place" and any(each.isdecimal() for each in old)
            fallback = street_like(rng, old, self._words) if has_number else None
            return next((value for value in drawn if value is not None), fallback)
        return None

    @property
    def _surrogates(self) -> Surrogates:
        """Those of this thread."""
        if not hasattr(self._of_thread, "surrogates"):
            self._of_thread.surrogates = Surrogates(self._language, labels=self._kinds)
        surrogates: Surrogates = self._of_thread.surrogates
        return surrogates


class _Taken:
    """What no surrogate may be.

    Args:
        surfaces: of the document, normalized.
        avoid: other normalized surfaces.
        particles: words that names and places share, such as ``de``, which do not count by themselves.
    """

    def __init__(self, surfaces: Collection[str], avoid: Container[str], particles: Container[str]) -> None:
        self._surfaces, self._avoid, self._particles = surfaces, avoid, particles
        self._compact = {_compact(surface) for surface in surfaces}
        self._owners: dict[str, tuple[Kind, str]] = {}

    def __contains__(self, value: str) -> bool:
        """Whether a value is taken, or has words that are."""
        normal = normalized_surface(value)
        return self.is_surface(value) or any(
            run in self._surfaces or run in self._avoid for run in _runs(normal) if run not in self._particles
        )

    def is_surface(self, value: str) -> bool:
        """Whether a value as a whole is taken."""
        normal = normalized_surface(value)
        return normal in self._surfaces or normal in self._avoid or _compact(normal) in self._compact

    def claim(self, value: str, owner: tuple[Kind, str]) -> bool:
        """Whether a value is that of its owner, whose it becomes if it is nobody's."""
        return self._owners.setdefault(normalized_surface(value), owner) == owner


def _runs(normal: str) -> Iterator[str]:
    """The runs of words in a text that have three letters or digits or more."""
    words = [(word.start(), word.end()) for word in _ALNUM.finditer(normal)]
    for first, (start, _) in enumerate(words):
        for _, end in words[first:]:
            if end - start >= _SHORTEST:
                yield normal[start:end]


def _compact(text: str) -> str:
    return "".join(each for each in text if each.isalnum())
