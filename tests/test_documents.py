"""The types of the data: an invalid value cannot exist, and none shows text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from deidsynth.documents import Corpus, Document, Entity, LabelScheme
from deidsynth.errors import DocumentError, InvalidEntityError, OverlappingEntitiesError

SECRET = "Alvedina Kvistlund"


@pytest.mark.parametrize(
    ("start", "end", "label", "score", "message"),
    [
        (-1, 2, "NAME", None, "0 <= start < end, got -1:2"),
        (3, 3, "NAME", None, "0 <= start < end, got 3:3"),
        (0, 1, "", None, "needs a label without white space"),
        (0, 1, "A B", None, "needs a label without white space"),
        (0, 1, "NAME", 1.5, r"outside \[0, 1\]: 1.5"),
    ],
)
def test_an_invalid_entity_is_refused(start: int, end: int, label: str, score: float | None, message: str) -> None:
    with pytest.raises(InvalidEntityError, match=message):
        Entity(start, end, label, score)


def test_a_document_sorts_its_entities_and_gives_their_surface() -> None:
    document = Document("1", "Anna bor i Vindheim", (Entity(11, 19, "CITY"), Entity(0, 4, "NAME")))
    assert [entity.label for entity in document.entities] == ["NAME", "CITY"]
    assert [document.surface(entity) for entity in document.entities] == ["Anna", "Vindheim"]
    assert document.unit == "1"
    assert Document("1", "", group="g").unit == "g"


def test_an_entity_beyond_the_text_is_refused_without_showing_it() -> None:
    with pytest.raises(InvalidEntityError, match=r"0:30 ends after the text \(18 characters\)") as caught:
        Document("7", SECRET, (Entity(0, 30, "NAME"),))
    assert "Kvistlund" not in str(caught.value)


def test_overlapping_entities_are_refused_and_touching_ones_are_not() -> None:
    with pytest.raises(OverlappingEntitiesError, match=r"0:8 \(FIRST\) and 5:18 \(LAST\) overlap"):
        Document("7", SECRET, (Entity(0, 8, "FIRST"), Entity(5, 18, "LAST")))
    assert len(Document("7", SECRET, (Entity(0, 8, "FIRST"), Entity(8, 18, "LAST"))).entities) == 2


def test_a_document_needs_an_id() -> None:
    with pytest.raises(DocumentError, match="a non-empty id"):
        Document("", "text")


@given(st.text(min_size=1), st.text(min_size=12))
def test_no_repr_shows_text(doc_id: str, text: str) -> None:
    document = Document(doc_id, text, (Entity(0, len(text), "NAME"),))
    shown = repr(document)
    assert shown == f"Document(doc_id={doc_id!r}, n_chars={len(text)}, n_entities=1)"
    assert repr(Corpus((document,))) == "Corpus(n_documents=1, n_entities=1, origin='real', annotation='gold')"


def test_a_corpus_counts_slices_and_refuses_an_id_twice() -> None:
    corpus = Corpus(tuple(Document(str(n), "Anna", (Entity(0, 4, "NAME"),) if n else ()) for n in range(3)), "invented")
    assert (len(corpus), corpus.n_entities, corpus.label_counts()) == (3, 2, {"NAME": 2})
    assert corpus[1].doc_id == "1"
    assert (corpus[:2].origin, len(corpus[:2])) == ("invented", 2)
    assert corpus.label_scheme() == LabelScheme(("NAME",))
    with pytest.raises(DocumentError, match="1 document ids occur more than once"):
        Corpus((*corpus, corpus[0]))


def test_a_label_scheme_is_sorted_and_refuses_a_label_twice() -> None:
    scheme = LabelScheme(("B", "A"))
    assert (list(scheme), len(scheme), "A" in scheme, "C" in scheme) == (["A", "B"], 2, True, False)
    with pytest.raises(DocumentError, match="contains a label twice"):
        LabelScheme(("A", "A"))
