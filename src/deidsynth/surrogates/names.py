"""Pools of person names from Faker's lists, split into disjoint train and test pools."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Literal

from faker.providers.person.en_US import Provider as EnglishNames
from faker.providers.person.es_ES import Provider as SpanishNames
from faker.providers.person.sv_SE import Provider as SwedishNames

Split = Literal["train", "test", "all"]
LOCALES = {"sv": "sv_SE", "es": "es_ES", "en": "en_US"}
NEUTRAL_LOCALE = "en_US"
_PROVIDERS = {"sv": SwedishNames, "es": SpanishNames, "en": EnglishNames}


@dataclass(frozen=True, slots=True)
class NamePool:
    """Single-word names; a first name is in only one of the two lists.

    Args:
        male: first names of men.
        female: first names of women.
        last: last names.
    """

    male: tuple[str, ...]
    female: tuple[str, ...]
    last: tuple[str, ...]


@cache
def name_pool(language: str, split: Split = "all") -> NamePool:
    """The names of a language (English for a language without a list), or one split of them.

    A checksum of the letters assigns a name to the test split, so no name is in both splits.
    """
    provider = _PROVIDERS.get(language, EnglishNames)
    male, female = set(provider.first_names_male), set(provider.first_names_female)
    return NamePool(
        male=_select(male - female, split),
        female=_select(female - male, split),
        last=_select(provider.last_names, split),
    )


def in_test_split(name: str) -> bool:
    """Whether a name belongs to the test split: about one in four does."""
    return zlib.crc32(name.casefold().encode()) % 4 == 0


def _select(names: Iterable[str], split: Split) -> tuple[str, ...]:
    words = sorted({name for name in names if name.isalpha() and len(name) > 1})
    return tuple(name for name in words if split == "all" or in_test_split(name) == (split == "test"))
