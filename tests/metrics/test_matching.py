from __future__ import annotations

from hypothesis import given, strategies as st

from deidsynth.documents import Document
from deidsynth.metrics.matching import with_ids_of


def documents(**texts: str) -> list[Document]:
    return [Document(doc_id, text) for doc_id, text in texts.items()]


@given(st.lists(st.sampled_from("abcd")), st.randoms())
def test_renamed_documents_match_by_id_whatever_their_order(texts: list[str], random) -> None:
    gold = [Document(f"g{number}", text) for number, text in enumerate(texts)]
    other = [Document(f"{document.doc_id}.txt", document.text) for document in gold]
    random.shuffle(other)
    found, n_renamed = with_ids_of(gold, other)
    assert n_renamed == len(gold)
    assert {document.doc_id: document.text for document in found} == {each.doc_id: each.text for each in gold}


def test_same_ids_are_kept_and_other_texts_are_left_alone() -> None:
    gold = documents(a="x", b="y", c="x")
    assert with_ids_of(gold, gold) == (gold, 0)
    found, n_renamed = with_ids_of(gold, documents(a="x", z="y", q="other"))
    assert ([document.doc_id for document in found], n_renamed) == (["a", "b", "q"], 1)


def test_a_text_that_is_not_as_often_on_both_sides_is_left_alone() -> None:
    assert with_ids_of(documents(a="x", b="x"), documents(c="x"))[1] == 0


def test_no_id_is_given_twice() -> None:
    predicted = documents(b="other", z="y")
    assert with_ids_of(documents(a="x", b="y"), predicted) == (predicted, 0)
