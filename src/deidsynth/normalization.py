"""Normalized text, which is what models see, and the way back to the text of the document.

Characters are composed (NFC), any blanks within a line are one blank, every line end is a line feed, and invisible
characters (soft hyphens, zero-width characters, direction marks) are gone. So the same words look the same to a model,
whatever program wrote them. Documents are never normalized: what is found in normalized text is mapped back.
"""

from __future__ import annotations

import re
import unicodedata
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from deidsynth.documents import Document, Entity

_FIRST_MARK = "\u0300"  # no combining mark has a smaller code point
_ODD_BLANKS = "\t\x1c-\x1f\xa0\u1680\u2000-\u200a\u202f\u205f\u3000"
_INVISIBLE = "\xad\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u2064\u2066-\u206f\ufeff"
_JOINERS = "\u200c\u200d"
_JOINED = "\u0590-\u109f\u1780-\u18af\u2600-\u27bf\ufe0f\U0001f000-\U0001faff"
"""Scripts from Hebrew to Mongolian, and emoji: in these, joiners are part of the spelling."""

_AFTER_A_BLANK = f"[ {_ODD_BLANKS}{_INVISIBLE}{_JOINERS}]"
_LINE_ENDS = r"\v\f\x85\u2028\u2029"
_ODD = re.compile(
    rf"(?P<line_end>\r\n?|[{_LINE_ENDS}])"
    f"|(?P<blank>[{_ODD_BLANKS}]{_AFTER_A_BLANK}*| {_AFTER_A_BLANK}+)"
    f"|[{_INVISIBLE}]+|(?<![{_JOINED}])[{_JOINERS}]"
)
_SUSPICIOUS = re.compile(rf"[\r{_LINE_ENDS}{_ODD_BLANKS}{_INVISIBLE}{_JOINERS}]")  # much faster, and mostly enough
_REPLACEMENTS = {"line_end": "\n", "blank": " ", None: ""}
_NEAR_MARKS = re.compile(f".?[{_FIRST_MARK}-\U0010ffff]+", re.DOTALL)  # smaller ones compose only with these


@dataclass(frozen=True, slots=True, repr=False)
class NormalizedText:
    """A normalized text, and where each of its characters comes from.

    Args:
        text: normalized.
        starts: for each character, the first code point in the original that it stands for.
        ends: for each character, one past the last such code point.
    """

    text: str
    starts: Sequence[int]
    ends: Sequence[int]

    def to_normalized(self, entities: Iterable[Entity]) -> tuple[Entity, ...]:
        """Entities of the original in the normalized text; one of only invisible characters is left out.

        Args:
            entities: sorted, without overlap.
        """
        return _apart(
            (bisect_right(self.ends, each.start), bisect_left(self.starts, each.end), each) for each in entities
        )

    def to_original(self, entities: Iterable[Entity]) -> tuple[Entity, ...]:
        """Entities of the normalized text in the original; none of them parts a letter from its combining marks.

        Invisible characters inside an entity belong to it, those at its ends do not.

        Args:
            entities: sorted, without overlap.
        """
        whole = ((*_with_marks(self.text, each.start, each.end), each) for each in entities)
        return _apart((self.starts[start], self.ends[end - 1], each) for start, end, each in whole)


def normalize(text: str) -> NormalizedText:
    """The normalized text; a text that is normalized already is only looked through.

    >>> normalize("Dr\\u00a0\\u00a0A\\u030asa\\tE\\u00adk\\r\\n").text
    'Dr Åsa Ek\\n'
    """
    seen = NormalizedText(text, range(len(text)), range(1, len(text) + 1))
    while not _is_normalized(seen.text):
        seen = _edited(seen, _replacements(seen.text))
        seen = _edited(seen, _compositions(seen.text))
    return seen


def normalized(document: Document) -> Document:
    """The document as models see it: the normalized text with the entities in it."""
    seen = normalize(document.text)
    if seen.text == document.text:
        return document
    return replace(document, text=seen.text, entities=seen.to_normalized(document.entities))


def is_mark(character: str) -> bool:
    """Whether a character is a combining mark."""
    return character >= _FIRST_MARK and unicodedata.category(character).startswith("M")


def _is_normalized(text: str) -> bool:
    if ("  " in text or _SUSPICIOUS.search(text)) and _ODD.search(text):
        return False
    return unicodedata.is_normalized("NFC", text)


def _replacements(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and replacement of all blanks, line ends and invisible characters to be replaced."""
    for match in _ODD.finditer(text):
        yield match.start(), match.end(), _REPLACEMENTS[match.lastgroup]


def _compositions(text: str) -> Iterator[tuple[int, int, str]]:
    """Start, end and replacement of all sequences that are not composed."""
    for match in _NEAR_MARKS.finditer(text):
        if unicodedata.is_normalized("NFC", match[0]):
            continue
        start = match.start()
        for sequence in _sequences(match[0]):
            composed = _composed(sequence)
            if composed != sequence:
                yield start, start + len(sequence), composed
            start += len(sequence)


def _sequences(text: str) -> Iterator[str]:
    """The text cut wherever normalization treats what is on either side independently."""
    first = 0
    for place in range(1, len(text)):
        character = text[place]
        if unicodedata.combining(character):
            continue
        sequence = text[first:place]
        if _composed(sequence + character) == _composed(sequence) + _composed(character):
            yield sequence
            first = place
    yield text[first:]


def _composed(text: str) -> str:
    return unicodedata.normalize("NFC", text)


def _edited(seen: NormalizedText, edits: Iterable[tuple[int, int, str]]) -> NormalizedText:
    """The text with some spans replaced.

    Args:
        seen: the text.
        edits: start, end and replacement, in order. Each character of a replacement stands for the whole span.
    """
    pieces, starts, ends, last = list[str](), array("i"), array("i"), 0
    for first, end, new in [*edits, (len(seen.text), len(seen.text), "")]:
        pieces += seen.text[last:first], new
        starts.extend(seen.starts[last:first])
        ends.extend(seen.ends[last:first])
        if new:
            starts.extend([seen.starts[first]] * len(new))
            ends.extend([seen.ends[end - 1]] * len(new))
        last = end
    return NormalizedText("".join(pieces), starts, ends)


def _with_marks(text: str, start: int, end: int) -> tuple[int, int]:
    """The span, extended to whole letters where it begins or ends before a combining mark."""
    while start > 0 and is_mark(text[start]) and not text[start - 1].isspace():
        start -= 1
    while end < len(text) and is_mark(text[end]):
        end += 1
    return start, end


def _apart(spans: Iterable[tuple[int, int, Entity]]) -> tuple[Entity, ...]:
    """The entities at new places, without what an earlier one has taken, if anything is left of them."""
    found, last = list[Entity](), 0
    for start, end, entity in spans:
        start = max(start, last)
        if start < end:
            found.append(replace(entity, start=start, end=end))
            last = end
    return tuple(found)
