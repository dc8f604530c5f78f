"""The locale of Faker for a language, and what Faker has lists of in it."""

from __future__ import annotations

from functools import cache
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Literal

from faker.config import AVAILABLE_LOCALES

Provider = Literal["person", "address", "company", "job", "date_time"]

NEUTRAL_LOCALE = "en_US"
_COUNTRY = {"ar": "SA", "el": "GR", "en": "US", "sv": "SE", "zh": "CN"}
"""Of languages for which Faker has several countries, where it is not called like the language, as in de_DE."""


@cache
def locale_of(language: str) -> str | None:
    """The locale of a language; None if Faker has none.

    >>> locale_of("no")
    'no_NO'
    """
    found = sorted(locale for locale in AVAILABLE_LOCALES if locale.partition("_")[0] == language)
    usual = f"{language}_{_COUNTRY.get(language, language.upper())}"
    return usual if usual in found else next(iter(found), None)


@cache
def provider_of(kind: Provider, language: str) -> Any:
    """What Faker has of one kind in a language: the class with its lists; None if it would fall back to English."""
    locale = locale_of(language)
    module = f"faker.providers.{kind}.{locale}"
    return import_module(module).Provider if locale is not None and find_spec(module) is not None else None
