"""Values that many people share, drawn as they are known in public, whatever they replace.

A sex, a relative, a country or a town points to nobody by itself. A surrogate that is never its original gives such a
value away (of two sexes it is the other one), and invented names of towns take from the text what a tagger has to know.
So these are drawn without a look at the original, which they equal by chance as often as any other. The domains of mail
addresses are invented: fixed ones would be learned by heart.
"""

from __future__ import annotations

from random import Random

from faker.providers.address.es_ES import Provider as SpanishAddress
from faker.providers.address.sv_SE import Provider as SwedishAddress

from deidsynth.config.surrogates import Kind
from deidsynth.surrogates import places, words
from deidsynth.surrogates.shapes import like_case

_ON_THE_MAP = {"es": (*SpanishAddress.states, *SpanishAddress.regions), "sv": tuple(SwedishAddress.cities)}
_HOME = {"es": "España", "sv": "Sverige"}
_TOP_LEVEL = {"es": ("es", "com", "org", "net"), "sv": ("se", "nu", "com", "org")}
_AT_HOME, _MAPPED = 0.9, 0.8
_SYLLABLES = tuple(consonant + vowel for consonant in "bdfgklmnprstvz" for vowel in "aeiou")


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
            like: the original, of which only its case, whether it has digits, and which pair of words for the sexes it
                belongs to are looked at.
        """
        if kind == "sex":
            letters = words.SEX_LETTERS.get(self._language)
            pairs = (*((letters,) if letters else ()), *words.SEX.values(), *words.SEX_GROUPS)
            pair = next((each for each in pairs if like.casefold() in {word.casefold() for word in each}), None)
            return None if pair is None else like_case(self._rng.choice(pair), like)
        if any(character.isdecimal() for character in like):
            return None
        if kind == "family" and self._language in words.FAMILY:
            return like_case(self._rng.choice(words.FAMILY[self._language]), like)
        if kind == "country" and self._language in _HOME:
            home = self._rng.random() < _AT_HOME
            return like_case(_HOME[self._language] if home else places.country(self._rng, self._language), like)
        if kind == "place" and self._language in _ON_THE_MAP and self._rng.random() < _MAPPED:
            return like_case(self._rng.choice(_ON_THE_MAP[self._language]), like)
        return None

    def mail_address(self, address: str) -> str:
        """An invented address with an invented domain in place of its own."""
        local, at, _ = address.rpartition("@")
        name = "".join(self._rng.choice(_SYLLABLES) for _ in range(self._rng.randint(3, 6)))
        ends = _TOP_LEVEL.get(self._language, ("com", "org", "net"))
        return f"{local}{at}{name}.{self._rng.choice(ends)}" if at else address
