"""Addresses word by word: other names and numbers in the same form, where a street has a word of its own."""

from __future__ import annotations

import re
from random import Random

from deidsynth.surrogates.known_words import is_known
from deidsynth.surrogates.shapes import like_case, listed, random_like
from deidsynth.surrogates.surnames import surname_pool

_TOKEN = re.compile(r"[ºª]|[^\W\d_ºª]+|\d+")
_OF_ADDRESSES = {
    "es": listed(
        "número num núm nº no n s izq izquierda dcha derecha bajo bajos piso puerta portal escalera esc esquina local "
        "apartado correos km bis san santa santo"
    ),
    "en": listed("no number floor north south east west upper lower saint"),
    "fr": listed("no numéro étage bâtiment appartement saint sainte"),
}
"""Words of addresses that name no street, beside those that are known."""


def street_like(rng: Random, like: str, language: str) -> str | None:
    """An address in the form of another one; None in a language whose addresses are not written so.

    Args:
        rng: source of randomness.
        like: the address to imitate: words for kinds of streets and for floors stay.
        language: of its words.
    """
    kept = _OF_ADDRESSES.get(language)
    if kept is None:
        return None

    def other(token: re.Match[str]) -> str:
        word = token[0]
        if word in "ºª" or word.casefold() in kept or is_known(word, "street", language):
            return word
        if word.isdecimal() or len(word) == 1:
            return random_like(rng, word)
        return like_case(rng.choice(surname_pool(language)), word)

    return _TOKEN.sub(other, like)
