from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from deidsynth.config import PromptConfig
from deidsynth.documents import Document, Entity
from deidsynth.errors import ConfigError, CorpusError, InputError
from deidsynth.sampling.prompts import (
    Prompt,
    first_words,
    in_batches,
    label_turns,
    make_prompts,
    make_requests,
    with_surrogates,
)
from deidsynth.surrogates import Surrogates

NAMED = Document("1", " Namn: Zyxana Qvelde Woltrud bor här.", (Entity(7, 28, "FULL_NAME"),), "g")
PLAIN = Document("2", "Kom in\nigår. Mår bra.", (Entity(13, 16, "OTHER"),))
BLANK = Document("3", " \n\t")


def _prompts(*documents: Document, **settings: object) -> list[str]:
    made = make_prompts(PromptConfig(**settings), documents, language="sv", seed=1)  # type: ignore[arg-type]
    return [prompt.text for prompt in made]


def test_the_first_words_with_the_text_before_and_between_them() -> None:
    start = first_words(NAMED, 3)
    assert start.text == " Namn: Zyxana Qvelde"
    assert start.entities == (Entity(7, 20, "FULL_NAME"),)
    assert (start.doc_id, start.group) == ("1", "g")
    assert first_words(PLAIN, 3) == Document("2", "Kom in\nigår.")
    assert first_words(PLAIN, 99).entities == PLAIN.entities
    assert first_words(BLANK, 3).text == ""


def test_an_entity_that_only_begins_in_the_region_is_replaced_whole() -> None:
    prompt = _prompts(NAMED)[0]
    assert prompt.startswith(" Namn: ")
    assert len(prompt) > len(" Namn: ")
    assert "Zyxana" not in prompt
    assert "Qvelde" not in prompt


def test_every_entity_gets_a_value_of_its_label_in_its_place() -> None:
    made = with_surrogates(
        Document("1", "a Zyxana b Qvelde c", (Entity(2, 8, "FIRST_NAME"), Entity(11, 17, "LAST_NAME"))),
        Surrogates("sv", 1),
    )
    text = made.text
    assert [entity.label for entity in made.entities] == ["FIRST_NAME", "LAST_NAME"]
    assert text == f"a {made.surface(made.entities[0])} b {made.surface(made.entities[1])} c"
    assert text.startswith("a ")
    assert " b " in text
    assert text.endswith(" c")
    assert "Zyxana" not in text
    assert "Qvelde" not in text


def test_surrogates_come_from_the_seed() -> None:
    assert _prompts(NAMED) == _prompts(NAMED)
    config = PromptConfig()
    seeded = {make_prompts(config, [NAMED], language="sv", seed=seed)[0].text for seed in range(6)}
    assert len(seeded) > 1


def test_no_value_is_invented_in_an_unknown_language() -> None:
    for config, documents in ((PromptConfig(), [PLAIN]), (PromptConfig(pii="keep"), [NAMED])):
        assert len(make_prompts(config, documents, language=None, seed=1)) == 1
    with pytest.raises(ConfigError, match=r"prompts.language: .* for example with --language es"):
        make_prompts(PromptConfig(), [PLAIN, NAMED], language=None, seed=1)


def test_a_prompt_ends_before_a_value_that_cannot_be_invented() -> None:
    text = "Zyxana  Qvelde av stam"
    spans = (Entity(0, 8, "FIRST_NAME"), Entity(8, 14, "STAM"))  # the first has a blank at its end
    [start] = _prompts(Document("1", text, spans), words=9)
    assert start
    assert not {"Zyxana", "Qvelde", "stam"} & set(start.split())
    assert _prompts(Document("1", text, (Entity(0, 6, "STAM"),)), words=9) == [""]
    known = _prompts(Document("1", text, spans), words=9, labels={"STAM": "last_name"})
    assert known[0].endswith(" av stam")
    kept = make_prompts(PromptConfig(words=9), [Document("1", text, spans)], language="sv", seed=1)
    assert [entity.label for entity in kept[0].entities] == ["FIRST_NAME"]
    assert not kept[0].is_open


def test_kept_and_dropped() -> None:
    assert _prompts(NAMED, PLAIN, BLANK, pii="keep") == [" Namn: Zyxana Qvelde", "Kom in\nigår."]
    assert _prompts(NAMED, PLAIN, BLANK, pii="drop") == ["Kom in\nigår."]
    assert _prompts(NAMED, PLAIN, words=1, pii="drop") == [" Namn:", "Kom"]


@pytest.mark.parametrize(("documents", "pii"), [((NAMED,), "drop"), ((BLANK,), "keep"), ((), "surrogate")])
def test_no_prompt_is_left(documents: tuple[Document, ...], pii: str) -> None:
    with pytest.raises(CorpusError, match=r"no validation document provides a prompt; use prompts.source: bos"):
        _prompts(*documents, pii=pii)


def test_without_prompts_a_text_begins_by_itself() -> None:
    assert _prompts(source="bos") == [""]


def test_a_file_gives_a_prompt_a_line_as_it_stands(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    file.write_bytes("\ufeffHej  du \r\n\n  \n Sv\u2028ar".encode())
    assert _prompts(source="file", file=str(file)) == ["Hej  du ", " Sv\u2028ar"]


def test_faults_of_the_file(tmp_path: Path) -> None:
    file = tmp_path / "prompts.txt"
    for content, message in ((b"\n \n", "is empty; write one prompt per line"), (b"\xff\xfe", "not UTF-8; save it as")):
        file.write_bytes(content)
        with pytest.raises(InputError, match=message):
            _prompts(source="file", file=str(file))
    with pytest.raises(InputError, match="no such prompt file"):
        _prompts(source="file", file=str(tmp_path / "none"))
    with pytest.raises(InputError, match="the prompt file cannot be read"):
        _prompts(source="file", file=str(tmp_path))


def test_requests_take_the_prompts_in_turn() -> None:
    requests = make_requests([Prompt("a"), Prompt("bb")], 5)
    assert [(each.index, each.prompt, each.prompt_number) for each in requests] == [
        (0, "a", 0),
        (1, "bb", 1),
        (2, "a", 0),
        (3, "bb", 1),
        (4, "a", 0),
    ]
    assert [[each.index for each in batch] for batch in in_batches(requests, 2)] == [[0, 2], [4, 1], [3]]


def test_no_repr_shows_a_prompt() -> None:
    assert "Zyxana" not in repr([Prompt("Zyxana"), *make_requests([Prompt("Zyxana")], 1)])


def test_every_label_gets_the_same_share_of_the_turns() -> None:
    name, city = Entity(0, 2, "NAME"), Entity(3, 5, "CITY")
    documents = [Document(str(number), "aa bb cc", (name,)) for number in range(6)]
    documents += [Document("both", "aa bb cc", (name, city)), Document("none", "aa bb cc")]
    labels = [{entity.label for entity in document.entities} for document in documents]
    turns = label_turns(labels, seed=1, n_turns=84)
    # Three labels (one of them: none), seven documents with NAME, of which the seventh alone has CITY.
    assert Counter(turns) == {**dict.fromkeys(range(6), 4), 6: 4 + 28, 7: 28}
    assert label_turns(labels, seed=1, n_turns=84) == turns
    assert label_turns(labels, seed=2, n_turns=84) != turns
