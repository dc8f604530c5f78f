"""Names under which de-identified documents leave: their ids and groups may identify as well as their texts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from deidsynth.documents import Document
from deidsynth.metrics.tokens import words

_SHORTEST = 3  # characters of a value, or of a name in it, that is looked for


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
        self.n_hidden = 0
        """How many ids held something that was found."""
        self._places = {doc_id: place for place, doc_id in enumerate(doc_ids, start=1)}
        self._groups: dict[str, str] = {}

    def __call__(self, found: Document) -> Document:
        """The document under its new names."""
        group = None
        if found.group is not None:
            group = self._groups.setdefault(found.group, f"group-{len(self._groups) + 1}")
        is_hidden = not self.number_all and holds_found(found)
        self.n_hidden += is_hidden
        doc_id = self._number(found.doc_id) if self.number_all or is_hidden else found.doc_id
        return replace(found, doc_id=doc_id, group=group)

    def _number(self, doc_id: str) -> str:
        name = f"document-{self._places[doc_id]}"
        while not self.number_all and name in self._places:
            name += "-x"
        return name


def holds_found(document: Document) -> bool:
    """Whether the id of a document holds an entity of it, or one of the names in one, in any case.

    >>> from deidsynth.documents import Entity
    >>> holds_found(Document("ek_anna-3", "Anna Ek kom.", (Entity(0, 7, "NAME"),)))
    True
    """
    inside = words(document.doc_id.replace("_", " "))
    known = set(inside)
    for entity in document.entities:
        value = words(document.surface(entity))
        if any(word.isalpha() and len(word) >= _SHORTEST and word in known for word in value):
            return True
        starts = range(len(inside) - len(value) + 1)
        if len("".join(value)) >= _SHORTEST and any(inside[at : at + len(value)] == value for at in starts):
            return True
    return False
