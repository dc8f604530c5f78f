"""What is printed of a corpus: no cell, token or line of it in an error, and no control sequence anywhere."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.showing import for_terminal

PLANTED = "xylofonia"
CORPORA = {
    "a.csv": f"{PLANTED} ek,kom hit,feber\n{PLANTED} ek,akut,host\n",
    "words.csv": f"{PLANTED},feber\n{PLANTED},host\n",
    "word_and_name.csv": f"{PLANTED},note\nfeber,host\n",
    "tokens.tsv": f"{PLANTED}\tB-NAME\nkom\tO\n\n{PLANTED}\tB-NAME\nkom\tO\n",
    "words.tsv": f"{PLANTED}\tek\nkom\thit\n",
    "ragged.conll": f"{PLANTED}\tB-NAME\tx\nkom\tO\n",
    "keys.jsonl": f'{{"{PLANTED}": 1}}\n',
    "keys.json": f'[{{"{PLANTED}": 1}}]\n',
    "entity.jsonl": f'{{"doc_id": "a", "text": "a", "entities": [{{"{PLANTED}": 1}}]}}\n',
    "twice.jsonl": f'{{"doc_id": "a", "text": "a", "entities": [], "{PLANTED}": 1, "{PLANTED}": 2}}\n',
    "one_line.txt": f"{PLANTED} kom hit.\n",
}
READERS = (
    ["corpus", "describe"],
    ["corpus", "check"],
    ["corpus", "describe", "--from", "table"],
    ["corpus", "describe", "--from", "table", "--layout", "table.entities=nope", "--layout", "table.text=note"],
    ["run", "--language", "sv", "--dry-run", "--corpus"],
)


@pytest.mark.parametrize("arguments", READERS, ids=" ".join)
@pytest.mark.parametrize("name", CORPORA)
def test_a_corpus_that_cannot_be_read_is_not_quoted(deidsynth, tmp_path, name, arguments) -> None:
    path = tmp_path / name
    path.write_text(CORPORA[name], encoding="utf-8")
    placed = [*arguments, path] if arguments[-1] == "--corpus" else [*arguments[:2], path, *arguments[2:]]
    result = deidsynth(*placed)
    assert result.exit_code in (0, 1, 2)
    assert PLANTED not in result.output


def test_known_columns_are_named_and_others_counted(deidsynth, tmp_path) -> None:
    path = tmp_path / "a.csv"
    for header, told in [
        ("note,id", "the columns are note, id; name the text column"),
        (f"{PLANTED},id,spans", "there are 3 columns, among them id, spans; name the text column"),
        (f"{PLANTED},ek", "there are 2 columns, some without a proper name (is the first row a header?)"),
    ]:
        path.write_text(f"{header}\na,b\n", encoding="utf-8")
        assert told in " ".join(deidsynth("corpus", "describe", path, "--from", "table").stderr.split())


REPEATED = {
    "jsonl": '{"doc_id": "a", "text": "a", "entities": [], "text": "b"}\n',
    "doccano": '{"id": 1, "text": "a", "label": [], "text": "b"}\n',
    "label-studio": '[{"id": 1, "data": {"text": "a", "text": "b"}, "annotations": [{"result": []}]}]',
    "presidio": '[{"full_text": "a", "spans": [], "full_text": "b"}]',
    "spacy": '{"text": "a", "entities": [], "text": "b"}',
}


@pytest.mark.parametrize("format", REPEATED)
def test_a_key_that_occurs_twice_in_json_is_refused(deidsynth, tmp_path, format) -> None:
    path = tmp_path / ("a.jsonl" if format in ("jsonl", "doccano") else "a.json")
    path.write_text(REPEATED[format], encoding="utf-8")
    result = deidsynth("corpus", "describe", path, "--from", format)
    assert result.exit_code == 2
    assert "an object has the same key twice; keep one of them" in result.stderr


def test_a_key_that_occurs_twice_in_a_cell_is_refused(deidsynth, tmp_path) -> None:
    path = tmp_path / "a.csv"
    cell = '"[{""start"": 0, ""end"": 1, ""label"": ""A"", ""end"": 2}]"'
    path.write_text(f"text,entities\nabc,{cell}\n", encoding="utf-8")
    result = deidsynth("corpus", "describe", path)
    assert result.exit_code == 2
    assert "the entities: an object has the same key twice" in result.stderr


CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
SEQUENCE = "\x1b]0;x\x07\x1b[31m\x9b31m"


@pytest.fixture
def hostile(tmp_path, write_jsonl, note) -> Path:
    """A corpus whose label, id, text and file name hold control sequences."""
    text = f"Ana{SEQUENCE} kom."
    documents = [note(f"{number}{SEQUENCE}", text, (0, 3, f"NAME{SEQUENCE}")) for number in range(3)]
    return write_jsonl(f"a{SEQUENCE}.jsonl", documents)


@pytest.mark.parametrize(
    "arguments",
    [
        ["corpus", "describe"],
        ["corpus", "describe", "--json"],
        ["corpus", "check"],
        ["corpus", "check", "--json"],
        ["corpus", "check", "--labels", "NAME"],
        ["corpus", "show"],
        ["corpus", "map", f"mapped{SEQUENCE}", "--mapping", "meddocan-coarse"],
        ["corpus", "convert", f"converted{SEQUENCE}", "--to", "conll"],
        ["corpus", "split", f"split{SEQUENCE}"],
        ["corpus", "repair", f"repaired{SEQUENCE}.jsonl"],
        ["corpus", "map", f"labels{SEQUENCE}.yaml", "--skeleton"],
        ["evaluate", "SAME"],
        ["evaluate", "SAME", "--json"],
        ["evaluate", "SAME", "--format", "markdown"],
        ["annotate", f"model{SEQUENCE}", "--output", "x"],
        ["evaluate", "SAME", f"extra{SEQUENCE}"],
        ["run", f"--{SEQUENCE}"],
        ["run", f"none{SEQUENCE}.yaml"],
        ["runs", "show", f"none{SEQUENCE}"],
        [f"verb{SEQUENCE}"],
        ["corpus", f"verb{SEQUENCE}"],
    ],
    ids=lambda arguments: for_terminal(" ".join(arguments)),
)
def test_no_control_sequence_reaches_the_terminal(deidsynth, hostile, tmp_path, monkeypatch, arguments) -> None:
    monkeypatch.chdir(tmp_path)
    arguments = [str(hostile) if each == "SAME" else each for each in arguments]
    n_verbs = 2 if arguments[0] == "corpus" else 1
    takes_corpus = arguments[0] in ("corpus", "evaluate") and not arguments[n_verbs - 1].startswith("verb")
    result = deidsynth(*arguments[:n_verbs], *([hostile] if takes_corpus else []), *arguments[n_verbs:])
    assert result.exit_code in (0, 1, 2), result.output
    assert not CONTROL.search(result.output)


def test_json_output_is_the_same_data(deidsynth, hostile) -> None:
    shown = json.loads(deidsynth("corpus", "describe", hostile, "--json").stdout)
    assert list(shown["labels"]) == [f"NAME{SEQUENCE}"]


@settings(max_examples=200)
@given(st.text(st.characters()))
def test_what_is_for_the_terminal_has_no_control_character(text: str) -> None:
    shown = for_terminal(text)
    assert not CONTROL.search(shown)
    assert shown.encode().decode() == shown
