from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

from deidsynth.privacy.audit import ngrams
from deidsynth.privacy.audit.ngrams import PRIOR, NgramIndex

WORDS = st.lists(st.sampled_from(["ana", "bo", "kom", "hem"]), max_size=8).map(" ".join)
TEXTS = st.lists(WORDS, max_size=5)


def probabilities(texts: list[str], source: list[list[str]], order: int) -> list[float]:
    """The same model by the book: every n-gram counted as a tuple."""
    seen: dict[tuple[str, ...], int] = {}
    for words in source:
        for length in range(1, order + 1):
            for at in range(len(words) - length + 1):
                run = tuple(words[at : at + length])
                seen[run] = seen.get(run, 0) + 1
    n_words, size = sum(map(len, source)), len({word for text in texts for word in text.split()})
    found = []
    for text in texts:
        words = text.split()
        for place, word in enumerate(words):
            chance = 1 / (size + 1)
            for length in range(1, order + 1):
                if length - 1 > place:
                    break
                context = tuple(words[place - length + 1 : place])
                total = n_words if not context else seen.get(context, 0)
                chance = (seen.get((*context, word), 0) + PRIOR * chance) / (total + PRIOR)
            found.append(math.log(chance))
    return found


@given(texts=TEXTS, source=TEXTS, order=st.integers(1, 4), block=st.integers(1, 6))
def test_the_model_is_that_of_all_counts(texts: list[str], source: list[str], order: int, block: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "BLOCK_WORDS", block)
        index = NgramIndex(texts, order)
        found = index.log_probabilities(index.count(source))
    assert found == pytest.approx(probabilities(texts, [each.split() for each in source], order))


@given(texts=TEXTS.filter(bool), data=st.data())
def test_without_its_own_part_a_text_is_one_of_others(texts: list[str], data: st.DataObject) -> None:
    parts = data.draw(st.lists(st.integers(0, 2), min_size=len(texts), max_size=len(texts)))
    index = NgramIndex(texts)
    found = index.log_probabilities(index.own_counts(), np.array(parts))
    expected = []
    for part in range(3):
        others = [text.split() for text, other in zip(texts, parts, strict=True) if other != part]
        by_word = iter(probabilities(texts, others, ngrams.ORDER))
        expected.append([[next(by_word) for _ in text.split()] for text in texts])
    by_text = [expected[part][number] for number, part in enumerate(parts)]
    assert found == pytest.approx([value for values in by_text for value in values])


def test_a_representation_shows_no_text() -> None:
    assert repr(NgramIndex(["Ana kom", ""])) == "NgramIndex(n_texts=2, n_words=2)"
