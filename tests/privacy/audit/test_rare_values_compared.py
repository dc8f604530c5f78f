"""Groups with a rare value in the synthetic text, of both sides."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain, islice, product

import pytest
from hypothesis import given, strategies as st
from tests.privacy.audit.two_sides import Labeled, note, sides, swapped, texts

from deidsynth.documents import Document
from deidsynth.privacy.audit.figures import Measured
from deidsynth.privacy.audit.group_sizes import Tally, found_at_equal_sizes
from deidsynth.privacy.audit.linkage import linkage
from deidsynth.privacy.audit.matching import EXACT, NORMALIZED, UniqueValues
from deidsynth.privacy.audit.rare_values import rare_values, rare_values_normalized
from deidsynth.privacy.audit.sides import Sides

NAMES = [
    f"{first} {last}" for last, first in product("Lindner Rask Holm Ek Molin Frisk".split(), "Anna Bo Cy Di".split())
]


def rare_values_in(both: Sides, synthetic: Sequence[Document]) -> Measured:
    return rare_values(UniqueValues(both, EXACT).found_among(synthetic))


def rare_values_normalized_in(both: Sides, synthetic: Sequence[Document]) -> Measured:
    return rare_values_normalized(UniqueValues(both, NORMALIZED).found_among(synthetic))


def linkage_in(both: Sides, synthetic: Sequence[Document]) -> Measured:
    return linkage(UniqueValues(both, NORMALIZED).found_among(synthetic))


def people(first: int, count: int) -> list[list[str | Labeled]]:
    """Groups with a name, a date and a place of their own."""
    return [
        [
            "Patient ",
            (NAMES[number], "NAME"),
            ", ",
            (f"2019-05-{number + 1:02d}", "DATE"),
            ", ",
            (f"Nyby{number}", "CITY"),
        ]
        for number in range(first, first + count)
    ]


BOTH = sides(people(0, 8), people(8, 4))


def test_groups_and_values_are_counted_by_side() -> None:
    measured = rare_values_in(BOTH, texts(f"{NAMES[0]} and {NAMES[0]}; {NAMES[9]}", "Nyby3 2019-05-01"))
    assert (measured.train, measured.held_out, measured.n) == (1 / 8, 1 / 4, (8, 4))
    direct, quasi = measured.details["classes"]["direct"], measured.details["classes"]["quasi"]
    assert direct["train"] == {
        "groups": 8,
        "groups_with_values": 8,
        "groups_found": 1,
        "groups_found_as_entity": 0,
        "values": 8,
        "found": 1,
        "found_as_entity": 0,
    }
    assert (quasi["train"]["values"], quasi["train"]["found"], quasi["held_out"]["found"]) == (16, 2, 0)
    assert measured.details["labels"]["CITY"]["train"] == {"values": 8, "found": 1, "found_as_entity": 0}


def test_an_entity_is_counted_as_one() -> None:
    measured = rare_values_in(BOTH, [note("s1", "Seen by ", (NAMES[0], "NAME")), *texts(NAMES[1])])
    assert measured.details["labels"]["NAME"]["train"] == {"values": 8, "found": 2, "found_as_entity": 1}


def test_only_the_normalized_measure_sees_other_forms() -> None:
    synthetic = texts("A. LINDNER", "R. Frisk", NAMES[1].upper())
    assert rare_values_in(BOTH, synthetic).train == 0
    assert rare_values_normalized_in(BOTH, synthetic).train == 2 / 8


def test_names_of_one_word_are_counted_apart() -> None:
    both = sides([[("Lindner", "LAST_NAME"), " ", ("12345678", "ID")]], [[("Rask", "LAST_NAME")]])
    measured = rare_values_in(both, texts("Lindner Rask"))
    assert (measured.train, measured.held_out) == (0, 0)
    assert measured.details["identifiers"] == "direct"
    single = measured.details["classes"]["single_names"]
    assert (single["train"]["found"], single["held_out"]["found"]) == (1, 1)


def test_without_direct_identifiers_the_others_are_compared() -> None:
    both = sides([[("Nyby nord", "CITY")]], [[("Nyby syd", "CITY")]])
    measured = rare_values_in(both, texts("Nyby nord"))
    assert (measured.details["identifiers"], measured.train, measured.held_out) == ("quasi", 1, 0)


@pytest.mark.parametrize(
    "both", [Sides((), BOTH.held_out, {}), Sides(BOTH.train, (), {}), sides([["No name."]], [["Nor here."]])]
)
def test_what_cannot_be_compared_has_no_figure(both: Sides) -> None:
    for measure in (rare_values_in, rare_values_normalized_in, linkage_in):
        measured = measure(both, texts("Anna Lindner"))
        assert measured.difference is None
        assert measured.reason


@given(st.lists(st.sampled_from(NAMES[:12]), max_size=6), st.integers(1, 11))
def test_swapping_the_sides_negates_the_difference(found: list[str], n_train: int) -> None:
    both = sides(people(0, n_train), people(n_train, 12 - n_train))
    synthetic = texts(*found, "Nyby1 Nyby2 2019-05-03")
    for measure in (rare_values_in, rare_values_normalized_in, linkage_in):
        one, other = measure(both, synthetic), measure(swapped(both), synthetic)
        assert one.difference is not None and other.difference is not None and one.interval and other.interval
        assert one.difference == pytest.approx(-other.difference)
        assert one.interval == pytest.approx((-other.interval[1], -other.interval[0]))


@given(st.lists(st.sampled_from(NAMES), max_size=6), st.permutations(range(12)))
def test_the_order_of_groups_does_not_count(found: list[str], order: list[int]) -> None:
    train = [people(0, 24)[number] for number in range(12)]
    one = sides(train, people(12, 12))
    other = Sides(tuple(one.train[number] for number in order), one.held_out, {})
    assert rare_values_in(one, texts(*found)) == rare_values_in(other, texts(*found))


def test_larger_groups_are_no_leak() -> None:
    """Training groups have four times the names, of which a shared list gives some to the synthetic text."""
    names = islice((f"{a}{b} {c}{d}" for a, b, c, d in product("BCDFGH", "aeio", "LMNPRS", ("eka", "ina", "osa"))), 400)
    people = [[(name, "NAME"), "; "] for name in names]
    train = [[*chain.from_iterable(people[4 * number : 4 * number + 4])] for number in range(60)]
    both = sides(train, people[240:300])
    measured = rare_values_in(both, texts(*(name for (name, _), _ in people[::3])))
    assert measured.difference is not None and measured.interval is not None
    assert measured.details["classes"]["direct"]["train"]["groups_found"] > 55
    assert measured.interval[0] < 0 < measured.interval[1]


def test_equal_sizes_leave_nothing_out() -> None:
    train = [Tally(f"t{number}", number % 7, int(number % 7 > 0)) for number in range(70)]
    held_out = [Tally(f"h{number}", number % 7, int(number % 7 > 0)) for number in range(35)]
    assert found_at_equal_sizes(train, held_out) == ([t.n > 0 for t in train], [t.n > 0 for t in held_out])


def test_a_direct_identifier_is_linked_with_another_or_with_a_quasi_identifier() -> None:
    notes = (
        f"{NAMES[0]} 3 maj, Nyby0",
        f"{NAMES[1]}, May 2, 2019",
        f"{NAMES[2]}",
        "Nyby3, 2019-05-04",
        f"{NAMES[4]} Nyby5",
    )
    measured = linkage_in(BOTH, texts(*notes))
    assert (measured.train, measured.held_out) == (2 / 8, 0)
    assert measured.details["train"] == {
        "groups": 8,
        "groups_with_pairs": 8,
        "groups_linked": 2,
        "pairs_direct": 0,
        "pairs_direct_with_quasi": 2,
        "notes": 2,
    }


@pytest.mark.parametrize(
    "values",
    [
        [("Anna Lindner", "NAME"), ("A. Lindner", "NAME")],
        [("Anna", "FIRST_NAME"), ("Lindner", "LAST_NAME")],
        [("Anna Lindner", "NAME"), ("anna.lindner@example.com", "EMAIL")],
        [("12345678", "ID"), ("12345678-Z", "ID")],
        [("Nyby nord", "CITY"), ("2019-05-03", "DATE")],
    ],
)
def test_parts_and_forms_of_one_identifier_are_not_linked(values: list[Labeled]) -> None:
    pieces = [piece for value in values for piece in (value, " / ")]
    measured = linkage_in(sides([pieces], people(8, 4)), [Document("s", " / ".join(text for text, _ in values))])
    assert not measured.train
    assert "Lindner" not in repr(measured)
