"""Documents as token ids and tags for an encoder."""

from __future__ import annotations

import math
import random
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from deidsynth.documents import Document
from deidsynth.models.tagger.chunks import chunk_by_words, cut_tokens, fill_tokens, sentences
from deidsynth.tagging import IGNORED, TagSet, encode, within_word


@dataclass(frozen=True, slots=True)
class Example:
    """One chunk: token ids with special tokens, and a tag for each (``IGNORED`` for special tokens)."""

    ids: tuple[int, ...]
    tags: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class SpecialTokens:
    """The special tokens that a tokenizer adds before and after a text."""

    before: tuple[int, ...]
    after: tuple[int, ...]

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerFast) -> SpecialTokens:
        """Determined by encoding a text with and without special tokens."""
        plain = tokenizer("a", add_special_tokens=False)["input_ids"]
        full = tokenizer("a")["input_ids"]
        for start in range(len(full) - len(plain) + 1):
            if full[start : start + len(plain)] == plain:
                return cls(tuple(full[:start]), tuple(full[start + len(plain) :]))
        return cls((), ())

    def __len__(self) -> int:
        return len(self.before) + len(self.after)

    def around(self, ids: Sequence[int]) -> tuple[int, ...]:
        """The ids with special tokens."""
        return (*self.before, *ids, *self.after)


@dataclass(frozen=True, slots=True)
class TrainingChunks:
    """The chunks of a corpus, and counts of what the tags cannot express.

    Args:
        examples: the chunks.
        n_tokens: without special tokens.
        n_entities: of the documents.
        n_misaligned: entities not aligned with tokens.
        n_lost: misaligned entities without any token.
        n_cut: chunks that start inside an entity.
        n_within_words: entity boundaries inside words.
        longest_tokens: length of the longest chunk, without special tokens.
        n_copies: number of copies of the documents among the chunks, with different surrogates; a pass uses one.
    """

    examples: tuple[Example, ...]
    n_tokens: int
    n_entities: int
    n_misaligned: int
    n_lost: int
    n_cut: int
    n_within_words: int
    longest_tokens: int
    n_copies: int = 1

    def with_copy(self, other: TrainingChunks) -> TrainingChunks:
        """These chunks, with those of a copy of the documents after mention replacement; counts do not change."""
        return replace(
            self,
            examples=self.examples + other.examples,
            longest_tokens=max(self.longest_tokens, other.longest_tokens),
            n_copies=self.n_copies + other.n_copies,
        )


def tokenize(tokenizer: PreTrainedTokenizerFast, text: str) -> tuple[list[int], list[tuple[int, int]]]:
    """Token ids of a text without special tokens, and the character offsets of each.

    A special token spelled in the text (``[SEP]``) is encoded as ordinary characters.
    """
    encoding = tokenizer(
        text, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True, verbose=False
    )
    return list(encoding["input_ids"]), list(encoding["offset_mapping"])


def training_chunks(
    documents: Iterable[Document],
    tokenizer: PreTrainedTokenizerFast,
    tag_set: TagSet,
    *,
    max_words: int | None,
    max_tokens: int,
) -> TrainingChunks:
    """Chunks of documents, cut at line and sentence boundaries.

    Args:
        documents: with gold or silver entities.
        tokenizer: of the encoder.
        tag_set: covers all labels.
        max_words: maximum length of a chunk in words; None: only ``max_tokens`` applies.
        max_tokens: maximum length of a chunk in tokens, without special tokens.
    """
    special = SpecialTokens.of(tokenizer)
    examples: list[Example] = []
    n_tokens = n_entities = n_misaligned = n_lost = n_cut = n_within_words = longest = 0
    for document in documents:
        ids, offsets = tokenize(tokenizer, document.text)
        alignment = encode(document.text, document.entities, offsets, tag_set)
        if max_words is None:
            ranges = fill_tokens(offsets, sentences(document.text), max_tokens)
        else:
            ranges = cut_tokens(offsets, chunk_by_words(document.text, max_words), max_tokens)
        for first, last in ranges:
            tags = alignment.tags[first:last]
            longest = max(longest, last - first)
            n_cut += bool(tags) and tags[0] in tag_set.inside.values()
            padding = [IGNORED]
            examples.append(
                Example(
                    special.around(ids[first:last]),
                    (*padding * len(special.before), *tags, *padding * len(special.after)),
                )
            )
        n_tokens += len(ids)
        n_entities += len(document.entities)
        n_misaligned += len(alignment.misaligned)
        n_lost += len(alignment.lost)
        boundaries = [place for entity in document.entities for place in (entity.start, entity.end)]
        n_within_words += sum(within_word(document.text, place) for place in boundaries)
    return TrainingChunks(tuple(examples), n_tokens, n_entities, n_misaligned, n_lost, n_cut, n_within_words, longest)


def batch_plan(lengths: Sequence[int], batch_size: int, n_batches: int, seed: int) -> list[list[int]]:
    """The examples of each of ``n_batches`` batches: reshuffled in every epoch, with similar lengths in a batch.

    Args:
        lengths: tokens of each example.
        batch_size: examples per batch.
        n_batches: total number of batches; the last epoch may be incomplete.
        seed: of the shuffling.
    """
    order = random.Random(seed)
    plan: list[list[int]] = []
    while len(plan) < n_batches:
        numbers = list(range(len(lengths)))
        order.shuffle(numbers)
        pool = batch_size * 16
        epoch: list[list[int]] = []
        for start in range(0, len(numbers), pool):
            near = sorted(numbers[start : start + pool], key=lambda number: lengths[number])
            epoch += [near[at : at + batch_size] for at in range(0, len(near), batch_size)]
        order.shuffle(epoch)
        plan += epoch
    return plan[:n_batches]


def transition_log_probs(examples: Iterable[Example], tag_set: TagSet) -> NDArray[np.float64]:
    """Log-probabilities that an entity continues, ends, or is followed by another one, estimated from the chunks.

    Half a count is added to each pair of tags. Transitions from O have no weight, and all labels that start
    after an entity share one weight: otherwise decoding would penalize rare labels.

    Returns:
        Shape (n_tags, n_tags); ``[i, j]``: tag j after tag i.
    """
    counts = np.full((len(tag_set), len(tag_set)), 0.5)
    for example in examples:
        tags = [tag for tag in example.tags if tag != IGNORED]
        np.add.at(counts, (tags[:-1], tags[1:]), 1.0)
    chances = counts / counts.sum(axis=1, keepdims=True)
    begins = list(tag_set.begin.values())
    chances[:, begins] = chances[:, begins].sum(axis=1, keepdims=True)
    chances[tag_set.outside] = 1.0
    found: NDArray[np.float64] = np.log(chances)
    return found


def tag_entropy(examples: Iterable[Example]) -> float:
    """The entropy of the tags, in nats: the loss of predicting each with its frequency, whatever the text."""
    counts = Counter(tag for example in examples for tag in example.tags if tag != IGNORED)
    total = counts.total()
    return -sum(count / total * math.log(count / total) for count in counts.values())
