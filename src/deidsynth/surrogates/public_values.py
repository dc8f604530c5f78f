"""Values that many people share, drawn as they are known in public, whatever they replace.

A sex, a relative, a country or a town points to nobody by itself. A surrogate that is never its original gives such a
value away (of two sexes it is the other one), and invented names of towns take from the text what a tagger has to know.
So these are drawn without a look at the original, which they equal by chance as often as any other. The domains of mail
addresses are invented: fixed ones would be learned by heart.
"""

from __future__ import annotations

import re
from random import Random

from faker.providers.address.es_ES import Provider as SpanishAddress
from faker.providers.address.sv_SE import Provider as SwedishAddress

from deidsynth.config.surrogates import Kind
from deidsynth.surrogates import places, words
from deidsynth.surrogates.shapes import like_case

_ON_THE_MAP = {"es": (*SpanishAddress.states, *SpanishAddress.regions), "sv": tuple(SwedishAddress.cities)}
_LARGE = {
    "es": (
        "Madrid",
        "Barcelona",
        "Valencia",
        "Sevilla",
        "Zaragoza",
        "Málaga",
        "Murcia",
        "Bilbao",
        "Alicante",
        "Córdoba",
    ),
    "sv": ("Stockholm", "Göteborg", "Malmö", "Uppsala", "Västerås", "Örebro", "Linköping", "Helsingborg"),
}
_POSTCODES = {"es": (re.compile(r"\d{5}"), 52), "sv": (re.compile(r"\d{3} ?\d{2}"), 98)}
"""The shape of postcodes, and the highest of the numbers that their first two digits are, from 1 or, in Swedish, 10."""
_SEXES = {"es": ("varón", "hombre", "mujer", "mujer")}
_SEX_LETTERS = {"es": ("H", "M"), "sv": ("M", "K")}
_SEX_WORDS = {word.casefold() for pair in (*words.SEX.values(), *words.SEX_GROUPS) for word in pair}
_HOME = {"es": "España", "sv": "Sverige"}
_TOP_LEVEL = {"es": ("es", "com", "org", "net"), "sv": ("se", "nu", "com", "org")}
_AT_HOME, _MAPPED, _IN_LARGE_TOWNS = 0.9, 0.8, 0.5
_SYLLABLES = tuple(consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou")


def is_home_country(value: str, language: str) -> bool:
    """Whether a value is the country in which nearly everybody lives who is written about in a language."""
    return value.strip().casefold() == _HOME.get(language, "").casefold() != ""


class PublicValues:
    """Values of a language that are drawn whatever they replace.

    Args:
        language: ISO 639-1 code.
        seed: the source of randomness.
    """

    def __init__(self, language: str, seed: str) -> None:
        self._language, self._rng = words.words_of(language), Random(f"public-{seed}")

    def __repr__(self) -> str:
        return f"PublicValues(language={self._language!r})"

    def value(self, kind: Kind | str, like: str) -> str | None:
        """A value in the case of ``like``; None where values of the kind have to be other than their original.

        Args:
            kind: of value.
            like: the original, of which only its case, its shape, and whether it is a word for a sex are looked at.
        """
        if kind == "sex":
            return like_case(self._rng.choice(self._sexes(like)), like) if like.casefold() in _SEX_WORDS else None
        if kind in ("place", "postcode") and (code := self._postcode(like)) is not None:
            return code
        if any(character.isdecimal() for character in like):
            return None
        if kind == "family" and self._language in words.FAMILY:
            return like_case(self._rng.choice(words.FAMILY[self._language]), like)
        if kind == "country" and self._language in _HOME:
            home = self._rng.random() < _AT_HOME
            return like_case(_HOME[self._language] if home else places.country(self._rng, self._language), like)
        if kind == "place" and self._language in _ON_THE_MAP and self._rng.random() < _MAPPED:
            large = self._rng.random() < _IN_LARGE_TOWNS
            return like_case(self._rng.choice((_LARGE if large else _ON_THE_MAP)[self._language]), like)
        return None

    def _sexes(self, like: str) -> tuple[str, ...]:
        """Letters for a letter, words for a word: the same ones for either sex."""
        if len(like) == 1:
            return {**words.SEX_LETTERS, **_SEX_LETTERS}.get(self._language, ("M", "F"))
        return {**words.SEX, **_SEXES}.get(self._language, words.SEX["en"])

    def _postcode(self, like: str) -> str | None:
        """A postcode that may be one, in the shape of a postcode; low numbers are those of large towns."""
        shape, highest = _POSTCODES.get(self._language, (None, 0))
        if shape is None or shape.fullmatch(like) is None:
            return None
        area = self._rng.randint(10 if self._language == "sv" else 1, highest)
        within = self._rng.randint(1, 99) if self._rng.random() < _IN_LARGE_TOWNS else self._rng.randint(100, 999)
        digits = f"{area:02d}{within:03d}"
        return digits if " " not in like else f"{digits[:3]} {digits[3:]}"

    def mail_address(self, address: str) -> str:
        """An invented address with an invented domain in place of its own."""
        local, at, _ = address.rpartition("@")
        name = "".join(self._rng.choice(_SYLLABLES) for _ in range(self._rng.randint(3, 6)))
        ends = _TOP_LEVEL.get(self._language, ("com", "org", "net"))
        return f"{local}{at}{name}.{self._rng.choice(ends)}" if at else address
