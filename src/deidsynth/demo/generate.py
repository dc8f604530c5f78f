"""Generation of any number of distinct invented notes."""

from __future__ import annotations

from random import Random
from typing import Literal

from deidsynth.demo.compose import FACTS, compose
from deidsynth.demo.grammar import Piece, Split
from deidsynth.demo.slips import with_slips
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import InputError

LEAST_WORDS, MOST_WORDS = 60, 170
LEAST_ENTITIES, MOST_ENTITIES = 6, 15
_ATTEMPTS = 200


def invented_corpus(language: Literal["sv", "es"], n_documents: int, seed: int = 1, split: Split = "train") -> Corpus:
    """A corpus of invented clinical notes with labels that are exact by construction.

    The same arguments give the same notes on every machine, and the first notes of a longer corpus are those of a
    shorter one. The test split has names, places, care units and phrasings that do not occur in the train split.

    Args:
        language: ``sv`` (ten labels of our own) or ``es`` (MEDDOCAN's labels).
        n_documents: number of notes, at least 1.
        seed: the only source of randomness.
        split: ``train`` or ``test``.

    Raises:
        InputError: another language or split, or fewer than one document.
    """
    if language not in FACTS:
        raise InputError(f"no invented notes in language {language!r}; choose one of {', '.join(FACTS)}")
    if split not in {"train", "test"}:
        raise InputError(f"no split {split!r} of the invented notes; choose train or test")
    if n_documents < 1:
        raise InputError(f"an invented corpus needs at least 1 document, got {n_documents}")
    seen: set[str] = set()
    documents = []
    for number in range(1, n_documents + 1):
        document = _fresh_note(f"{language}-{split}-{number:05d}", language, split, seed, seen)
        seen.add(document.text)
        documents.append(document)
    return Corpus(tuple(documents), origin="invented", annotation="gold", language=language)


def _fresh_note(doc_id: str, language: str, split: Split, seed: int, seen: set[str]) -> Document:
    """A note of suitable length whose text is not in ``seen``."""
    for attempt in range(_ATTEMPTS):
        rng = Random(f"{doc_id}-{seed}-{attempt}")
        document = assemble(doc_id, with_slips(compose(language, rng, split), rng))
        n_words = len(document.text.split())
        n_entities = len(document.entities)
        fits = LEAST_WORDS <= n_words <= MOST_WORDS and LEAST_ENTITIES <= n_entities <= MOST_ENTITIES
        if fits and document.text not in seen:
            return document
    raise InputError(f"no new note after {_ATTEMPTS} attempts; request fewer documents")


def assemble(doc_id: str, pieces: list[Piece]) -> Document:
    """A document from literal and labeled pieces, with exact offsets."""
    text, entities = "", []
    for piece, label in pieces:
        if label is not None:
            entities.append(Entity(len(text), len(text) + len(piece), label))
        text += piece
    return Document(doc_id, text, tuple(entities))
