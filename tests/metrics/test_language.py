from __future__ import annotations

import pytest

from deidsynth.metrics import LanguageProfile

SWEDISH = [
    "Patienten kom till oss den 3 mars och mår nu bra. Hon har inte ont i knät och vill gå hem till sin man."
] * 3
ENGLISH = (
    "The patient came to see us in March and is now well again, so that she wants to go home to her husband today."
)


def test_letters_of_another_script() -> None:
    profile = LanguageProfile(["Mår bra, 37°", "β-blockerare"])
    assert profile.foreign_letters("Mår β") == 0.0
    assert profile.foreign_letters("Ой åå, 12!") == 0.5
    assert profile.foreign_letters("12!") == 0.0


def test_commonest_words_of_the_texts() -> None:
    profile = LanguageProfile(SWEDISH)
    assert profile.common_words(SWEDISH[0]) == pytest.approx(1.0)
    assert profile.common_words(ENGLISH) == 0.0
    assert profile.common_words("Hon mår bra.") is None  # too short to say


def test_a_word_with_a_digit_is_none_of_them() -> None:
    assert LanguageProfile(["3 3 3 x"], n_words=1).share == 0.25


def test_nothing_to_compare_with() -> None:
    profile = LanguageProfile([""])
    assert profile.common_words(ENGLISH) is None
    assert profile.n_words == 0
    assert "n_words=0" in repr(profile)
