"""Whether anything that was replaced in a document is still in it elsewhere."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from deidsynth.config.surrogates import NAME_KINDS, Kind
from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.documents import Document
from deidsynth.folding import folded
from deidsynth.normalization import normalize
from deidsynth.surrogates.labels import kind_of

LETTERS = 3
"""Fewest letters of what is sought."""
DIGITS = 6
"""Fewest digits of a number that is sought though it has fewer letters."""

_LEFT_AS_IT_IS = ("tag", "keep")
_ORDINARY: frozenset[Kind | None] = frozenset(
    {"title", "age", "sex", "family", "date", "date_part", "profession", "country", "detail"}
)
"""Kinds whose single words are those of ordinary text, such as ``Monday`` or ``mother``."""
_MOVING: frozenset[Kind | None] = frozenset({"age", "date", "date_part"})
"""Kinds of which one value may rightly become what another was."""
_PIECE = re.compile(r"(?P<word>\w+)|\s+|[^\w\s]")

Pieces = tuple[str, ...]
"""Words of a surface, folded, and what is between them."""


@dataclass(frozen=True, slots=True)
class Residual:
    """Something that was replaced and is still there.

    Args:
        start: of the entity in the original text.
        offset: where it still is in the new text.
    """

    start: int
    offset: int

    def __str__(self) -> str:
        return (
            f"what was replaced at offset {self.start} is still at offset {self.offset} of the new text; add it to the "
            "known values, keep its label in the policy, or remove it from the text"
        )


class _Sought(NamedTuple):
    """Where a surface stood first, and whether it was nowhere written in lower case alone."""

    start: int
    is_capital: bool


def residual(document: Document, made: Deidentified, kinds: Mapping[str, Kind]) -> Residual | None:
    """The first place of a new text that still shows what was replaced elsewhere in it.

    What is sought are the whole words of each entity, in any case, with or without accents, with any blanks, outside of
    replacements: tags, masks, surrogates and what is kept stand there rightly. A word in lower case is no trace of a
    name in capitals (``berg`` and ``Berg``), and neither words in lower case that are no names nor single words of
    dates, ages, professions and the like are sought. Numbers are sought from six digits on.

    Args:
        document: the original.
        made: what became of it.
        kinds: kind of value for labels that the package does not know.
    """
    sought: dict[Pieces, _Sought] = {}
    for each in made.replacements:
        surface = normalize(document.text[each.start : each.end]).text
        kind = kind_of(each.label, kinds)
        if each.action in _LEFT_AS_IT_IS or not _is_sought(surface, kind):
            continue
        if kind not in _MOVING and made.text[each.new_start : each.new_end].casefold() == surface.casefold():
            return Residual(each.start, each.new_start)
        pieces = tuple(piece for piece, _ in _pieces(surface))
        before = sought.get(pieces, _Sought(each.start, True))
        sought[pieces] = _Sought(before.start, before.is_capital and surface != surface.lower())
    return _first_trace(made, sought) if sought else None


def _is_sought(surface: str, kind: Kind | None) -> bool:
    n_letters, n_digits = sum(map(str.isalpha, surface)), sum(map(str.isdecimal, surface))
    if n_letters < LETTERS:
        return n_digits >= DIGITS and kind not in _MOVING
    if n_digits or kind in NAME_KINDS:
        return True
    is_one_word = len(surface.split()) == 1
    return surface != surface.lower() and not (is_one_word and kind in _ORDINARY)


def _pieces(text: str) -> list[tuple[str, re.Match[str]]]:
    """The words of a text, folded, and what is between them: any blanks as one, other characters one by one.

    What is not of a word at either end is left out.
    """
    found = [(" " if each[0].isspace() else folded(each[0]) or each[0], each) for each in _PIECE.finditer(text)]
    words = [place for place, (_, match) in enumerate(found) if match["word"]]
    return found[words[0] : words[-1] + 1] if words else []


def _first_trace(made: Deidentified, sought: Mapping[Pieces, _Sought]) -> Residual | None:
    seen = normalize(made.text)
    lengths: dict[str, dict[int, None]] = {}  # of what begins with a word
    for pieces in sought:
        lengths.setdefault(pieces[0], {})[len(pieces)] = None
    text, starts = _pieces(seen.text), [each.new_start for each in made.replacements]
    for number, (word, match) in enumerate(text):
        for length in lengths.get(word, ()):
            run = text[number : number + length]
            pieces = tuple(piece for piece, _ in run)
            if pieces not in sought:
                continue
            is_lower = match[0] == match[0].lower()
            if len(pieces) == 1 and sought[pieces].is_capital and is_lower and word.isalpha():
                continue
            start, end = seen.starts[match.start()], seen.ends[run[-1][1].end() - 1]
            before = bisect_right(starts, start)
            if not before or end > made.replacements[before - 1].new_end:
                return Residual(sought[pieces].start, start)
    return None
