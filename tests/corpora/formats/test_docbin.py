"""spaCy's DocBin and documents: what is written is read, what others write too, and faults have their place."""

from __future__ import annotations

import builtins
import importlib
import random
import tempfile
import zlib
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, strategies as st

import deidsynth as ds
from deidsynth.corpora import check_corpus, read_corpus, write_corpus
from deidsynth.corpora.formats import docbin
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import CorpusError, MissingExtraError, UnrepresentableError

pytest.importorskip("spacy")
import spacy
from spacy.tokens import Doc, DocBin, Span

TEXT = "\U0001f600 Åsa Ek,45år.\r\n Bor i Umeåtrakten."
ENTITIES = (Entity(2, 8, "NAME"), Entity(9, 11, "AGE"), Entity(23, 27, "CITY"))
DOCUMENT = Document("a", TEXT, ENTITIES)
CORPUS = Corpus((DOCUMENT, Document("b", "")), language="sv")
NLP = spacy.blank("sv")


def put(path: Path, *docs: Doc, **options: Any) -> Path:
    DocBin(docs=docs, **options).to_disk(path)
    return path


def anna(**spans: str) -> Doc:
    """A document whose groups of spans have the labels; ``ents`` is that of the document."""
    doc = NLP("Anna Ek ringde.")
    for name, label in spans.items():
        span = Span(doc, 0, 2, label)
        if name == "ents":
            doc.ents = [span]
        else:
            doc.spans[name] = [span]
    return doc


def found(path: Path) -> list[tuple[str, tuple[int, int, str]]]:
    return [(each.doc_id, entity.key) for each in read_corpus(path).corpus for entity in each.entities]


def test_entities_that_cut_tokens_survive(tmp_path: Path) -> None:
    write_corpus(CORPUS, tmp_path / "x.spacy", "docbin")
    assert read_corpus(tmp_path / "x.spacy").corpus.documents == CORPUS.documents
    docs = list(DocBin().from_disk(tmp_path / "x.spacy").get_docs(NLP.vocab))
    assert [(each.text, each.label_) for each in docs[0].ents] == [
        ("Åsa Ek", "NAME"),
        ("45", "AGE"),
        ("Umeå", "CITY"),
    ]


def test_splits_and_language_are_those_of_the_folder(tmp_path: Path) -> None:
    write_corpus(CORPUS, tmp_path / "out", "docbin", {"a": "train", "b": "test"})
    assert sorted(each.name for each in (tmp_path / "out").glob("*.spacy")) == ["test.spacy", "train.spacy"]
    loaded = read_corpus(tmp_path / "out")
    assert (loaded.splits, loaded.corpus.language) == ({"a": "train", "b": "test"}, "sv")


CHARACTERS = st.sampled_from("aB1 é\u0301\U0001f600\t\r\n\u00a0-.,'\u2028") | st.characters(exclude_categories=["Cs"])


@given(st.text(CHARACTERS, max_size=30).filter(lambda text: "\0" not in text and "\ufeff" not in text), st.data())
def test_any_text_with_any_entities_goes_to_spacy_and_back(text: str, data: st.DataObject) -> None:
    cuts = sorted(data.draw(st.sets(st.integers(0, len(text)), max_size=8)))
    entities = tuple(Entity(*pair, "X") for pair in pairwise(cuts) if data.draw(st.booleans()))
    corpus = Corpus((Document("a", text, entities),))
    packed = DocBin(store_user_data=True, docs=ds.to_spacy(corpus, NLP)).to_bytes()
    assert ds.from_spacy(DocBin().from_bytes(packed).get_docs(NLP.vocab)).documents == corpus.documents


def test_what_others_wrote_is_read_and_the_rest_left_out(tmp_path: Path) -> None:
    doc = anna(ents="NAME", other="PART")
    doc.cats, doc[2].head = {"letter": 1.0}, doc[0]
    path = put(tmp_path / "x.spacy", doc, anna())
    assert found(path) == [("x-1", (0, 7, "NAME"))]
    assert read_corpus(path).skipped == {"span_groups": 1}


def test_groups_of_spans_are_entities_where_there_are_no_others(tmp_path: Path) -> None:
    assert found(put(tmp_path / "x.spacy", anna(sc="NAME"), anna(sc="PERSON"))) == [
        ("x-1", (0, 7, "NAME")),
        ("x-2", (0, 7, "PERSON")),
    ]
    (problem,) = check_corpus(put(tmp_path / "y.spacy", anna(), anna(a="NAME", b="PART"))).problems
    assert (problem.line, problem.code) == (2, "malformed") and "there are 2 groups of spans" in problem.message


