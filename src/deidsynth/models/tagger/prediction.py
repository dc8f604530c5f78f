"""Prediction: tagging of documents of any length with a trained tagger."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from deidsynth.documents import Document
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.cpu.encoder_forward import token_scores
from deidsynth.models.devices import keep_freed_memory
from deidsynth.models.tagger.chunks import sentence_starts, windows
from deidsynth.models.tagger.masking import padded
from deidsynth.models.tagger.token_classifier import Tagger
from deidsynth.models.tagger.token_data import SpecialTokens, tokenize
from deidsynth.models.tagger.viterbi import Lattice, TagTransitions, best_sequences
from deidsynth.normalization import NormalizedText, normalize
from deidsynth.tagging import decode, encode, trim, within_word

DOCUMENTS_AT_ONCE = 64
TOKENS_AT_ONCE = 200_000  # of all documents processed together: limits memory
CPU_BATCH_TOKENS = 2048  # a CPU batch that stays in its caches


@dataclass(frozen=True, slots=True)
class _Window:
    document: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A document, its text as the model sees it, and the token ids and offsets of that text."""

    document: Document
    seen: NormalizedText
    ids: Sequence[int]
    offsets: Sequence[tuple[int, int]]


def predict(
    tagger: Tagger,
    documents: Sequence[Document],
    *,
    window_tokens: int | None = None,
    overlap: float = 0.125,
    batch_size: int = 32,
    device: str = "cpu",
    precision: str = "fp32",
) -> Iterator[Document]:
    """The documents with predicted entities, each with a score, in the given order.

    Overlapping windows of whole sentences slide over each document; every token takes its scores from the window that
    shows the most context on its shorter side. The best valid tag sequence of the whole document is decoded, with
    whole words where the tagger was trained on such, and an entity's score is the lowest marginal probability among its
    tokens. The model sees normalized text; the entities are those of the document's own.

    Args:
        tagger: model, tokenizer, tags.
        documents: their own entities are ignored.
        window_tokens: maximum window length, without special tokens; by default the tagger's own.
        overlap: share of a window that the next one repeats.
        batch_size: windows per batch.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.

    Raises:
        ModelNotUsableError: the model's scores are not finite.
    """
    size = min(window_tokens or tagger.window_tokens, tagger.window_tokens)
    for some, scores in _scored(tagger, documents, size, overlap, batch_size, device, precision):
        yield from _decoded(tagger, some, scores)


