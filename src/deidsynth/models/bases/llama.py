"""A Llama model with its byte-level tokenizer, from a GGUF file."""

from __future__ import annotations

import re

import torch
from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.bases.gguf import GgufFile
from deidsynth.models.bases.quantization import Weights

PAD = "<empty_output>"
"""A special token that marked notebooks in pretraining. The file pads with the token that ends a text, and a model
trained so would not learn to end."""

PRE_TOKENIZER = "smollm"
"""What llama.cpp calls digits one by one, then the pieces of GPT-2."""

_SPECIAL = 3
"""GGUF's type of a token that text never becomes."""

_OUTSIDE = {
    "token_embd.weight": "model.embed_tokens.weight",
    "output_norm.weight": "model.norm.weight",
}
_IN_LAYER = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "ffn_norm": "post_attention_layernorm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
}


def llama_tokenizer(file: GgufFile) -> PreTrainedTokenizerFast:
    """The tokenizer of the file; padding is not the token that ends a text.

    Raises:
        ModelNotUsableError: the file's tokenizer is of another kind.
    """
    kind = (file["tokenizer.ggml.model"], file["tokenizer.ggml.pre"])
    if kind != ("gpt2", PRE_TOKENIZER):
        raise ModelNotUsableError(f"tokenizers of type {'/'.join(kind)} are not read")
    tokens: list[str] = file["tokenizer.ggml.tokens"]
    merges = [tuple(merge.split(" ")) for merge in file["tokenizer.ggml.merges"]]
    tokenizer = Tokenizer(models.BPE(vocab={token: number for number, token in enumerate(tokens)}, merges=merges))
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    special = zip(tokens, file["tokenizer.ggml.token_type"], strict=True)
    tokenizer.add_special_tokens(
        [AddedToken(token, special=True, normalized=False) for token, type_ in special if type_ == _SPECIAL]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=tokens[file["tokenizer.ggml.bos_token_id"]],
        eos_token=tokens[file["tokenizer.ggml.eos_token_id"]],
        unk_token=tokens[file["tokenizer.ggml.unknown_token_id"]],
        pad_token=PAD,
        model_max_length=file["llama.context_length"],
        clean_up_tokenization_spaces=False,
    )


def llama_model(file: GgufFile, pad_token_id: int) -> LlamaForCausalLM:
    """The model of the file in bfloat16, whose output layer is its embeddings.

    Args:
        file: of architecture ``llama`` without an output layer of its own.
        pad_token_id: of its tokenizer.

    Raises:
        ModelNotUsableError: the file holds another kind of model.
    """
    if file["general.architecture"] != "llama":
        raise ModelNotUsableError(f"models of type {file['general.architecture']} are not read")
    if file["llama.block_count"] > len(file.names):
        raise ModelNotUsableError(f"a model of {file['llama.block_count']} layers is not in the file")
    config = LlamaConfig(
        vocab_size=file["llama.vocab_size"],
        hidden_size=file["llama.embedding_length"],
        intermediate_size=file["llama.feed_forward_length"],
        num_hidden_layers=file["llama.block_count"],
        num_attention_heads=file["llama.attention.head_count"],
        num_key_value_heads=file["llama.attention.head_count_kv"],
        head_dim=file["llama.rope.dimension_count"],
        max_position_embeddings=file["llama.context_length"],
        rms_norm_eps=file["llama.attention.layer_norm_rms_epsilon"],
        rope_parameters={"rope_type": "default", "rope_theta": file["llama.rope.freq_base"]},
        bos_token_id=file["tokenizer.ggml.bos_token_id"],
        eos_token_id=file["tokenizer.ggml.eos_token_id"],
        pad_token_id=pad_token_id,
        tie_word_embeddings=True,
    )
    heads = {"attn_q": config.num_attention_heads, "attn_k": config.num_key_value_heads}
    state = {}
    for name in file.names:
        layer = re.fullmatch(r"blk\.(\d+)\.(\w+)\.weight", name)
        weights = file.weights(name)
        if layer and layer[2] in _IN_LAYER:
            if layer[2] in heads:
                weights = _half_rotated(weights, heads[layer[2]])
            target = f"model.layers.{layer[1]}.{_IN_LAYER[layer[2]]}.weight"
        elif name in _OUTSIDE:
            target = _OUTSIDE[name]
        else:
            raise ModelNotUsableError(f"weights {name} have no place in a Llama model")
        state[target] = torch.from_numpy(weights).to(torch.bfloat16)
    with torch.device("meta"):
        model = LlamaForCausalLM(config)
    model.load_state_dict({**state, "lm_head.weight": state["model.embed_tokens.weight"]}, assign=True)
    model.tie_weights()
    return model


def _half_rotated(weights: Weights, n_heads: int) -> Weights:
    """Queries or keys in the order of transformers, which rotates position i with i + half.

    GGUF has them in pairs that are neighbors.

    Args:
        weights: of shape (heads x head size, inputs).
        n_heads: number of heads.
    """
    rows, columns = weights.shape
    pairs = weights.reshape(n_heads, rows // n_heads // 2, 2, columns)
    return pairs.swapaxes(1, 2).reshape(rows, columns)
