"""Words as they are compared: without case, accents and punctuation."""

from __future__ import annotations

import re
import unicodedata

_WORD = re.compile(r"[^\W_]+")
_UNSEEN = re.compile(
    "[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20f0\ufe20-\ufe2f\xad\u200b-\u200f\u2060\ufeff]+"
)
"""Combining marks, and invisible characters within words."""


def folded(text: str) -> str:
    """The words of a text without case, accents and punctuation, with a blank between them.

    >>> folded("Åsa GARCÍA-López, 3º")
    'asa garcia lopez 3o'
    """
    if not text.isascii():
        text = _UNSEEN.sub("", unicodedata.normalize("NFKD", text.casefold()))
    return " ".join(_WORD.findall(text.casefold()))
