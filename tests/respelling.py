"""Documents with the same words in other white space and other Unicode forms."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from dataclasses import replace
from itertools import accumulate
from random import Random

from deidsynth.documents import Document

BLANKS = ("\u00a0", "\u202f", "\u2009", "  ", "\t", "\u3000 ", " \u200b\t", "\ufeff  ")
LINE_ENDS = ("\r\n", "\r", "\u2028", "\u2029", "\x85", "\f")
INVISIBLE = ("\u00ad", "\u200b", "\u200d", "\u2060", "\ufeff", "\u202a\u202c")

Spell = Callable[[str, int], str]


def respelled(document: Document, spell: Spell) -> Document:
    """The document with other characters in place of each; invisible ones before an entity do not belong to it.

    Args:
        document: with entities.
        spell: returns what replaces the character at a place of a text.
    """
    pieces = [spell(document.text, place) for place in range(len(document.text))]
    ends = list(accumulate(map(len, pieces), initial=0))
    hidden = [len(piece) - len(piece.lstrip("".join(INVISIBLE))) for piece in pieces]
    entities = (
        replace(entity, start=ends[entity.start] + hidden[entity.start], end=ends[entity.end])
        for entity in document.entities
    )
    return replace(document, text="".join(pieces), entities=tuple(entities))


def with_blanks(blank: str) -> Spell:
    return lambda text, place: blank if text[place] == " " else text[place]


def with_line_ends(line_end: str) -> Spell:
    return lambda text, place: line_end if text[place] == "\n" else text[place]


def decomposed(text: str, place: int) -> str:
    return unicodedata.normalize("NFD", text[place])


def with_invisible(invisible: str) -> Spell:
    """Between any two letters."""
    return lambda text, place: (
        (invisible if text[max(0, place - 1) : place + 1].isalpha() and place else "") + text[place]
    )


SPELLINGS: dict[str, Spell] = {
    "no-break blanks": with_blanks("\u00a0"),
    "narrow no-break blanks": with_blanks("\u202f"),
    "double blanks": with_blanks("  "),
    "tabs": with_blanks("\t"),
    "decomposed": decomposed,
    "soft hyphens": with_invisible("\u00ad"),
    "CRLF": with_line_ends("\r\n"),
}


def mixed(chance: Random) -> Spell:
    """Everything at once, anew at every place; line ends are of one kind."""
    line_end = chance.choice(LINE_ENDS)

    def spell(text: str, place: int) -> str:
        character = text[place]
        if character == " ":
            return chance.choice((" ", *BLANKS))
        if character == "\n":
            return line_end
        before = chance.choice(INVISIBLE) if place and text[place - 1].isalpha() and chance.random() < 0.3 else ""
        letter = decomposed(text, place) if chance.random() < 0.5 else character
        return (before if character.isalpha() else "") + letter

    return spell
