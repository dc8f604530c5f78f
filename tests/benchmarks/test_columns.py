"""The column reader of the Swedish benchmark."""

from __future__ import annotations

from pathlib import Path

import _columns as columns


def test_raw_labels_and_iob2_become_spans() -> None:
    assert columns.spans(["0", "PER", "PER", "0", "LOC"]) == [(1, 3, "PER"), (4, 5, "LOC")]
    assert columns.spans(["B-PER", "B-PER", "I-PER", "O", "I-LOC"]) == [(0, 1, "PER"), (1, 3, "PER"), (4, 5, "LOC")]


def test_a_file_becomes_documents_of_sentences(tmp_path: Path) -> None:
    path = tmp_path / "news.txt"
    path.write_text("# id = 1\nAda\tPER\nLund    PER\nsov  0\n\u2028  0\n\n\ni\t0\nKil\tLOC\n", encoding="utf-8")
    sentences = columns.read_sentences(path, 0, 1)
    assert sentences == [[("Ada", "PER"), ("Lund", "PER"), ("sov", "0")], [("i", "0"), ("Kil", "LOC")]]
    (document,) = columns.documents(sentences, "news")
    assert document.text == "Ada Lund sov\ni Kil"
    assert [(document.text[entity.start : entity.end], entity.label) for entity in document.entities] == [
        ("Ada Lund", "PER"),
        ("Kil", "LOC"),
    ]
    assert [entity.label for entity in next(iter(columns.documents(sentences, "news", {"LOC"}))).entities] == ["LOC"]
