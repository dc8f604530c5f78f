"""Numbers of which only some digits were found, made whole: the rest of a telephone number would tell whose it is.

What was found is drawn out over the rest of its row of digits, and over further rows that one blank, full stop or
hyphen joins to it. Over a blank, that is so only while the number is shorter than numbers are, and to the right only
between rows as short as those of one number. Dates, values with units, fractions and other entities are never of it.
"""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping

from deidsynth.config.surrogates import IDENTITY_KINDS, Kind
from deidsynth.documents import Document, Entity
from deidsynth.surrogates.dates import MONTHS
from deidsynth.surrogates.labels import kind_of

_NUMBERS: frozenset[Kind | None] = IDENTITY_KINDS | {"phone", "spanish_license"}
_HYPHENS = frozenset("-\u2010\u2011\u2013")
_DIGITS = re.compile(r"[0-9]+")
_LONGEST_GROUP = 6
"""Digits of the longest row that stands beside another one of its number."""
_LONG_PAIRED = 3
"""Digits of the longest row beside which two digits are of the same number."""
_YEAR_LENGTH = 4
_LIKE_YEAR = ("18", "19", "20")
_FEWEST_BEFORE_YEAR = 7
"""Digits of a number beside which four that look like a year are one."""
_WHOLE = {"+": 11, "00": 11, "0": 10, "": 9}
"""Digits from which on a number is whole, by what it begins with."""

_DAY, _YEAR = "(?:0?[1-9]|[12][0-9]|3[01])", "(?:18|19|20)[0-9]{2}"
_MONTH = rf"(?:{'|'.join(sorted({name.casefold()[:3] for names in MONTHS.values() for name in names}))})[^\W\d_]*"
_DATE = re.compile(
    rf"(?<![0-9])(?<![0-9][-./])(?:{_DAY}([-./]){_DAY}\1(?:{_YEAR}|[0-9]{{2}})|{_YEAR}([-./]){_DAY}\2{_DAY})(?![0-9])"
    rf"|(?<![0-9]){_DAY}[.º]?[ -]?(?:de )?\b{_MONTH}(?:[ -]?(?:de |del )?{_YEAR}(?![0-9]))?"
    rf"|\b{_MONTH}[ ,.-]{{1,2}}(?:de |del )?(?:{_YEAR}|{_DAY})(?![0-9])",
    re.IGNORECASE,
)
_UNIT = re.compile(
    r"[ ]?(?:[%º°x×€$]|(?:[mkµμndc]?[glm]|mcg|[mkd]?mol|cc|[ui]\.?[iue]|m?eq|mmhg|[lbr]pm|kcal|hz|h|min|sek|seg|s"
    r"|d[ií]as?|semanas?|mes(?:es)?|años?|horas?|minutos?|dagar?|dygn|veck(?:a|or)|mån(?:ad(?:er)?)?|år|timm(?:e|ar)"
    r"|minuter|days?|weeks?|months?|years?|yrs?|hours?|hrs?|minutes?|tage?|wochen?|monate?|jahre?)(?![^\W_]))",
    re.IGNORECASE,
)

Span = tuple[int, int]


def whole_numbers(document: Document, kinds: Mapping[str, Kind] | None = None) -> Iterator[Entity]:
    """The entities of a document that are only a piece of a number, each as the whole of it.

    Args:
        document: normalized, with what was found in it.
        kinds: kind of value for labels, beside those that the package knows.
    """
    entities = document.entities
    if not any(kind_of(label, kinds) in _NUMBERS for label in {each.label for each in entities}):
        return
    text, low = _Text(document.text), 0
    for place, entity in enumerate(entities):
        start, end = entity.start, entity.end
        if kind_of(entity.label, kinds) in _NUMBERS:
            high = entities[place + 1].start if place + 1 < len(entities) else len(document.text)
            start, end = text.whole(start, end, low, high)
            if (start, end) != (entity.start, entity.end):
                yield Entity(start, end, entity.label, entity.score)
        low = end


class _Text:
    """A text with its rows of digits, and where its dates are.

    Args:
        text: normalized.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._groups = [found.span() for found in _DIGITS.finditer(text)]
        self._dates = [found.span() for found in _DATE.finditer(text)]

    def whole(self, start: int, end: int, low: int, high: int) -> Span:
        """Where a number is of which a piece is known.

        Args:
            start: of the piece.
            end: one past its end.
            low: where it may begin.
            high: where it may end.
        """
        groups = self._groups
        first, last = bisect_right(groups, start, key=_end), bisect_left(groups, end, key=_start) - 1
        if first > last:
            return start, end
        start, end = max(low, min(start, groups[first][0])), min(high, max(end, groups[last][1]))
        while end == groups[last][1] and last + 1 < len(groups) and groups[last + 1][1] <= high:
            if not self._is_more(start, end, groups[last + 1], groups[last]):
                break
            last, end = last + 1, groups[last + 1][1]
        while start == groups[first][0] and first and groups[first - 1][0] >= low:
            if not self._is_more(start, end, groups[first - 1], groups[first]):
                break
            first, start = first - 1, groups[first - 1][0]
        return start - (start > low and self._text[start - 1] == "+"), end

    def _is_more(self, start: int, end: int, group: Span, beside: Span) -> bool:
        """Whether a row of digits is of the number from start to end, of which the row beside it is."""
        text, is_after = self._text, group[0] >= end
        gap = text[end : group[0]] if is_after else text[group[1] : start]
        outside = text[group[1] : group[1] + 2] if is_after else text[max(0, group[0] - 2) : group[0]][::-1]
        if gap not in {" ", ".", *_HYPHENS} or self._is_in_date(group, start, end):
            return False
        is_value = outside[:1] in (",./:" if gap == " " else ",/:") and outside[1:].isdecimal()
        if is_value or (is_after and _UNIT.match(text, group[1])):
            return False
        length = group[1] - group[0]
        if gap != " ":
            return gap != "." or length > 1
        n_digits, length_beside = sum(map(str.isdecimal, text[start:end])), beside[1] - beside[0]
        is_year = length == _YEAR_LENGTH and text.startswith(_LIKE_YEAR, group[0])
        return (
            n_digits < self._n_whole(start)
            and not outside[:1].isalpha()
            and 1 < length <= _LONGEST_GROUP
            and (not is_after or length_beside <= (_LONG_PAIRED if length == 2 else _LONGEST_GROUP))
            and not (is_year and n_digits >= _FEWEST_BEFORE_YEAR)
        )

    def _n_whole(self, start: int) -> int:
        """From how many digits on a number is whole."""
        begin = start - self._text.startswith("+", start - 1) if start else start
        return next(length for prefix, length in _WHOLE.items() if self._text.startswith(prefix, begin))

    def _is_in_date(self, group: Span, start: int, end: int) -> bool:
        """Whether a row of digits is of a date that the number is not of."""
        place = bisect_right(self._dates, group[0], key=_start) - 1
        if place < 0 or self._dates[place][1] <= group[0]:
            return False
        return self._dates[place][1] <= start or self._dates[place][0] >= end


def _start(span: Span) -> int:
    return span[0]


def _end(span: Span) -> int:
    return span[1]
