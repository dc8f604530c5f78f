"""Which format a path is found to be in, and what is told of the rest."""

from __future__ import annotations

import json
import re
from collections import Counter
from pathlib import Path

import pytest

from deidsynth.corpora import check_corpus, find_format, load_corpus
from deidsynth.errors import InputError

TEXT = "Ana kom hem"
ROWS = "Ana\tB-NAME\nkom\tO\n"
LINE = json.dumps({"doc_id": "a", "text": TEXT, "entities": [{"start": 0, "end": 3, "label": "NAME"}]}) + "\n"
XML = (
    f"<D><TEXT><![CDATA[{TEXT}]]></TEXT>"
    '<TAGS><NAME id="P0" start="0" end="3" text="Ana" TYPE="NAME" comment=""/></TAGS></D>'
)
CSV = f'text,entities\n{TEXT},"[{{""start"": 0, ""end"": 3, ""label"": ""NAME""}}]"\n'
DOCCANO = json.dumps({"id": 1, "text": TEXT, "label": [[0, 3, "NAME"]]}) + "\n"
FILES = {
    "jsonl": {"a.jsonl": LINE},
    "i2b2": {"b.xml": XML},
    "conll": {"c.conll": ROWS},
    "table": {"d.csv": CSV},
    "doccano": {"e.jsonl": DOCCANO},
    "inline": {"f.txt": "<NAME>Ana</NAME> kom hem"},
    "brat": {"g.txt": TEXT, "g.ann": "T1\tNAME 0 3\tAna\n"},
}


def put(folder: Path, *formats: str) -> Path:
    """A folder with a document in each of the formats."""
    folder.mkdir(parents=True, exist_ok=True)
    for format in formats:
        for name, content in FILES[format].items():
            (folder / name).write_text(content, encoding="utf-8")
    return folder


@pytest.mark.parametrize(
    ("train", "test"),
    [("jsonl", "i2b2"), ("jsonl", "brat"), ("conll", "jsonl"), ("table", "jsonl"), ("jsonl", "doccano")],
)
@pytest.mark.parametrize("turned", [False, True])
def test_a_part_in_another_format_is_refused_and_never_lost(
    tmp_path: Path, train: str, test: str, turned: bool
) -> None:
    put(tmp_path / "train", test if turned else train)
    put(tmp_path / "test", train if turned else test)
    with pytest.raises(InputError, match=r"in one format") as error:
        find_format(tmp_path)
    held = {name for name in (train, test) if re.search(rf"\b{name}\b", str(error.value).replace(str(tmp_path), ""))}
    assert held == {train, test}


def test_a_file_named_after_a_part_beside_folders_of_parts_is_refused(tmp_path: Path) -> None:
    put(tmp_path / "train", "brat")
    (tmp_path / "test.conll").write_text(ROWS)
    with pytest.raises(InputError, match=r"holds brat, but test\.conll holds conll"):
        find_format(tmp_path)


def test_parts_in_one_format_are_found(tmp_path: Path) -> None:
    for format in FILES.keys() - {"jsonl"}:
        root = tmp_path / format
        put(root / "train", format)
        put(root / "test", format)
        assert find_format(root) == format
        assert not check_corpus(root).skipped


@pytest.mark.parametrize(
    ("read", "other", "key"),
    [
        ("i2b2", "jsonl", "files_of_other_formats"),
        ("inline", "table", "files_of_other_formats"),
        ("conll", "brat", "files_of_other_formats"),
        ("conll", "conll", "files_outside_parts"),
        ("table", "table", "files_outside_parts"),
    ],
)
def test_what_looks_like_a_corpus_and_is_not_read_is_counted(tmp_path: Path, read: str, other: str, key: str) -> None:
    put(tmp_path / "train", read)
    put(tmp_path / "more", other)
    (tmp_path / "LICENSE.md").write_text("free")
    assert load_corpus(tmp_path, format=read).skipped == Counter({key: 1})


def test_json_lines_in_folders_below_are_counted(tmp_path: Path) -> None:
    put(put(tmp_path, "jsonl") / "more", "jsonl")
    assert load_corpus(tmp_path).skipped == {"files_in_folders_below": 1}


def test_another_form_of_what_is_read_does_not_count(tmp_path: Path) -> None:
    put(tmp_path / "train" / "brat", "brat")
    put(tmp_path / "train" / "xml")
    (tmp_path / "train" / "xml" / "g.xml").write_text(XML)
    assert not load_corpus(tmp_path, format="brat").skipped
