"""Pools of person names from Faker's lists, split into disjoint train and test pools."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import Any, Literal

from deidsynth.surrogates.locales import provider_of

Split = Literal["train", "test", "all"]
_LAST_NAMES = ("last_names", "last_names_male", "last_names_female", "male_last_names", "unisex_last_names",
               "last_names_without_suffix")  # fmt: skip
"""What the providers of Faker's locales call their lists."""
_ENOUGH = 40


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
    provider = provider_of("person", language if has_names(language) else "en")
    male, female = _listed(provider, "first_names_male"), _listed(provider, "first_names_female")
    if not (male and female):  # a list for all
        male = female = male | female | _listed(provider, "first_names")
        return NamePool(_select(male, split), (), _select(_listed(provider, *_LAST_NAMES), split))
    return NamePool(
        male=_select(male - female, split),
        female=_select(female - male, split),
        last=_select(_listed(provider, *_LAST_NAMES), split),
    )


@cache
def has_names(language: str) -> bool:
    """Whether Faker has names of the language that are single words of letters: enough for two splits."""
    provider = provider_of("person", language)
    if provider is None:
        return False
    first = _select(_listed(provider, "first_names_male", "first_names_female", "first_names"), "all")
    return min(len(first), len(_select(_listed(provider, *_LAST_NAMES), "all"))) >= _ENOUGH


@cache
def unisex_names(language: str) -> frozenset[str]:
    """First names of men and of women alike, which are in neither list of a pool."""
    provider = provider_of("person", language)
    return frozenset(_listed(provider, "first_names_male") & _listed(provider, "first_names_female"))


def in_test_split(name: str) -> bool:
    """Whether a name belongs to the test split: about one in four does."""
    return zlib.crc32(name.casefold().encode()) % 4 == 0


def _listed(provider: Any, *attributes: str) -> set[str]:
    """The words of some lists of a provider, those that it has."""
    return {word for name in attributes for word in getattr(provider, name, ())}


def _select(names: Iterable[str], split: Split) -> tuple[str, ...]:
    words = sorted({name for name in names if name.isalpha() and len(name) > 1})
    return tuple(name for name in words if split == "all" or in_test_split(name) == (split == "test"))
