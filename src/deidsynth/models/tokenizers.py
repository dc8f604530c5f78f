"""The tokenizer of models from scratch: byte-level BPE whose token boundaries match possible entity boundaries."""

from __future__ import annotations

from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors, trainers
from transformers import PreTrainedTokenizerFast

# Letters with at most one change from upper to lower case, one digit, one other character, or white space. A blank
# belongs to what follows it, and is trimmed from offsets in ``tagging``.
_LOWER = r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
_UPPER = r"[\p{Lu}\p{Lt}]"
PIECES = (
    rf" ?{_UPPER}[\p{{Lu}}\p{{Lt}}\p{{M}}]*{_LOWER}*| ?{_LOWER}+| ?\p{{N}}| ?[^\s\p{{L}}\p{{N}}\p{{M}}]|\s+(?!\S)|\s"
)

UNKNOWN_FREE_ALPHABET = pre_tokenizers.ByteLevel.alphabet()


def trained_bpe(texts: Iterable[str], vocabulary_size: int, special_tokens: list[str]) -> Tokenizer:
    """Byte-level BPE, lossless for any string, whose token boundaries match possible entity boundaries.

    Args:
        texts: training texts.
        vocabulary_size: upper bound, including special tokens.
        special_tokens: the first entries of the vocabulary.
    """
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(PIECES), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary_size,
        min_frequency=2,
        special_tokens=special_tokens,
        initial_alphabet=UNKNOWN_FREE_ALPHABET,
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    return tokenizer


def causal_tokenizer(texts: Iterable[str], vocabulary_size: int) -> PreTrainedTokenizerFast:
    """A tokenizer for a causal language model, with distinct BOS, EOS and pad tokens; it prepends BOS.

    Args:
        texts: training texts.
        vocabulary_size: upper bound, including special tokens.
    """
    special = ["<pad>", "<s>", "</s>"]
    tokenizer = trained_bpe(texts, vocabulary_size, special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
        clean_up_tokenization_spaces=False,
    )


def encoder_tokenizer(texts: Iterable[str], vocabulary_size: int) -> PreTrainedTokenizerFast:
    """A tokenizer for an encoder, which adds ``[CLS]`` and ``[SEP]``.

    Args:
        texts: training texts.
        vocabulary_size: upper bound, including special tokens.
    """
    special = ["[PAD]", "[CLS]", "[SEP]", "[MASK]", "[UNK]"]
    tokenizer = trained_bpe(texts, vocabulary_size, special)
    tokenizer.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B [SEP]",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("[CLS]", "[SEP]")],
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token="[PAD]",
        cls_token="[CLS]",
        sep_token="[SEP]",
        mask_token="[MASK]",
        unk_token="[UNK]",
        clean_up_tokenization_spaces=False,
    )
