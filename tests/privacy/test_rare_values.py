"""Rare values of the training text in other texts."""

from __future__ import annotations

from hypothesis import given, settings, strategies as st

from deidsynth.documents import Document, Entity
from deidsynth.metrics import words
from deidsynth.privacy import IdentifyingRuns, RareValues

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
    assert rare.occur_in("Pat ALVEDINA kvistlund, inkom")
    assert rare.occur_in("pnr: 19770707-7777.")
    assert repr(rare) == "RareValues(n_values=2)"


def test_shared_short_and_partial_values_are_not() -> None:
    rare = RareValues(VALUES)
    assert not rare.occur_in("bor i Vindheim")  # three groups
    assert not rare.occur_in("är 70 år")  # five characters
    assert not rare.occur_in("Alvedina Månskog")  # half of it
    assert not rare.occur_in("19770707-77778")
    assert not rare.occur_in("")
    assert RareValues(VALUES, min_groups=4).occur_in("bor i Vindheim")
    assert RareValues(VALUES, min_characters=5).occur_in("är 70 år")


@given(st.lists(st.text("ab ", min_size=1, max_size=6), max_size=6), st.text("ab ", max_size=30))
def test_it_equals_a_search_of_words(values: list[str], text: str) -> None:
    rare = RareValues([(value, "g") for value in values], min_characters=1, min_groups=2)
    spaced = f" {' '.join(text.split())} "
    assert rare.occur_in(text) == any(f" {' '.join(value.split())} " in spaced for value in values if value.strip())


def _marked(text: str, group: str, *surfaces: str) -> Document:
    places = [(text.index(surface), surface) for surface in surfaces]
    entities = tuple(Entity(place, place + len(surface), "X") for place, surface in places)
    return Document(f"{group}: {text[:20]}", text, entities, group)


NAMED = _marked("Namn: Zyxana Qvelde. Född 1977-07-07 i Sverige.", "a", "Zyxana Qvelde", "1977-07-07", "Sverige")


def test_a_run_from_one_direct_identifier_to_another_is_found() -> None:
    runs = IdentifyingRuns([NAMED])
    assert runs.occur_in("pat ZYXANA Qvelde, född 1977-07-07")
    assert not runs.occur_in("Zyxana Qvelde, hemmahörande, född 1977-07-07")  # other words between them
    assert not runs.occur_in("Qvelde. Född 1977-07-07")  # half of one
    assert repr(runs) == "IdentifyingRuns(n_runs=3)"
    assert not IdentifyingRuns([NAMED], max_run_words=5).occur_in("Zyxana Qvelde. Född 1977-07-07")


def test_common_values_and_template_runs_identify_nobody() -> None:
    others = [_marked(f"Kommer från Sverige, {number}.", str(number), "Sverige") for number in range(2)]
    assert IdentifyingRuns([NAMED]).occur_in("1977-07-07 i Sverige")
    assert not IdentifyingRuns([NAMED, *others]).occur_in("1977-07-07 i Sverige")  # three groups have that country
    letterhead = [Document(str(number), NAMED.text) for number in range(2)]  # the same, but nobody marked it
    assert not IdentifyingRuns([NAMED, *letterhead]).occur_in(NAMED.text)


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    text = " ".join(draw(st.lists(st.sampled_from("abc"), min_size=2, max_size=7)))
    starts = draw(st.sets(st.integers(0, len(text) // 2)))
    entities = tuple(Entity(2 * start, 2 * start + 1, "X") for start in starts)
    return Document(draw(st.uuids()).hex, text, entities, draw(st.sampled_from("pqr")))


def _stands_in(run: list[str], text: str) -> bool:
    found = words(text)
    return any(found[at : at + len(run)] == run for at in range(len(found) - len(run) + 1))


@settings(max_examples=200)
@given(st.lists(_documents(), max_size=5), st.text("abc", max_size=9), st.integers(1, 5), st.integers(1, 3))
def test_identifying_runs_are_those_of_brute_force(
    train: list[Document], letters: str, max_run_words: int, min_groups: int
) -> None:
    text, expected = " ".join(letters), False
    for document in train:
        direct = [
            entity
            for entity in document.entities
            if len({each.unit for each in train for other in each.entities if _same(each, other, document, entity)})
            < min_groups
        ]
        for number, first in enumerate(direct):
            for last in direct[number + 1 :]:
                run = words(document.text[first.start : last.end])
                groups = {each.unit for each in train if _stands_in(run, each.text)}
                if len(run) <= max_run_words and len(groups) < min_groups and _stands_in(run, text):
                    expected = True
    assert IdentifyingRuns(train, max_run_words, min_groups).occur_in(text) == expected


def _same(one: Document, first: Entity, other: Document, second: Entity) -> bool:
    return words(one.surface(first)) == words(other.surface(second))


def test_a_value_is_found_in_any_spelling() -> None:
    rare = RareValues([("A\u030alvedi\u00adna\u00a0 Kvist\u200blund", "a"), ("A\u030a\u00ad\u00ad\u200b\u200bb", "b")])
    assert repr(rare) == "RareValues(n_values=1)"  # the other has two characters that can be seen
    assert rare.occur_in("Pat Ålvedina Kvistlund")
    assert RareValues([("Ålvedina Kvistlund", "a")]).occur_in("Pat Ålve\u00addina\u202f\tKvistlund")
