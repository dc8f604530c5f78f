"""Packing of documents into rows for causal language modeling, without loss across documents."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from deidsynth.errors import ModelNotUsableError

IGNORED = -100
LEAST_FILLED = 0.75
MICRO_BATCH_TOKENS = 8192
"""Tokens of a forward pass, if the configuration sets none and they fit."""
"""Of the longest piece of a batch: what the shortest has at least, where documents get rows of their own."""


@dataclass(frozen=True, slots=True)
class SpecialTokenIds:
    """The ids of special tokens. BOS and EOS may be the same token (GPT-2); padding is never EOS.

    Args:
        bos: starts a document.
        eos: ends it.
        pad: pads batches; never a label.
        added: inline entity tags and control codes.
        suppressed: those of them that only occur before a text, and so are never sampled.
    """

    bos: int
    eos: int
    pad: int
    added: tuple[int, ...] = ()
    suppressed: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> SpecialTokenIds:
        """The special tokens of a tokenizer; without BOS, documents start with EOS.

        Raises:
            ModelNotUsableError: the tokenizer has no EOS token.
        """
        eos = tokenizer.eos_token_id
        if eos is None:
            raise ModelNotUsableError("the tokenizer has no end-of-text token (eos_token), which sampling needs")
        bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else eos
        candidates = (tokenizer.pad_token_id, tokenizer.unk_token_id, 0, 1, 2)
        pad = next(number for number in candidates if number is not None and number not in (eos, bos))
        return cls(int(bos), int(eos), int(pad))


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows of one length.

    Args:
        ids: token ids. Shape (n_rows, length).
        labels: the id to predict at each position, already shifted; ``IGNORED`` before the start of a document.
            Shape (n_rows, length).
        positions: position within the document, which separates the documents of a row. Shape (n_rows, length).
    """

    ids: Tensor
    labels: Tensor
    positions: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, numbers: Sequence[int]) -> Packed:
        """A subset of the rows."""
        index = torch.tensor(list(numbers), dtype=torch.long)
        return Packed(self.ids[index], self.labels[index], self.positions[index])

    def trimmed(self) -> Packed:
        """The rows without trailing positions that predict nothing in any row."""
        width = int((self.labels != IGNORED).any(dim=0).nonzero().max()) + 1
        return Packed(self.ids[:, :width], self.labels[:, :width], self.positions[:, :width])

    def to(self, device: str) -> Packed:
        """The rows on another device."""
        return Packed(self.ids.to(device), self.labels.to(device), self.positions.to(device))

    @property
    def n_targets(self) -> int:
        """Number of predicted positions."""
        return int((self.labels != IGNORED).sum())


def token_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Token ids of a text without special tokens; one spelled in the text (``</s>``) is encoded as characters."""
    encoding = tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)
    return list(encoding["input_ids"])


def pack(documents: Iterable[Sequence[int]], special: SpecialTokenIds, length: int) -> Packed:
    """Rows of ``length`` positions with whole documents, one after another.

    A document longer than a row is cut into pieces with restarting positions. Each document, or the last piece of
    one, goes into the fullest row with enough room. EOS is predicted but takes no position; the rest of a
    row is padding and not predicted.

    Args:
        documents: token ids of each document, without BOS and EOS.
        special: BOS, EOS and padding.
        length: positions per row.
    """
    rows: list[list[list[int]]] = []
    room: list[tuple[int, int]] = []  # of each row with room: how much, and its number
    for document in documents:
        whole = [special.bos, *document, special.eos]
        for start in range(0, len(whole) - 1, length):
            piece = whole[start : start + length + 1]  # the last token is only predicted
            n_places = len(piece) - 1
            at = bisect_left(room, (n_places, 0))
            left, number = room.pop(at) if at < len(room) else (length, len(rows))
            if number == len(rows):
                rows.append([])
            rows[number].append(piece)
            if left > n_places:
                insort(room, (left - n_places, number))
    placed = [_row(pieces, special, length) for pieces in rows]
    ids, labels, positions = (
        torch.tensor([row[part] for row in placed], dtype=torch.long).view(-1, length) for part in range(3)
    )
    return Packed(ids, labels, positions)


def _row(
    pieces: Iterable[Sequence[int]], special: SpecialTokenIds, length: int
) -> tuple[list[int], list[int], list[int]]:
    """Ids, labels and positions of one row.

    Args:
        pieces: each with the following token, which its last position predicts.
        special: for the padding.
        length: positions in the row.
    """
    ids: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    for piece in pieces:
        ids += piece[:-1]
        labels += piece[1:]
        positions += range(len(piece) - 1)
    missing = length - len(ids)
    return ids + [special.pad] * missing, labels + [IGNORED] * missing, positions + list(range(missing))


def apart(rows: Packed, pad: int) -> list[tuple[Packed, Tensor]]:
    """The documents of packed rows, or their pieces, one per row, in batches of similar length.

    The shortest piece of a batch has at least ``LEAST_FILLED`` of the longest one's tokens, so that padding is bounded
    whatever the lengths; pieces that predict nothing are left out.

    Args:
        rows: packed documents.
        pad: pads rows on the right.

    Returns:
        For each batch the new rows, as long as its longest piece, and a mask of their tokens of shape
        (n_pieces, longest).
    """
    starts = (rows.positions == 0).flatten().nonzero().flatten().tolist()
    predicts = (rows.labels != IGNORED).flatten()
    bounds = [(start, end) for start, end in pairwise([*starts, rows.ids.numel()]) if predicts[start:end].any()]
    bounds.sort(key=lambda bound: bound[0] - bound[1])
    batches: list[list[tuple[int, int]]] = []
    for start, end in bounds:
        if not batches or end - start < LEAST_FILLED * (batches[-1][0][1] - batches[-1][0][0]):
            batches.append([])
        batches[-1].append((start, end))

    def split(values: Tensor, batch: Sequence[tuple[int, int]], padding: int) -> Tensor:
        pieces = [values.flatten()[start:end] for start, end in batch]
        return nn.utils.rnn.pad_sequence(pieces, batch_first=True, padding_value=padding)

    return [
        (
            Packed(split(rows.ids, batch, pad), split(rows.labels, batch, IGNORED), split(rows.positions, batch, 0)),
            split(torch.ones_like(rows.ids), batch, 0),
        )
        for batch in batches
    ]
