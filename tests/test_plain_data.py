"""Plain data is read strictly: every fault has its line, and no message quotes the text."""

from __future__ import annotations

import json

import pytest
import yaml
from hypothesis import assume, given, strategies as st

from deidsynth.plain_data import MOST_LEVELS, PlainDataError, RepeatedKeyError, read_json, read_yaml

SECRET = "Xylofonia"
FAULTS = {
    "repeated key": (f"a: 1\n{SECRET}: 2\nb: 3\n{SECRET}: 4\n", "line 4: a key that occurs twice, first on line 2"),
    "repeated key below": (f"a:\n  - b: {SECRET}\n    b: 2\n", "line 3: a key that occurs twice, first on line 2"),
    "the same key in other quotes": ("a: 1\n'a': 2\n", "line 2: a key that occurs twice"),
    "two merges": ("a: &a {x: 1}\nb:\n  <<: *a\n  <<: *a\n", "line 4: a key that occurs twice"),
    "number as key": ("1: 2", "line 1: a key must be text"),
    "list as key": ("? [a]\n: b", "line 1: a key must be text"),
    "no as key": ("no: x", "line 1: a key must be text"),
    "not YAML": (f"a: [1\n{SECRET}: ]", "not valid YAML"),
    "two documents": (f"a: 1\n---\n{SECRET}: 2\n", "line 2: not valid YAML"),
    "control character": (f"a: 1\nb: {SECRET}\x07", "line 2: not valid YAML"),
    "nothing before the x": ("a: 0x_", "line 1: a number that cannot be read"),
    "endless number": (f"a: {'5' * 5000}", "line 1: a number that cannot be read"),
    "tag of another type": (f"a: !!int {SECRET}", "line 1: a number that cannot be read"),
    "empty number": ("a: !!float ''", "line 1: a number that cannot be read"),
    "tag of a set": ("a: !!set {b}", "line 1: a tag (!...) that does not fit"),
    "tag of an object": (f"a: !!python/object:os.system {SECRET}", "line 1: a tag (!...) that does not fit"),
    "tag of its own": (f"a: !b {SECRET}", "line 1: a tag (!...) that does not fit"),
    "deep": ("[" * 3000, "line 1: nested more than 50 levels deep"),
    "inside itself": ("a: &a\n  - *a\n", "line 1: nested more than 50 levels deep, or inside itself"),
    "NUL": ('a: 1\nb: "\\0"', "line 2: a NUL"),
    "half of a character": (f"a: {SECRET}\nb: \udcff", "line 2: a NUL, or bytes that are not UTF-8"),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_of_yaml_is_told_with_its_line(fault: str) -> None:
    text, message = FAULTS[fault]
    with pytest.raises(PlainDataError) as caught:
        read_yaml(text)
    assert message in str(caught.value)
    assert SECRET not in str(caught.value)


def test_aliases_that_multiply_are_refused() -> None:
    rows = [f"b{level}: &a{level} [{', '.join([f'*a{level - 1}'] * 10)}]" for level in range(1, 12)]
    with pytest.raises(PlainDataError, match="more than 200,000 values"):
        read_yaml("\n".join(["b0: &a0 [x]", *rows]))


def test_what_is_yaml_is_read() -> None:
    text = "a: &a {x: 1, y: [2.5, ~, true]}\nb:\n  <<: *a\n  x: 2024-01-01\nc: !!str 7\n"
    values = [2.5, None, True]
    assert read_yaml(text) == {"a": {"x": 1, "y": values}, "b": {"x": "2024-01-01", "y": values}, "c": "7"}
    assert read_yaml("# nothing") is None
    assert read_yaml("[" * MOST_LEVELS + "]" * MOST_LEVELS)


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(st.characters(codec="utf-8")),
    lambda inside: st.lists(inside, max_size=3) | st.dictionaries(st.text(st.characters(codec="utf-8")), inside),
    max_leaves=10,
)


@given(PLAIN)
def test_what_yaml_writes_is_read_back(value: object) -> None:
    text = yaml.safe_dump(value, allow_unicode=True)
    assume("\x85" not in text)  # PyYAML writes it as it is, and reads it as a line end
    try:
        found = read_yaml(text)
    except PlainDataError:
        assert "\\0" in text  # NUL is no text
    else:
        assert found == value


@given(st.text(st.sampled_from(list("ab01.:-[]{}<*&!?~|>'\"%\\#, \n\t\0\x1b\ud800é")), max_size=30))
def test_any_text_is_data_or_a_fault(text: str) -> None:
    marked = f"{text}{SECRET}"
    try:
        read_yaml(marked)
    except PlainDataError as error:
        assert SECRET not in str(error)


def test_json_is_read_strictly() -> None:
    assert read_json('{"a": [1, {"a": null}]}') == {"a": [1, {"a": None}]}
    with pytest.raises(RepeatedKeyError, match="the same key twice; keep one of them") as caught:
        read_json(f'[{{"{SECRET}": 1, "b": 2, "{SECRET}": 3}}]')
    assert SECRET not in str(caught.value)
    with pytest.raises(PlainDataError, match="too deep"):
        read_json("[" * 100_000)
    with pytest.raises(json.JSONDecodeError):
        read_json("{")
