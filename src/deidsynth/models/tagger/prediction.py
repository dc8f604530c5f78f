"""Prediction: tagging of documents of any length with a trained tagger."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from deidsynth.documents import Document, Entity
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.cpu.encoder_forward import token_scores
from deidsynth.models.devices import KeptMemory
from deidsynth.models.tagger.chunks import sentence_starts, windows
from deidsynth.models.tagger.compact_tokens import CompactTokens, compact_tokens
from deidsynth.models.tagger.masking import padded
from deidsynth.models.tagger.prediction_plan import in_turn, plan_of
from deidsynth.models.tagger.token_classifier import Tagger
from deidsynth.models.tagger.token_data import SpecialTokens
from deidsynth.models.tagger.viterbi import Lattice, Scores, TagTransitions, best_sequences
from deidsynth.normalization import NormalizedText, normalize
from deidsynth.tagging import OUTSIDE, TagSet, decode, encode, trim, within_word

DOCUMENTS_AT_ONCE = 64
TOKENS_AT_ONCE = 200_000  # of all documents processed together: limits memory
OVERLAP = 0.125  # share of a window that the next one repeats
SCORE_DECIMALS = 6  # of a marginal probability; the last bits of its float are those of the machine


@dataclass(frozen=True, slots=True)
class _Window:
    document: int
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class _Tokens:
    """A document, its text as the model sees it, and the tokens of that text."""

    document: Document
    seen: NormalizedText
    tokens: CompactTokens


_Group = tuple[list[_Tokens], list[Scores]]
"""Documents that are processed together, and the scores of the tags of each."""


def predict(
    tagger: Tagger,
    documents: Iterable[Document],
    *,
    window_tokens: int | None = None,
    overlap: float = OVERLAP,
    batch_size: int | None = None,
    device: str = "cpu",
    precision: str = "fp32",
) -> Iterator[Document]:
    """The documents with predicted entities, each with a score, in the given order.

    Overlapping windows of whole sentences slide over each document; every token takes its scores from the window that
    shows the most context on its shorter side. The best valid tag sequence of the whole document is decoded, with
    whole words where the tagger was trained on such, and an entity's score is the lowest marginal probability among its
    tokens. The model sees normalized text; the entities are those of the document's own.

    Documents are taken as they are needed, a group at a time; on a GPU, one group ahead. Memory grows with the longest
    group alone: by the scores of its tokens, four bytes for each tag (eight in an ensemble).

    Args:
        tagger: model, tokenizer, tags.
        documents: their own entities are ignored.
        window_tokens: maximum window length, without special tokens; by default the tagger's own.
        overlap: share of a window that the next one repeats.
        batch_size: windows per batch; by default what suits the device.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.

    Raises:
        ModelNotUsableError: the model's scores are not finite.
    """
    size = min(window_tokens or tagger.window_tokens, tagger.window_tokens)
    groups = _scored(tagger, documents, size, overlap, batch_size, device, precision)

    def tagged(group: _Group) -> list[Document]:
        return [sequence.document(tagger.tag_set) for sequence in _best(tagger, *group)]

    for some in in_turn(groups, tagged, beside=plan_of(device).decodes_beside):
        yield from some


def predict_with_outside(
    tagger: Tagger, documents: Iterable[Document], *, device: str = "cpu", precision: str = "fp32"
) -> Iterator[tuple[Document, Entity | None]]:
    """What ``predict`` gives, and for each document its least certain token outside of entities.

    Args:
        tagger: model, tokenizer, tags.
        documents: as for ``predict``.
        device: as for ``predict``.
        precision: as for ``predict``.

    Returns:
        The token as an entity with the label ``O``, at its place in the document's own text, whose score is the
        marginal probability of O; the first of several that are equally uncertain. None if no token with a letter or a
        digit is outside.
    """
    for some, scores in _scored(tagger, documents, tagger.window_tokens, OVERLAP, None, device, precision):
        for sequence in _best(tagger, some, scores):
            yield sequence.document(tagger.tag_set), sequence.least_certain_outside(tagger.tag_set)


def outside_probabilities(
    tagger: Tagger,
    documents: Sequence[Document],
    *,
    overlap: float = OVERLAP,
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
    for log_probs, tags in gold_scores(tagger, documents, overlap=overlap, device=device, precision=precision):
        outside.append(_outside(log_probs, tagger))
        private.append(tags != tagger.tag_set.outside)
    return np.concatenate(outside), np.concatenate(private)


def gold_scores(
    tagger: Tagger,
    documents: Iterable[Document],
    *,
    overlap: float = OVERLAP,
    device: str = "cpu",
    precision: str = "fp32",
) -> Iterator[tuple[Scores, NDArray[np.int64]]]:
    """The log-probabilities of the tags of each token, and its gold tag, document by document.

    Args:
        tagger: model, tokenizer, tags.
        documents: with gold entities, whose labels the tagger knows.
        overlap: as in ``predict``.
        device: as in ``predict``.
        precision: as in ``predict``.

    Returns:
        Shapes (n_tokens, n_tags) and (n_tokens,), without tokens of zero width.
    """
    for some, scores in _scored(tagger, documents, tagger.window_tokens, overlap, None, device, precision):
        for each, log_probs in zip(some, scores, strict=True):
            entities = each.seen.to_normalized(each.document.entities)
            tags = np.array(encode(each.seen.text, entities, each.tokens, tagger.tag_set).tags, dtype=np.int64)
            wide = each.tokens.are_wide
            yield log_probs[wide], tags[wide]


def _scored(
    tagger: Tagger,
    documents: Iterable[Document],
    size: int,
    overlap: float,
    batch_size: int | None,
    device: str,
    precision: str,
) -> Iterator[_Group]:
    """Groups of documents, with the log-probabilities of the tags of each document, shape (n_tokens, n_tags)."""
    for model in tagger.models:
        model.to(device).eval()
    freed = KeptMemory()
    for some in _portions(tagger, documents):
        todo = [
            _Window(number, first, last)
            for number, each in enumerate(some)
            for first, last in windows(sentence_starts(each.seen.text, each.tokens), len(each.tokens), size, overlap)
        ]
        yield some, _log_probs(tagger, [each.tokens.ids for each in some], todo, batch_size, device, precision, freed)


def _portions(tagger: Tagger, documents: Iterable[Document]) -> Iterator[list[_Tokens]]:
    """The tokenized documents, in groups that are processed together."""
    some: list[_Tokens] = []
    for document in documents:
        seen = normalize(document.text)
        some.append(_Tokens(document, seen, compact_tokens(tagger.tokenizer, seen.text)))
        if len(some) == DOCUMENTS_AT_ONCE or sum(len(each.tokens) for each in some) >= TOKENS_AT_ONCE:
            yield some
            some = []
    if some:
        yield some


@dataclass(frozen=True, slots=True)
class _Sequence:
    """The best tag sequence of a document.

    Args:
        of: the document with its text as the model sees it.
        tokens: without those of zero width.
        tags: Shape (n_tokens,).
        marginals: of the tags, rounded. Shape (n_tokens,).
    """

    of: _Tokens
    tokens: Sequence[tuple[int, int]]
    tags: NDArray[np.int64]
    marginals: NDArray[np.float64]

    def document(self, tag_set: TagSet) -> Document:
        """The document with the entities of the sequence."""
        seen = self.of.seen
        entities = decode(seen.text, self.tags.tolist(), self.tokens, tag_set, self.marginals.tolist())
        return self.of.document.with_entities(seen.to_original(entities))

    def least_certain_outside(self, tag_set: TagSet) -> Entity | None:
        """The token with a letter or a digit that is tagged O with the lowest marginal; see there."""
        text = self.of.seen.text
        outside = np.flatnonzero(self.tags == tag_set.outside)
        for number in outside[np.argsort(self.marginals[outside], kind="stable")].tolist():
            start, end = trim(text, *self.tokens[number])
            if any(map(str.isalnum, text[start:end])):
                return self.of.seen.to_original([Entity(start, end, OUTSIDE, float(self.marginals[number]))])[0]
        return None


def _best(tagger: Tagger, some: list[_Tokens], scores: list[Scores]) -> Iterator[_Sequence]:
    """The best sequences of documents."""
    lattices, spans = [], []
    for each, log_probs in zip(some, scores, strict=True):
        # Tokens of zero width have no tag, so they are dropped: they would interrupt an entity.
        tokens, wide = each.tokens, each.tokens.are_wide
        if not wide.all():
            tokens, log_probs = tokens.chosen(wide), log_probs[wide]
        spans.append(tokens)
        joined = joined_tokens(each.seen.text, tokens) if tagger.whole_words else None
        flagged = None
        if tagger.outside_threshold is not None:
            flagged = _outside(log_probs, tagger) <= tagger.outside_threshold
        lattices.append(Lattice(log_probs, joined, flagged))
    found = best_sequences(lattices, TagTransitions.of(tagger.tag_set, tagger.transitions))
    for each, tokens, (tags, marginals) in zip(some, spans, found, strict=True):
        yield _Sequence(each, tokens, tags, np.clip(marginals, 0.0, 1.0).round(SCORE_DECIMALS))


def _outside(log_probs: Scores, tagger: Tagger) -> NDArray[np.float64]:
    """The probability of O for each token. Shape (n_tokens,)."""
    found: NDArray[np.float64] = np.exp(log_probs[:, tagger.tag_set.outside].astype(np.float64))
    return found


def joined_tokens(text: str, offsets: Sequence[tuple[int, int]]) -> NDArray[np.bool_]:
    """The tokens that continue the word of the previous token.

    Returns:
        Shape (n_tokens,).
    """
    joined = np.zeros(len(offsets), dtype=bool)
    joined[1:] = np.fromiter((_is_joined(text, left, right) for left, right in pairwise(offsets)), dtype=bool)
    return joined


def _is_joined(text: str, left: tuple[int, int], right: tuple[int, int]) -> bool:
    if left[1] < right[0]:
        return False
    if left[1] == right[0]:
        return within_word(text, right[0])
    end, start = trim(text, *left)[1], trim(text, *right)[0]  # a byte-level token may include the preceding blank
    return end > start or (end == start and within_word(text, start))


def _log_probs(
    tagger: Tagger,
    ids: Sequence[NDArray[np.int32]],
    todo: list[_Window],
    batch_size: int | None,
    device: str,
    precision: str,
    freed: KeptMemory,
) -> list[Scores]:
    """The log-probabilities of the tags, combined from windows, of all models together.

    Returns:
        Shape of each (n_tokens, n_tags); in float32, as a model computes them, in float64 for an ensemble.
    """
    special = SpecialTokens.of(tagger.tokenizer)
    pad = tagger.tokenizer.pad_token_id if tagger.tokenizer.pad_token_id is not None else 0
    kind = np.dtype(np.float32 if len(tagger.models) == 1 else np.float64)
    result: list[Scores] = [np.zeros((len(tokens), len(tagger.tag_set)), kind) for tokens in ids]
    context = [np.full(len(tokens), -1, dtype=np.int32) for tokens in ids]
    plan = plan_of(device)
    most = tagger.window_tokens + len(special)
    with torch.inference_mode():
        tag_scores = [token_scores(model, device, precision) for model in tagger.models]  # weights are cast once
        for batch in _batches(todo, batch_size or plan.batch_size, plan.most_tokens):
            rows = [special.around(ids[window.document][window.first : window.last].tolist()) for window in batch]
            inputs, lengths = padded(rows, pad, plan.bucket_tokens, most), [len(row) for row in rows]
            scores = _mean([_finite(each(inputs, lengths)) for each in tag_scores])
            freed.limit()
            for window, row in zip(batch, scores, strict=True):
                length = window.last - window.first
                seen = _context(window, len(ids[window.document]))
                place = slice(window.first, window.last)
                better = seen > context[window.document][place]
                inner = row[len(special.before) : len(special.before) + length]
                result[window.document][place][better] = inner[better]
                context[window.document][place][better] = seen[better]
    return result


def _finite(logits: Tensor) -> NDArray[np.float32]:
    """The log-probabilities of the tags; shape as that of ``logits``.

    Raises:
        ModelNotUsableError: they are not finite.
    """
    scores: NDArray[np.float32] = torch.log_softmax(logits.float(), dim=-1).cpu().numpy()
    if not np.isfinite(scores).all():
        raise ModelNotUsableError(
            "the scores of the tagger are not finite; use precision: fp32, or train with a lower learning rate"
        )
    return scores


def _mean(log_probs: Sequence[NDArray[np.float32]]) -> Scores:
    """The logarithm of the mean probabilities of several models; of one as they are."""
    if len(log_probs) == 1:
        return log_probs[0]
    wide = np.stack(log_probs).astype(np.float64)
    found: NDArray[np.float64] = np.logaddexp.reduce(wide, axis=0) - np.log(len(log_probs))
    return found


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
