"""Tagging documents of any length with a trained tagger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray

from deidsynth.documents import Document
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.chunks import sentence_starts, windows
from deidsynth.models.devices import autocast
from deidsynth.models.masking import padded
from deidsynth.models.token_classifier import Tagger
from deidsynth.models.token_data import SpecialTokens, tokenize
from deidsynth.models.viterbi import Lattice, best_sequence, marginals
from deidsynth.tagging import decode, trim, within_word

DOCUMENTS_AT_ONCE = 64


@dataclass(frozen=True, slots=True)
class _Window:
    document: int
    first: int
    last: int


def predict(
    tagger: Tagger,
    documents: Sequence[Document],
    *,
    window_tokens: int | None = None,
    overlap: float = 0.5,
    batch_size: int = 32,
    device: str = "cpu",
    precision: str = "fp32",
) -> Iterator[Document]:
    """The documents with the entities that the tagger finds, each with a score, in the given order.

    Overlapping windows of whole sentences slide over each document; every token takes its scores from the window that
    shows the most context on its shorter side. The best valid tag sequence of the whole document is decoded, with
    whole words where the tagger was trained on such, and an entity's score is the lowest marginal probability among its
    tokens.

    Args:
        tagger: model, tokenizer, tags.
        documents: their own entities are passed over.
        window_tokens: longest window, special tokens left out; by default the tagger's own.
        overlap: share of a window that the next one sees again.
        batch_size: windows at once.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.

    Raises:
        ModelNotUsableError: the model's scores are not finite.
    """
    size = min(window_tokens or tagger.window_tokens, tagger.window_tokens)
    tagger.model.to(device).eval()
    may_follow, may_continue = tagger.tag_set.may_follow(), tagger.tag_set.may_continue()
    for start in range(0, len(documents), DOCUMENTS_AT_ONCE):
        some = documents[start : start + DOCUMENTS_AT_ONCE]
        tokens = [tokenize(tagger.tokenizer, document.text) for document in some]
        todo = [
            _Window(number, first, last)
            for number, (document, (ids, offsets)) in enumerate(zip(some, tokens, strict=True))
            for first, last in windows(sentence_starts(document.text, offsets), len(ids), size, overlap)
        ]
        scores = _log_probs(tagger, [ids for ids, _ in tokens], todo, batch_size, device, precision)
        for document, (_, offsets), log_probs in zip(some, tokens, scores, strict=True):
            # A token of zero width has no tag, so none may stand between the tags of an entity.
            wide = [number for number, (left, right) in enumerate(offsets) if left < right]
            spans = [offsets[number] for number in wide]
            joined = joined_tokens(document.text, spans) if tagger.whole_words else None
            lattice = Lattice(log_probs[wide], may_follow, joined, may_continue)
            tags = best_sequence(lattice)
            chances = marginals(lattice)[np.arange(len(tags)), tags]
            sure = np.clip(chances, 0.0, 1.0).tolist()
            yield document.with_entities(decode(document.text, tags.tolist(), spans, tagger.tag_set, sure))


def joined_tokens(text: str, offsets: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """Which tokens go on with the word of the token before.

    Returns:
        Shape (n_tokens,).
    """
    cores = [trim(text, start, end) for start, end in offsets]
    joined = [
        left[1] > right[0] or (left[1] == right[0] and within_word(text, right[0])) for left, right in pairwise(cores)
    ]
    return np.array([False, *joined][: len(offsets)], dtype=bool)


def _log_probs(
    tagger: Tagger,
    ids: Sequence[Sequence[int]],
    todo: list[_Window],
    batch_size: int,
    device: str,
    precision: str,
) -> list[NDArray[np.float64]]:
    """Log-probabilities of the tags, stitched from windows. Shape of each (n_tokens, n_tags)."""
    special = SpecialTokens.of(tagger.tokenizer)
    fill = tagger.tokenizer.pad_token_id if tagger.tokenizer.pad_token_id is not None else 0
    todo.sort(key=lambda window: window.last - window.first)
    result = [np.zeros((len(tokens), len(tagger.tag_set))) for tokens in ids]
    context = [np.full(len(tokens), -1) for tokens in ids]
    for start in range(0, len(todo), batch_size):
        batch = todo[start : start + batch_size]
        rows = [special.around(ids[window.document][window.first : window.last]) for window in batch]
        with torch.inference_mode(), autocast(device, precision):
            logits = tagger.model(
                input_ids=padded(rows, fill).to(device),
                attention_mask=padded([[1] * len(row) for row in rows], 0).to(device),
            ).logits
        scores = torch.log_softmax(logits.float(), dim=-1).cpu().numpy().astype(np.float64)
        if not np.isfinite(scores).all():
            raise ModelNotUsableError(
                "the tagger gives scores that are no numbers; use precision: fp32, or train with a lower learning rate"
            )
        for window, row in zip(batch, scores, strict=True):
            length = window.last - window.first
            seen = _context(window, len(ids[window.document]))
            better = seen > context[window.document][window.first : window.last]
            place = slice(window.first, window.last)
            inner = row[len(special.before) : len(special.before) + length]
            result[window.document][place][better] = inner[better]
            context[window.document][place][better] = seen[better]
    return result


def _context(window: _Window, n_tokens: int) -> NDArray[np.int64]:
    """Tokens between each place of a window and its nearer edge; an edge of the document is no edge."""
    places = np.arange(window.first, window.last)
    left = places - window.first if window.first > 0 else np.full(len(places), n_tokens)
    right = window.last - 1 - places if window.last < n_tokens else np.full(len(places), n_tokens)
    return np.minimum(left, right)
