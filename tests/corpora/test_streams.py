"""Streams give the documents that a corpus read at once has, and say the same of what was not read."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from deidsynth.config import LayoutConfig
from deidsynth.corpora import read_corpus, streams
from deidsynth.corpora.streams import stream_corpus, stream_notes
from deidsynth.corpora.texts import read_notes
from deidsynth.errors import CorpusError, InputError

_entities = st.fixed_dictionaries(
    {"start": st.integers(-1, 6), "end": st.integers(-1, 6), "label": st.sampled_from(["A", "B C", "", 3])}
)
_objects = st.fixed_dictionaries(
    {"text": st.sampled_from(["Ana kom", "", "\ufeffEk", "a\0b", 7])},
    optional={
        "doc_id": st.sampled_from(["1", "2", "3", ""]),
        "entities": st.lists(_entities, max_size=3),
        "group": st.sampled_from(["g", ""]),
        "origin": st.sampled_from(["real", "synthetic", "?"]),
        "annotation": st.sampled_from(["gold", "silver"]),
        "language": st.sampled_from(["sv", "es"]),
    },
)


def _write(file: Path, objects: Sequence[Mapping[str, Any]]) -> Path:
    file.write_text("".join(json.dumps(each) + "\n" for each in objects), encoding="utf-8")
    return file


def _at_once(path: Path, skip_invalid: bool) -> object:
    """What a corpus read at once holds, and what is told of it."""
    try:
        loaded = read_corpus(
            path,
            format="jsonl",
            discontinuous="join",
            require_entities=False,
            skip_invalid=skip_invalid,
            texts_only=True,
        )
    except CorpusError as error:
        return str(error)
    corpus = loaded.corpus
    provenance = corpus.origin, corpus.annotation, corpus.language, loaded.states_origin
    told = loaded.skipped, loaded.problems, loaded.left_out("x"), loaded.format, loaded.splits
    return list(corpus), corpus.n_entities, provenance, told


def _streamed(path: Path, skip_invalid: bool) -> object:
    try:
        found = stream_corpus(
            path,
            format="jsonl",
            layout=LayoutConfig(),
            discontinuous="join",
            require_entities=False,
            skip_invalid=skip_invalid,
            texts_only=True,
        )
    except CorpusError as error:
        return str(error)
    assert found is not None
    stream, told = found
    documents = list(stream)
    assert list(stream) == documents  # and again
    assert stream.doc_ids == [each.doc_id for each in documents]
    provenance = stream.origin, stream.annotation, stream.language, told.states_origin
    facts = told.skipped, told.problems, told.left_out("x"), told.format, told.splits
    return documents, stream.n_entities, provenance, facts


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(objects=st.lists(_objects, max_size=7), skip_invalid=st.booleans(), at_once=st.sampled_from([1, 2, 64]))
def test_as_read_at_once(
    objects: list[dict[str, Any]], skip_invalid: bool, at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "_AT_ONCE", at_once)
    path = _write(tmp_path / "a.jsonl", objects)
    assert _streamed(path, skip_invalid) == _at_once(path, skip_invalid)


def test_a_folder_as_read_at_once(tmp_path: Path) -> None:
    _write(tmp_path / "train.jsonl", [{"doc_id": "1", "text": "Ana", "entities": []}])
    _write(tmp_path / "test.jsonl", [{"doc_id": "2", "text": "Bo", "entities": []}])
    _write(tmp_path / "other.jsonl", [{"doc_id": "3", "text": "Eva", "entities": []}])
    (tmp_path / "x.ann").write_text("T1\tA 0 1\tx\n", encoding="utf-8")
    assert _streamed(tmp_path, False) == _at_once(tmp_path, False)
    (tmp_path / "train.JSONL").write_text((tmp_path / "train.jsonl").read_text(encoding="utf-8"), encoding="utf-8")
    assert stream_corpus(tmp_path, format="jsonl", layout=LayoutConfig()) is None


def test_notes_as_read_at_once(tmp_path: Path) -> None:
    (tmp_path / "ward").mkdir()
    for name, text in {"one.txt": "Anna\r\n", "ward/two.txt": "\ufeffErik", "one.text": "Bo"}.items():
        (tmp_path / name).write_text(text, encoding="utf-8", newline="")
    stream = stream_notes(tmp_path)
    assert list(stream) == list(read_notes(tmp_path))
    assert "Anna" not in repr(stream)
    (tmp_path / "ward" / "two.txt").write_bytes(b"\xff\0")
    for read in (lambda: list(stream), lambda: stream_notes(tmp_path), lambda: read_notes(tmp_path)):
        with pytest.raises(CorpusError, match=r"two\.txt.*not UTF-8"):
            read()


def test_what_comes_later_is_read_later(tmp_path: Path) -> None:
    path = _write(tmp_path / "a.jsonl", [{"text": f"Ana {number}"} for number in range(5000)])
    found = stream_corpus(path, layout=LayoutConfig(), require_entities=False, texts_only=True)
    assert found is not None
    documents = iter(found[0])
    assert next(documents).text == "Ana 0"
    path.write_text(path.read_text(encoding="utf-8").replace("Ana 4999", "Eva 4999"), encoding="utf-8")
    assert list(documents)[-1].text == "Eva 4999"


@pytest.mark.parametrize("lines", [1, 3])
def test_other_documents_than_before_are_refused(tmp_path: Path, lines: int) -> None:
    objects = [{"doc_id": str(number), "text": "Ana", "entities": []} for number in range(4)]
    path = _write(tmp_path / "a.jsonl", objects[:2])
    found = stream_corpus(path, layout=LayoutConfig(), require_entities=False, texts_only=True)
    assert found is not None
    _write(path, objects[:lines])
    with pytest.raises(InputError, match="the input changed while it was read"):
        list(found[0])
