"""Tiny models in the shapes that hubs hold, each with a tokenizer of its own kind, made of invented sentences."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from tokenizers import (
    Regex,
    Tokenizer,
    decoders,
    models,
    normalizers,
    pre_tokenizers,
    processors,
    trainers,
)
from transformers import (
    BertConfig,
    BertForMaskedLM,
    BloomConfig,
    BloomForCausalLM,
    GPT2Config,
    GPT2LMHeadModel,
    LlamaConfig,
    LlamaForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
    RobertaConfig,
    RobertaForMaskedLM,
    XLMRobertaConfig,
    XLMRobertaForMaskedLM,
)

from deidsynth.documents import Document, Entity

FIRST = ("Alvedina", "Brontus", "Cirkelia", "Dromund", "Ektorin", "Fjällrika")
SPREAD = 0.2  # of fresh weights: wide enough that what attention sees changes what comes out
LAST = ("Kvistlund", "Månskog", "Tåbring", "Zölberg", "Överud", "Niaño")
PLACES = ("Vindheim", "Sandkulla", "Villa Ficta", "Norrhaga")


def note(number: int, n_sentences: int = 2) -> Document:
    """One invented note, with its names and places."""
    text, entities = "", []
    for turn in range(number, number + n_sentences):
        for piece, label in (
            (f"{FIRST[turn % len(FIRST)]} {LAST[turn // 2 % len(LAST)]}", "NAME"),
            (f", {30 + turn % 50} år, kom från ", None),
            (PLACES[turn % len(PLACES)], "CITY"),
            (f" den {1 + turn % 28}/3. Mår bättre nu.\n", None),
        ):
            if label:
                entities.append(Entity(len(text), len(text) + len(piece), label))
            text += piece
    return Document(f"note-{number}", text, tuple(entities))


NOTES = tuple(note(number) for number in range(24))
TEXTS = tuple(document.text for document in NOTES)


def _special(tokenizer: Tokenizer, **names: str) -> PreTrainedTokenizerFast:
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **names)


def _byte_level(special: list[str], *, prefix_space: bool, size: int = 500) -> Tokenizer:
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=prefix_space)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=special, initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(TEXTS, trainer)
    return tokenizer


def _around(tokenizer: Tokenizer, before: str, after: str) -> processors.TemplateProcessing:
    names = [name for name in (before, after) if name]
    single = " ".join(part for part in (before, "$A", after) if part)
    return processors.TemplateProcessing(
        single=single, special_tokens=[(name, tokenizer.token_to_id(name)) for name in names]
    )


def llama_tokenizer() -> PreTrainedTokenizerFast:
    """Llama 2's kind: BPE over metaspaces with byte fallback, BOS added by itself, no pad token."""
    trained = Tokenizer(models.BPE(unk_token="<unk>"))
    trained.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    trained.pre_tokenizer = pre_tokenizers.Split(Regex("▁"), behavior="merged_with_next")
    special = ["<unk>", "<s>", "</s>"]
    trainer = trainers.BpeTrainer(vocab_size=340, special_tokens=special, show_progress=False)
    trained.train_from_iterator(TEXTS, trainer)
    learned = json.loads(trained.to_str())["model"]
    known = {**learned["vocab"]}
    for number in range(256):  # bytes are ordinary tokens; were they special ones, decoding would drop them
        known[f"<0x{number:02X}>"] = len(known)
    merges = [tuple(pair) for pair in learned["merges"]]
    tokenizer = Tokenizer(models.BPE(known, merges, unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.normalizer, tokenizer.pre_tokenizer = trained.normalizer, trained.pre_tokenizer
    tokenizer.add_special_tokens(special)
    tokenizer.decoder = decoders.Sequence(
        [
            decoders.Replace("▁", " "),
            decoders.ByteFallback(),
            decoders.Fuse(),
            decoders.Strip(content=" ", left=1),
        ]
    )
    tokenizer.post_processor = _around(tokenizer, "<s>", "")
    return _special(tokenizer, bos_token="<s>", eos_token="</s>", unk_token="<unk>")


def gpt2_tokenizer() -> PreTrainedTokenizerFast:
    """GPT-2's kind: byte-level, one token for BOS and EOS, no pad token."""
    tokenizer = _byte_level(["<|endoftext|>"], prefix_space=False)
    return _special(tokenizer, bos_token="<|endoftext|>", eos_token="<|endoftext|>", unk_token="<|endoftext|>")


def bert_tokenizer() -> PreTrainedTokenizerFast:
    """BERT's kind: WordPiece, lower-cased and stripped of accents."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    special = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        TEXTS, trainers.WordPieceTrainer(vocab_size=300, special_tokens=special, show_progress=False)
    )
    tokenizer.post_processor = _around(tokenizer, "[CLS]", "[SEP]")
    return _special(
        tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


_ROBERTA = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
_ROBERTA_NAMES = {
    "bos_token": "<s>",
    "cls_token": "<s>",
    "pad_token": "<pad>",
    "eos_token": "</s>",
    "sep_token": "</s>",
    "unk_token": "<unk>",
    "mask_token": "<mask>",
}


def roberta_tokenizer() -> PreTrainedTokenizerFast:
    """RoBERTa's kind: byte-level with a blank put before the text, offsets trimmed, pad token number 1."""
    tokenizer = _byte_level(_ROBERTA, prefix_space=True)
    tokenizer.post_processor = processors.RobertaProcessing(
        ("</s>", tokenizer.token_to_id("</s>")), ("<s>", tokenizer.token_to_id("<s>")), add_prefix_space=True
    )
    return _special(tokenizer, **_ROBERTA_NAMES)


def xlm_roberta_tokenizer() -> PreTrainedTokenizerFast:
    """XLM-R's kind: Unigram over metaspaces, NFKC."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=300, special_tokens=_ROBERTA, unk_token="<unk>", show_progress=False)
    tokenizer.train_from_iterator(TEXTS, trainer)
    tokenizer.post_processor = _around(tokenizer, "<s>", "</s>")
    return _special(tokenizer, **_ROBERTA_NAMES)


def modernbert_tokenizer() -> PreTrainedTokenizerFast:
    """ModernBERT's kind: byte-level, with BERT's special tokens."""
    tokenizer = _byte_level(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]"], prefix_space=False)
    tokenizer.post_processor = _around(tokenizer, "[CLS]", "[SEP]")
    return _special(
        tokenizer,
        pad_token="[PAD]",
        unk_token="[UNK]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
    )


def llama_model(vocabulary: int = 600, context: int = 256) -> LlamaForCausalLM:
    """A Llama with one key/value head for two heads."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=vocabulary,
            hidden_size=32,
            intermediate_size=48,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=1,
            max_position_embeddings=context,
            initializer_range=SPREAD,
            bos_token_id=1,
            eos_token_id=2,
        )
    )


