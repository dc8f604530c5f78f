"""Words are the same runs of letters, marks and digits whether a text has combining marks or not."""

from __future__ import annotations

import unicodedata

from hypothesis import given, strategies as st

from deidsynth.metrics.tokens import words
from deidsynth.normalization import normalize


@given(st.text(st.sampled_from("aÉß7_ -–\u0301\u0903क\u20dd²"), max_size=12))
def test_words_are_runs_of_letters_marks_and_digits(text: str) -> None:
    found, word = [], ""
    for character in f"{normalize(text).text.casefold()} ":
        if character.isalnum() or unicodedata.category(character).startswith("M"):
            word += character
        elif word:
            found.append(word)
            word = ""
    assert words(text) == found
