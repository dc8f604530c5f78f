from __future__ import annotations

from itertools import count
from random import Random

from hypothesis import given, strategies as st

from deidsynth.documents import Corpus, Document
from deidsynth.privacy.audit.sides import Sides, sides_of

NUMBERS = count()
NOTHING = {
    "documents_without_words": 0,
    "groups_on_both_sides": 0,
    "documents_of_groups_on_both_sides": 0,
    "near_duplicates_in_train": 0,
    "near_duplicates_in_held_out": 0,
}


def text(seed: int, n_words: int = 40) -> str:
    source = Random(seed)
    return " ".join("".join(source.choices("aeioulnrst", k=5)) for _ in range(n_words))


def corpus(*documents: tuple[str, str | None]) -> Corpus:
    """Documents of texts and groups, with ids of their own."""
    return Corpus(tuple(Document(f"d{next(NUMBERS)}", written, (), group) for written, group in documents))


def kept(sides: Sides) -> tuple[list[list[str]], list[list[str]]]:
    train, held_out = ([[each.text for each in group] for group in side] for side in (sides.train, sides.held_out))
    return train, held_out


def test_documents_are_put_into_groups_in_their_order() -> None:
    train = corpus((text(1), "a"), (text(2), "b"), (text(3), "a"), (text(4), None))
    sides = sides_of(train, corpus((text(5), "c")))
    assert kept(sides) == ([[text(1), text(3)], [text(2)], [text(4)]], [[text(5)]])
    assert sides.removed == NOTHING


def test_a_group_on_both_sides_is_taken_out_whole() -> None:
    train, held_out = corpus((text(1), "a"), (text(2), "b"), (text(3), "a")), corpus((text(4), "a"), (text(5), "c"))
    sides = sides_of(train, held_out)
    assert kept(sides) == ([[text(2)]], [[text(5)]])
    assert sides.removed == {**NOTHING, "groups_on_both_sides": 1, "documents_of_groups_on_both_sides": 3}


def test_near_duplicates_of_the_other_side_are_taken_out_of_both() -> None:
    copied = f"Obs! {text(1).upper()} slut"
    sides = sides_of(corpus((text(1), "a"), (text(2), "a"), (text(3), "b")), corpus((copied, "c"), (text(4), "d")))
    assert kept(sides) == ([[text(2)], [text(3)]], [[text(4)]])
    assert sides.removed == {**NOTHING, "near_duplicates_in_train": 1, "near_duplicates_in_held_out": 1}


def test_the_same_words_are_taken_out_however_many_groups_have_them() -> None:
    train = corpus(*((text(1), f"t{number}") for number in range(5)), (text(2), "b"))
    sides = sides_of(train, corpus((text(1), "c"), (text(3), "d")))
    assert kept(sides) == ([[text(2)]], [[text(3)]])
    assert sides.removed == {**NOTHING, "near_duplicates_in_train": 5, "near_duplicates_in_held_out": 1}


def test_templates_and_duplicates_on_one_side_stay() -> None:
    template = text(1)
    train = corpus(*((f"{template} {text(number, 9)}", f"t{number}") for number in range(2, 6)), (text(7), "x"))
    held_out = corpus((f"{template} {text(8, 9)}", "y"), (text(9), "z"), (text(9), "w"))
    sides = sides_of(train, held_out)
    assert (len(sides.train), len(sides.held_out), sides.removed) == (5, 3, NOTHING)


def test_documents_without_words_are_taken_out() -> None:
    sides = sides_of(corpus((" \n--", "a"), (text(1), "b")), corpus(("", "c"), (text(2), "d")))
    assert kept(sides) == ([[text(1)]], [[text(2)]])
    assert sides.removed == {**NOTHING, "documents_without_words": 2}


def test_nothing_is_left_of_a_side_that_copies_the_other() -> None:
    same = [(text(number), None) for number in range(5)]
    sides = sides_of(corpus(*same), corpus(*same))
    assert (sides.train, sides.held_out) == ((), ())
    assert repr(sides) == "Sides(n_train=0, n_held_out=0)"


NOTES = st.lists(st.tuples(st.integers(0, 5).map(text), st.sampled_from(["a", "b", "c", "d", None])), max_size=8)


@given(NOTES, NOTES)
def test_what_is_left_is_apart_and_everything_else_is_counted(train, held_out) -> None:
    sides = sides_of(corpus(*train), corpus(*held_out))
    both = [{document.unit for group in side for document in group} for side in (sides.train, sides.held_out)]
    texts = [{document.text for group in side for document in group} for side in (sides.train, sides.held_out)]
    assert not both[0] & both[1]
    assert not texts[0] & texts[1]
    n_kept = sum(len(group) for side in (sides.train, sides.held_out) for group in side)
    n_removed = sum(number for reason, number in sides.removed.items() if reason != "groups_on_both_sides")
    assert n_kept + n_removed == len(train) + len(held_out)
