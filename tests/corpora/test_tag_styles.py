"""Tags in other forms mean what the usual form means."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from deidsynth.corpora.tag_styles import UNNAMED, are_doubtful, unnamed_form, usual_form
from deidsynth.tagging import spans_of_tags, tags_of_spans

SEPARATORS = "-_:./|"


@st.composite
def tags(draw: st.DrawFn) -> list[str]:
    """The tags of a text with at least one entity."""
    gaps = draw(st.lists(st.tuples(st.integers(0, 2), st.integers(1, 3)), min_size=1, max_size=5))
    spans, place = [], 0
    for before, length in gaps:
        label = draw(st.sampled_from(["NAME", "FIRST_NAME", "Age-1", "LOC.X"]))
        spans.append((place + before, place + before + length, label))
        place += before + length
    return tags_of_spans(spans, place + 1, draw(st.sampled_from(["IOB2", "BIOES"])))


@given(tags(), st.sampled_from(SEPARATORS), st.booleans(), st.booleans())
def test_a_form_is_translated_to_the_usual_one(written: list[str], separator: str, last: bool, lower: bool) -> None:
    def change(tag: str) -> str:
        prefix, label = (tag[0].lower() if lower else tag[0]), tag[2:]
        return tag if tag == "O" else separator.join([label, prefix] if last else [prefix, label])

    changed = [change(tag) for tag in written]
    form = usual_form(changed)
    if {tag[0] for tag in written} <= {"O", "S"}:
        assert form == {}
        return
    found = [form.get(tag, tag) for tag in changed]
    assert spans_of_tags(found, prefixed=True) == spans_of_tags(written, prefixed=True)


@given(tags())
def test_prefixes_without_labels_get_one(written: list[str]) -> None:
    form = unnamed_form([tag[0] for tag in written])
    if form:
        found = spans_of_tags([form[tag[0]] for tag in written], prefixed=True)
        assert found == [(first, last, UNNAMED) for first, last, _ in spans_of_tags(written, prefixed=True)]
    else:
        assert {tag[0] for tag in written} <= {"O", "S"}


@pytest.mark.parametrize("labels", [["E_MAIL", "NAME", "O"], ["DATE", "O"], ["E_MAIL", "O"], ["FIRST_NAME", "AGE"]])
def test_labels_are_left_alone_without_a_doubt(labels: list[str]) -> None:
    assert (usual_form(labels), unnamed_form(labels), are_doubtful(labels)) == ({}, {}, False)


WORDS = {"B": "BEGIN", "I": "INSIDE", "E": "END", "S": "SINGLE", "O": "OUTSIDE"}


@given(tags(), st.sampled_from(SEPARATORS), st.booleans(), st.booleans())
def test_prefixes_may_be_words(written: list[str], separator: str, last: bool, start: bool) -> None:
    words = {**WORDS, "B": "START"} if start else WORDS
    changed = [
        words["O"] if tag == "O" else separator.join([tag[2:], words[tag[0]]] if last else [words[tag[0]], tag[2:]])
        for tag in written
    ]
    form = usual_form(changed)
    prefixes = {tag[0] for tag in written} - {"O"}
    if prefixes & {"I", "E"} or (prefixes == {"B"} and not start):
        found = [form.get(tag, tag) for tag in changed]
        assert spans_of_tags(found, prefixed=True) == spans_of_tags(written, prefixed=True)
    else:
        assert form == {}


@pytest.mark.parametrize(
    ("labels", "doubtful"),
    [
        (["START_DATE", "O", "O", "END_DATE", "O"], True),
        (["LAST_NAME", "O", "AGE", "O"], False),
        (["SINGLE-NAME", "O", "SINGLE-AGE", "O"], True),
        (["AGE", "AGE", "AGE", "BEGIN-NAME", "O"], True),
    ],
)
def test_words_that_may_begin_labels_are_not_translated(labels: list[str], doubtful: bool) -> None:
    assert usual_form(labels) == {}
    assert are_doubtful(labels) is doubtful


def test_a_column_of_tokens_is_left_alone() -> None:
    assert usual_form([f"B_{n}" for n in range(2000)]) == {}
