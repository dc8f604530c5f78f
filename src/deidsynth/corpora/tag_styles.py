"""Tags in other forms than ``B-NAME``: another separator, prefixes at the end, in lower case or as words, or no labels.

What is unambiguous is translated; what is not is read as it stands, and reported.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import pairwise

from deidsynth.tagging import OUTSIDE, has_prefixes

UNNAMED = "ENTITY"
"""The label of entities whose tags have none."""

_LEAST, _MOST = 0.9, 0.5  # share of well-formed tags in a column: usual, and in a file with faults
_MOST_TAGS = 1000  # a column with more different values contains tokens
_OUTSIDE = dict.fromkeys(("O", "0", "o", "OUTSIDE", "Outside", "outside"), OUTSIDE)
_CONTINUE, _CLOSED = "IMEL", "OELSU"
_LETTERS = "BIMELSUbimelsu"
_OF_LETTERS = {letter: letter for letter in "BIMELSU"}
_SEPARATORS = "-_:./|"
_PLAIN_WORDS = {"BEGIN": "B", "BEGINNING": "B", "INSIDE": "I"}
_WORDS = {
    **_PLAIN_WORDS,
    **{"START": "B", "MIDDLE": "M", "CONTINUE": "I", "END": "E", "LAST": "L"},
    **{"SINGLE": "S", "SINGLETON": "S", "UNIT": "U"},
}
"""Prefixes that are written out; all but the first three may begin a label, as in ``START_DATE`` and ``LAST_NAME``."""

Parse = Callable[[str], tuple[str, str] | None]
"""Prefix, in upper case, and label of a tag; None if it does not have the form."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """How the tags of a file are written.

    Args:
        form: the usual form of tags that are in another one.
        prefixed: whether they have prefixes; else they are labels.
        warning: what is doubtful about them; None if nothing is.
    """

    form: Mapping[str, str]
    prefixed: bool
    warning: str | None = None


def scheme_of(tags: Sequence[str]) -> Scheme:
    """How the tags are written; a faulty column, in which only most tags have prefixes, still counts as prefixed."""
    form = usual_form(tags)
    if form or has_prefixes(tags) or has_prefixes(tags, _MOST):
        return Scheme(form, prefixed=True)
    if form := unnamed_form(tags):
        named = f"the tags are prefixes without labels, so every entity gets the label {UNNAMED}; map it to yours"
        return Scheme(form, prefixed=True, warning=named)
    doubt = (
        "tags that begin or end like B- and I- do not follow each other as such, so they are read as labels; if they "
        "have prefixes, write all of them as in B-NAME and I-NAME"
    )
    return Scheme({}, prefixed=False, warning=doubt if are_doubtful(tags) else None)


def usual_form(tags: Sequence[str]) -> Mapping[str, str]:
    """The usual form of each tag of a column in which tags have prefixes in another form; empty for any other column.

    A form counts if nine in ten tags have it, and if they follow each other as tags with prefixes do.

    >>> usual_form(["B_NAME", "I_NAME", "O"])
    {'B_NAME': 'B-NAME', 'I_NAME': 'I-NAME', 'O': 'O'}
    >>> usual_form(["AGE.B", "O"])
    {'AGE.B': 'B-AGE', 'O': 'O'}
    >>> usual_form(["START-AGE", "END-AGE", "O"])
    {'START-AGE': 'B-AGE', 'END-AGE': 'E-AGE', 'O': 'O'}
    >>> usual_form(["E_MAIL", "O", "L_NAME", "O"])
    {}
    """
    if has_prefixes(tags) or len(set(tags)) > _MOST_TAGS:
        return {}
    for parse in _forms():
        if (found := _translated(tags, parse)) and _follow(tags, found):
            return found
    for words in (_PLAIN_WORDS, _WORDS):
        for parse in _forms(words):
            if (found := _translated(tags, parse)) and _follow(tags, found, alone=words is _PLAIN_WORDS):
                return found
    return {}


def unnamed_form(tags: Sequence[str]) -> Mapping[str, str]:
    """The usual form of each tag of a column of prefixes without labels, such as ``B`` and ``I``; else empty.

    >>> unnamed_form(["B", "I", "O"])
    {'B': 'B-ENTITY', 'I': 'I-ENTITY', 'O': 'O'}
    """
    found = _translated(tags, lambda tag: (tag.upper(), UNNAMED) if len(tag) == 1 and tag in _LETTERS else None)
    return found if _follow(tags, found) else {}


def are_doubtful(labels: Sequence[str]) -> bool:
    """Whether tags that are read as labels may have prefixes.

    All have such a form, or two differ in the prefix only, or there are words that are nothing but prefixes.

    >>> are_doubtful(["E_MAIL", "L_NAME", "O"]), are_doubtful(["B_AGE", "I_AGE", "DATE", "DATE", "O"])
    (True, True)
    >>> are_doubtful(["FIRST_NAME", "AGE", "O"])
    False
    """
    if any(_translated(labels, parse, least=0) for parse in _forms(_PLAIN_WORDS)):
        return True
    for parse in (*_forms(), *_forms(_WORDS)):
        found = _translated(labels, parse, least=0)
        pairs = {tag[2:] for tag in found.values() if tag[0] == "B"} & {
            tag[2:] for tag in found.values() if tag[0] == "I"
        }
        named = {label for label in labels if label not in _OUTSIDE}
        if pairs or (len(named) > 1 and named <= found.keys()):
            return True
    return bool(_translated(labels, lambda tag: (tag, UNNAMED) if tag in ("B", "I") else None, least=0))


def _forms(prefixes: Mapping[str, str] = _OF_LETTERS) -> Iterator[Parse]:
    written = "|".join(sorted(prefixes, key=len, reverse=True))
    for separator in map(re.escape, _SEPARATORS):
        before = re.compile(rf"({written}){separator}(\S+)", re.IGNORECASE)
        after = re.compile(rf"(\S+){separator}({written})", re.IGNORECASE)
        yield partial(_parse, before, 1, prefixes)
        yield partial(_parse, after, 2, prefixes)


def _parse(form: re.Pattern[str], place: int, prefixes: Mapping[str, str], tag: str) -> tuple[str, str] | None:
    match = form.fullmatch(tag)
    return None if match is None else (prefixes[match[place].upper()], match[3 - place])


def _translated(tags: Sequence[str], parse: Parse, least: float = _LEAST) -> dict[str, str]:
    """The usual form of every tag that has the form, and of outside; empty if too few tags have it."""
    distinct = dict.fromkeys(tags)
    parsed = {tag: found for tag in distinct if tag not in _OUTSIDE and (found := parse(tag)) is not None}
    if not parsed:
        return {}
    usual = {
        tag: _OUTSIDE[tag] if tag in _OUTSIDE else "-".join(parsed[tag])
        for tag in distinct
        if tag in parsed or tag in _OUTSIDE
    }
    return usual if sum(tag in usual for tag in tags) >= least * len(tags) else {}


def _follow(tags: Sequence[str], usual: Mapping[str, str], alone: bool = True) -> bool:
    """Whether tags follow each other as in IOB, IOB2, BIOES or BILOU.

    Args:
        tags: of the column, in its order.
        usual: the usual form of each.
        alone: whether prefixes of IOB need no such proof.
    """
    written = [OUTSIDE, *(usual.get(tag, OUTSIDE) for tag in tags)]
    prefixes = {tag[0] for tag in written} - {OUTSIDE}
    if alone and prefixes and prefixes <= {"B", "I"}:
        return True
    continued = [
        before[0] not in _CLOSED and before[1:] == tag[1:] for before, tag in pairwise(written) if tag[0] in _CONTINUE
    ]
    return bool(continued) and "B" in prefixes and sum(continued) >= _LEAST * len(continued)
