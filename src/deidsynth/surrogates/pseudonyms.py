"""Pseudonyms: documents in which every entity is replaced by a surrogate, the same throughout a patient."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import partial

from deidsynth.config.surrogates import NAME_KINDS, Kind
from deidsynth.documents import Document, Entity
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.public_values import PublicValues
from deidsynth.surrogates.values import Surrogates

_WORD = re.compile(r"[^\W\d_]+")


class Pseudonyms:
    """Surrogates for all entities of documents, from one seed.

    A value has one surrogate in all documents of a patient (``Document.unit``), whatever its case and white space, and
    so has each word of the name of a person. What is drawn for a patient depends on the seed and the unit alone, not
    on the documents of others.

    Args:
        language: ISO 639-1 code.
        seed: the source of randomness, together with the name of the unit.
        labels: kind of value for labels, beside and before those that the package knows.
    """

    def __init__(self, language: str, seed: int | str = 1, labels: Mapping[str, Kind] | None = None) -> None:
        self._language, self._seed, self._labels = language, seed, dict(labels or {})
        self._surrogates = Surrogates(language, labels=labels)
        self.by_kind = Counter[str]()
        """Replaced entities by kind of value; ``shape``: a random string in the shape of the original."""
        self.not_invented = Counter[str]()
        """Replaced entities by label, of labels for which the language has no invented values."""

    def __repr__(self) -> str:
        return f"Pseudonyms(n_replaced={self.by_kind.total()})"

    def of(self, documents: Sequence[Document]) -> list[Document]:
        """The documents with a surrogate for every entity, which keeps its label; all other text is unchanged.

        White space around a value is kept, and so is an entity of nothing else.
        """
        by_unit: dict[str, list[int]] = {}
        for index, document in enumerate(documents):
            by_unit.setdefault(document.unit, []).append(index)
        made: dict[int, Document] = {}
        for unit, indices in by_unit.items():
            self._surrogates.restart(f"{self._seed}-{unit}")
            patient = _Patient(self._surrogates, PublicValues(self._language, f"{self._seed}-{unit}"))
            for index in indices:
                document = documents[index]
                made[index] = document.replace_entities(partial(self._new, patient, document))
        return [made[index] for index in range(len(documents))]

    def _new(self, patient: _Patient, document: Document, entity: Entity) -> str | None:
        surface = document.surface(entity)
        old = surface.strip()
        if not old:
            return None
        kind = kind_of(entity.label, self._labels) or "shape"
        self.by_kind[kind] += 1
        if not self._surrogates.knows(entity.label):
            self.not_invented[entity.label] += 1
        return surface.replace(old, patient.surrogate(entity.label, kind, old), 1)


class _Patient:
    """What the values of one patient are replaced by."""

    def __init__(self, surrogates: Surrogates, public: PublicValues) -> None:
        self._surrogates, self._public = surrogates, public
        self._values: dict[tuple[str, str], tuple[str, str]] = {}
        self._words: dict[str, str] = {}

    def surrogate(self, label: str, kind: str, old: str) -> str:
        """The surrogate of a value: never the value itself, but for what is drawn whatever the value is."""
        name = self._name(label, old) if kind in NAME_KINDS else None
        if name is not None:
            return name
        key = "name" if kind in NAME_KINDS else kind, " ".join(old.casefold().split())
        if key not in self._values:
            self._values[key] = old, self._public.value(kind, old) or self._invented(label, kind, old)
        first, value = self._values[key]
        return value if old == first else _in_case(value, old)

    def _invented(self, label: str, kind: str, old: str) -> str:
        value = self._surrogates.value(label, like=old)
        return self._public.mail_address(value) if kind == "email" else value

    def _name(self, label: str, old: str) -> str | None:
        """A name word by word; None for one with digits, without words, or whose words are not replaced one by one."""
        words = [word.casefold() for word in _WORD.findall(old)]
        if not words or any(character.isdecimal() for character in old):
            return None
        if any(word not in self._words for word in words):
            value = self._surrogates.value(label, like=old.title() if old.isupper() else old)
            found = _WORD.findall(value)
            if len(found) != len(words):
                return None
            for word, new in zip(words, found, strict=True):
                self._words.setdefault(word, new)
        replaced = {word for word in words if self._words[word].casefold() != word}  # particles, such as de, are kept
        if not replaced or any(self._words[word].casefold() in replaced for word in replaced):
            return None
        return _WORD.sub(lambda word: _in_case(self._words[word[0].casefold()], word[0]), old)


def _in_case(value: str, like: str) -> str:
    """A value that was made for a text in the case of the same text elsewhere."""
    if like.islower():
        return value.lower()
    if like.isupper() and sum(character.isalpha() for character in like) > 1:
        return value.upper()
    return value.title() if value.isupper() else value[:1].upper() + value[1:]
