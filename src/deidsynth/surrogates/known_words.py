"""Words that a value may keep of the one that it stands for: of dates, ages, telephone numbers, addresses, titles."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from functools import cache
from importlib import resources

import yaml

from deidsynth.config.surrogates import Kind
from deidsynth.surrogates import places, words
from deidsynth.surrogates.dates import is_date_name
from deidsynth.surrogates.shapes import listed
from deidsynth.surrogates.surface_formats import organization_patterns

_LETTERS = re.compile(r"[^\W\d_]+")
_PLACEHOLDER = re.compile(r"\{\w*\}")
_LEGAL_FORMS = listed(
    "ab hb kb sa sl slu gmbh kg ag ohg co inc ltd llc plc group sons and sarl sas as bv nv aps oy srl"
)
_OF_ADDRESSES = ("http https www", "example.com example.org example.net")
_LISTED: dict[Kind, str] = {"date_part": "date", "place": "street"}
"""Kinds whose words are listed under another one."""
_UNKNOWN_MONTH = re.compile(r"(?<!\d)(\d{1,2}\.?\s+)([^\W\d_]{3,})(?=\s+\d{4}(?!\d))")
_EMPTIED = re.compile(r"\(\s*\)|\[\s*\]")
_AT_ENDS = " ,;:.-/()[]'\"_"


def words_in(text: str) -> frozenset[str]:
    """The words of two letters or more in a text, in one form of Unicode and in lower case."""
    return frozenset(word for word in _LETTERS.findall(_plain(text)) if len(word) > 1)


def is_known(word: str, kind: Kind, language: str) -> bool:
    """Whether a word may reappear in a value of a kind: so common there that it identifies nobody.

    Args:
        word: in any case.
        kind: of the value.
        language: whose words are used.
    """
    word = _plain(word)
    is_name = kind in {"date", "date_part"} and is_date_name(word, language)
    return is_name or word in _known(kind, language)


def without_unknown(like: str, kind: Kind, language: str, month: Callable[[], str]) -> str:
    """A date, age or telephone number without the words that are not known in it; empty if nothing else is a format.

    Args:
        like: the value to imitate.
        kind: date, part of a date, age or phone.
        language: whose words are known.
        month: gives a month for an unknown word between the numbers of a day and a year, such as an inflected one.
    """
    if all(is_known(word, kind, language) for word in _LETTERS.findall(like)):
        return like

    def named(found: re.Match[str]) -> str:
        return found[0] if is_known(found[2], kind, language) else found[1] + month()

    is_date = kind in {"date", "date_part"}
    if is_date:
        like = _UNKNOWN_MONTH.sub(named, like)
    left = _LETTERS.sub(lambda found: found[0] if is_known(found[0], kind, language) else "", like)
    left = " ".join(_EMPTIED.sub("", left).split()).strip(_AT_ENDS)
    return "" if is_date and left.isdecimal() and len(left) < 3 else left  # one number alone is no format


def _plain(text: str) -> str:
    return unicodedata.normalize("NFKC", text).casefold()


@cache
def _known(kind: Kind, language: str) -> frozenset[str]:
    particles = words.particles_of(language)
    match kind:
        case "first_name" | "last_name" | "full_name" | "profession" | "country" | "detail":
            return particles
        case "title":
            return _words_of([*words.TITLES.get(language, ()), *words.COMMON_TITLES])
        case "sex":
            return _words_of(word for pair in (*words.SEX.values(), *words.SEX_GROUPS) for word in pair)
        case "family":
            return _words_of(words.FAMILY.get(language, words.FAMILY["en"]))
        case "email" | "url":
            return _words_of(_OF_ADDRESSES)
        case "hospital":
            return particles | _words_of(places.care_unit_patterns(language))
        case "organization":
            return particles | _words_of([*organization_patterns(language), *_LEGAL_FORMS])
        case "clinic":
            return _listed_words(kind, language) | _words_of(places.care_unit_patterns(language))
        case "street" | "place":
            return particles | _listed_words(kind, language)
    return _listed_words(kind, language)


def _words_of(patterns: Iterable[str]) -> frozenset[str]:
    return words_in(_PLACEHOLDER.sub(" ", " ".join(patterns)))


def _listed_words(kind: Kind, language: str) -> frozenset[str]:
    return frozenset(_by_kind().get(_LISTED.get(kind, kind), {}).get(language, "").split())


@cache
def _by_kind() -> dict[str, dict[str, str]]:
    file = resources.files("deidsynth.surrogates") / "known_words.yaml"
    found: dict[str, dict[str, str]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found
