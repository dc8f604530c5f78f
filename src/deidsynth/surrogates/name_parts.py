"""The parts of a name in a text: first names, surnames, initials, and what is kept, such as particles."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Literal

from deidsynth.folding import folded
from deidsynth.surrogates.derived import WORD
from deidsynth.surrogates.names import name_pool, unisex_names
from deidsynth.surrogates.surnames import surname_pool
from deidsynth.surrogates.words import particles_of

Sex = Literal["f", "m"]
_GENITIVE = frozenset({"sv", "da", "no", "nb", "nn", "de", "nl"})
"""Languages whose names have an s in the genitive without an apostrophe."""
_SHORTEST_GENITIVE = 3
"""Letters of the shortest name with that s."""
_APOSTROPHES, _HYPHENS = frozenset("'’`´"), frozenset("-\u2010\u2011")
_BEFORE_APOSTROPHE = frozenset("dDlLO")
_LONGEST_INITIALS = 4
_MOSTLY: dict[str, Sex] = {
    "maria": "f",
    "guadalupe": "f",
    "rosario": "f",
    **dict.fromkeys(("jose", "ahmed", "ali", "hassan", "hussein", "ibrahim", "mohamed", "mohammed"), "m"),
}
"""The sex of names that Faker lists for both, and that nearly always are of one."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a name that is replaced.

    Args:
        start: in the surface.
        end: one past its end there, without the ending.
        key: folded; a single letter is an initial.
        ending: ``s`` of a genitive, which is kept.
        group: parts joined by a hyphen are of one group.
    """

    start: int
    end: int
    key: str
    ending: str
    group: int


@dataclass(frozen=True)
class KnownNames:
    """What is known of the names of a language.

    Args:
        language: its code.
    """

    language: str

    @cached_property
    def men(self) -> frozenset[str]:
        """First names of men, folded."""
        return frozenset(map(folded, name_pool(self.language).male))

    @cached_property
    def women(self) -> frozenset[str]:
        """First names of women, folded."""
        return frozenset(map(folded, name_pool(self.language).female))

    @cached_property
    def unisex(self) -> frozenset[str]:
        """First names of both, folded."""
        return frozenset(map(folded, unisex_names(self.language)))

    @cached_property
    def surnames(self) -> frozenset[str]:
        """Surnames, folded; some are first names too."""
        return frozenset(map(folded, (*surname_pool(self.language), *name_pool(self.language).last)))

    @cached_property
    def accented(self) -> frozenset[str]:
        """Names that are only known with an accent, folded."""
        pool = name_pool(self.language)
        names = (*pool.male, *pool.female, *surname_pool(self.language))
        return frozenset(map(folded, names)) - {name.casefold() for name in names if name.isascii()}

    def sex(self, key: str) -> Sex | None:
        """The sex whose first name a part is; none for other names, and in languages with one list for both."""
        if key in _MOSTLY:
            return _MOSTLY[key]
        if not self.women or (key in self.men) == (key in self.women):
            return None
        return "f" if key in self.women else "m"

    def is_first(self, key: str) -> bool:
        """Whether a part is a first name."""
        return key in self.men or key in self.women or key in self.unisex

    def __contains__(self, key: object) -> bool:
        return key in self.men or key in self.women or key in self.unisex or key in self.surnames


@cache
def known_names(language: str) -> KnownNames:
    """What is known of the names of a language; made once."""
    return KnownNames(language)


def parts_of(surface: str, language: str, words: Container[str]) -> list[Part]:
    """The parts of a name that are replaced, in order; particles, titles and other characters are kept.

    Args:
        surface: the name.
        language: of the text.
        words: folded words of other names, by which a genitive is told from a name that ends in s.
    """
    particles, known = particles_of(language), known_names(language)
    found, group, last = list[Part](), 0, 0
    for match in WORD.finditer(surface):
        word, start, end = match[0], match.start(), match.end()
        if _is_kept(word, surface[:start][-1:], surface[end : end + 1], particles):
            continue
        group += not (found and surface[last:start] in _HYPHENS)
        last, key = end, "maria" if word.casefold() == "mª" else folded(word)
        if not key:  # letters that are nothing without their marks
            continue
        if _are_initials(word, surface) and key not in known:
            found += (
                Part(start + place, start + place + 1, each.casefold(), "", group) for place, each in enumerate(word)
            )
        elif _is_genitive(key, language, words, known):
            found.append(Part(start, end - 1, key[:-1], word[-1], group))
        else:
            found.append(Part(start, end, key, "", group))
    return found


def _is_kept(word: str, before: str, after: str, particles: frozenset[str]) -> bool:
    if len(word) > 1:
        return word.casefold() in particles
    if word in _BEFORE_APOSTROPHE and after in _APOSTROPHES:
        return True
    return word in particles or (word == "s" and before in _APOSTROPHES)


def _are_initials(word: str, surface: str) -> bool:
    alone = surface.strip(" .,\n") == word
    return word.isalpha() and word.isupper() and len(word) <= _LONGEST_INITIALS and (alone or not surface.isupper())


def _is_genitive(key: str, language: str, words: Container[str], known: Container[str]) -> bool:
    base = without_genitive(key, language)
    return base is not None and key not in known and (base in known or base in words)


def without_genitive(form: str, language: str | None) -> str | None:
    """A name without the s at its end, which may be that of a genitive; None if it cannot be.

    >>> without_genitive("annas", "sv"), without_genitive("anna", "sv"), without_genitive("torres", "es")
    ('anna', None, None)

    Args:
        form: folded.
        language: of the text; any, if unknown.
    """
    has_genitive = language is None or language in _GENITIVE
    return form[:-1] if has_genitive and form.endswith("s") and len(form) >= _SHORTEST_GENITIVE else None


def without_marks(text: str) -> str:
    """A text without accents."""
    return "".join(each for each in unicodedata.normalize("NFKD", text) if not unicodedata.combining(each))


def words_folded(text: str) -> Iterator[str]:
    """The words of two letters or more in a text, folded."""
    return (folded(word) for word in WORD.findall(text) if len(word) > 1)
