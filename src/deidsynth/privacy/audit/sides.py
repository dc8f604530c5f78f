"""The two sides that are compared: groups of training documents, and groups that nothing was made from."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from deidsynth.documents import Corpus, Document
from deidsynth.metrics.tokens import words
from deidsynth.privacy.near_duplicates import NearDuplicateIndex

Groups = tuple[tuple[Document, ...], ...]
"""Documents by group: those of one patient are one unit."""


@dataclass(frozen=True, slots=True)
class Sides:
    """Training groups and held-out groups that share nothing.

    Args:
        train: groups that a model may have seen.
        held_out: groups that gave neither training text nor prompts nor thresholds.
        removed: what was taken out before, by reason: counts.
    """

    train: Groups
    held_out: Groups
    removed: Mapping[str, int]

    def __repr__(self) -> str:
        return f"Sides(n_train={len(self.train)}, n_held_out={len(self.held_out)})"


def sides_of(train: Corpus, held_out: Corpus) -> Sides:
    """The groups of two corpora, without what would make the held-out side a part of the training side.

    What is taken out, in this order, and how it is counted in ``removed``: ``documents_without_words``;
    ``groups_on_both_sides``, whole, with their ``documents_of_groups_on_both_sides``; documents that are
    near-duplicates (`deidsynth.privacy.near_duplicates`) of one on the other side, which may be of the same patient
    under two names, as ``near_duplicates_in_train`` and ``near_duplicates_in_held_out``. Passages of three groups or
    more are templates and make no near-duplicate; whole documents with the same words always are. A group is gone when
    its last document is. Time and memory are linear in the text.

    Args:
        train: documents that a model may have seen.
        held_out: documents that gave neither training text nor prompts nor thresholds.
    """
    corpora = train.documents, held_out.documents
    sides = [[each for each in map(_plain, documents) if each[1]] for documents in corpora]
    n_without_words = sum(map(len, corpora)) - sum(map(len, sides))
    both = {document.unit for document, _ in sides[0]} & {document.unit for document, _ in sides[1]}
    apart = [[each for each in side if each[0].unit not in both] for side in sides]
    kept = _unlike(*apart), _unlike(*reversed(apart))
    return Sides(
        _groups(kept[0]),
        _groups(kept[1]),
        {
            "documents_without_words": n_without_words,
            "groups_on_both_sides": len(both),
            "documents_of_groups_on_both_sides": sum(map(len, sides)) - sum(map(len, apart)),
            "near_duplicates_in_train": len(apart[0]) - len(kept[0]),
            "near_duplicates_in_held_out": len(apart[1]) - len(kept[1]),
        },
    )


def _plain(document: Document) -> tuple[Document, str]:
    """The document with its words, which are all that is compared."""
    return document, " ".join(words(document.text))


def _unlike(side: Sequence[tuple[Document, str]], other: Sequence[tuple[Document, str]]) -> list[Document]:
    """The documents that are no near-duplicates of any on the other side."""
    index = NearDuplicateIndex((text, document.unit) for document, text in (*side, *other))
    for _, text in other:
        index.add(text)
    wholes = {text for _, text in other}
    return [document for document, text in side if text not in wholes and not index.matches(text)]


def _groups(documents: Iterable[Document]) -> Groups:
    by_unit: dict[str, list[Document]] = {}
    for document in documents:
        by_unit.setdefault(document.unit, []).append(document)
    return tuple(map(tuple, by_unit.values()))
