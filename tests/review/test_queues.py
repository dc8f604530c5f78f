from __future__ import annotations

from itertools import chain
from operator import attrgetter
from random import Random

import pytest
from hypothesis import given, strategies as st

from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import InputError
from deidsynth.review import Candidate, Sizes, choose, scored_candidates
from deidsynth.review.candidates import predicted_candidates


def candidate(doc_id: str, *scores: float, outside: float | None = None, text: str | None = None) -> Candidate:
    text = text or f"{doc_id} " + "x" * 20
    entities = tuple(Entity(place, place + 1, "NAME", score) for place, score in enumerate(scores))
    word = None if outside is None else Entity(10, 20, "O", outside)
    return Candidate(Document(doc_id, text, entities), word)


def names(queues: dict[str, list[Candidate]]) -> dict[str, list[str]]:
    return {queue: [each.document.doc_id for each in chosen] for queue, chosen in queues.items()}


def test_the_least_certain_come_first_and_in_one_queue_each() -> None:
    documents = [
        candidate("a", 0.9, 0.4, outside=0.51),
        candidate("b", 0.3, outside=0.99),
        candidate("c", 0.8, outside=0.6),
        candidate("d", 0.7, outside=0.7),
        candidate("e", outside=0.5),
    ]
    found = names(choose(documents, Sizes(2, 2, 0), 1))
    # a has the second least certain entity and the second least certain word outside: it is sent once.
    assert found == {"entities": ["b", "a"], "outside": ["e", "c"], "blind": []}


def test_equal_scores_go_by_id() -> None:
    documents = [candidate(name, 0.5, outside=0.5) for name in "dbca"]
    assert names(choose(documents, Sizes(1, 2, 0), 1)) == {"entities": ["a"], "outside": ["b", "c"], "blind": []}


def test_one_document_stands_for_all_with_its_text_and_blank_ones_are_left_out() -> None:
    documents = [candidate(name, 0.5, text="Bo ringde hem till sin mamma") for name in "ba"]
    documents += [Candidate(Document("c", " \n"))]
    assert names(choose(documents, Sizes(1, 0, 0), 1))["entities"] == ["a"]
    with pytest.raises(InputError, match="asked for 2 documents, but only 1 have a text of their own"):
        choose(documents, Sizes(1, 0, 1), 1)


@given(
    st.lists(
        st.tuples(st.lists(st.integers(0, 9), max_size=3), st.none() | st.integers(0, 9)), min_size=1, max_size=25
    ),
    st.integers(0, 5),
    st.data(),
)
def test_queues_are_disjoint_and_the_same_for_any_order(drawn, seed, data) -> None:
    documents = [
        candidate(f"n{number}", *(score / 10 for score in scores), outside=None if word is None else word / 10)
        for number, (scores, word) in enumerate(drawn)
    ]
    total = data.draw(st.integers(1, len(documents)))
    entities = data.draw(st.integers(0, total))
    outside = data.draw(st.integers(0, total - entities))
    sizes = Sizes(entities, outside, total - entities - outside)
    chosen = choose(documents, sizes, seed)
    found = names(chosen)
    sent = list(chain(*found.values()))
    assert len(set(sent)) == len(sent)
    assert len(found["blind"]) == sizes.blind
    # Each queue by certainty takes the lowest of what the queues before it have left, and is short only of these.
    taken = set(found["blind"])
    for queue, size, score in (
        ("entities", sizes.entities, attrgetter("least_score")),
        ("outside", sizes.outside, attrgetter("least_outside")),
    ):
        left = [score(each) for each in documents if each.document.doc_id not in taken]
        assert [score(each) for each in chosen[queue]] == sorted(each for each in left if each is not None)[:size]
        taken |= set(found[queue])
    others = Random(seed).sample(documents, len(documents))
    assert names(choose(others, sizes, seed)) == found


def test_the_blind_slice_is_drawn_from_all_documents_by_the_seed() -> None:
    documents = [candidate(f"n{number:02d}", number / 100, outside=0.5) for number in range(40)]
    alone, beside = choose(documents, Sizes(0, 0, 8), 3), choose(documents, Sizes(20, 8, 8), 3)
    assert names(alone)["blind"] == names(beside)["blind"]
    assert len(names(alone)["blind"]) == 8
    assert names(choose(documents, Sizes(0, 0, 8), 4))["blind"] != names(alone)["blind"]


def test_sizes_that_make_no_sense_are_refused() -> None:
    for sizes in ((0, 0, 0), (-1, 2, 2)):
        with pytest.raises(InputError, match="expected numbers of documents"):
            Sizes(*sizes)


def test_a_corpus_without_scores_is_refused() -> None:
    for entities in ((), (Entity(0, 2, "NAME"),), (Entity(0, 2, "NAME", 0.5), Entity(3, 6, "NAME"))):
        with pytest.raises(InputError, match="give the model"):
            scored_candidates(Corpus((Document("a", "Bo kom", entities),)))
    found = scored_candidates(Corpus((Document("a", "Bo kom", (Entity(0, 2, "NAME", 0.5),)),), "invented"))
    assert (found.labels, found.knows_outside, found.documents[0].least_score) == (("NAME",), False, 0.5)
    [entry] = found.lineage["invented_data"]
    assert entry["direct"]


def test_a_token_is_marked_as_the_word_that_it_is_part_of() -> None:
    document = Document("a", "Anna Åkerberg, Kil", (Entity(0, 4, "NAME", 0.9),))
    other = Document("b", "AnnaÅkerberg", (Entity(0, 4, "NAME", 0.9),))
    corpus = Corpus((document, other), "invented")
    found = [(document, Entity(6, 9, "O", 0.5)), (other, Entity(6, 9, "O", 0.5))]
    made = predicted_candidates(corpus, found, ["NAME"], "sha256:x", None)
    # The word of the second reaches into the entity, so the token is marked as it is.
    assert [each.outside and (each.outside.start, each.outside.end) for each in made.documents] == [(5, 13), (6, 9)]
    assert made.lineage.keys() == {"invented_data", "unknown_models"}


def test_a_token_that_overlaps_an_entity_is_not_marked() -> None:
    document = Document("a", "Anna Åkerberg, Kil", (Entity(0, 4, "NAME", 0.9),))
    made = predicted_candidates(Corpus((document,)), [(document, Entity(3, 6, "O", 0.5))], ["NAME"], "sha256:x", None)
    assert made.documents[0].outside is None and made.documents[0].least_outside is None
