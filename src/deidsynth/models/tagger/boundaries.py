"""Tokens that end wherever an entity may: a tokenizer of a pretrained encoder that never joins what may be parted.

With the tokenizer of XLM-R, ``/03/`` is one token, so a month between slashes has no tag of its own. The tokenizer is
changed so that each of its tokens has letters alone, digits alone, or one other character. All other tokens stay as
they are, with their embeddings. The change is in the tokenizer's own file: transformers loads it like any other.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Set

from tokenizers import Regex, models, pre_tokenizers
from transformers import PreTrainedTokenizerFast

_LETTERS, _DIGITS, _OTHER = r"[\p{L}\p{M}]+", r"\p{N}+", r"[^\s\p{L}\p{M}\p{N}▁]"
# A blank (in a token: ▁) stays with what follows it; white space stays together.
_PIECES = rf"▁*(?:{_LETTERS}|{_DIGITS}|{_OTHER})|\s+"
# The same where each character is a byte (a blank: Ġ). Such tokenizers already part letters from most others. The
# English "'s" and its like, in which no entity begins, stay whole.
_BYTE_PIECES = r"'(?:[sdmt]|ll|re|ve)|Ġ?[0-9]+|Ġ?[!-/:-@\[-`{-~]"


def with_boundaries(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """The tokenizer with tokens of letters, of digits, or of one other character; the given one is used up.

    Unigram and BPE see the text in such pieces. WordPiece would take each piece for the beginning of a word, so there
    the tokens that mix characters are made unreachable instead. Tokenizers of any other model, and those that mix
    nothing, stay as they are.

    Args:
        tokenizer: of a pretrained encoder.
    """
    backend = tokenizer.backend_tokenizer
    model, given = backend.model, _steps(backend.pre_tokenizer)
    pieces = tokenizer.get_vocab().keys() - tokenizer.get_added_vocab().keys()
    if isinstance(model, models.WordPiece):
        mixed = _mixed(model, pieces, backend.pre_tokenizer)
        if not mixed:
            return tokenizer
        backend.model = _renamed(model, backend.get_vocab(with_added_tokens=False), mixed)
    elif isinstance(model, models.BPE | models.Unigram):
        is_byte_level = any(step["type"] == "ByteLevel" for step in given)
        split = pre_tokenizers.Split(Regex(_BYTE_PIECES if is_byte_level else _PIECES), behavior="isolated")
        if _steps(split)[0] in given or not any(len(split.pre_tokenize_str(piece)) > 1 for piece in pieces):
            return tokenizer
        backend.pre_tokenizer = pre_tokenizers.Sequence([*([backend.pre_tokenizer] if given else []), split])
    else:
        return tokenizer
    return _as_it_is(tokenizer)


def _steps(pre_tokenizer: pre_tokenizers.PreTokenizer | None) -> list[dict[str, object]]:
    """The settings of a pre-tokenizer, step by step."""
    if pre_tokenizer is None:
        return []
    waiting, found = [json.loads(pre_tokenizer.__getstate__())], []
    while waiting:
        settings = waiting.pop(0)
        inner = settings.get("pretokenizers")
        if inner is None:
            found.append(settings)
        else:
            waiting = [*inner, *waiting]
    return found


def _mixed(model: models.WordPiece, pieces: Set[str], before: pre_tokenizers.PreTokenizer | None) -> dict[str, str]:
    """The tokens that mix characters, each with blanks put in where these meet, so that no text has it.

    Not among them are tokens that the pre-tokenizer divides anyway, and those with a character that has no token.
    """
    split, prefix, found = (
        pre_tokenizers.Split(Regex(_PIECES), behavior="isolated"),
        model.continuing_subword_prefix,
        {},
    )
    for piece in pieces:
        body = piece.removeprefix(prefix)
        start = piece[: len(piece) - len(body)]
        parts = [part for part, _ in split.pre_tokenize_str(body)]
        if len(parts) == 1 or (before is not None and len(before.pre_tokenize_str(body)) > 1):
            continue
        if pieces >= {start + body[:1], *(prefix + character for character in body[1:])}:
            found[piece] = start + " ".join(parts)
    return found


def _renamed(model: models.WordPiece, vocabulary: Mapping[str, int], names: Mapping[str, str]) -> models.WordPiece:
    """The model with other names for some tokens; their numbers stay."""
    return models.WordPiece(
        {names.get(token, token): number for token, number in vocabulary.items()},
        unk_token=model.unk_token,
        continuing_subword_prefix=model.continuing_subword_prefix,
        max_input_chars_per_word=model.max_input_chars_per_word,
    )


def _as_it_is(tokenizer: PreTrainedTokenizerFast) -> PreTrainedTokenizerFast:
    """The tokenizer in the class that reads the whole file; those of single models read only its vocabulary."""
    if type(tokenizer) is PreTrainedTokenizerFast:
        return tokenizer
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer.backend_tokenizer,
        model_max_length=tokenizer.model_max_length,
        model_input_names=tokenizer.model_input_names,
        padding_side=tokenizer.padding_side,
        truncation_side=tokenizer.truncation_side,
        clean_up_tokenization_spaces=tokenizer.clean_up_tokenization_spaces,
        **tokenizer.special_tokens_map,
    )
