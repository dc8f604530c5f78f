"""Identifiers of a document: entities that could point to one person, and names that were labeled in parts, whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from deidsynth.config.surrogates import NAME_KINDS, Kind
from deidsynth.documents import Document, Entity
from deidsynth.surrogates.labels import kind_of

QUASI: frozenset[Kind] = frozenset(
    {"date", "date_part", "place", "postcode", "hospital", "clinic", "organization", "profession", "detail"}
)
"""Kinds that point to a person only together with other values."""
COMMON: frozenset[Kind] = frozenset({"age", "sex", "family", "title", "country"})
"""Kinds whose values stand in any text."""
LEAST_CHARACTERS = 4
"""Letters and digits of the shortest value that counts."""
LEAST_DIGITS = 5
"""Digits of the shortest value that counts and has no letter: shorter ones are years, rooms, house numbers, doses."""

_SEPARATORS = " \t\n,"


@dataclass(frozen=True, slots=True, repr=False)
class Identifier:
    """A value of a document that could point to one person.

    Args:
        text: as written.
        label: of the entity; of the first one, if a name was labeled in parts.
        kind: of value; None if the label is not known.
    """

    text: str
    label: str
    kind: Kind | None

    def __repr__(self) -> str:
        return f"Identifier(n_chars={len(self.text)}, label={self.label!r})"

    @property
    def is_direct(self) -> bool:
        """Whether it points to one person by itself; so does what has an unknown label, since nothing else is said."""
        return self.kind not in QUASI

    @property
    def is_name(self) -> bool:
        """Whether it is the name of a person."""
        return self.kind in NAME_KINDS


def identifiers(document: Document, labels: Mapping[str, Kind] | None = None) -> Iterator[Identifier]:
    """The identifiers of a document in text order, those that are too short or too common left out.

    First and last names that follow each other are also one identifier, the whole name.

    Args:
        document: normalized, as are the texts that are searched (`deidsynth.normalization.normalized`).
        labels: kind of value for labels, beside those that the package knows.
    """
    kinds = {entity.label: kind_of(entity.label, labels) for entity in document.entities}
    for entity in document.entities:
        yield from _identifier(document.surface(entity), entity.label, kinds[entity.label])
    for first, last in _names_in_parts(document, kinds):
        yield from _identifier(document.text[first.start : last.end], first.label, kinds[first.label])


def is_too_common(text: str, kind: Kind | None) -> bool:
    """Whether a value says nothing of a person: an age, a sex, a relative, a title, a country, or too short.

    >>> is_too_common("45", "identifier"), is_too_common("0701-234567", "phone"), is_too_common("Ek", "last_name")
    (True, False, True)
    """
    n_letters, n_digits = sum(map(str.isalpha, text)), sum(map(str.isdecimal, text))
    if kind in COMMON or n_digits + n_letters < LEAST_CHARACTERS:
        return True
    return not n_letters and n_digits < LEAST_DIGITS


def _identifier(text: str, label: str, kind: Kind | None) -> Iterator[Identifier]:
    if not is_too_common(text, kind):
        yield Identifier(text, label, kind)


def _names_in_parts(document: Document, kinds: Mapping[str, Kind | None]) -> Iterator[tuple[Entity, Entity]]:
    """First and last entity of each whole name: neighbors of which one is a first name and one a last name."""
    run: list[Entity] = []
    for entity in document.entities:
        is_part = kinds[entity.label] in {"first_name", "last_name"}
        if run and (not is_part or document.text[run[-1].end : entity.start].strip(_SEPARATORS)):
            yield from _whole(run, kinds)
            run = []
        if is_part:
            run.append(entity)
    yield from _whole(run, kinds)


def _whole(run: list[Entity], kinds: Mapping[str, Kind | None]) -> Iterator[tuple[Entity, Entity]]:
    if len({kinds[entity.label] for entity in run}) > 1:
        yield run[0], run[-1]
