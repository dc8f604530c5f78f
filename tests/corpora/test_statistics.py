"""Figures about a corpus, worked by hand."""

from __future__ import annotations

import json

from deidsynth.corpora import describe
from deidsynth.documents import Corpus, Document, Entity


def test_figures_by_hand() -> None:
    corpus = Corpus(
        (
            Document("secret-1", "ab cd", (Entity(0, 2, "A"), Entity(3, 5, "B")), "g"),
            Document("secret-2", "abcd efg\n x", (Entity(0, 4, "A"),), "g"),
            Document("secret-3", "å"),
        ),
        language="sv",
    )
    figures = describe(corpus)
    assert figures == {
        "origin": "real",
        "annotation": "gold",
        "language": "sv",
        "n_documents": 3,
        "n_groups": 2,
        "n_chars": 17,
        "n_words": 6,
        "n_entities": 3,
        "n_documents_without_entities": 1,
        "chars": {"min": 1, "p25": 3.0, "median": 5.0, "p75": 8.0, "max": 11, "mean": 17 / 3},
        "words": {"min": 1, "p25": 1.5, "median": 2.0, "p75": 2.5, "max": 3, "mean": 2.0},
        "entities": {"min": 0, "p25": 0.5, "median": 1.0, "p75": 1.5, "max": 2, "mean": 1.0},
        "labels": {"A": {"count": 2, "median_chars": 3.0}, "B": {"count": 1, "median_chars": 2}},
    }
    assert "secret" not in json.dumps(figures)


def test_a_single_document_and_an_empty_corpus_have_figures() -> None:
    single = describe(Corpus((Document("a", "abc"),)))["chars"]
    assert single == {"min": 3, "p25": 3, "median": 3, "p75": 3, "max": 3, "mean": 3.0}
    empty = describe(Corpus(()))
    assert (empty["n_documents"], empty["chars"], empty["labels"]) == (0, None, {})
