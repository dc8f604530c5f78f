"""Cutting of documents into chunks for training and windows for prediction."""

from __future__ import annotations

import bisect
import re
from collections.abc import Iterator, Sequence
from itertools import pairwise

Offsets = Sequence[tuple[int, int]]

_WORD = re.compile(r"\S+")
# The end of a line, or of a sentence: final punctuation, optional quotation marks, blanks and a possible new start.
_BREAK = re.compile(r"\n+|(?<=[.!?:;])[\"')\]]*[ \t]+(?=[\"'(\[¿¡]*[^\W\d_a-zà-ÿ])")


def sentences(text: str) -> list[tuple[int, int]]:
    """Spans of lines and sentences that together cover the text, including trailing white space."""
    cuts = sorted({0, len(text), *(match.end() for match in _BREAK.finditer(text))})
    return list(pairwise(cuts))


def chunk_by_words(text: str, max_words: int) -> list[tuple[int, int]]:
    """Spans of at most ``max_words`` words that cover the text and break at lines or sentences if possible.

    Longer sentences are cut between words.
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
    """Ranges of token indices, one or more for each character span, none longer than ``max_tokens``.

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
    """Ranges of token indices of at most ``max_tokens``, each with as many whole spans as possible.

    Longer spans are cut between tokens. Together the ranges cover all tokens, in order.
    """
    start = end = 0
    for first, last in cut_tokens(offsets, spans, max_tokens):
        if last - start > max_tokens:
            yield start, end
            start = first
        end = last
    if end > start:
        yield start, end


def windows(starts: Sequence[int], n_tokens: int, size: int, overlap: float) -> list[tuple[int, int]]:
    """Overlapping ranges of at most ``size`` tokens that cover a document, with whole sentences if possible.

    Like training chunks, windows start and end at sentence boundaries, unless a sentence
    is longer than the window.

    Args:
        starts: token indices at which sentences start, ascending.
        n_tokens: length of the document.
        size: maximum window length.
        overlap: share of a window that the next one repeats; approximate, because of sentence boundaries, and none for
            a window of a single sentence.
    """
    cuts = sorted({*starts, n_tokens})
    found: list[tuple[int, int]] = []
    begin = 0
    while begin < n_tokens:
        end = _last_cut(cuts, begin, begin + size) or min(begin + size, n_tokens)
        seen = found[-1][1] if found else 0
        if end <= seen:  # adds nothing to the previous window
            begin = _first_cut(cuts, begin, seen) or begin + 1
            continue
        found.append((begin, end))
        if end == n_tokens:
            break
        stride = max(1, round((end - begin) * (1 - overlap)))
        goal = begin + stride
        near = [cut for cut in (_last_cut(cuts, begin, goal), _first_cut(cuts, goal, end - 1)) if cut]
        begin = min(near, key=lambda cut: abs(cut - goal)) if near else _first_cut(cuts, begin, end) or goal
    return found


def _last_cut(cuts: Sequence[int], after: int, upto: int) -> int | None:
    place = bisect.bisect_right(cuts, upto) - 1
    return cuts[place] if place >= 0 and cuts[place] > after else None


def _first_cut(cuts: Sequence[int], after: int, upto: int) -> int | None:
    place = bisect.bisect_right(cuts, after)
    return cuts[place] if place < len(cuts) and cuts[place] <= upto else None


def sentence_starts(text: str, offsets: Offsets) -> list[int]:
    """The token indices at which the sentences of a text start; a token belongs to the sentence in which it starts."""
    token_starts = [start for start, _ in offsets]
    return sorted({bisect.bisect_left(token_starts, first) for first, _ in sentences(text)})
