"""What is written is read back, whatever characters a text holds."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings, strategies as st

from deidsynth.corpora import read_corpus, read_jsonl, write_corpus, write_jsonl
from deidsynth.documents import Corpus, Document, Entity

SPLITS = ("train", "validation", "test")
# Astral, combining, right to left, every kind of line break, a byte order mark, quotes and backslashes.
CHARACTERS = st.one_of(
    st.sampled_from(list('aé\U0001f600\U00010348\u0301שלוםع\t\r\n\v\f\x1c\x85\u2028\u2029\ufeff \u00a0"\\\x00;T1#')),
    st.characters(exclude_categories=["Cs"]),
)
NAMES = st.text(st.characters(categories=["Ll", "Lo", "Nd"]) | st.sampled_from("-_. "), min_size=1, max_size=12).filter(
    lambda name: not name.startswith(".")
)


@st.composite
def documents(draw: st.DrawFn, doc_id: str, scored: bool) -> Document:
    text = draw(st.text(CHARACTERS, max_size=40) | st.lists(st.sampled_from(["a\r\n", "\t", "é"])).map("".join))
    text = text.replace("\0", "").lstrip("\ufeff")  # neither is text
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    entities = []
    for start, end in pairwise(cuts):
        if draw(st.booleans()):
            score = draw(st.none() | st.floats(0, 1)) if scored else None
            entities.append(Entity(start, end, draw(st.sampled_from(["NAME", "Ärende-2", "名前"])), score))
    return Document(doc_id, text, tuple(entities))


@st.composite
def corpora(draw: st.DrawFn, scored: bool = False, grouped: bool = False) -> Corpus:
    names = draw(st.lists(NAMES, min_size=1, max_size=4, unique_by=str.casefold))
    made = [draw(documents(name, scored)) for name in names]
    if grouped:
        made = [replace(document, group=draw(st.none() | st.text(CHARACTERS, min_size=1))) for document in made]
    return Corpus(
        tuple(made),
        origin=draw(st.sampled_from(["real", "invented", "synthetic"])),
        annotation=draw(st.sampled_from(["gold", "silver"])),
        language=draw(st.none() | st.sampled_from(["sv", "es", "no"])),
    )


def by_id(corpus: Corpus) -> list[Document]:
    return sorted(corpus, key=lambda document: document.doc_id)


@settings(max_examples=150)
@given(corpora(scored=True, grouped=True))
def test_jsonl_file_is_lossless(corpus: Corpus) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "corpus.jsonl"
        write_jsonl(corpus, path)
        assert read_jsonl(path) == corpus
        assert read_corpus(path, require_entities=False).corpus == corpus


@settings(max_examples=150)
@given(corpora(), st.data())
def test_both_formats_keep_documents_and_parts(corpus: Corpus, data: st.DataObject) -> None:
    splits = {document.doc_id: data.draw(st.sampled_from(SPLITS)) for document in corpus}
    with tempfile.TemporaryDirectory() as folder:
        for name in ("brat", "jsonl"):
            dropped = write_corpus(corpus, Path(folder) / name, name, splits)
            loaded = read_corpus(Path(folder) / name, require_entities=False)
            assert not dropped and not loaded.skipped
            assert by_id(loaded.corpus) == by_id(corpus)
            assert (loaded.format, loaded.splits) == (name, splits)
            assert (loaded.corpus.origin, loaded.corpus.annotation) == (corpus.origin, corpus.annotation)
            assert loaded.corpus.language == corpus.language


@settings(max_examples=60)
@given(corpora(scored=True, grouped=True))
def test_brat_counts_what_it_cannot_hold(corpus: Corpus) -> None:
    with tempfile.TemporaryDirectory() as folder:
        dropped = write_corpus(corpus, Path(folder) / "out", "brat")
        loaded = read_corpus(Path(folder) / "out", require_entities=False).corpus
    n_scores = sum(entity.score is not None for document in corpus for entity in document.entities)
    n_groups = sum(document.group is not None for document in corpus)
    assert dropped == {name: count for name, count in (("scores", n_scores), ("groups", n_groups)) if count}
    assert [(each.doc_id, each.text, [entity.key for entity in each.entities]) for each in by_id(loaded)] == [
        (each.doc_id, each.text, [entity.key for entity in each.entities]) for each in by_id(corpus)
    ]
