"""Typing slips in the text between entities; entities do not change."""

from __future__ import annotations

import re
from collections.abc import Sequence
from random import Random

from deidsynth.demo.grammar import Piece

SLOPPY_NOTES = 0.35
SLIPS_PER_WORD = 0.015
_WORD = re.compile(r"[^\W\d_]{5,}|(?<=[a-zåäöáéíóúñ]), (?=[a-zåäöáéíóúñ])")


def with_slips(pieces: Sequence[Piece], rng: Random) -> list[Piece]:
    """The pieces with typing slips: about one note in three has a few.

    A slip swaps, drops or doubles an inner letter, or drops the blank after a comma.
    """
    if rng.random() >= SLOPPY_NOTES:
        return list(pieces)

    def slip(match: re.Match[str]) -> str:
        word = match[0]
        if rng.random() >= SLIPS_PER_WORD:
            return word
        if word == ", ":
            return ","
        at = rng.randrange(1, len(word) - 2)
        kind = rng.randrange(3)
        if kind == 0:
            return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
        return word[:at] + word[at + 1 :] if kind == 1 else word[:at] + word[at] + word[at:]

    return [piece if piece[1] is not None else (_WORD.sub(slip, piece[0]), None) for piece in pieces]
