"""Which documents a person sees: three queues, no document in two of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Literal, get_args

from deidsynth.errors import InputError
from deidsynth.review.candidates import Candidate

Queue = Literal["entities", "outside", "blind"]
"""Documents with the least certain entities; with the least certain words outside of them; at random, unannotated."""

QUEUES: tuple[Queue, ...] = get_args(Queue)
DEFAULT_SIZE = 50
"""Documents in a queue."""


@dataclass(frozen=True, slots=True)
class Sizes:
    """Number of documents in each queue.

    Raises:
        InputError: a negative number, or none in all.
    """

    entities: int = DEFAULT_SIZE
    outside: int = DEFAULT_SIZE
    blind: int = DEFAULT_SIZE

    def __post_init__(self) -> None:
        if min(self.entities, self.outside, self.blind) < 0 or not self.total:
            raise InputError("expected numbers of documents of at least 0, and 1 in all; see --entities and the like")

    @property
    def total(self) -> int:
        """Documents in all queues."""
        return self.entities + self.outside + self.blind


def choose(candidates: Sequence[Candidate], sizes: Sizes, seed: int) -> dict[Queue, list[Candidate]]:
    """The queues, each in the order in which a person should go through it.

    The blind slice is drawn first, from all documents, so that what is measured on it holds for all of them. The other
    queues take from the rest: first the documents with the lowest score of an entity, then those with the lowest
    probability of a word outside. Of documents with the same text, the first by id stands for all; blank ones are left
    out. The order of the candidates does not matter.

    Args:
        candidates: all documents.
        sizes: of the queues; those by certainty are shorter where nothing is left to be unsure of.
        seed: of the blind slice.

    Raises:
        InputError: there are fewer documents than asked for.
    """
    distinct: dict[str, Candidate] = {}
    for each in sorted(candidates, key=_doc_id):
        if each.document.text.strip():
            distinct.setdefault(each.document.text, each)
    if len(distinct) < sizes.total:
        raise InputError(
            f"asked for {sizes.total} documents, but only {len(distinct)} have a text of their own; ask for fewer with "
            "--entities, --outside and --blind"
        )
    # The string decides which documents are drawn: never change it.
    blind = Random(f"blind-{seed}").sample(list(distinct.values()), sizes.blind)
    taken = set(map(_doc_id, blind))
    rest = [each for each in distinct.values() if _doc_id(each) not in taken]
    entities = _lowest(rest, lambda each: each.least_score, sizes.entities)
    taken.update(map(_doc_id, entities))
    others = [each for each in rest if _doc_id(each) not in taken]
    outside = _lowest(others, lambda each: each.least_outside, sizes.outside)
    return {"entities": entities, "outside": outside, "blind": blind}


def _lowest(candidates: Sequence[Candidate], score: Callable[[Candidate], float | None], n: int) -> list[Candidate]:
    """The candidates with the lowest scores, by id where these are equal; those without a score are left out."""
    known = [(value, _doc_id(each), each) for each in candidates if (value := score(each)) is not None]
    return [each for _, _, each in sorted(known, key=lambda entry: entry[:2])[:n]]


def _doc_id(candidate: Candidate) -> str:
    return candidate.document.doc_id
