"""Words that decide whether a part of a name, alone in a text, means the person: eponyms, and names that are words."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from deidsynth.deidentification.words import forms_of

_ALSO = ("en",)
"""Languages whose terms stand in texts of any other."""


@dataclass(frozen=True, slots=True)
class NameWords:
    """The words of a language, without case and accents.

    Args:
        eponyms: names of diseases, signs, instruments.
        before: words that make a name after them part of a term.
        after: words that make a name before them part of a term.
        between: words that may stand between those and the name.
        particles: words that may stand between the parts of a name.
        common: names that are words, too.
        first: those of them that begin sentences of notes.
        fields: words of forms and institutions.
        abbreviations: short forms that look like the initials of a name.
    """

    eponyms: frozenset[str]
    before: frozenset[str]
    after: frozenset[str]
    between: frozenset[str]
    particles: frozenset[str]
    common: frozenset[str]
    first: frozenset[str]
    fields: frozenset[str]
    abbreviations: frozenset[str]


@cache
def name_words(language: str | None) -> NameWords:
    """The words for texts of a language; without one, those of all languages."""
    listed = _listed()

    def by_language(key: str, *also: str) -> frozenset[str]:
        wanted = listed[key] if language is None else {language, *also} & listed[key].keys()
        return frozenset(form for each in wanted for form in forms_of(listed[key][each]))

    def of_all(key: str) -> frozenset[str]:
        return frozenset(forms_of(listed[key]))

    return NameWords(
        eponyms=of_all("eponyms"),
        before=by_language("before", *_ALSO),
        after=by_language("after", *_ALSO),
        between=of_all("between"),
        particles=of_all("particles"),
        common=by_language("common"),
        first=by_language("first"),
        fields=by_language("fields"),
        abbreviations=of_all("abbreviations"),
    )


@cache
def _listed() -> dict[str, Any]:
    file = resources.files("deidsynth.deidentification") / "name_words.yaml"
    found: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return found
