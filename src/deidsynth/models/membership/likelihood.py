"""How likely a causal language model finds documents, token by token, as it read them when it was adapted."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from transformers import PreTrainedTokenizerBase

from deidsynth.documents import Document
from deidsynth.models.cpu.packed_attention import packed_attention
from deidsynth.models.devices import KeptMemory, autocast
from deidsynth.models.language_model.causal_lm import (
    MOST_LOGITS,
    context_length,
    keeps_documents_apart,
    load_causal_lm,
)
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.models.settings_file import ModelSettings
from deidsynth.normalization import normalized
from deidsynth.privacy.audit.membership import documents_of, group_numbers
from deidsynth.privacy.audit.ngrams import NgramIndex
from deidsynth.privacy.audit.sides import Sides

MOST_CONTEXT = 2048
"""Tokens of a row: that of adaptation by default, so that documents are cut where they were cut then."""
BATCH_TOKENS = 4096
PADDED = 0.75
"""Of the longest row of a batch, what the shortest has at least."""

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Reader:
    """A language model that reads documents.

    Args:
        model: in evaluation mode, on its device.
        codec: of the model, which puts control codes before a text and inline entity tags into it.
        special: BOS, EOS and padding.
        context: positions of a row.
        precision: ``fp32`` or ``bf16``.
    """

    model: nn.Module
    codec: Codec
    special: SpecialTokenIds
    context: int
    precision: str

    @classmethod
    def of(
        cls, model: nn.Module, tokenizer: PreTrainedTokenizerBase, codec: Codec | None = None, precision: str = "fp32"
    ) -> Reader:
        """The reader of a model; by default without control codes and tags."""
        context = min(context_length(model.config), MOST_CONTEXT)
        return cls(model, codec or Codec(tokenizer), SpecialTokenIds.of(tokenizer), context, precision)

    @classmethod
    def load(cls, name: str, device: str = "cpu", precision: str = "fp32") -> Reader:
        """The reader of a model by hub id or folder.

        Raises:
            ModelNotFoundError: no such model.
            ModelNotUsableError: the model is not causal, or its settings are damaged.
        """
        model, tokenizer = load_causal_lm(name, device, precision)
        return cls.of(model, tokenizer, Codec(tokenizer, ModelSettings.load(Path(name)).added_tokens), precision)

    def read(self, documents: Sequence[Document], before: str = "") -> list[Floats]:
        """The log-likelihood of the text of each document, in nats for each token.

        Control codes and inline entity tags are given, not predicted. A document longer than the context is read in
        pieces; after another text, only what fits into the first piece is read.

        Args:
            documents: with the entities that control codes and tags are made of.
            before: another text, which stands before each document and is not predicted.
        """
        added = set(self.codec.added_ids)
        shown = self.codec.encode_start(before) if before else []
        rows: list[list[int]] = []
        owners: list[int] = []
        given: list[int] = []
        for number, each in enumerate(map(normalized, documents)):
            codes = self.codec.encode_start("", control_codes=self.codec.added_tokens.control_codes_of(each))
            text = self.codec.encode_start(each.text, each.entities)
            whole = [self.special.bos, *codes, *shown, *text]
            for start in range(0, len(whole) - 1, self.context) if not shown else (0,):
                rows.append(whole[start : start + self.context + 1])
                owners.append(number)
                given.append(len(codes) + len(shown) if start == 0 else 0)
        found: list[list[Floats]] = [[] for _ in documents]
        for number, row, n_given, values in zip(owners, rows, given, self._likelihoods(rows), strict=True):
            is_text = [token not in added for token in row[1:]]
            is_text[:n_given] = [False] * min(n_given, len(is_text))
            found[number].append(values[np.array(is_text, dtype=bool)])
        return [np.concatenate(pieces) if pieces else np.zeros(0) for pieces in found]

    def _likelihoods(self, rows: Sequence[Sequence[int]]) -> list[Floats]:
        """The log-likelihood of every token but the first of each row."""
        found: list[Floats] = [np.zeros(0)] * len(rows)
        freed = KeptMemory()
        device = next(self.model.parameters()).device
        takes_positions = keeps_documents_apart(self.model)
        attention = packed_attention(self.model, device.type) if takes_positions else nullcontext()
        called: Any = self.model
        with torch.inference_mode(), autocast(device.type, self.precision), attention:
            for numbers in _batches([len(row) - 1 for row in rows], self._batch_tokens()):
                some = [torch.tensor(rows[number]) for number in numbers]
                # Padding comes after the text, which therefore never attends to it: no mask is needed.
                ids = nn.utils.rnn.pad_sequence(some, batch_first=True, padding_value=self.special.pad).to(device)
                inputs, targets = ids[:, :-1], ids[:, 1:]
                positions = torch.arange(inputs.shape[1], device=device).expand_as(inputs)
                options = {"position_ids": positions} if takes_positions else {}
                logits = called(input_ids=inputs, use_cache=False, **options).logits.float().flatten(0, 1)
                losses = nn.functional.cross_entropy(logits, targets.flatten(), reduction="none").view_as(targets)
                for number, row, each in zip(numbers, losses.double().cpu().numpy(), some, strict=True):
                    found[number] = -row[: len(each) - 1]
                freed.limit()
        return found

    def _batch_tokens(self) -> int:
        outputs = getattr(self.model, "get_output_embeddings", lambda: None)()
        vocabulary = len(outputs.weight) if outputs is not None else 1
        return min(BATCH_TOKENS, MOST_LOGITS // vocabulary)


def per_character(documents: Sequence[Document], values: Sequence[Floats]) -> Floats:
    """The mean log-likelihood of each document for each character, whatever its tokens; not-a-number without text."""
    sums = np.array([each.sum() if len(each) else np.nan for each in values])
    return np.asarray(sums / np.array([max(1, len(normalized(each).text)) for each in documents]))


def usual_among_others(sides: Sides) -> Floats:
    """The log-likelihood of each document for each character by an n-gram model of all groups but its own.

    What is left of a model's likelihood beyond this is what it knows of the document and not of its kind.
    """
    documents = documents_of(sides)
    index = NgramIndex(document.text for document in documents)
    values = index.log_probabilities(index.own_counts(), group_numbers(sides))
    return per_character(documents, np.split(values, np.cumsum(index.lengths)[:-1]) if documents else [])


def _batches(lengths: Sequence[int], most_tokens: int) -> Iterator[list[int]]:
    """The numbers of rows in batches of similar length, the longest first; a single row may be longer than a batch."""
    batch: list[int] = []
    for number in sorted((each for each in range(len(lengths)) if lengths[each] > 0), key=lambda each: -lengths[each]):
        longest = lengths[batch[0]] if batch else lengths[number]
        if batch and ((len(batch) + 1) * longest > most_tokens or lengths[number] < PADDED * longest):
            yield batch
            batch = []
        batch.append(number)
    if batch:
        yield batch
