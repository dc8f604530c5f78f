"""Documents as packed rows for causal language modelling: no padding, no loss across documents."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor, nn
from transformers import PreTrainedTokenizerBase

from deidsynth.errors import ModelNotUsableError

IGNORED = -100


@dataclass(frozen=True, slots=True)
class Frame:
    """The token ids around every document. BOS and EOS may be one token (GPT-2); padding is never EOS.

    Args:
        bos: begins a document.
        eos: ends it.
        fill: fills up batches; never a label.
        marks: other tokens that are no text.
    """

    bos: int
    eos: int
    fill: int
    marks: tuple[int, ...] = ()

    @classmethod
    def of(cls, tokenizer: PreTrainedTokenizerBase) -> Frame:
        """The frame of a tokenizer; one without BOS begins documents with EOS.

        Raises:
            ModelNotUsableError: the tokenizer has no EOS token.
        """
        eos = tokenizer.eos_token_id
        if eos is None:
            raise ModelNotUsableError("the tokenizer names no end-of-text token (eos_token), which sampling needs")
        bos = tokenizer.bos_token_id if tokenizer.bos_token_id is not None else eos
        candidates = (tokenizer.pad_token_id, tokenizer.unk_token_id, 0, 1, 2)
        fill = next(number for number in candidates if number is not None and number not in (eos, bos))
        return cls(int(bos), int(eos), int(fill))


@dataclass(frozen=True, slots=True)
class Packed:
    """Rows of one length.

    Args:
        ids: token ids. Shape (n_rows, length).
        labels: the id to predict at each place, already shifted; ``IGNORED`` where a document begins next.
            Shape (n_rows, length).
        positions: place within the document, so that rows fall apart into documents. Shape (n_rows, length).
    """

    ids: Tensor
    labels: Tensor
    positions: Tensor

    def __len__(self) -> int:
        return len(self.ids)

    def rows(self, numbers: Sequence[int]) -> Packed:
        """Some of the rows."""
        index = torch.tensor(list(numbers), dtype=torch.long)
        return Packed(self.ids[index], self.labels[index], self.positions[index])

    def to(self, device: str) -> Packed:
        """The rows on another device."""
        return Packed(self.ids.to(device), self.labels.to(device), self.positions.to(device))

    @property
    def n_targets(self) -> int:
        """Predicted places."""
        return int((self.labels != IGNORED).sum())


def token_ids(tokenizer: PreTrainedTokenizerBase, text: str) -> list[int]:
    """Token ids of a text without special tokens; a text that spells one (``</s>``) has it as ordinary characters."""
    encoding = tokenizer(text, add_special_tokens=False, split_special_tokens=True, verbose=False)
    return list(encoding["input_ids"])


def pack(documents: Iterable[Sequence[int]], frame: Frame, length: int) -> Packed:
    """Rows of ``length`` places, documents one after another; a document may go on in the next row.

    The tail of the last row is filled up and not predicted; a last row with nothing to predict is left out. Where a
    document goes on in the next row, its positions begin anew.

    Args:
        documents: token ids of each document, without BOS and EOS.
        frame: BOS, EOS and the filling.
        length: places in a row.
    """
    ids: list[int] = []
    labels: list[int] = []
    positions: list[int] = []
    for document in documents:
        whole = [frame.bos, *document, frame.eos]
        room = length - len(ids) % length
        start = 0
        while start < len(whole):
            piece = whole[start : start + room]
            ids += piece
            labels += [
                *whole[start + 1 : start + 1 + len(piece)],
                *([IGNORED] if start + len(piece) == len(whole) else []),
            ]
            positions += range(len(piece))
            start += len(piece)
            room = length
    missing = -len(ids) % length
    ids += [frame.fill] * missing
    labels += [IGNORED] * missing
    positions += range(missing)
    if all(label == IGNORED for label in labels[-length:]):  # all that is left of the last document is its EOS
        del ids[-length:], labels[-length:], positions[-length:]
    shape = (-1, length)
    return Packed(
        torch.tensor(ids, dtype=torch.long).view(shape),
        torch.tensor(labels, dtype=torch.long).view(shape),
        torch.tensor(positions, dtype=torch.long).view(shape),
    )


def apart(rows: Packed, fill: int) -> tuple[Packed, Tensor]:
    """The documents of packed rows, or what each row holds of them, in rows of their own.

    Args:
        rows: packed documents.
        fill: fills rows up on the right.

    Returns:
        The new rows, as long as the longest piece, and where they hold tokens. Shape of that (n_pieces, longest).
    """
    starts = (rows.positions == 0).flatten().nonzero().flatten().tolist()
    bounds = list(pairwise([*starts, rows.ids.numel()]))

    def split(values: Tensor, filling: int) -> Tensor:
        pieces = [values.flatten()[start:end] for start, end in bounds]
        return nn.utils.rnn.pad_sequence(pieces, batch_first=True, padding_value=filling)

    mask = split(torch.ones_like(rows.ids), 0)
    return Packed(split(rows.ids, fill), split(rows.labels, IGNORED), split(rows.positions, 0)), mask
