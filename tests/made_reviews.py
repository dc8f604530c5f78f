"""Documents as a tagger annotates them, to be sent to a person."""

from __future__ import annotations

from collections.abc import Sequence

from deidsynth.documents import Corpus, Document, Entity
from deidsynth.review import Candidate, Candidates

LINEAGE = {"invented_data": [{"source": "k", "direct": True, "via": [], "parts": []}]}


def candidate(
    doc_id: str,
    text: str,
    *entities: tuple[int, int, str, float],
    outside: tuple[int, int, float] | None = None,
    group: str | None = None,
) -> Candidate:
    """A document with predicted entities, and the least certain word outside of them."""
    word = None if outside is None else Entity(outside[0], outside[1], "O", outside[2])
    return Candidate(Document(doc_id, text, tuple(Entity(*each) for each in entities), group), word)


def candidates(documents: Sequence[Candidate], labels: tuple[str, ...] = ("CITY", "NAME")) -> Candidates:
    """All documents that a tagger with these labels annotated."""
    return Candidates(documents, Corpus((), "invented", "silver", "sv"), labels, LINEAGE, "sha256:model")