def gpt2_model(vocabulary: int = 500, context: int = 128) -> GPT2LMHeadModel:
    """A GPT-2, whose linear layers are Conv1D and whose positions are a table."""
    return GPT2LMHeadModel(
        GPT2Config(
            vocab_size=vocabulary,
            n_embd=32,
            n_layer=2,
            n_head=2,
            n_positions=context,
            initializer_range=SPREAD,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


def bloom_model(vocabulary: int = 500) -> BloomForCausalLM:
    """A BLOOM, which has no positions at all (ALiBi): the shape of FLOR."""
    return BloomForCausalLM(
        BloomConfig(
            vocab_size=vocabulary,
            hidden_size=32,
            n_layer=2,
            n_head=2,
            initializer_range=SPREAD,
            bos_token_id=0,
            eos_token_id=0,
        )
    )


_SIZES = {
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
}


def _bert(vocabulary: int) -> PreTrainedModel:
    return BertForMaskedLM(BertConfig(vocab_size=vocabulary, max_position_embeddings=40, pad_token_id=0, **_SIZES))


def _roberta(vocabulary: int) -> PreTrainedModel:
    return RobertaForMaskedLM(
        RobertaConfig(vocab_size=vocabulary, max_position_embeddings=42, pad_token_id=1, type_vocab_size=1, **_SIZES)
    )


def _xlm_roberta(vocabulary: int) -> PreTrainedModel:
    return XLMRobertaForMaskedLM(
        XLMRobertaConfig(vocab_size=vocabulary, max_position_embeddings=64, pad_token_id=1, type_vocab_size=1, **_SIZES)
    )


def _modernbert(vocabulary: int) -> PreTrainedModel:
    return ModernBertForMaskedLM(
        ModernBertConfig(
            vocab_size=vocabulary,
            max_position_embeddings=64,
            local_attention=16,
            pad_token_id=3,
            cls_token_id=1,
            sep_token_id=2,
            bos_token_id=1,
            eos_token_id=2,
            **_SIZES,
        )
    )


CAUSAL: dict[str, tuple[Callable[[], PreTrainedTokenizerFast], Callable[[int], PreTrainedModel]]] = {
    "llama": (llama_tokenizer, llama_model),
    "gpt2": (gpt2_tokenizer, gpt2_model),
    "bloom": (gpt2_tokenizer, bloom_model),
}
ENCODERS: dict[str, tuple[Callable[[], PreTrainedTokenizerFast], Callable[[int], PreTrainedModel]]] = {
    "bert": (bert_tokenizer, _bert),
    "roberta": (roberta_tokenizer, _roberta),
    "xlm-roberta": (xlm_roberta_tokenizer, _xlm_roberta),
    "modernbert": (modernbert_tokenizer, _modernbert),
}


def save_tiny(kind: str, folder: Path) -> Path:
    """The folder, with a model of that kind and its tokenizer in it, as a hub would hold them."""
    make_tokenizer, make_model = (CAUSAL | ENCODERS)[kind]
    torch.manual_seed(7)
    tokenizer = make_tokenizer()
    make_model(len(tokenizer)).save_pretrained(folder)
    tokenizer.save_pretrained(folder)
    return folder


@pytest.fixture(autouse=True, scope="session")
def one_thread() -> None:
    """Tiny products are fastest on one thread, and the same everywhere."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], Path]:
    """The folder of a tiny model by its kind, made when first asked for; not to be changed."""
    root = tmp_path_factory.mktemp("tiny")

    def folder(kind: str) -> Path:
        place = root / kind
        return place if place.exists() else save_tiny(kind, place)

    return folder
