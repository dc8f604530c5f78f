from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics import Counts, score

TEXT = "Ana Ruiz, 54, visto en Lugo."


def document(*entities, text=TEXT, doc_id="a"):
    return Document(doc_id, text, tuple(Entity(start, end, label) for start, end, label in entities))


GOLD = document((0, 3, "FIRST"), (4, 8, "LAST"), (10, 12, "AGE"), (23, 27, "PLACE"))


def test_perfect_prediction_is_right_under_every_measure():
    scores = score([GOLD], [GOLD])
    # merged: "Ana" + "Ruiz" + "54" join over blank and comma, which counts beside its three parts
    assert (scores.strict, scores.span) == (Counts(4, 0, 0), Counts(4, 0, 0))
    assert scores.merged == Counts(5, 0, 0)
    assert scores.token == Counts(4, 0, 0)
    assert all(of.f1 == 1 for of in (scores.strict, scores.span, scores.merged, scores.token))


def test_measures_by_hand():
    predicted = document((0, 8, "FIRST"), (10, 12, "PLACE"), (20, 22, "PLACE"))
    scores = score([GOLD], [predicted], sentence_count=8)
    assert scores.strict == Counts(0, 3, 4)
    assert scores.span == Counts(1, 2, 3)
    # Joined, both sides say 0:12; that and 10:12 are right, "en" is wrong, "Lugo" is missed.
    assert scores.merged == Counts(2, 1, 1)
    # Ana FIRST right; Ruiz, 54 and en have a wrong label; Ruiz, 54 and Lugo are missed.
    assert scores.token == Counts(1, 3, 3)
    assert scores.leak == 0.5
    assert scores.per_label["PLACE"] == Counts(0, 2, 1)
    assert scores.per_label["AGE"].support == 1
    assert scores.token_per_label["FIRST"] == Counts(1, 1, 0)
    assert scores.strict.to_dict() == {"precision": 0.0, "recall": 0.0, "f1": 0.0, "tp": 0, "fp": 3, "fn": 4}


def test_nothing_to_find_and_nothing_found_is_undefined():
    scores = score([document()], [document()]).to_dict()
    empty = {"precision": None, "recall": None, "f1": None, "tp": 0, "fp": 0, "fn": 0}
    for measure in ("strict", "span", "merged", "overlap", "partial", "token", "character"):
        assert scores[measure] == empty
    assert scores["macro"] == {"precision": None, "recall": None, "f1": None}
    assert (scores["per_label"], scores["token_per_label"], scores["leak"], scores["n_documents"]) == ({}, {}, None, 1)
    assert scores["exposure"]["documents_without_miss"] is None


def test_silence_has_recall_zero_and_no_precision():
    counts = score([GOLD], [document()]).strict
    assert (counts.precision, counts.recall, counts.f1) == (None, 0.0, 0.0)


def test_tokens_are_runs_of_letters_or_digits_and_marks_belong_to_letters():
    text = "12ab, Jose\u0301 ²"
    gold = document((0, len(text), "X"), text=text)
    # 12 | ab | , | José | ²
    assert score([gold], [document(text=text)]).token.fn == 5


def test_a_token_cut_by_an_entity_bears_the_first_label():
    gold, predicted = document((0, 2, "A"), (2, 4, "B"), text="abcd"), document((0, 4, "A"), text="abcd")
    assert score([gold], [predicted]).token == Counts(1, 0, 0)


def test_counts_add_up_over_documents_in_any_order():
    other = document((0, 2, "A"), text="ab cd", doc_id="b")
    scores = score([GOLD, other], [other.with_entities(()), GOLD])
    assert scores.strict == Counts(4, 0, 1)
    assert scores.n_documents == 2


@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        ([GOLD], [], "predicted lacks 1 of 1 gold documents, the first is 'a'"),
        ([], [GOLD], "predicted has 1 documents that gold lacks, the first is 'a'"),
        ([GOLD], [document(text=TEXT + " ")], "the texts of 1 documents differ"),
        ([GOLD, GOLD], [GOLD], "1 duplicate document ids in gold"),
        ([GOLD], [GOLD, GOLD], "1 duplicate document ids in predicted"),
    ],
)
def test_documents_that_do_not_match_are_refused(gold, predicted, message):
    with pytest.raises(InputError, match=message) as error:
        score(gold, predicted)
    assert "Ruiz" not in str(error.value)


def test_sentence_count_must_be_positive():
    with pytest.raises(InputError, match="at least 1, got 0"):
        score([GOLD], [GOLD], sentence_count=0)


@st.composite
def annotations(draw):
    cuts = sorted(draw(st.sets(st.integers(0, len(TEXT)), max_size=8)))
    pairs = list(pairwise(cuts))[:: draw(st.sampled_from([1, 2]))]
    return document(*((start, end, draw(st.sampled_from("AB"))) for start, end in pairs))


@given(annotations(), annotations())
def test_swapping_gold_and_predicted_swaps_precision_and_recall(left, right):
    there, back = score([left], [right]), score([right], [left])
    for measure in ("strict", "span", "merged", "token"):
        one, other = getattr(there, measure), getattr(back, measure)
        assert (one.tp, one.fp, one.fn) == (other.tp, other.fn, other.fp)
        assert one.f1 is None or 0 <= one.f1 <= 1


@given(annotations(), annotations())
def test_labels_add_up_to_the_whole(left, right):
    scores = score([left], [right])
    assert sum(scores.per_label.values(), Counts()) == scores.strict
    assert sum(scores.token_per_label.values(), Counts()) == scores.token
