"""Mentions of known values in a text: names, numbers with any separators, and other values word by word."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import pairwise

import ahocorasick_rs

from deidsynth.config.surrogates import NAME_KINDS, Kind
from deidsynth.deidentification.known_values import FEWEST_DIGITS, KnownValue
from deidsynth.deidentification.labels import label_for
from deidsynth.deidentification.names import Mention, Name, NameFinder, Part
from deidsynth.deidentification.words import Word, forms_of, words_of
from deidsynth.folding import folded
from deidsynth.surrogates.identity import passes_luhn
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.names import name_pool
from deidsynth.surrogates.words import particles_of

COUNTRY_CODES = {
    "sv": "46",
    "es": "34",
    "no": "47",
    "nb": "47",
    "nn": "47",
    "da": "45",
    "de": "49",
    "fr": "33",
    "nl": "31",
}
"""Of telephone numbers, by language."""

KINDS_OF_KNOWN_VALUES: tuple[Kind, ...] = ("full_name", "first_name", "last_name", "identifier", "email", "url")
"""Kinds that values without a label are taken for."""

_NAME = re.compile(r"[^\d@:/_]+")
_SHORT_WORD = 3
"""Letters of a word that may be part of a number, such as those of a license plate."""
_LONG_NUMBER = 6
"""Characters of a number that is sought inside a longer one with separators, too."""
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_SEPARATORS = re.compile(r"[^\w\n]{0,3}|_")
_JOINED_BEFORE, _JOINED_AFTER = re.compile(r"\d[.,:/\-\u2010\u2011]\Z"), re.compile(r"[.,:/\-\u2010\u2011]\d")
_GAP = re.compile(r"[^\w\n]{0,3}\n?[^\w\n]{0,3}")


class KnownValueFinder:
    """Finds mentions of known values.

    Args:
        values: sought.
        language: ISO 639-1 code of the texts, if known.
        labels: of the model.
        own: kind of value for labels, beside those that the package knows.
    """

    def __init__(
        self,
        values: Iterable[KnownValue],
        language: str | None,
        labels: Sequence[str],
        own: Mapping[str, Kind] | None = None,
    ) -> None:
        self._language, self._labels, self._own = language, labels, own
        names: list[Name] = []
        numbers: dict[str, KnownValue] = {}
        self._phrases: dict[tuple[str, ...], list[KnownValue]] = {}
        self._lengths: dict[str, set[int]] = {}
        """Of the phrases that begin with a word, in words."""
        for value in values:
            forms = forms_of(value.text)
            if not forms:
                continue
            if _is_number(forms):
                for form in _number_forms("".join(forms), language):
                    numbers.setdefault(form, value)
            elif self._is_name(value):
                names.append(self._name(value))
            else:
                self._phrases.setdefault(forms, []).append(value)
                self._lengths.setdefault(forms[0], set()).add(len(forms))
        self._names = NameFinder(names, language, any_case=True)
        self._numbers = tuple(numbers.values())
        self._automaton = ahocorasick_rs.AhoCorasick(list(numbers)) if numbers else None
        self._number_label = label_for(["identifier"], labels, own)

    def mentions(self, text: str) -> Iterator[Mention]:
        """The mentions in a text, in any order; those of different values may overlap.

        Args:
            text: normalized (`deidsynth.normalization`).
        """
        yield from self._names.mentions(text)
        yield from self._names.initials(text)
        yield from self._numbers_in(text)
        yield from self._phrases_in(text)

    def _is_name(self, value: KnownValue) -> bool:
        if not _NAME.fullmatch(value.text):
            return False
        return value.label is None or kind_of(value.label, self._own) in NAME_KINDS

    def _name(self, value: KnownValue) -> Name:
        """The parts of a name, each with its label: first names before last names, unless a comma says otherwise."""
        last, comma, first = value.text.partition(",")
        particles = particles_of(self._language or "")
        before, after = ([form for form in forms_of(each) if form not in particles] for each in (last, first))
        forms = [*after, *before] if comma else before
        n_last = len(before) if comma and after else self._n_last(forms)
        parts = []
        for place, form in enumerate(forms):
            kinds: tuple[Kind, Kind] = ("full_name", "last_name" if place >= len(forms) - n_last else "first_name")
            parts.append(Part(form, value.label or self._part_label(kinds)))
        return Name(tuple(parts), value.label is not None)

    def _part_label(self, kinds: tuple[Kind, Kind]) -> str:
        """The label of a whole name, or of the kind of part where the model has that alone."""
        whole, part = kinds
        known = {kind_of(label, self._own) for label in self._labels}
        return label_for([whole] if whole in known or part not in known else [part], self._labels, self._own)

    def _n_last(self, forms: Sequence[str]) -> int:
        """How many last names a name ends with; a single word is one unless it is a known first name alone."""
        if len(forms) == 1:
            return 0 if forms[0] in _first_names(self._language) else 1
        return 2 if self._language == "es" and len(forms) > 2 else 1

    def _numbers_in(self, text: str) -> Iterator[Mention]:
        if self._automaton is None:
            return
        places = [found.start() for found in _LETTER_OR_DIGIT.finditer(text)]
        characters = "".join(_folded_character(text[place]) for place in places)
        for number, first, end in self._automaton.find_matches_as_indexes(characters, overlapping=True):
            start, stop = places[first], places[end - 1] + 1
            inside = pairwise(places[first:end])
            if _is_apart(text, start, stop, end - first) and all(
                _SEPARATORS.fullmatch(text, left + 1, right) for left, right in inside
            ):
                value = self._numbers[number]
                yield Mention(start, stop, value.label or self._number_label, value.label is not None)

    def _phrases_in(self, text: str) -> Iterator[Mention]:
        words = words_of(text) if self._phrases else []
        for place, word in enumerate(words):
            for length in self._lengths.get(word.form, ()):
                some = words[place : place + length]
                values = self._phrases.get(tuple(each.form for each in some), ())
                for value in values if _is_in_a_row(text, some) else ():
                    label = value.label or label_for([_kind_of_phrase(value.text)], self._labels, self._own)
                    yield Mention(word.start, some[-1].end, label, value.label is not None)


@cache
def _first_names(language: str | None) -> frozenset[str]:
    """Words that are first names and no last names, without case and accents."""
    pool = name_pool(language or "en")
    return frozenset(map(folded, (*pool.male, *pool.female))) - frozenset(map(folded, pool.last))


def _is_number(forms: Sequence[str]) -> bool:
    """Whether the words of a value are those of a number, a few letters among them."""
    has_digit = [any(map(str.isdecimal, form)) for form in forms]
    number = "".join(forms)
    return (
        any(has_digit)
        and len(number) >= FEWEST_DIGITS
        and all(digit or len(form) <= _SHORT_WORD for form, digit in zip(forms, has_digit, strict=True))
    )


def _number_forms(number: str, language: str | None) -> Iterator[str]:
    """A number as it may be written: a date of birth in it with or without century, a telephone number with country."""
    yield number
    if not number.isdecimal():
        return
    if len(number) == 12 and number[:2] in {"18", "19", "20"} and passes_luhn(number[2:]):
        yield number[2:]
    if len(number) == 10 and passes_luhn(number):
        yield from (century + number for century in ("18", "19", "20"))
    code = COUNTRY_CODES.get(language or "")
    if code is None or not 8 <= len(number) <= 11:
        return
    own = number.removeprefix("0") if number.startswith("0") else number if language == "es" else ""
    if own:
        yield from (code + own, f"00{code}{own}", f"{code}0{own}")
    elif number.startswith(code):
        yield number.removeprefix(code) if language == "es" else "0" + number.removeprefix(code)


def _folded_character(character: str) -> str:
    """One character for a letter or digit, without case and accents."""
    return character.lower() if character.isascii() else (folded(character)[:1] or character)


def _is_apart(text: str, start: int, end: int, n_characters: int) -> bool:
    """Whether a number begins and ends where words do; a short one also where numbers with separators do."""
    if (start and _LETTER_OR_DIGIT.match(text[start - 1])) or (end < len(text) and _LETTER_OR_DIGIT.match(text[end])):
        return False
    if n_characters >= _LONG_NUMBER:
        return True
    return not _JOINED_BEFORE.search(text[max(0, start - 2) : start]) and not _JOINED_AFTER.match(text, end)


def _is_in_a_row(text: str, words: Sequence[Word]) -> bool:
    """Whether little but punctuation stands between words."""
    return all(_GAP.fullmatch(text, left.end, right.start) for left, right in pairwise(words))


def _kind_of_phrase(text: str) -> Kind:
    """The kind of a value that is neither a name nor a number, by its looks."""
    return "email" if "@" in text else "url" if "://" in text or text.startswith("www.") else "identifier"
