from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given, strategies as st

from deidsynth.errors import InputError
from deidsynth.models.bases.pruning import alphabets, kept_pieces, letters_of


def test_pieces_in_the_letters_of_the_languages_stay() -> None:
    pieces = ["<s>", "▁de", "niño", "Växjö", "Łódź", "жи", "ж", "12/", "▁—", "e\u0301x", "½", "ÑÅ"]

    def kept(*languages: str) -> list[str]:
        return [pieces[number] for number in kept_pieces(pieces, {0}, letters_of(languages))]

    assert kept("es") == ["<s>", "▁de", "niño", "ж", "12/", "▁—", "½"]
    assert kept("sv") == ["<s>", "▁de", "Växjö", "ж", "12/", "▁—", "½"]
    assert kept("es", "sv") == ["<s>", "▁de", "niño", "Växjö", "ж", "12/", "▁—", "½", "ÑÅ"]
    assert kept("pl") == ["<s>", "▁de", "Łódź", "ж", "12/", "▁—", "½"]


def test_a_special_piece_stays_whatever_its_letters() -> None:
    assert kept_pieces(["<жи>", "жи"], {0}, letters_of(["en"])) == [0]


@given(
    st.text(st.characters(categories=["L", "N", "P", "S", "Z"])), st.lists(st.sampled_from([*alphabets()]), min_size=1)
)
def test_every_piece_of_a_text_in_the_letters_stays(text, languages) -> None:
    letters = letters_of(languages)
    written = "".join(each for each in text if each in letters or not unicodedata.category(each).startswith("L"))
    pieces = [written[start:end] for start in range(len(written)) for end in range(start + 1, len(written) + 1)]
    assert kept_pieces(pieces, (), letters) == list(range(len(pieces)))


def test_an_unknown_language_is_named() -> None:
    with pytest.raises(InputError, match=r"--languages: 'xx', 'zh' not known; known are .*es.*sv.*whole vocabulary"):
        letters_of(["es", "zh", "xx"])


def test_alphabets_are_letters_composed_and_lower_case() -> None:
    for language, letters in alphabets().items():
        assert all(len(letter) == 1 and unicodedata.category(letter)[0] == "L" for letter in letters), language
        assert {unicodedata.normalize("NFKC", letter) for letter in letters} == letters, language
