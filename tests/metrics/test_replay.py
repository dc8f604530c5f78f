"""Rare values of the training text in other texts."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from deidsynth.metrics import RareValues

VALUES = [
    ("Alvedina Kvistlund", "a"),
    ("Vindheim", "a"),
    ("Vindheim", "b"),
    ("Vindheim", "c"),
    ("70 år", "a"),
    ("19770707-7777", "b"),
]


def test_a_value_of_few_groups_is_found_whatever_its_case() -> None:
    rare = RareValues(VALUES)
    assert rare.stand_in("Pat ALVEDINA kvistlund, inkom")
    assert rare.stand_in("pnr: 19770707-7777.")
    assert repr(rare) == "RareValues(n_values=2)"


def test_shared_short_and_partial_values_are_not() -> None:
    rare = RareValues(VALUES)
    assert not rare.stand_in("bor i Vindheim")  # three groups
    assert not rare.stand_in("är 70 år")  # five characters
    assert not rare.stand_in("Alvedina Månskog")  # half of it
    assert not rare.stand_in("19770707-77778")
    assert not rare.stand_in("")
    assert RareValues(VALUES, min_groups=4).stand_in("bor i Vindheim")
    assert RareValues(VALUES, min_characters=5).stand_in("är 70 år")


@given(st.lists(st.text("ab ", min_size=1, max_size=6), max_size=6), st.text("ab ", max_size=30))
def test_it_equals_a_search_of_words(values: list[str], text: str) -> None:
    rare = RareValues([(value, "g") for value in values], min_characters=1, min_groups=2)
    spaced = f" {' '.join(text.split())} "
    assert rare.stand_in(text) == any(f" {' '.join(value.split())} " in spaced for value in values if value.strip())
