"""Which kinds of values can be invented in a language, and what is missing for a corpus."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from deidsynth.config.surrogates import Kind
from deidsynth.surrogates import places, words
from deidsynth.surrogates.dates import has_months
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.locales import provider_of
from deidsynth.surrogates.names import has_names

_WHAT: dict[Kind, str] = {
    "first_name": "first names",
    "last_name": "last names",
    "full_name": "names",
    "family": "words for relatives",
    "sex": "words for the sexes",
    "profession": "professions",
    "hospital": "names of hospitals",
    "clinic": "names of clinics",
    "organization": "names of companies",
    "street": "names of streets",
    "place": "names of places",
    "country": "names of countries",
    "detail": "details of a life",
}


def is_covered(kind: Kind, language: str) -> bool:
    """Whether values of a kind can be invented in a language; numbers and addresses can in every one."""
    language = words.words_of(language)
    match kind:
        case "first_name" | "last_name" | "full_name":
            return has_names(language)
        case "family":
            return language in words.FAMILY
        case "sex":
            return language in words.SEX
        case "profession":
            return language in words.PROFESSIONS or provider_of("job", language) is not None
        case "hospital" | "clinic":
            return places.has_care_units(language)
        case "organization":
            return provider_of("company", language) is not None
        case "street":
            return provider_of("address", language) is not None
        case "place":
            return places.has_towns(language) or provider_of("address", language) is not None
        case "country":
            return places.has_countries(language) or provider_of("address", language) is not None
        case "detail":
            return language in words.DETAILS
    return True


def has_month_names(language: str) -> bool:
    """Whether dates with the name of a month or day in the language are recognized."""
    return has_months(words.words_of(language))


def unknown_labels(labels: Iterable[str], own: Mapping[str, Kind] | None = None) -> list[str]:
    """The labels whose kind of value is not known, sorted."""
    return sorted(label for label in set(labels) if kind_of(label, own) is None)


def uncovered_labels(
    labels: Iterable[str], language: str, own: Mapping[str, Kind] | None = None
) -> dict[str, list[str]]:
    """The labels whose kind of value is known but cannot be invented in the language, by what is missing, sorted."""
    found: dict[str, list[str]] = {}
    for label in sorted(set(labels)):
        kind = kind_of(label, own)
        if kind is not None and not is_covered(kind, language):
            found.setdefault(_WHAT[kind], []).append(label)
    return found
