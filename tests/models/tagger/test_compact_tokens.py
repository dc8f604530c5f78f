"""Long texts are tokenized in pieces, with the very tokens of the whole."""

from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from deidsynth.models.tagger.compact_tokens import compact_tokens
from deidsynth.models.tagger.token_data import tokenize
from deidsynth.models.tokenizers import encoder_tokenizer
from tiny_models import TEXTS

ENCODER = encoder_tokenizer(TEXTS, 500)


def _without_words() -> PreTrainedTokenizerFast:
    """A tokenizer for which a text is one word, so that its beginning may decide on its last token."""
    whole = Tokenizer(models.Unigram())
    whole.pre_tokenizer, whole.decoder = pre_tokenizers.Metaspace(split=False), decoders.Metaspace()
    whole.train_from_iterator(
        TEXTS, trainers.UnigramTrainer(vocab_size=120, unk_token="[UNK]", special_tokens=["[UNK]"])
    )
    return PreTrainedTokenizerFast(tokenizer_object=whole, unk_token="[UNK]")


WITHOUT_WORDS = _without_words()

_texts = st.lists(
    st.sampled_from(["Ana", " kom", "\n", "\n\n", "  ", "på ", "😀", "x", "1234 ", "Åsa\u00e9", "-", "aa"])
    | st.text(max_size=3),
    max_size=120,
).map("".join)


@settings(max_examples=150)
@given(_texts, st.integers(20, 60), st.integers(32, 80), st.booleans())
def test_pieces_have_the_tokens_of_the_whole(text: str, piece: int, margin: int, has_words: bool) -> None:
    tokenizer = ENCODER if has_words else WITHOUT_WORDS
    ids, offsets = tokenize(tokenizer, text)
    found = compact_tokens(tokenizer, text, piece, margin)
    assert (found.ids.tolist(), list(found)) == (ids, offsets)


@pytest.mark.parametrize("tokenizer", [ENCODER, WITHOUT_WORDS])
def test_a_cut_on_which_neighbors_disagree_is_not_made(tokenizer: PreTrainedTokenizerFast) -> None:
    for text in ("kom" * 400, "aa" * 301, " kom" * 300, "\n" * 501):
        ids, offsets = tokenize(tokenizer, text)
        for piece in (50, 51, 52):
            found = compact_tokens(tokenizer, text, piece, 16)
            assert (found.ids.tolist(), list(found)) == (ids, offsets)


def test_only_pieces_are_tokenized_of_a_long_text(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[int] = []

    def told(tokenizer: PreTrainedTokenizerFast, text: str) -> tuple[list[int], list[tuple[int, int]]]:
        seen.append(len(text))
        return tokenize(tokenizer, text)

    monkeypatch.setattr("deidsynth.models.tagger.compact_tokens.tokenize", told)
    text = " ".join(TEXTS * 50)
    compact_tokens(ENCODER, text, 500, 100)
    assert len(text) > 5_000
    assert max(seen) < 1_200


def test_offsets_are_plain_numbers_by_place_and_in_turn() -> None:
    found = compact_tokens(ENCODER, "Ana kom")
    assert [found[number] for number in range(len(found))] == list(found) == list(found[:])
    assert {type(place) for pair in [*found, found[0]] for place in pair} == {int}
