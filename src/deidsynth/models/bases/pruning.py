"""Which pieces of a vocabulary are kept for some languages: those that texts in their letters can be cut into."""

from __future__ import annotations

import functools
import string
import unicodedata
from collections.abc import Collection, Sequence
from importlib import resources

import yaml

from deidsynth.errors import InputError


@functools.cache
def alphabets() -> dict[str, frozenset[str]]:
    """The letters of each known language, in lower and upper case."""
    text = resources.files(__package__).joinpath("alphabets.yaml").read_text(encoding="utf-8")
    return {
        language: frozenset(string.ascii_letters) | frozenset(letters) | frozenset(letters.upper())
        for language, letters in yaml.safe_load(text).items()
    }


def letters_of(languages: Sequence[str]) -> frozenset[str]:
    """The letters of several languages together.

    Raises:
        InputError: a language is not known.
    """
    unknown = sorted(set(languages) - set(alphabets()))
    if unknown:
        raise InputError(
            f"--languages: {', '.join(map(repr, unknown))} not known; known are {', '.join(sorted(alphabets()))}. "
            "Without --languages the whole vocabulary is kept"
        )
    return frozenset().union(*(alphabets()[language] for language in languages))


def kept_pieces(pieces: Sequence[str], special: Collection[int], letters: frozenset[str]) -> list[int]:
    """The ids of the pieces to keep, in order.

    A piece stays if all its letters are among those given: digits, punctuation and other signs are no letters. So the
    pieces of a text in these letters are all kept, and it is cut as before. Pieces of one character stay whatever they
    are: a text that could be encoded still can.

    Args:
        pieces: by id.
        special: ids that stay whatever their piece.
        letters: of the languages.

    >>> kept_pieces(["<s>", "▁de", "ñ", "▁ñu", "жи", "7."], {0}, frozenset("deu"))
    [0, 1, 2, 5]
    """
    return [
        number
        for number, piece in enumerate(pieces)
        if number in special or len(piece) == 1 or all(_is_in(letters, character) for character in piece)
    ]


def _is_in(letters: frozenset[str], character: str) -> bool:
    return character in letters or unicodedata.category(character)[0] not in "LM"
