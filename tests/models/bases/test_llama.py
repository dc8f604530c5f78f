from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, strategies as st

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.bases.gguf import GgufFile
from deidsynth.models.bases.llama import PAD, llama_model, llama_tokenizer
from tiny_containers import HEAD, HEADS, HIDDEN, KEY_HEADS, SPECIAL, tiny_gguf

FILE = GgufFile(tiny_gguf()[0], "tiny.gguf")
TOKENIZER = llama_tokenizer(FILE)


def test_digits_are_tokens_of_their_own_and_blanks_before_them_stay_together() -> None:
    assert TOKENIZER.tokenize("del  12/3") == ["d", "el", "ĠĠ", "1", "2", "/", "3"]
    assert TOKENIZER.tokenize(" del\n\n x") == ["Ġdel", "Ċ", "Ċ", "Ġ", "x"]


def test_a_text_has_no_special_tokens_but_those_of_its_ends_and_padding_is_neither() -> None:
    assert [TOKENIZER.bos_token, TOKENIZER.eos_token, TOKENIZER.pad_token] == ["<|im_start|>", "<|im_end|>", PAD]
    assert TOKENIZER.pad_token_id == SPECIAL.index(PAD) != TOKENIZER.eos_token_id
    assert TOKENIZER("del")["input_ids"] == TOKENIZER.convert_tokens_to_ids(["d", "el"])
    assert TOKENIZER.tokenize("<repo_name>") == ["<repo_name>"]
    assert "<repo_name>" not in TOKENIZER.tokenize("<repo_name>", split_special_tokens=True)


@given(st.text())
def test_a_text_comes_back_as_it_was_with_its_offsets(text) -> None:
    encoding = TOKENIZER(text, split_special_tokens=True, return_offsets_mapping=True)
    assert TOKENIZER.decode(encoding["input_ids"]) == text
    covered = {place for start, end in encoding["offset_mapping"] for place in range(start, end)}
    assert covered >= {place for place, character in enumerate(text) if not character.isspace()}


def test_weights_are_in_their_places() -> None:
    weights = tiny_gguf()[1]
    state = llama_model(FILE, TOKENIZER.pad_token_id).state_dict()

    def check(name: str, stored: str) -> None:
        expected = torch.tensor(weights[stored], dtype=torch.float32).to(torch.bfloat16)
        torch.testing.assert_close(state[name].reshape(-1), expected, rtol=0.01, atol=0.001)

    check("model.embed_tokens.weight", "token_embd.weight")
    check("lm_head.weight", "token_embd.weight")
    check("model.norm.weight", "output_norm.weight")
    for layer in range(2):
        check(f"model.layers.{layer}.self_attn.v_proj.weight", f"blk.{layer}.attn_v.weight")
        check(f"model.layers.{layer}.self_attn.o_proj.weight", f"blk.{layer}.attn_output.weight")
        check(f"model.layers.{layer}.mlp.gate_proj.weight", f"blk.{layer}.ffn_gate.weight")
        check(f"model.layers.{layer}.mlp.up_proj.weight", f"blk.{layer}.ffn_up.weight")
        check(f"model.layers.{layer}.mlp.down_proj.weight", f"blk.{layer}.ffn_down.weight")
        check(f"model.layers.{layer}.input_layernorm.weight", f"blk.{layer}.attn_norm.weight")
        check(f"model.layers.{layer}.post_attention_layernorm.weight", f"blk.{layer}.ffn_norm.weight")


def _rotated(vectors: np.ndarray, angles: np.ndarray, pairs: np.ndarray) -> np.ndarray:
    """Vectors of shape (heads, head size), each pair of places turned by its angle."""
    result = vectors.copy()
    first, second = vectors[:, pairs[:, 0]], vectors[:, pairs[:, 1]]
    result[:, pairs[:, 0]] = first * np.cos(angles) - second * np.sin(angles)
    result[:, pairs[:, 1]] = first * np.sin(angles) + second * np.cos(angles)
    return result


def test_attention_scores_are_those_of_the_file() -> None:
    """GGUF turns places that are neighbors, transformers places that are half a head apart: the scores are the same."""
    state = llama_model(FILE, 0).float().state_dict()
    hidden = np.random.default_rng(1).normal(size=(2, HIDDEN))
    frequencies = 100000.0 ** (-np.arange(HEAD // 2) / (HEAD // 2))
    neighbors = np.arange(HEAD).reshape(-1, 2)
    halves = np.arange(HEAD).reshape(2, -1).T

    def scores(query: np.ndarray, key: np.ndarray, pairs: np.ndarray) -> np.ndarray:
        turned = [
            _rotated((weights @ vector).reshape(-1, HEAD), position * frequencies, pairs)
            for weights, vector, position in ((query, hidden[0], 9), (key, hidden[1], 4))
        ]
        return turned[0] @ turned[1].T

    stored = [FILE.weights(f"blk.1.attn_{each}.weight") for each in "qk"]
    imported = [state[f"model.layers.1.self_attn.{each}_proj.weight"].numpy() for each in "qk"]
    result = scores(*imported, halves)
    assert result.shape == (HEADS, KEY_HEADS)
    np.testing.assert_allclose(result, scores(*stored, neighbors), rtol=0.02, atol=0.1)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"general__architecture": "gemma"}, "models of type gemma are not read"),
        ({"tokenizer__ggml__pre": "qwen2"}, "tokenizers of type gpt2/qwen2 are not read"),
    ],
)
def test_another_kind_of_model_is_refused(change, message) -> None:
    file = GgufFile(tiny_gguf(**change)[0], "tiny.gguf")
    with pytest.raises(ModelNotUsableError, match=message):
        llama_model(file, llama_tokenizer(file).pad_token_id)
