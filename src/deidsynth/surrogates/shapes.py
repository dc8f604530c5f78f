"""Imitating the shape of a string without copying its content."""

from __future__ import annotations

import string
import unicodedata
from random import Random


def listed(text: str) -> tuple[str, ...]:
    """The words of a text, for writing tables of names and places."""
    return tuple(text.split())


def random_like(rng: Random, like: str) -> str:
    """A random string with letters for letters of the same case, digits for digits, and everything else unchanged.

    A digit other than 0 stays nonzero. The result equals ``like`` only if ``like`` has neither letters nor digits.
    """
    if not any(character.isalpha() or character.isdecimal() for character in like):
        return like
    while True:
        value = "".join(_other(rng, character) for character in like)
        if value != like:
            return value


def _other(rng: Random, character: str) -> str:
    if character.isdecimal():
        return rng.choice("123456789") if character != "0" else rng.choice(string.digits)
    if character.isalpha():
        return rng.choice(string.ascii_uppercase if character.isupper() else string.ascii_lowercase)
    return character


def like_case(value: str, like: str | None) -> str:
    """``value`` in upper or lower case if all of ``like`` is."""
    if like is None or sum(character.isalpha() for character in like) < 2:
        return value
    if like.isupper():
        return value.upper()
    return value.lower() if like.islower() else value


def without_accents(word: str) -> str:
    """The plain letters of a name, as in an email address; remaining non-ASCII characters are left out."""
    decomposed = unicodedata.normalize("NFKD", word)
    return "".join(character for character in decomposed if character.isascii() and character.isalnum())
