from __future__ import annotations

import pytest
from hypothesis import given, settings, strategies as st
from transformers import PreTrainedTokenizerFast

from deidsynth.models.language_model.packing import token_ids
from deidsynth.models.tagger.token_data import SpecialTokens, tokenize
from deidsynth.models.tokenizers import causal_tokenizer, encoder_tokenizer
from tiny_models import TEXTS

CAUSAL = causal_tokenizer(TEXTS, 400)
ENCODER = encoder_tokenizer(TEXTS, 400)
ANYTHING = st.text(st.characters(exclude_categories=["Cs"]), max_size=40) | st.text(
    alphabet="aÅ1 \n\r\t\x00\x1f\x85\u2028\u200b\u0301\u202eאبع👩\u200d⚕️😀</s>[SEP]<pad>", max_size=40
)


def _decode(tokenizer: PreTrainedTokenizerFast, ids: list[int]) -> str:
    return str(tokenizer.decode(ids, skip_special_tokens=True))


@settings(max_examples=200)
@given(ANYTHING)
def test_any_text_comes_back(text: str) -> None:
    assert _decode(CAUSAL, token_ids(CAUSAL, text)) == text
    assert _decode(ENCODER, tokenize(ENCODER, text)[0]) == text


@settings(max_examples=100)
@given(ANYTHING)
def test_offsets_cover_the_text_in_order(text: str) -> None:
    ids, offsets = tokenize(ENCODER, text)
    assert len(ids) == len(offsets)
    assert {place for start, end in offsets for place in range(start, end)} == set(range(len(text)))
    assert [start for start, _ in offsets] == sorted(start for start, _ in offsets)
    assert all(start < end for start, end in offsets)


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("Ana123", ["Ana", "1", "2", "3"]),
        ("3kg", ["3", "kg"]),
        ("Ana,Bo", ["Ana", ",", "Bo"]),
        ("AnaKvist", ["Ana", "Kvist"]),
        ("PatientenANA", ["Patienten", "ANA"]),
        ("a  Bo", ["a", " ", " Bo"]),
        ("(Ana).\n\nBo", ["(", "Ana", ")", ".", "\n\n", "Bo"]),
        ("e\u0301Ana", ["e\u0301", "Ana"]),
    ],
)
def test_tokens_never_cross_the_places_where_entities_end(text: str, pieces: list[str]) -> None:
    greedy = encoder_tokenizer([f"{text} {text}"] * 30, 500)
    _, offsets = tokenize(greedy, text)
    ends, place = set(), 0
    for piece in pieces:
        place += len(piece)
        ends.add(place)
    assert place == len(text)
    assert ends <= {end for _, end in offsets}
    assert all(not (start < end_of < end) for start, end in offsets for end_of in ends)


def test_special_tokens_are_distinct_and_spelt_ones_are_text() -> None:
    assert len({CAUSAL.pad_token_id, CAUSAL.bos_token_id, CAUSAL.eos_token_id}) == 3
    assert not {CAUSAL.bos_token_id, CAUSAL.eos_token_id} & set(token_ids(CAUSAL, "Hon skrev </s> och <s>."))
    assert not set(ENCODER.all_special_ids) & set(tokenize(ENCODER, "A [SEP] B [CLS]")[0])


def test_a_text_gets_its_frame_from_the_tokenizer_alone() -> None:
    assert SpecialTokens.of(CAUSAL) == SpecialTokens((CAUSAL.bos_token_id,), ())
    around = SpecialTokens.of(ENCODER)
    assert around == SpecialTokens((ENCODER.cls_token_id,), (ENCODER.sep_token_id,))
    assert list(around.around(tokenize(ENCODER, "Ana kom")[0])) == ENCODER("Ana kom")["input_ids"]


def test_the_vocabulary_keeps_its_bound() -> None:
    assert len(CAUSAL) <= 400
    assert len(causal_tokenizer(["ab"], 300)) <= 300
