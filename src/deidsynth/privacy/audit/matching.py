"""Values that only one group of both sides has, found in other texts: an Aho-Corasick automaton that texts stream past.

Time is linear in the characters of the real and the synthetic text, memory in the values of the real text.
"""

from __future__ import annotations

from array import array
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import ahocorasick_rs

from deidsynth.config.surrogates import Kind
from deidsynth.documents import Document
from deidsynth.folding import folded
from deidsynth.normalization import normalize, normalized
from deidsynth.privacy.audit.identifiers import Identifier, identifiers
from deidsynth.privacy.audit.sides import Groups, Sides
from deidsynth.privacy.audit.written_forms import (
    Form,
    forms_as_written,
    normalized_forms,
    numbers_and_dates,
)

_SEVERAL = -1


class Writing(Protocol):
    """What counts as the same value: its forms, and how texts are searched for them."""

    def forms(self, identifier: Identifier, /) -> set[Form]:
        """All forms of a value that count as the value."""

    def as_written(self, text: str, /) -> set[Form]:
        """The forms that a whole text is."""

    def finder(self, forms: Sequence[Form], /) -> Finder:
        """Finds forms in texts."""


class Finder(Protocol):
    """Finds some forms in a text."""

    def __call__(self, text: str, /) -> set[int]:
        """The numbers of the forms that stand in a text, between word boundaries."""


class Exact:
    """A value as it was written: the same characters."""

    def forms(self, identifier: Identifier) -> set[Form]:
        """The text of the value."""
        return {identifier.text}

    def as_written(self, text: str) -> set[Form]:
        """The text."""
        return {text}

    def finder(self, forms: Sequence[Form]) -> Finder:
        """Finds texts in a text."""
        automaton = _automaton(forms)

        def find(text: str) -> set[int]:
            seen = f" {normalize(text).text} "  # a string of its own: Python keeps the UTF-8 of what is searched
            matches = automaton.find_matches_as_indexes(seen, overlapping=True)
            return {number for number, start, end in matches if _is_whole(seen, start, end)}

        return find


class Normalized:
    """A value in any of its normalized forms (`deidsynth.privacy.audit.written_forms`)."""

    def forms(self, identifier: Identifier) -> set[Form]:
        """All normalized forms of the value."""
        return normalized_forms(identifier)

    def as_written(self, text: str) -> set[Form]:
        """The normalized forms that are the whole text."""
        return forms_as_written(folded(text))

    def finder(self, forms: Sequence[Form]) -> Finder:
        """Finds forms among the words, numbers and dates of a text."""
        parsed = {form: number for number, form in enumerate(forms) if form.startswith(("#", "@"))}
        in_words = array("q", (number for number, form in enumerate(forms) if form not in parsed))
        automaton = _automaton([f" {forms[number]} " for number in in_words])

        def find(text: str) -> set[int]:
            seen = folded(text)
            matches = automaton.find_matches_as_indexes(f" {seen} ", overlapping=True)
            found = {in_words[place] for place, _, _ in matches}
            if parsed:
                found.update(parsed[form] for form in numbers_and_dates(seen) if form in parsed)
            return found

        return find


EXACT, NORMALIZED = Exact(), Normalized()


@dataclass(frozen=True, slots=True)
class Value:
    """A value that only one group has.

    Args:
        group: number of the group, training groups first.
        identifier: one of the places where it stands.
    """

    group: int
    identifier: Identifier


