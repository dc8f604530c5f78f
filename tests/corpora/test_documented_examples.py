"""The examples of docs/corpora.md are read as the text beside them says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from deidsynth.corpora import FORMATS, read_corpus

DOCUMENT = Path(__file__).resolve().parents[2] / "docs" / "corpora.md"
SECTION = re.compile(r"^### ([\w-]+)\n(.*?)(?=^##)", re.DOTALL | re.MULTILINE)
MADE = re.compile(r"^```python\n(.*?)^```", re.DOTALL | re.MULTILINE)
EXAMPLE = re.compile(r"^```\w+ (\S+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
NEEDED = {"cas": "cassis", "docbin": "spacy"}
SECTIONS = dict(SECTION.findall(DOCUMENT.read_text(encoding="utf-8")))


def test_every_format_has_an_example() -> None:
    assert list(SECTIONS) == list(FORMATS)


@pytest.mark.parametrize("format", FORMATS)
def test_an_example_is_read_as_it_stands(format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if format in NEEDED:
        pytest.importorskip(NEEDED[format])
    if format == "docbin":  # not text, so it is made
        monkeypatch.chdir(tmp_path)
        for code in MADE.findall(SECTIONS[format]):
            exec(code, {})
    for name, content in EXAMPLE.findall(SECTIONS[format]):
        (tmp_path / name).write_text(content, encoding="utf-8")
    loaded = read_corpus(tmp_path)
    (document,) = loaded.corpus
    assert (loaded.format, loaded.problems) == (format, ())
    assert document.doc_id == ("letter-1" if format in ("asq-phi", "docbin") else "letter")
    assert document.text.strip() == "Anna Ek ringde."
    assert [entity.key for entity in document.entities] == [(0, 7, "NAME")]
