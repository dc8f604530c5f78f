"""Mentions of names in a text: whole, in parts, with initials, in the genitive.

A *run* is a row of words that all belong to one name: parts, initials, and particles between them. Two or more parts or
initials together mean the person, whatever words they are; the compound that such a run ends in belongs to it. One part
alone means the person unless it is an eponym, a part of a term ("Mb Crohn"), a part of a compound with anything that is
not of the name ("Creutzfeldt-Jakob"), or a word of the language (`name_words.yaml`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from deidsynth.deidentification.name_words import name_words
from deidsynth.deidentification.words import Word, begins_sentence, is_joined, words_of
from deidsynth.surrogates.words import particles_of

_GENITIVE_LANGUAGES = frozenset({"sv", "no", "nb", "nn", "da", "de"})
_SHORTEST_GENITIVE = 3
"""Letters of the shortest name that is sought with a genitive -s."""
_SHORTEST_PART = 2
_SHORT = 2
"""Letters of a part that is sought with a capital letter and lower-case ones alone: Ek, not EK or ek."""
_GAP = re.compile(r"[ \t\xa0]|[-\u2010\u2011]|,[ \t\xa0]?|['\u2019]")
_AFTER_INITIAL = re.compile(r"\.?[ \t\xa0]?|[-\u2010\u2011.]{1,2}")
_INITIALS = re.compile(r"(?<![\w.])(?:[^\W\d_]\.[ \xa0]?){2,4}(?!\w)")


@dataclass(frozen=True, slots=True, repr=False)
class Part:
    """A word of a name.

    Args:
        form: without case and accents.
        label: of the entity that a mention of it is.
    """

    form: str
    label: str


@dataclass(frozen=True, slots=True, repr=False)
class Name:
    """The name of a person.

    Args:
        parts: in their order, without titles and particles.
        is_stated: whether the user stated its label.
    """

    parts: tuple[Part, ...]
    is_stated: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class Mention:
    """A place where a name stands, or some parts of it that have one label.

    Args:
        start: first character.
        end: one past the last one.
        label: of the parts.
        is_stated: as that of the name.
    """

    start: int
    end: int
    label: str
    is_stated: bool


@dataclass(frozen=True, slots=True, repr=False)
class _Piece:
    """A word of a text as a piece of a name."""

    word: Word
    label: str
    is_part: bool
    is_genitive: bool = False


@dataclass(frozen=True, slots=True, repr=False)
class _Run:
    """Pieces of one name that stand together.

    Args:
        pieces: in the order of the text.
        end: number of the word after the last one.
        number: of the name.
    """

    pieces: tuple[_Piece, ...]
    end: int
    number: int


class NameFinder:
    """Finds mentions of some names.

    Args:
        names: sought.
        language: ISO 639-1 code of the texts, if known.
        any_case: whether parts in lower case count, unless they are words of the language; capitals are asked for
            otherwise.
    """

    def __init__(self, names: Iterable[Name], language: str | None, *, any_case: bool) -> None:
        self._names = tuple(dict.fromkeys(name for name in names if name.parts))
        self._language, self._any_case = language, any_case
        self._words = name_words(language)
        self._titles = particles_of(language or "")
        self._labels = [{part.form: part.label for part in reversed(name.parts)} for name in self._names]
        self._initials = [{part.form[0]: part.label for part in reversed(name.parts)} for name in self._names]
        self._by_form: dict[str, list[int]] = {}
        for number, labels in enumerate(self._labels):
            for form in labels:
                if len(form) >= _SHORTEST_PART:
                    self._by_form.setdefault(form, []).append(number)

    def mentions(self, text: str) -> Iterator[Mention]:
        """The mentions in a text, in order and without overlap.

        Args:
            text: normalized (`deidsynth.normalization`).
        """
        words = words_of(text) if self._by_form else []
        place = done = 0
        while place < len(words):
            runs = [self._run(text, words, place, number, done) for number in self._numbers(words[place])]
            run = max(runs, key=lambda run: len(run.pieces), default=_Run((), place, 0))
            if len(run.pieces) > 1:
                run = _with_compound(text, words, run)
            if len(run.pieces) > 1 or (run.pieces and self._means_person(text, words, place, run.pieces[0])):
                yield from self._labeled(run)
                done = run.end
            place = max(run.end, place + 1)

    def initials(self, text: str) -> Iterator[Mention]:
        """Initials that stand for a whole name of at least two parts, such as ``A.B.``."""
        wanted: dict[str, Name] = {}
        for name in self._names:
            letters = [part.form[0] for part in name.parts]
            if len(letters) > 1:
                wanted.setdefault("".join(letters), name)
                wanted.setdefault(letters[0] + letters[-1], name)
        for found in _INITIALS.finditer(text) if wanted else ():
            letters = [word.form for word in words_of(found[0])]
            name = wanted.get("".join(letters))
            if name and found[0].isupper() and "".join(letters) not in self._words.abbreviations:
                end = found.start() + len(found[0].rstrip())
                yield Mention(found.start(), end, name.parts[0].label, name.is_stated)

    def _numbers(self, word: Word) -> list[int]:
        """The names of which a word is a part."""
        found = self._by_form.get(word.form) or self._by_form.get(self._without_genitive(word.form) or "")
        return found or []

    def _without_genitive(self, form: str) -> str | None:
        has_genitive = self._language is None or self._language in _GENITIVE_LANGUAGES
        return form[:-1] if has_genitive and form.endswith("s") and len(form) > _SHORTEST_GENITIVE else None

    def _run(self, text: str, words: Sequence[Word], place: int, number: int, done: int) -> _Run:
        """The longest run of one name that has a word as its first part.

        Args:
            text: that is searched.
            words: of it.
            place: of the part.
            number: of the name.
            done: words before this one belong to runs already.
        """
        piece = self._piece(text, words[place], number)
        if piece is None:
            return _Run((), place, number)
        pieces, first, end = [piece], place, place + 1
        seen = {words[place].form}
        while first > done and (before := self._initial(text, words[first - 1], number)):
            if not _AFTER_INITIAL.fullmatch(text, words[first - 1].end, words[first].start):
                break
            pieces, first = [before, *pieces], first - 1
        skipped: list[_Piece] = []
        for next_place in range(place + 1, len(words)):
            word = words[next_place]
            gap = _AFTER_INITIAL if not (skipped or pieces)[-1].is_part else _GAP
            if not gap.fullmatch(text, words[next_place - 1].end, word.start):
                break
            next_piece = self._piece(text, word, number) or self._initial(text, word, number)
            if next_piece and word.form not in seen:
                seen.add(word.form)
                pieces, end, skipped = [*pieces, *skipped, next_piece], next_place + 1, []
            elif not next_piece and word.form in self._words.particles and text[word.start - 1].isspace():
                skipped.append(_Piece(word, pieces[-1].label, is_part=True))
            else:
                break
        return _Run(tuple(pieces), end, number)

    def _piece(self, text: str, word: Word, number: int) -> _Piece | None:
        """A word as a part of a name."""
        if not (self._any_case or text[word.start].isupper()):
            return None
        labels, base = self._labels[number], self._without_genitive(word.form)
        if word.form in labels and len(word.form) >= _SHORTEST_PART:
            return _Piece(word, labels[word.form], is_part=True)
        if base in labels:
            return _Piece(word, labels[base], is_part=True, is_genitive=True)
        return None

    def _initial(self, text: str, word: Word, number: int) -> _Piece | None:
        """A capital letter with a full stop as the initial of a part of a name."""
        is_initial = len(word.form) == 1 and text[word.start].isupper() and text.startswith(".", word.end)
        if not is_initial or len(self._labels[number]) < 2:
            return None
        label = self._initials[number].get(word.form)
        return None if label is None else _Piece(word, label, is_part=False)

    def _means_person(self, text: str, words: Sequence[Word], place: int, piece: _Piece) -> bool:
        """Whether a part of a name that stands alone means the person."""
        return not self._is_in_compound(text, words, place) and self._is_no_word(text, words, place, piece)

    def _is_in_compound(self, text: str, words: Sequence[Word], place: int) -> bool:
        """Whether a word is part of a compound; a genitive with an apostrophe and an elided article make none."""
        before, after = words[max(0, place - 1) : place], words[place + 1 : place + 2]
        is_left = any(is_joined(text, each, words[place]) and len(each.form) > 1 for each in before)
        return is_left or any(is_joined(text, words[place], each) and each.form != "s" for each in after)

    def _is_no_word(self, text: str, words: Sequence[Word], place: int, piece: _Piece) -> bool:
        """Whether a single part is neither a word of the language nor a term."""
        word, known = words[place], self._words
        form = (self._without_genitive(word.form) or word.form) if piece.is_genitive else word.form
        is_eponym, is_first = form in known.eponyms, self._begins_sentence(text, words, place)
        if (is_eponym or not self._any_case) and self._is_in_term(words, place):
            return False
        written = text[word.start : word.end]
        if not written[0].isupper():
            return len(form) > _SHORT and form not in known.common | known.fields and not is_eponym
        if len(form) <= _SHORT and not written[1:].islower():
            return False
        if self._any_case:
            return form not in known.fields or not is_first
        if is_eponym or form in known.fields or (form in known.common and written.isupper()):
            return False
        return piece.is_genitive or form not in known.first or not is_first

    def _begins_sentence(self, text: str, words: Sequence[Word], place: int) -> bool:
        """Whether a word begins a sentence, and not what follows the full stop of a title."""
        return begins_sentence(text, words[place]) and not (place and words[place - 1].form in self._titles)

    def _is_in_term(self, words: Sequence[Word], place: int) -> bool:
        """Whether a name stands beside a word that makes it part of a term."""
        before = place - 1
        while before >= 0 and place - before <= 2 and words[before].form in self._words.between:
            before -= 1
        after = words[place + 1].form if place + 1 < len(words) else ""
        if after == "s" and place + 2 < len(words):
            after = words[place + 2].form
        return (before >= 0 and words[before].form in self._words.before) or after in self._words.after

    def _labeled(self, run: _Run) -> Iterator[Mention]:
        """A mention for each label of a run."""
        for label, together in groupby(run.pieces, key=lambda piece: piece.label):
            some = list(together)
            yield Mention(some[0].word.start, some[-1].word.end, label, self._names[run.number].is_stated)


def _with_compound(text: str, words: Sequence[Word], run: _Run) -> _Run:
    """The run with the rest of the compound that it ends in."""
    while run.end < len(words) and is_joined(text, words[run.end - 1], words[run.end]):
        rest = _Piece(words[run.end], run.pieces[-1].label, is_part=True)
        run = _Run((*run.pieces, rest), run.end + 1, run.number)
    return run
