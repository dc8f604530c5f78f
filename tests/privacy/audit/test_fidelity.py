"""Fidelity: figures of corpora that are known, and none that is made up."""

from __future__ import annotations

import json
from random import Random

import pytest
from tests.privacy.audit.two_sides import note

from deidsynth.documents import Corpus, Document
from deidsynth.privacy.audit.fidelity import fidelity

WORDS = [f"{head}{tail}" for head in "alfa beta gamma delta epsilon zeta eta theta".split() for tail in "abcdefgh"]


def corpus(prefix: str, seed: int, n: int = 40, vocabulary: list[str] = WORDS) -> Corpus:
    """Random words with a name and a date in each document."""
    source = Random(seed)
    return Corpus(
        tuple(
            note(
                f"{prefix}{number}",
                ("Anna Ek", "NAME"),
                " ",
                ("2019", "DATE"),
                f" {' '.join(source.choices(vocabulary, k=47))}",
            )
            for number in range(n)
        )
    )


def test_corpora_of_one_kind_cannot_be_told_apart() -> None:
    found = fidelity(corpus("r", 1, 100), corpus("s", 2, 100))
    assert found["n_documents"] == {"real": 100, "synthetic": 100}
    assert found["labels"]["jensen_shannon_distance"] == 0
    assert found["labels"]["per_1000_words"]["NAME"] == {"real": pytest.approx(20), "synthetic": pytest.approx(20)}
    assert found["lengths"]["real"] == found["lengths"]["synthetic"]
    assert found["lengths"]["real"]["quantiles"]["0.5"] == 50
    assert found["vocabulary"]["of_real_in_synthetic"] == {"types": 1, "tokens": 1}
    assert 0.35 < found["discriminator"]["auc"] < 0.65
    assert found["near_duplicates"]["synthetic"] == {"documents": 0, "share": 0}
    assert found["diversity"]["n_words"] == 5000


def test_another_vocabulary_is_told_at_once_and_loops_are_less_diverse() -> None:
    real, poor = corpus("r", 1), corpus("s", 2, vocabulary=[*WORDS[:8], "only"])
    found = fidelity(real, poor)
    assert found["discriminator"]["auc"] > 0.99
    assert found["vocabulary"]["of_real_in_synthetic"]["types"] < 0.25
    assert 0.8 < found["vocabulary"]["of_synthetic_in_real"]["tokens"] < 1
    assert found["diversity"]["synthetic"]["distinct_2"] < found["diversity"]["real"]["distinct_2"]


def test_near_duplicates_among_the_synthetic_notes_are_counted() -> None:
    some = corpus("s", 2)
    twice = Corpus((*some.documents, *(Document(f"again{each.doc_id}", each.text) for each in some.documents[:10])))
    found = fidelity(corpus("r", 1), twice)
    assert found["near_duplicates"]["synthetic"] == {"documents": 10, "share": 0.2}
    assert found["labels"]["jensen_shannon_distance"] == 0


def test_labels_of_one_side_only() -> None:
    real = Corpus(tuple(note(f"r{number}", ("Anna", "NAME")) for number in range(3)))
    synthetic = Corpus(tuple(note(f"s{number}", ("2019", "DATE")) for number in range(3)))
    found = fidelity(real, synthetic)["labels"]
    assert found["jensen_shannon_distance"] == 1
    assert found["per_1000_words"] == {"DATE": {"real": 0, "synthetic": 1000}, "NAME": {"real": 1000, "synthetic": 0}}


@pytest.mark.parametrize("synthetic", [Corpus(()), Corpus((Document("1", ""),)), Corpus((Document("1", "ett två"),))])
def test_what_is_not_defined_is_none(synthetic: Corpus) -> None:
    found = fidelity(corpus("r", 1), synthetic)
    assert found["discriminator"]["auc"] is None
    assert found["labels"]["jensen_shannon_distance"] is None
    assert found["diversity"]["synthetic"]["distinct_4"] is None
    json.dumps(found, allow_nan=False)


def test_no_text_is_in_the_figures_and_the_seed_decides() -> None:
    real, synthetic = corpus("r", 1), corpus("s", 2)
    written = json.dumps(fidelity(real, synthetic), allow_nan=False)
    assert written == json.dumps(fidelity(real, synthetic))
    assert not any(word in written for word in ("alfaa", "Anna", "r1", "s1"))
