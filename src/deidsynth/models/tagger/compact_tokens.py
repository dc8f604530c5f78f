"""The tokens of texts of any length, in little memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from typing import overload

import numpy as np
from numpy.typing import NDArray
from transformers import PreTrainedTokenizerFast

from deidsynth.models.tagger.token_data import tokenize

Numbers = NDArray[np.int32]

PIECE = 1 << 17
"""Characters that are tokenized at once: a tokenizer takes some 300 bytes for each."""
MARGIN = 1 << 10
"""Characters on either side of a cut: in half of them, the pieces on both sides must have the same tokens."""


@dataclass(frozen=True, eq=False)
class CompactTokens(Sequence[tuple[int, int]]):
    """Token ids and, as the sequence that this is, where each token starts and ends: twelve bytes for each.

    Args:
        ids: Shape (n_tokens,).
        starts: first characters. Shape (n_tokens,).
        ends: one past the last characters. Shape (n_tokens,).
    """

    ids: Numbers
    starts: Numbers
    ends: Numbers

    @property
    def are_wide(self) -> NDArray[np.bool_]:
        """Which tokens have any character. Shape (n_tokens,)."""
        return self.starts < self.ends

    def chosen(self, which: NDArray[np.bool_] | slice) -> CompactTokens:
        """Some of the tokens."""
        return CompactTokens(self.ids[which], self.starts[which], self.ends[which])

    def between(self, first: int, last: int) -> CompactTokens:
        """The tokens that start at a character from ``first`` on and before ``last``."""
        return self.chosen(slice(*np.searchsorted(self.starts, (first, last))))

    def is_same(self, other: CompactTokens) -> bool:
        """Whether both are the same tokens at the same places."""
        pairs = ((self.ids, other.ids), (self.starts, other.starts), (self.ends, other.ends))
        return all(np.array_equal(own, others) for own, others in pairs)

    def __len__(self) -> int:
        return len(self.ids)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return zip(self.starts.data, self.ends.data, strict=True)  # plain numbers

    @overload
    def __getitem__(self, index: int) -> tuple[int, int]: ...
    @overload
    def __getitem__(self, index: slice) -> CompactTokens: ...
    def __getitem__(self, index: int | slice) -> tuple[int, int] | CompactTokens:
        if isinstance(index, slice):
            return self.chosen(index)
        return int(self.starts[index]), int(self.ends[index])


def compact_tokens(
    tokenizer: PreTrainedTokenizerFast, text: str, piece: int = PIECE, margin: int = MARGIN
) -> CompactTokens:
    """The tokens that ``tokenize`` gives.

    A long text is tokenized in pieces that overlap around the cuts between them. Neighbors that disagree on the tokens
    around their cut, as where a tokenizer sees no words, have the whole text tokenized at once.

    Args:
        tokenizer: of the model.
        text: of any length.
        piece: characters from cut to cut.
        margin: characters on either side of a cut that both neighbors see.
    """
    cuts = [*range(0, max(len(text) - piece, 0) + 1, piece), len(text)]
    found: list[CompactTokens] = []
    before: CompactTokens | None = None
    for first, last in pairwise(cuts):
        here = _tokens(tokenizer, text, max(first - margin, 0), last + margin)
        near = first - margin // 2, first + margin // 2
        if before is not None and not before.between(*near).is_same(here.between(*near)):
            return _tokens(tokenizer, text, 0, len(text))
        found.append(here.between(first, last) if last < len(text) else here.between(first, last + 1))
        before = here.between(last - margin, last + margin)
    return _joined(found)


def _tokens(tokenizer: PreTrainedTokenizerFast, text: str, first: int, last: int) -> CompactTokens:
    """The tokens of a piece of a text, with offsets in the text."""
    ids, pairs = tokenize(tokenizer, text[first:last])
    offsets = np.fromiter(chain.from_iterable(pairs), dtype=np.int32, count=2 * len(pairs)) + np.int32(first)
    return CompactTokens(np.array(ids, dtype=np.int32), offsets[::2].copy(), offsets[1::2].copy())


def _joined(found: Sequence[CompactTokens]) -> CompactTokens:
    if len(found) == 1:
        return found[0]
    ids, starts, ends = zip(*((each.ids, each.starts, each.ends) for each in found), strict=True)
    return CompactTokens(np.concatenate(ids), np.concatenate(starts), np.concatenate(ends))