@pytest.mark.parametrize("change", [lambda data: data[:-9], lambda data: b"x" + data, lambda data: zlib.compress(b"")])
def test_a_damaged_file_is_told(tmp_path: Path, change: Any) -> None:
    path = put(tmp_path / "x.spacy", anna(ents="NAME"))
    path.write_bytes(change(path.read_bytes()))
    (problem,) = docbin.read_records(path).problems
    assert problem.code == "malformed" and "write it again with spaCy 3" in problem.message
    assert "Anna" not in problem.message


@given(st.integers(0), st.binary(max_size=3))
def test_whatever_is_changed_inside_is_told_or_read(place: int, change: bytes) -> None:
    inside = zlib.decompress(DocBin(docs=[anna(sc="NAME")]).to_bytes())
    at = place % len(inside)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "x.spacy"
        path.write_bytes(zlib.compress(inside[:at] + change + inside[at + 1 :]))
        result = docbin.read_records(path)
    assert len(result.records) + len(result.problems) <= 1
    assert not any("Anna" in str(problem) for problem in result.problems)


def test_what_unpacks_to_too_much_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEIDSYNTH_MAX_UNPACKED_MB", "1")
    path = put(tmp_path / "x.spacy", anna(ents="NAME"))
    path.write_bytes(zlib.compress(zlib.decompress(path.read_bytes()) + bytes(1 << 21)))
    (problem,) = check_corpus(path).problems
    assert problem.code == "too-large" and "unpacks to more than 1 MB" in problem.message


def test_a_large_file_is_unpacked_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data, fed, make = zlib.compress(random.Random(1).randbytes(1 << 20)), list[int](), zlib.decompressobj

    class Counted:
        def __init__(self) -> None:
            self.unpacking = make()

        def decompress(self, some: bytes, *most: int) -> bytes:
            fed.append(len(some))
            return self.unpacking.decompress(some, *most)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.unpacking, name)

    monkeypatch.setattr(zlib, "decompressobj", Counted)
    docbin._refuse_large(data, "x.spacy")
    assert sum(fed) == len(data)


def test_only_what_spacy_cannot_read_is_taken_for_damage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(error: Exception) -> Any:
        def fail(*_: Any, **__: Any) -> Any:
            raise error

        return fail

    path = put(tmp_path / "x.spacy", anna(ents="NAME"))
    with monkeypatch.context() as patched, pytest.raises(ZeroDivisionError):
        patched.setattr(docbin, "id_of", fails(ZeroDivisionError()))
        docbin.read_records(path)
    with monkeypatch.context() as patched, pytest.raises(MemoryError):
        patched.setattr(docbin, "_docs", fails(MemoryError()))
        docbin.read_records(path)


def test_a_truth_value_is_no_id() -> None:
    doc = anna()
    doc.user_data["doc_id"] = True
    assert ds.from_spacy([doc]).doc_ids == ("1",)


def test_predicted_entities_are_silver_where_the_caller_says_so() -> None:
    docs = [anna(ents="NAME")]
    assert ds.from_spacy(docs).annotation == "gold"
    assert ds.from_spacy(docs, annotation="silver").annotation == "silver"


def test_without_spacy_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = put(tmp_path / "x.spacy", anna(ents="NAME"))

    def missing(name: str, *rest: Any) -> Any:
        if name == "spacy":
            raise ImportError
        return builtins.__import__(name, *rest)

    monkeypatch.setattr(importlib, "import_module", missing)
    for use in (
        lambda: read_corpus(path),
        lambda: write_corpus(CORPUS, tmp_path / "out", "docbin"),
        lambda: ds.to_spacy(CORPUS),
    ):
        with pytest.raises(MissingExtraError, match=r"pip install 'deidsynth\[spacy\]'"):
            use()
    assert not (tmp_path / "out").exists()


def test_documents_of_a_pipeline_become_a_corpus() -> None:
    corpus = ds.from_spacy([anna(ents="NAME"), anna()], origin="invented")
    assert repr(corpus) == "Corpus(n_documents=2, n_entities=1, origin='invented', annotation='gold', language='sv')"
    named = ds.from_spacy([anna(ents="NAME", sc="PERSON")], span_group="sc")
    assert [entity.key for entity in named[0].entities] == [(0, 7, "PERSON")]
    with pytest.raises(CorpusError, match="no group of spans 'parts'"):
        ds.from_spacy([anna()], span_group="parts")
    with pytest.raises(CorpusError, match="no documents found"):
        ds.from_spacy([])


def test_overlapping_spans_are_refused_with_the_number_of_the_document() -> None:
    doc = anna(sc="NAME")
    doc.spans["sc"].append(Span(doc, 1, 2, "PART"))
    with pytest.raises(CorpusError, match=r"docs:2: entity 5:7 overlaps entity 0:7"):
        ds.from_spacy([anna(), doc])


def test_what_spacy_cannot_hold_is_refused() -> None:
    with pytest.raises(UnrepresentableError, match="document number 1 has a lone surrogate"):
        ds.to_spacy(Corpus((Document("a", "\ud800"),)))