class UniqueValues:
    """The values that stand in one group only, of the training and the held-out groups together.

    A form of a value is unique if no value of another group has it, and no text of another group holds it, labeled or
    not. A value is unique if it is so as it was written, and is found by its unique forms alone.

    Args:
        sides: both, which are treated alike.
        writing: what counts as the same value.
        labels: kind of value for labels, beside those that the package knows.
    """

    def __init__(self, sides: Sides, writing: Writing, labels: Mapping[str, Kind] | None = None) -> None:
        groups: Groups = (*sides.train, *sides.held_out)
        self.sides = sides
        self._writing, self._labels = writing, labels
        self.values: list[Value] = []
        owners: dict[Form, int] = {}
        for number, documents in enumerate(groups):
            for identifier in _distinct(documents, labels):
                self.values.append(Value(number, identifier))
                for form in writing.forms(identifier):
                    if owners.setdefault(form, number) != number:
                        owners[form] = _SEVERAL
        self._drop_known_to_others(owners, groups)
        self._keep_unique(owners)

    def __repr__(self) -> str:
        return f"UniqueValues(n_values={len(self.values)})"

    def found_among(self, documents: Iterable[Document]) -> FoundValues:
        """What some documents hold of the values; they are read once."""
        found, as_entity = set[int](), set[int]()
        together: list[tuple[int, ...]] = []
        for document in documents:
            held = self.found_in(document.text)
            if not held:
                continue
            found |= held
            as_entity |= held & self.entities_of(document)
            if len(shared := self._of_one_group(held)) > 1:
                together.append(shared)
        return FoundValues(self, frozenset(found), frozenset(as_entity), tuple(together))

    def _of_one_group(self, held: Iterable[int]) -> tuple[int, ...]:
        """Those of some values whose group has several of them."""
        sizes = Counter(self.values[number].group for number in held)
        return tuple(sorted(number for number in held if sizes[self.values[number].group] > 1))

    def found_in(self, text: str) -> set[int]:
        """The numbers of the values that stand in a text."""
        return {value for form in self._find(text) for value in self._values_of[form]}

    def entities_of(self, document: Document) -> set[int]:
        """The numbers of the values that an entity of a document is as a whole."""
        entities = identifiers(normalized(document), self._labels)
        forms = {form for entity in entities for form in self._writing.as_written(entity.text)}
        return {value for form in forms & self._numbers.keys() for value in self._values_of[self._numbers[form]]}

    def _drop_known_to_others(self, owners: dict[Form, int], groups: Groups) -> None:
        """Take out the forms that the text of another group holds."""
        forms = [form for form, owner in owners.items() if owner != _SEVERAL]
        find = self._writing.finder(forms)
        for number, documents in enumerate(groups):
            for document in documents:
                for place in find(document.text):
                    if owners[forms[place]] != number:
                        owners[forms[place]] = _SEVERAL

    def _keep_unique(self, owners: dict[Form, int]) -> None:
        kept = list[Value]()
        self._numbers: dict[Form, int] = {}
        self._values_of: list[array[int]] = []
        for value in self.values:
            forms = self._writing.forms(value.identifier)
            unique = {form for form in forms if owners[form] != _SEVERAL}
            if not unique or not self._writing.as_written(value.identifier.text) & forms <= unique:
                continue
            for form in unique:
                number = self._numbers.setdefault(form, len(self._numbers))
                if number == len(self._values_of):
                    self._values_of.append(array("q"))
                self._values_of[number].append(len(kept))
            kept.append(value)
        self.values = kept
        self._find = self._writing.finder(list(self._numbers))


@dataclass(frozen=True, slots=True, repr=False)
class FoundValues:
    """What some documents hold of the values that only one group has.

    Args:
        values: that were looked for.
        numbers: of those that were found.
        as_entity: of those that an entity of a document is as a whole.
        together: of each document that holds several, their numbers.
    """

    values: UniqueValues
    numbers: frozenset[int]
    as_entity: frozenset[int]
    together: tuple[tuple[int, ...], ...]

    def __repr__(self) -> str:
        return f"FoundValues(n_found={len(self.numbers)})"


def _distinct(documents: Sequence[Document], labels: Mapping[str, Kind] | None) -> list[Identifier]:
    """The identifiers of a group, one for each text."""
    found: dict[str, Identifier] = {}
    for document in map(normalized, documents):
        for identifier in identifiers(document, labels):
            found.setdefault(identifier.text, identifier)
    return list(found.values())


def _automaton(forms: Sequence[Form]) -> ahocorasick_rs.AhoCorasick:
    return ahocorasick_rs.AhoCorasick(
        forms, implementation=ahocorasick_rs.Implementation.ContiguousNFA, store_patterns=False
    )


def _is_whole(text: str, start: int, end: int) -> bool:
    """Whether a match between the blanks around a text begins and ends where words do."""
    return not (
        (text[start - 1].isalnum() and text[start].isalnum()) or (text[end - 1].isalnum() and text[end].isalnum())
    )
