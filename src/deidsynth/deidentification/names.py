"""Mentions of names in a text: whole, in parts, with initials, in the genitive.

A *run* is a row of words that all belong to one name: parts, initials, and particles between them. Two or more parts or
initials together mean the person, whatever words they are; the compound that such a run ends in belongs to it. One part
alone means the person unless it is an eponym, a part of a term ("Mb Crohn"), a part of a compound with anything that is
not of the name ("Creutzfeldt-Jakob"), or a word of the language (`name_words.yaml`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

from deidsynth.deidentification.name_words import name_words
from deidsynth.deidentification.words import Word, begins_sentence, is_joined, words_of
from deidsynth.surrogates.name_parts import without_genitive
from deidsynth.surrogates.words import particles_of

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
    """A word of a text as a piece of a name.

    Args:
        word: of the text.
        part: of the name that it is, stands for, or follows.
        is_initial: whether it is one letter.
        is_genitive: whether it has an -s more than the part.
    """

    word: Word
    part: Part
    is_initial: bool = False
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
        self._parts = [{part.form: part for part in reversed(name.parts)} for name in self._names]
        self._initials = [{part.form[0]: part for part in reversed(name.parts)} for name in self._names]
        self._by_form: dict[str, list[int]] = {}
        self._by_initial: dict[str, list[int]] = {}
        for number, parts in enumerate(self._parts):
            for form in parts:
                if len(form) >= _SHORTEST_PART:
                    self._by_form.setdefault(form, []).append(number)
            for letter in self._initials[number]:
                self._by_initial.setdefault(letter, []).append(number)

    def mentions(self, text: str) -> Iterator[Mention]:
        """The mentions in a text, in order and without overlap.

        Args:
            text: normalized (`deidsynth.normalization`).
        """
        words = words_of(text) if self._by_form else []
        place = done = 0
        while place < len(words):
            runs = [self._run(text, words, place, number, done) for number in self._numbers(text, words, place)]
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
            meant = wanted.get("".join(letters))
            if meant and found[0].isupper() and "".join(letters) not in self._words.abbreviations:
                end = found.start() + len(found[0].rstrip())
                yield Mention(found.start(), end, meant.parts[0].label, meant.is_stated)

    def _numbers(self, text: str, words: Sequence[Word], place: int) -> list[int]:
        """The names of which a word is a part: the first one, and those that a word beside it may be of, too."""
        form = words[place].form
        if form not in self._by_form:
            form = without_genitive(form, self._language) or ""
        numbers = self._by_form.get(form, [])
        if len(numbers) < 2:
            return numbers
        found = {numbers[0]}
        for word in self._beside(text, words, place):
            if _is_initial(text, word):
                found.update(self._with_part_and(form, word.form, self._by_initial, self._initials))
            for other in (word.form, without_genitive(word.form, self._language) or ""):
                if other != form or words[place].form in self._words.particles:
                    found.update(self._with_part_and(form, other, self._by_form, self._parts))
        return sorted(found)

    def _with_part_and(
        self, form: str, key: str, index: Mapping[str, Sequence[int]], keys: Sequence[Mapping[str, Part]]
    ) -> Iterator[int]:
        """The names that have a part and a key, by way of whichever fewer names have.

        Args:
            form: of the part.
            key: another part, or an initial.
            index: the names with each such key.
            keys: those of each name.
        """
        with_part, with_key = self._by_form[form], index.get(key, ())
        if len(with_key) < len(with_part):
            yield from (number for number in with_key if form in self._parts[number])
        else:
            yield from (number for number in with_part if key in keys[number])

    def _beside(self, text: str, words: Sequence[Word], place: int) -> Iterator[Word]:
        """The words that may belong to the name that a word is of: before it, and after it and particles."""
        yield from words[max(0, place - 1) : place]
        for at in range(place + 1, len(words)):
            yield words[at]
            gap = text[words[at - 1].end : words[at].start]
            if words[at].form not in self._words.particles or not gap.isspace():
                return

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
        while first > done and (before := self._initial(text, words[first - 1], number)):
            if not _AFTER_INITIAL.fullmatch(text, words[first - 1].end, words[first].start):
                break
            pieces, first = [before, *pieces], first - 1
        between: list[_Piece] = []
        for at in range(place + 1, len(words)):
            word, last = words[at], (between or pieces)[-1]
            gap = text[last.word.end : word.start]
            if not (_AFTER_INITIAL if last.is_initial else _GAP).fullmatch(gap):
                break
            following = self._piece(text, word, number) or self._initial(text, word, number)
            if following:
                if not self._continues(pieces, following, number, after_comma="," in gap):
                    break
                pieces, end, between = [*pieces, *between, following], end + len(between) + 1, []
            elif word.form in self._words.particles and gap.isspace():
                between.append(_Piece(word, pieces[-1].part))
            else:
                break
        return _Run(tuple(pieces), end, number)

    def _continues(self, pieces: Sequence[_Piece], following: _Piece, number: int, *, after_comma: bool) -> bool:
        """Whether a piece continues a run: it has no part twice, and after a comma first names follow last names."""
        order = self._names[number].parts
        if following.part in [piece.part for piece in pieces if piece.word.form not in self._words.particles]:
            return False
        return not after_comma or order.index(following.part) < min(order.index(piece.part) for piece in pieces)

    def _piece(self, text: str, word: Word, number: int) -> _Piece | None:
        """A word as a part of a name."""
        if not (self._any_case or text[word.start].isupper()):
            return None
        parts, base = self._parts[number], without_genitive(word.form, self._language)
        if word.form in parts and len(word.form) >= _SHORTEST_PART:
            return _Piece(word, parts[word.form])
        return _Piece(word, parts[base], is_genitive=True) if base in parts else None

    def _initial(self, text: str, word: Word, number: int) -> _Piece | None:
        """A capital letter with a full stop as the initial of a part of a name."""
        if not _is_initial(text, word) or len(self._parts[number]) < 2:
            return None
        part = self._initials[number].get(word.form)
        return None if part is None else _Piece(word, part, is_initial=True)

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
        form = (without_genitive(word.form, self._language) or word.form) if piece.is_genitive else word.form
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
        for label, together in groupby(run.pieces, key=lambda piece: piece.part.label):
            some = list(together)
            yield Mention(some[0].word.start, some[-1].word.end, label, self._names[run.number].is_stated)


def _is_initial(text: str, word: Word) -> bool:
    return len(word.form) == 1 and text[word.start].isupper() and text.startswith(".", word.end)


def _with_compound(text: str, words: Sequence[Word], run: _Run) -> _Run:
    """The run with the rest of the compound that it ends in."""
    while run.end < len(words) and is_joined(text, words[run.end - 1], words[run.end]):
        rest = _Piece(words[run.end], run.pieces[-1].part)
        run = _Run((*run.pieces, rest), run.end + 1, run.number)
    return run
