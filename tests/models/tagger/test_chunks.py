from __future__ import annotations

import itertools

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.models.tagger.chunks import chunk_by_words, cut_tokens, sentence_starts, sentences, windows

TEXT = st.text(alphabet="aB. \n¿!;é1", max_size=80)


@settings(max_examples=200)
@given(TEXT, st.integers(1, 6))
def test_chunks_cover_the_text_with_at_most_so_many_words(text: str, max_words: int) -> None:
    spans = chunk_by_words(text, max_words)
    assert "".join(text[start:end] for start, end in spans) == text
    assert all(start < end for start, end in spans)
    assert all(len(text[start:end].split()) <= max_words for start, end in spans)


@settings(max_examples=200)
@given(TEXT, st.integers(1, 6))
def test_chunks_break_at_sentences_unless_one_is_too_long(text: str, max_words: int) -> None:
    whole = sentences(text)
    assert "".join(text[start:end] for start, end in whole) == text
    ends = {end for _, end in whole}
    long = [(start, end) for start, end in whole if len(text[start:end].split()) > max_words]
    for _, end in chunk_by_words(text, max_words):
        assert end in ends or any(start < end < last for start, last in long)


def test_sentences_end_at_lines_and_before_capitals() -> None:
    text = 'Kom in. "Bra," sa hon\nNästa kl. 3? Ja: det. ¿Y Ana? Sí.\n\n(Ok.) Slut'
    pieces = [text[start:end] for start, end in sentences(text)]
    assert pieces == [
        "Kom in. ",
        '"Bra," sa hon\n',
        "Nästa kl. 3? ",
        "Ja: det. ",
        "¿Y Ana? ",
        "Sí.\n\n",
        "(Ok.) ",
        "Slut",
    ]


def test_chunks_take_whole_sentences_while_they_fit() -> None:
    text = "One two. Three four. Five.\nSix seven eight nine ten."
    pieces = [text[start:end] for start, end in chunk_by_words(text, 4)]
    assert pieces == ["One two. Three four. ", "Five.\n", "Six seven eight nine ", "ten."]
    assert chunk_by_words("", 4) == []


@settings(max_examples=200)
@given(st.integers(0, 60), st.sets(st.integers(0, 59), max_size=12), st.integers(1, 20), st.floats(0, 0.9))
def test_windows_cover_every_token_and_go_on(n_tokens: int, inner: set[int], size: int, overlap: float) -> None:
    starts = sorted({0, *(start for start in inner if start < n_tokens)})
    spans = windows(starts, n_tokens, size, overlap)
    assert {place for first, last in spans for place in range(first, last)} == set(range(n_tokens))
    assert all(0 < last - first <= size for first, last in spans)
    assert all(left[0] < right[0] <= left[1] for left, right in itertools.pairwise(spans))
    for _, last in spans:  # a window is cut inside a sentence only where that sentence began before it or is too long
        assert last == n_tokens or last in starts or any(last - first == size for first, end in spans if end == last)


def test_windows_by_hand() -> None:
    assert windows([0], 10, 4, 0.5) == [(0, 4), (2, 6), (4, 8), (6, 10)]
    assert windows([0], 9, 4, 0.5) == [(0, 4), (2, 6), (4, 8), (6, 9)]
    assert windows([0, 2, 4, 7], 9, 4, 0.5) == [(0, 4), (4, 7), (7, 9)]
    assert windows([0, 3, 5], 8, 6, 0.5) == [(0, 5), (3, 8)]
    assert windows([0, 300, 450, 700, 900], 1000, 512, 0.125) == [(0, 450), (300, 700), (450, 900), (700, 1000)]
    assert windows([0, 90], 200, 100, 0.125) == [(0, 90), (90, 190), (178, 200)]
    assert windows([0], 4, 4, 0.5) == [(0, 4)]
    assert windows([0], 0, 4, 0.5) == []


def test_sentences_begin_at_tokens() -> None:
    text = "En mening. Och en till.\nSlut"
    offsets = [(0, 2), (2, 9), (9, 10), (10, 14), (14, 17), (17, 22), (22, 24), (24, 28)]
    assert sentence_starts(text, offsets) == [0, 4, 7]


@settings(max_examples=100)
@given(st.lists(st.integers(0, 3), max_size=40), st.integers(1, 8), st.data())
def test_cut_ranges_cover_all_tokens_in_order(steps: list[int], max_tokens: int, data: st.DataObject) -> None:
    starts = [sum(steps[:number]) for number in range(len(steps))]
    length = sum(steps) + 1
    offsets = [(start, start + 1) for start in starts]
    inner = sorted(data.draw(st.sets(st.integers(0, length), max_size=5)) - {0, length})
    cuts = [0, *inner, length]
    spans = list(itertools.pairwise(cuts))
    ranges = list(cut_tokens(offsets, spans, max_tokens))
    assert [number for first, last in ranges for number in range(first, last)] == list(range(len(offsets)))
    assert all(0 < last - first <= max_tokens for first, last in ranges)
    for first, last in ranges:
        assert any(left <= starts[first] and starts[last - 1] < right for left, right in spans)


@pytest.mark.parametrize(("max_tokens", "expected"), [(3, [(0, 3), (3, 4), (4, 6)]), (9, [(0, 4), (4, 6)])])
def test_a_token_belongs_to_the_span_in_which_it_starts(max_tokens: int, expected: list[tuple[int, int]]) -> None:
    offsets = [(0, 2), (2, 3), (3, 4), (4, 7), (7, 8), (8, 9)]
    assert list(cut_tokens(offsets, [(0, 5), (5, 9)], max_tokens)) == expected
