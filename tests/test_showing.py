"""Texts in color: nothing of a text is markup, in whatever place it is shown."""

from __future__ import annotations

import re
import sys
from html.parser import HTMLParser
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, strategies as st

import deidsynth.report
from deidsynth.showing import HUES, Note, as_html, as_texts, looks, show

PIECES = st.lists(st.tuples(st.text(min_size=1) | st.just("<b>&amp;"), st.none() | st.sampled_from(["NAME", "<i>"])))


class Reader(HTMLParser):
    """The tags and the text of HTML."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append(tag)

    def handle_data(self, data: str) -> None:
        self.text += data


def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def clean(text: str) -> str:
    return re.sub("[\0-\x08\x0b\x0c\x0e-\x1f\x7f]", "\N{REPLACEMENT CHARACTER}", text)


def test_labels_look_unlike_and_the_most_frequent_comes_first() -> None:
    found = looks({f"L{number:02d}": 1 for number in range(24)} | {"Z": 5})
    assert found["Z"] == (0, 0)
    assert len(set(list(found.values())[:24])) == 24
    assert looks({}) == {}


def test_the_report_has_the_same_colors() -> None:
    style = (Path(deidsynth.report.__file__).parent / "templates" / "report.css").read_text(encoding="utf-8")
    for number, color in enumerate(HUES):
        assert f"--hue{number}: {color};" in style


@given(PIECES, st.text())
def test_html_holds_the_text_and_no_tag_of_it(pieces: list[tuple[str, str | None]], name: str) -> None:
    reader = read(as_html([Note(name, pieces)]))
    assert reader.text == clean(name + "".join(text + (label or "") for text, label in pieces))
    n_entities = sum(label is not None for _, label in pieces)
    assert reader.tags == ["div", "div", *["mark", "span"] * n_entities]


@given(PIECES)
def test_a_terminal_gets_no_control_sequence_of_the_text(pieces: list[tuple[str, str | None]]) -> None:
    _, body = as_texts([Note("1", pieces)])
    assert not re.search("[\0-\x08\x0b-\x1f\x7f-\x9f]", body.plain)
    shown = "".join(text + (f"[{label}]" if label else "") for text, label in pieces)
    assert re.sub("[\x80-\x9f]", "\N{REPLACEMENT CHARACTER}", clean(shown)).replace("\r", "") + "\n" == body.plain


def test_markup_of_rich_is_text(capsys: pytest.CaptureFixture[str]) -> None:
    show([Note("[red]1[/red]", [("[bold]:smile: ", None), ("Ek", "NAME")])])
    assert capsys.readouterr().out.split() == ["[red]1[/red]", "[bold]:smile:", "Ek[NAME]"]


@pytest.mark.parametrize("kernel", [True, False])
def test_a_notebook_gets_html_and_an_interactive_terminal_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], kernel: bool
) -> None:
    drawn: list[str] = []
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    shell = SimpleNamespace(kernel=object()) if kernel else SimpleNamespace()
    ipython.get_ipython = lambda: shell  # type: ignore[attr-defined]
    display.display, display.HTML = drawn.append, str  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    show([Note("1", [("Ek", "NAME")])], n_more=1)
    printed = capsys.readouterr().out
    assert [bool(drawn), bool(printed)] == [kernel, not kernel]
    assert "and 1 more document" in (read(drawn[0]).text if kernel else printed)
