"""Inline entity tags and control codes: written, read back, repaired."""

from __future__ import annotations

import pytest

from deidsynth.config import AdaptConfig
from deidsynth.documents import Document, Entity
from deidsynth.errors import CorpusError
from deidsynth.models.language_model.added_tokens import (
    AddedTokens,
    Reader,
    ReadText,
    SpecialToken,
    malformed_share,
    tagged_parts,
)

NAME, CITY, CLOSE, CODE = (
    SpecialToken("opening", "NAME"),
    SpecialToken("opening", "CITY"),
    SpecialToken("closing"),
    SpecialToken("control_code"),
)
NOTE = Document("1", "Anna kom från Vindheim.", (Entity(0, 4, "NAME"), Entity(14, 22, "CITY")))


def read(*parts: str | SpecialToken, text: str = "", is_open: bool = False, crosses_lines: bool = False) -> ReadText:
    entities = (Entity(0, len(text), "NAME"),) if is_open else ()
    reader = Reader(text, entities, is_open, crosses_lines)
    for part in parts:
        reader.feed(part)
    return reader.finish()


@pytest.mark.parametrize(
    ("parts", "text", "entities", "repairs"),
    [
        (["a ", NAME, "Bo", CLOSE, " c"], "a Bo c", [(2, 4, "NAME")], {}),
        ([NAME, "Bo", CLOSE, CITY, "Ås", CLOSE], "BoÅs", [(0, 2, "NAME"), (2, 4, "CITY")], {}),
        (["a", CLOSE, "b"], "ab", [], {"stray_closing": 1}),
        ([NAME, "Bo", CITY, "Ås", CLOSE], "BoÅs", [(0, 2, "NAME"), (2, 4, "CITY")], {"nested_opening": 1}),
        ([NAME, "Bo ", CITY], "Bo ", [(0, 2, "NAME")], {"nested_opening": 1, "blanks": 1, "unclosed": 1}),
        ([NAME, NAME, "Bo", CLOSE], "Bo", [(0, 2, "NAME")], {"nested_opening": 1}),
        (["a ", NAME, "Bo"], "a Bo", [(2, 4, "NAME")], {"unclosed": 1}),
        ([NAME, "Bo\nc", CLOSE], "Bo\nc", [(0, 2, "NAME")], {"unclosed": 1, "stray_closing": 1}),
        ([NAME, "\nBo", CLOSE], "\nBo", [], {"unclosed": 1, "stray_closing": 1}),
        (["a", NAME, CLOSE, "b"], "ab", [], {"empty_entity": 1}),
        (["a", NAME, " ", CLOSE, "b"], "a b", [], {"empty_entity": 1}),
        ([NAME, " Bo\t", CLOSE], " Bo\t", [(1, 3, "NAME")], {"blanks": 1}),
        (["a", CODE, "b"], "ab", [], {"stray_control_code": 1}),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_repaired(
    parts: list[str | SpecialToken], text: str, entities: list[tuple[int, int, str]], repairs: dict[str, int]
) -> None:
    found = read(*parts)
    assert (found.text, [entity.key for entity in found.entities]) == (text, entities)
    assert found.repairs == repairs
    assert found.n_special_tokens == sum(isinstance(part, SpecialToken) for part in parts)


def test_an_entity_of_several_lines_is_whole_where_there_are_such() -> None:
    parts = ("a ", NAME, "Bo\nEk", CLOSE, "\n")
    assert [each.key for each in read(*parts, crosses_lines=True).entities] == [(2, 7, "NAME")]
    unclosed = read("a ", NAME, "Bo\nEk\n", crosses_lines=True)
    assert ([each.key for each in unclosed.entities], unclosed.repairs) == ([(2, 4, "NAME")], {"unclosed": 1})


def test_an_entity_that_a_prompt_leaves_open_goes_on() -> None:
    found = read(" Ek", CLOSE, " kom", text="Bo", is_open=True)
    assert (found.text, [each.key for each in found.entities]) == ("Bo Ek kom", [(0, 5, "NAME")])
    assert (found.n_special_tokens, found.repairs) == (2, {})


def test_the_share_of_malformed_marks_leaves_blanks_out() -> None:
    assert malformed_share(0, {}) == 0.0
    assert malformed_share(4, {"blanks": 3, "unclosed": 1}) == 0.25


def test_parts_of_a_document() -> None:
    assert list(tagged_parts(NOTE.text, NOTE.entities)) == [
        NAME,
        "Anna",
        CLOSE,
        " kom från ",
        CITY,
        "Vindheim",
        CLOSE,
        ".",
    ]
    assert list(tagged_parts("Anna", NOTE.entities[:1], is_open=True)) == [NAME, "Anna"]
    assert list(tagged_parts("", ())) == []


def test_control_codes_tell_labels_and_length() -> None:
    notes = [NOTE, Document("2", "kort"), Document("3", "x" * 50), Document("4", "x" * 90)]
    added = AddedTokens.of(AdaptConfig(control_codes=["labels", "length"]), notes)
    assert not added.inline
    assert added.control_codes_of(NOTE) == (
        "<|has:CITY|>", "<|count:1|>", "<|has:NAME|>", "<|count:1|>", "<|length:2|>", "<|/control|>",
    )  # fmt: skip
    classes = [added.control_codes_of(note)[-2] for note in notes]
    assert classes == ["<|length:2|>", "<|length:1|>", "<|length:3|>", "<|length:4|>"]
    many = [Document("m", "a" * 20, tuple(Entity(at, at + 1, "NAME") for at in range(n))) for n in (2, 3, 4, 7, 8, 20)]
    counted = [added.control_codes_of(each)[1] for each in many]
    assert counted == [f"<|count:{bucket}|>" for bucket in ("2-3", "2-3", "4-7", "4-7", "8+", "8+")]
    assert {token for note in (*notes, *many) for token in added.control_codes_of(note)} <= set(added.tokens)


@pytest.mark.parametrize("settings", [{"annotations": "inline"}, {"control_codes": ["labels"]}])
def test_without_entities_there_is_nothing_to_write(settings: dict[str, object]) -> None:
    with pytest.raises(CorpusError, match="need entities, but the training documents have none"):
        AddedTokens.of(AdaptConfig(**settings), [Document("1", "Anna kom.")])  # type: ignore[arg-type]
