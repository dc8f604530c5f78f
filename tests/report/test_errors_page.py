"""The page of test notes: all of a text is there once, and none of it is markup or script."""

from __future__ import annotations

import base64
import hashlib
import re
from html.parser import HTMLParser
from itertools import pairwise
from typing import Any

from hypothesis import given, strategies as st

from deidsynth.documents import Document, Entity
from deidsynth.report.compared_notes import KINDS, MODELS, compared_notes, worst_first
from deidsynth.report.errors_page import MOST_NOTES, errors_page
from deidsynth.showing import visible

TEXT = "0123456789abcdefghij"


class Reader(HTMLParser):
    """Tags with their attributes, and the text of notes without the tags of entities."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._depth = self._label = 0
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        named = dict(attrs)
        self.tags.append((tag, named))
        if tag == "div":
            self._depth += 1 if self._depth or named.get("class") == "text" else 0
            if named.get("class") == "text":
                self.texts.append("")
        if tag == "span" and self._depth:
            self._label += 1 if self._label or named.get("class") == "label" else 0

    def handle_endtag(self, tag: str) -> None:
        if tag == "div" and self._depth:
            self._depth -= 1
        if tag == "span" and self._label:
            self._label -= 1

    def handle_data(self, data: str) -> None:
        if self._depth and not self._label:
            self.texts[-1] += data

    def rows(self, model: str) -> list[str]:
        return [
            str(attrs["data-kinds"])
            for tag, attrs in self.tags
            if tag == "tr" and f"-{model}-" in str(attrs.get("data-error"))
        ]


def document(*entities: tuple[int, int, str], text: str = TEXT, doc_id: str = "a") -> Document:
    return Document(doc_id, text, tuple(Entity(start, end, label) for start, end, label in entities))


def page(notes: list[Document], **predicted: list[Document]) -> str:
    return errors_page(compared_notes(notes, predicted), language="sv", name="one")


def test_every_kind_of_error_is_a_row_of_its_model() -> None:
    gold = [document((0, 2, "A"), (4, 8, "A"), (10, 12, "A"), (14, 16, "A"))]
    found = [document((4, 6, "A"), (10, 12, "B"), (13, 17, "B"), (18, 20, "C"))]
    html = page(gold, gold=gold, synthetic=found)
    reader = Reader(html)
    assert reader.rows("synthetic") == ["missed", "boundary", "label", "label boundary", "false_alarm"]
    assert reader.rows("gold") == []
    for told in ("A missed", "A too short", "A → B", "A → B wrong label and boundary", "C false alarm"):
        assert f'<span class="label"> {told}</span>' in html
    assert reader.texts == [TEXT, TEXT]


def test_the_note_with_the_most_missed_entities_is_first() -> None:
    gold = [document((0, 2, "A"), (4, 8, "A"), doc_id=name) for name in "abc"]
    found = [gold[0], gold[1].with_entities(()), gold[2].with_entities((Entity(0, 3, "B"), Entity(4, 8, "B")))]
    notes = compared_notes(gold, {"synthetic": found, "gold": gold})
    assert [note.gold.doc_id for note in worst_first(notes, "synthetic")] == ["b", "c", "a"]
    names = re.findall("<h2><bdi>(.)</bdi>", page(gold, synthetic=found, gold=gold))
    assert names == ["b", "c", "a"]


def test_of_very_many_notes_the_worst_are_shown_and_the_rest_is_told() -> None:
    gold = [document((0, 2, "A"), doc_id=f"n{number}") for number in range(MOST_NOTES + 2)]
    found = [*gold[:-1], gold[-1].with_entities(())]
    html = page(gold, synthetic=found, gold=gold)
    assert html.count("<article") == MOST_NOTES
    assert f"n{MOST_NOTES + 1}</bdi>" in html
    assert f"The {MOST_NOTES} worst of {MOST_NOTES + 2} notes" in html


@st.composite
def annotated(draw: Any, text: str) -> Document:
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    labels = st.sampled_from(["NAME", "<b>", "</script>"])
    spans = [(low, high) for low, high in pairwise(cuts) if draw(st.booleans())]
    return document(*((low, high, draw(labels)) for low, high in spans), text=text)


HOSTILE = st.lists(st.sampled_from(["<script>x</script>", "</div>", "<!--", "&amp;", "\x1b[1m", "a", "\n", "é"])).map(
    "".join
)


@given(st.data(), HOSTILE | st.text(max_size=30))
def test_nothing_of_a_text_is_markup_and_all_of_it_is_there(data: Any, text: str) -> None:
    gold, found = data.draw(annotated(text)), data.draw(annotated(text))
    html = page([gold], gold=[found], synthetic=[gold])
    reader = Reader(html)
    shown = visible(text).replace("\r\n", "\n").replace("\r", "\n")
    assert [each.replace("\r\n", "\n").replace("\r", "\n") for each in reader.texts] == [shown, shown]
    assert [tag for tag, _ in reader.tags].count("script") == 1
    assert reader.rows("synthetic") == []
    assert not {"img", "iframe", "object", "b"} & {tag for tag, _ in reader.tags}


def test_the_policy_lets_only_the_page_s_own_script_and_style_run_and_nothing_is_requested() -> None:
    html = page([document((0, 2, "A"))], gold=[document()], synthetic=[document()])
    policy = re.search('http-equiv="Content-Security-Policy" content="([^"]*)"', html).group(1)
    assert policy.startswith("default-src 'none'; ") and "unsafe" not in policy
    for tag in ("style", "script"):
        content = re.search(f"<{tag}>(.*)</{tag}>", html, re.DOTALL).group(1)
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert not re.search(r"(?:src|href)=\"(?!#)|url\(|https?:|@import", html)
    assert not any(name == "style" or name.startswith("on") for _, attrs in Reader(html).tags for name in attrs)


def test_there_is_a_filter_for_every_kind_model_and_label() -> None:
    gold = [document((0, 2, "A"), (4, 8, "B"))]
    reader = Reader(page(gold, gold=gold, synthetic=[document((0, 3, "C"))]))
    values = [attrs.get("value") for tag, attrs in reader.tags if tag == "input"]
    assert set(values) >= {*KINDS, *MODELS, "both"}
    assert [tag for tag, _ in reader.tags].count("option") == 4
