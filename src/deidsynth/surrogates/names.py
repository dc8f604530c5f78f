"""Pools of person names from Faker's lists, parted into a train and a test half that share nothing."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from faker.providers.person.en_US import Provider as EnglishNames
from faker.providers.person.es_ES import Provider as SpanishNames
from faker.providers.person.sv_SE import Provider as SwedishNames

Part = Literal["train", "test", "all"]
LOCALES = {"sv": "sv_SE", "es": "es_ES", "en": "en_US"}
NEUTRAL_LOCALE = "en_US"
_PROVIDERS = {"sv": SwedishNames, "es": SpanishNames, "en": EnglishNames}


@dataclass(frozen=True, slots=True)
class NamePool:
    """Names of one word each; a first name stands in one of the two lists only.

    Args:
        male: first names of men.
        female: first names of women.
        last: last names.
    """

    male: tuple[str, ...]
    female: tuple[str, ...]
    last: tuple[str, ...]


@cache
def name_pool(language: str, part: Part = "all") -> NamePool:
    """The names of a language (English for a language without a list), or of one part of them.

    A name goes to the test part by a checksum of its letters, so the same name never stands in both.
    """
    provider = _PROVIDERS.get(language, EnglishNames)
    male, female = set(provider.first_names_male), set(provider.first_names_female)
    return NamePool(
        male=_select(male - female, part),
        female=_select(female - male, part),
        last=_select(provider.last_names, part),
    )


def in_test_part(name: str) -> bool:
    """Whether a name belongs to the test part: about one in four does."""
    return zlib.crc32(name.casefold().encode()) % 4 == 0


def _select(names: Iterable[str], part: Part) -> tuple[str, ...]:
    words = sorted({name for name in names if name.isalpha() and len(name) > 1})
    return tuple(name for name in words if part == "all" or in_test_part(name) == (part == "test"))
