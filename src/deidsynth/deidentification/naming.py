"""Names under which de-identified documents leave: their ids and groups may identify as well as their texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from deidsynth.documents import Document
from deidsynth.folding import folded
from deidsynth.metrics.tokens import words

_SHORTEST = 3  # letters of a name that is looked for
_FEWEST_DIGITS = 4  # of a number, or of a date in all, that is looked for


class Renaming:
    """Gives each document, with its entities in the original text, the id and the group that it leaves under.

    An id is kept unless it holds something that was found in the text of its document: then, as all ids where that is
    asked for, it becomes ``document-N``, N its place in the input. Groups are always numbered.

    Args:
        doc_ids: of all documents, in the order in which they are renamed.
        number_all: whether no id is kept.
    """

    def __init__(self, doc_ids: Sequence[str], *, number_all: bool = False) -> None:
        self.number_all = number_all
        self._places = {doc_id: place for place, doc_id in enumerate(doc_ids, start=1)}
        self._groups: dict[str, str] = {}

    def __call__(self, found: Document) -> Document:
        """The document under its new names."""
        group = self.group_of(found)
        is_hidden = not self.number_all and holds_found(found)
        doc_id = self._number(found.doc_id) if self.number_all or is_hidden else found.doc_id
        return replace(found, doc_id=doc_id, group=group)

    def group_of(self, document: Document) -> str | None:
        """The group that a document leaves under: the number of its own, in the order in which they are asked for."""
        if document.group is None:
            return None
        return self._groups.setdefault(document.group, f"group-{len(self._groups) + 1}")

    def _number(self, doc_id: str) -> str:
        name = f"document-{self._places[doc_id]}"
        while not self.number_all and name in self._places:
            name += "-x"
        return name


def holds_found(document: Document) -> bool:
    """Whether the id of a document holds what was found in its text, however it is written there.

    A name counts in any case, without accents, and inside another word; numbers and dates count by their digits, in
    any order of their parts. Rather one id too many becomes a number than one too few.

    >>> from deidsynth.documents import Entity
    >>> anna = (Entity(0, 7, "NAME"), Entity(12, 22, "DATE"))
    >>> [holds_found(Document(each, "Anna Ek kom 2019-05-03", anna)) for each in ("ANNAEK_1", "03052019", "note-7")]
    [True, True, False]
    """
    letters, digits = _letters(document.doc_id), re.sub(r"\D", "", document.doc_id)
    for entity in document.entities:
        found = words(document.surface(entity))
        if any(len(word) >= _SHORTEST and word in letters for word in map(_letters, found)):
            return True
        numbers = [word for word in found if word.isdecimal()]
        if sum(map(len, numbers)) >= _FEWEST_DIGITS and all(number.zfill(2) in digits for number in numbers):
            return True
    return False


def _letters(text: str) -> str:
    """The letters of a text, without case and accents."""
    return "".join(filter(str.isalpha, folded(text)))
