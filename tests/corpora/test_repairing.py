"""Repairs that need no question: trimmed, joined and dropped entities; nothing else changes."""

from __future__ import annotations

from hypothesis import given, strategies as st

from deidsynth.corpora.records import RawSpan, Record
from deidsynth.corpora.repairing import repair_records


def repaired(text: str, *spans: tuple[int, int, str]) -> tuple[list[tuple[str, str]], list[str]]:
    """Surfaces with labels, and what was done."""
    record = Record("a", text, tuple(RawSpan(*span) for span in spans), "a.txt", 7)
    (after,), done = repair_records([record])
    assert after.text == text
    assert not any(problem.fatal for problem in done)
    return [(text[span.start : span.end], span.label) for span in after.spans], [problem.code for problem in done]


def test_blanks_are_trimmed() -> None:
    assert repaired("Ring Anna \u00a0nu", (4, 11, "NAME")) == ([("Anna", "NAME")], ["trimmed"])


def test_pieces_of_one_entity_are_joined() -> None:
    assert repaired("Anna Maria\r\nEk", (0, 4, "NAME"), (5, 10, "NAME"), (12, 14, "NAME")) == (
        [("Anna Maria\r\nEk", "NAME")],
        ["joined", "joined"],
    )


def test_entities_with_more_than_white_space_between_them_stay_apart() -> None:
    assert repaired("Anna, Bo\n\nEk Li", (0, 4, "NAME"), (6, 8, "NAME"), (10, 12, "NAME"), (13, 15, "ID"))[1] == []


def test_empty_entities_are_dropped() -> None:
    assert repaired("Anna kom", (2, 2, "NAME"), (4, 5, "NAME"), (0, 4, "NAME")) == (
        [("Anna", "NAME")],
        ["dropped", "dropped"],
    )


def test_what_is_out_of_bounds_is_left_for_the_user() -> None:
    record = Record("a", "Bo", (RawSpan(1, 9, "NAME"), RawSpan(-1, 1, "NAME")), "a.txt")
    (after,), done = repair_records([record])
    assert sorted(after.spans) == sorted(record.spans)
    assert done == []


TEXT = st.text(" \n\tab", min_size=1, max_size=12)


@given(TEXT, st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12)), max_size=4))
def test_repairs_lose_no_marked_character_and_are_done_once(text: str, places: list[tuple[int, int]]) -> None:
    spans = tuple(RawSpan(*sorted(place), "NAME") for place in places)
    (after,), _ = repair_records([Record("a", text, spans, "a.txt")])

    def marked(some: tuple[RawSpan, ...]) -> set[int]:
        return {at for span in some for at in range(span.start, min(span.end, len(text))) if not text[at].isspace()}

    assert marked(after.spans) == marked(spans)
    again, done = repair_records([after])
    assert (again, done) == ([after], [])


def test_duplicates_are_dropped() -> None:
    assert repaired("Anna kom", (0, 4, "NAME"), (0, 5, "NAME"), (0, 4, "NAME")) == (
        [("Anna", "NAME")],
        ["trimmed", "dropped", "dropped"],
    )
    assert repaired("Anna kom", (0, 4, "NAME"), (0, 4, "AGE"))[1] == []