def outside_probabilities(
    tagger: Tagger,
    documents: Sequence[Document],
    *,
    overlap: float = 0.125,
    device: str = "cpu",
    precision: str = "fp32",
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The probability of O for each token, and whether the token is inside a gold entity.

    Args:
        tagger: model, tokenizer, tags.
        documents: with gold entities.
        overlap: as in ``predict``.
        device: as in ``predict``.
        precision: as in ``predict``.

    Returns:
        Shape of both (n_tokens,), the tokens of all documents.
    """
    outside: list[NDArray[np.float64]] = []
    private: list[NDArray[np.bool_]] = []
    for some, scores in _scored(tagger, documents, tagger.window_tokens, overlap, 32, device, precision):
        for each, log_probs in zip(some, scores, strict=True):
            entities = each.seen.to_normalized(each.document.entities)
            tags = np.array(encode(each.seen.text, entities, each.offsets, tagger.tag_set).tags)
            wide = np.array([left < right for left, right in each.offsets], dtype=bool)
            outside.append(np.exp(log_probs[wide, tagger.tag_set.outside]))
            private.append(tags[wide] != tagger.tag_set.outside)
    return np.concatenate(outside), np.concatenate(private)


def _scored(
    tagger: Tagger,
    documents: Sequence[Document],
    size: int,
    overlap: float,
    batch_size: int,
    device: str,
    precision: str,
) -> Iterator[tuple[list[_Tokens], list[NDArray[np.float64]]]]:
    """Groups of documents, with the log-probabilities of the tags of each document, shape (n_tokens, n_tags)."""
    for model in tagger.models:
        model.to(device).eval()
    if device == "cpu":
        keep_freed_memory()
    for some in _portions(tagger, documents):
        todo = [
            _Window(number, first, last)
            for number, each in enumerate(some)
            for first, last in windows(sentence_starts(each.seen.text, each.offsets), len(each.ids), size, overlap)
        ]
        ids = [each.ids for each in some]
        found = [_log_probs(model, tagger, ids, todo, batch_size, device, precision) for model in tagger.models]
        yield some, found[0] if len(found) == 1 else [_mean(each) for each in zip(*found, strict=True)]


def _portions(tagger: Tagger, documents: Sequence[Document]) -> Iterator[list[_Tokens]]:
    """The tokenized documents, in groups that are processed together."""
    some: list[_Tokens] = []
    for document in documents:
        seen = normalize(document.text)
        some.append(_Tokens(document, seen, *tokenize(tagger.tokenizer, seen.text)))
        if len(some) == DOCUMENTS_AT_ONCE or sum(len(each.ids) for each in some) >= TOKENS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def _decoded(tagger: Tagger, some: list[_Tokens], scores: list[NDArray[np.float64]]) -> Iterator[Document]:
    """The documents with the entities of the best sequences."""
    lattices, spans = [], []
    for each, log_probs in zip(some, scores, strict=True):
        # Tokens of zero width have no tag, so they are dropped: they would interrupt an entity.
        wide = [number for number, (left, right) in enumerate(each.offsets) if left < right]
        spans.append([each.offsets[number] for number in wide])
        joined = joined_tokens(each.seen.text, spans[-1]) if tagger.whole_words else None
        flagged = None
        if tagger.outside_threshold is not None:
            flagged = np.exp(log_probs[wide, tagger.tag_set.outside]) <= tagger.outside_threshold
        lattices.append(Lattice(log_probs[wide], joined, flagged))
    found = best_sequences(lattices, TagTransitions.of(tagger.tag_set, tagger.transitions))
    for each, offsets, (tags, marginals) in zip(some, spans, found, strict=True):
        scores_of_tags = np.clip(marginals[np.arange(len(tags)), tags], 0.0, 1.0).tolist()
        entities = decode(each.seen.text, tags.tolist(), offsets, tagger.tag_set, scores_of_tags)
        yield each.document.with_entities(each.seen.to_original(entities))


def joined_tokens(text: str, offsets: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """The tokens that continue the word of the previous token.

    Returns:
        Shape (n_tokens,).
    """
    joined = [_is_joined(text, left, right) for left, right in pairwise(offsets)]
    return np.array([False, *joined][: len(offsets)], dtype=bool)


def _is_joined(text: str, left: tuple[int, int], right: tuple[int, int]) -> bool:
    if left[1] < right[0]:
        return False
    if left[1] == right[0]:
        return within_word(text, right[0])
    end, start = trim(text, *left)[1], trim(text, *right)[0]  # a byte-level token may include the preceding blank
    return end > start or (end == start and within_word(text, start))


def _mean(log_probs: Sequence[NDArray[np.float64]]) -> NDArray[np.float64]:
    """The logarithm of the mean probabilities. Shape (n_tokens, n_tags)."""
    found: NDArray[np.float64] = np.logaddexp.reduce(np.stack(log_probs), axis=0) - np.log(len(log_probs))
    return found


def _log_probs(
    model: nn.Module,
    tagger: Tagger,
    ids: Sequence[Sequence[int]],
    todo: list[_Window],
    batch_size: int,
    device: str,
    precision: str,
) -> list[NDArray[np.float64]]:
    """The log-probabilities of one model, combined from windows. Shape of each (n_tokens, n_tags)."""
    special = SpecialTokens.of(tagger.tokenizer)
    pad = tagger.tokenizer.pad_token_id if tagger.tokenizer.pad_token_id is not None else 0
    result = [np.zeros((len(tokens), len(tagger.tag_set))) for tokens in ids]
    context = [np.full(len(tokens), -1) for tokens in ids]
    with torch.inference_mode():
        tag_scores = token_scores(model, device, precision)  # weights are cast once for all batches
        for batch in _batches(todo, batch_size, CPU_BATCH_TOKENS if device == "cpu" else None):
            rows = [special.around(ids[window.document][window.first : window.last]) for window in batch]
            logits = tag_scores(padded(rows, pad), [len(row) for row in rows])
            scores = torch.log_softmax(logits.float(), dim=-1).cpu().numpy().astype(np.float64)
            if not np.isfinite(scores).all():
                raise ModelNotUsableError(
                    "the scores of the tagger are not finite; use precision: fp32, or train with a lower learning rate"
                )
            for window, row in zip(batch, scores, strict=True):
                length = window.last - window.first
                seen = _context(window, len(ids[window.document]))
                place = slice(window.first, window.last)
                better = seen > context[window.document][place]
                inner = row[len(special.before) : len(special.before) + length]
                result[window.document][place][better] = inner[better]
                context[window.document][place][better] = seen[better]
    return result


def _batches(todo: list[_Window], batch_size: int, most_tokens: int | None) -> Iterator[list[_Window]]:
    """Batches of windows of similar length, with little padding; a single window may exceed the token limit."""
    batch: list[_Window] = []
    for window in sorted(todo, key=lambda window: window.last - window.first):
        width = window.last - window.first  # of the longest, as they are sorted
        if len(batch) == batch_size or (batch and most_tokens and (len(batch) + 1) * width > most_tokens):
            yield batch
            batch = []
        batch.append(window)
    if batch:
        yield batch


def _context(window: _Window, n_tokens: int) -> NDArray[np.int64]:
    """The context of each position on its shorter side; document boundaries do not count as edges."""
    places = np.arange(window.first, window.last)
    left = places - window.first if window.first > 0 else np.full(len(places), n_tokens)
    right = window.last - 1 - places if window.last < n_tokens else np.full(len(places), n_tokens)
    return np.minimum(left, right)
