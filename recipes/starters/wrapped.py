"""The one vocabulary of all starters, with the special tokens of a causal model or of an encoder around a text."""

from __future__ import annotations

from tokenizers import Tokenizer, processors
from transformers import PreTrainedTokenizerFast


def wrapped_tokenizer(vocabulary: Tokenizer, kind: str) -> PreTrainedTokenizerFast:
    """A tokenizer that puts ``<s>`` before a text (``causal``), or ``<s>`` and ``</s>`` around it (``encoder``)."""
    tokenizer = Tokenizer.from_str(vocabulary.to_str())
    encoder = kind == "encoder"
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A </s>" if encoder else "<s> $A",
        pair="<s> $A </s> $B </s>" if encoder else "<s> $A $B",
        special_tokens=[(name, tokenizer.token_to_id(name)) for name in ("<s>", "</s>")],
    )
    special = {"pad_token": "<pad>", "unk_token": "<unk>"}
    if encoder:
        special |= {"cls_token": "<s>", "sep_token": "</s>", "mask_token": "<mask>"}
    else:
        special |= {"bos_token": "<s>", "eos_token": "</s>"}
    return PreTrainedTokenizerFast(tokenizer_object=tokenizer, clean_up_tokenization_spaces=False, **special)
