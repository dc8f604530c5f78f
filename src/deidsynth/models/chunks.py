"""Cutting long documents into the pieces that an encoder is trained on and looks at."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

Offsets = Sequence[tuple[int, int]]

_WORD = re.compile(r"\S+")
# A line ends, or a sentence: an end mark, perhaps a quotation mark, then a blank and something that may begin another.
_BREAK = re.compile(r"\n+|(?<=[.!?:;])[\"')\]]*[ \t]+(?=[\"'(\[¿¡]*[^\W\d_a-zà-ÿ])")


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of lines and sentences that together cover the text, white space after each included."""
    cuts = sorted({0, len(text), *(match.end() for match in _BREAK.finditer(text))})
    return list(pairwise(cuts))


def chunk_by_words(text: str, max_words: int) -> list[tuple[int, int]]:
    """Spans of at most ``max_words`` words that cover the text and break at lines or sentences where they can.

    A sentence of more words than that is cut between words.
    """
    spans: list[tuple[int, int]] = []
    start, count = 0, 0
    for first, last in sentences(text):
        words = [match.start() + first for match in _WORD.finditer(text[first:last])]
        if count and count + len(words) > max_words:
            spans.append((start, first))
            start, count = first, 0
        while len(words) > max_words:
            spans.append((start, words[max_words]))
            start, words = words[max_words], words[max_words:]
        count += len(words)
    spans.append((start, len(text)))
    return [(left, right) for left, right in spans if left < right]


def cut_tokens(offsets: Offsets, spans: Sequence[tuple[int, int]], max_tokens: int) -> Iterator[tuple[int, int]]:
    """Ranges of token numbers, one or more for each character span, none longer than ``max_tokens``.

    A token belongs to the span in which it starts. Together the ranges cover all tokens, in order.
    """
    first = 0
    for _, right in spans:
        last = first
        while last < len(offsets) and offsets[last][0] < right:
            last += 1
        for start in range(first, last, max_tokens):
            yield start, min(start + max_tokens, last)
        first = last


def fill_tokens(offsets: Offsets, spans: Sequence[tuple[int, int]], max_tokens: int) -> Iterator[tuple[int, int]]:
    """Ranges of token numbers of at most ``max_tokens``, each holding as many whole spans as it can.

    A span of more tokens than that is cut between tokens. Together the ranges cover all tokens, in order.
    """
    start = end = 0
    for first, last in cut_tokens(offsets, spans, max_tokens):
        if last - start > max_tokens:
            yield start, end
            start = first
        end = last
    if end > start:
        yield start, end


def windows(n_tokens: int, size: int, overlap: float) -> list[tuple[int, int]]:
    """Overlapping ranges of at most ``size`` tokens that cover all of them.

    Args:
        n_tokens: length of the document.
        size: longest window.
        overlap: share of a window that the next one sees again.
    """
    if n_tokens <= size:
        return [(0, n_tokens)] if n_tokens else []
    stride = max(1, round(size * (1 - overlap)))
    starts = list(range(0, n_tokens - size, stride))
    return [*((start, start + size) for start in starts), (n_tokens - size, n_tokens)]
