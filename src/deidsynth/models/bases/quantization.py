"""Weights as numbers, from the blocks in which they are stored: 32 weights share a scale.

Each function takes blocks of shape (blocks, bytes of a block) and returns float32 weights of shape (blocks, weights).

Source: ggml's formats ``q4_0``, ``q4_1`` and ``q8_0``.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
Weights = NDArray[np.float32]

_AT_ONCE = 2**16
"""Blocks decoded at once; what a block becomes on the way takes several times its weights' memory."""


@dataclass(frozen=True, slots=True)
class Storage:
    """How weights are stored.

    Args:
        n_weights: in one block.
        n_bytes: of one block.
        decode: blocks to weights.
    """

    n_weights: int
    n_bytes: int
    decode: Callable[[Bytes], Weights]

    def size(self, n_weights: int) -> int:
        """The bytes that a number of weights takes.

        Raises:
            ValueError: they do not fill whole blocks.
        """
        blocks, rest = divmod(n_weights, self.n_weights)
        if rest:
            raise ValueError(f"expected a multiple of {self.n_weights} weights, got {n_weights}")
        return blocks * self.n_bytes

    def weights(self, content: bytes) -> Weights:
        """The weights in whole blocks, in their order.

        Raises:
            ValueError: some are infinite or no numbers.
        """
        blocks = np.frombuffer(content, np.uint8).reshape(-1, self.n_bytes)
        result = np.empty((len(blocks), self.n_weights), np.float32)
        with np.errstate(invalid="ignore", over="ignore"):
            for start in range(0, len(blocks), _AT_ONCE):
                result[start : start + _AT_ONCE] = self.decode(blocks[start : start + _AT_ONCE])
        if not np.isfinite(result).all():
            raise ValueError("expected finite weights")
        return result.reshape(-1)


def _numbers(blocks: Bytes, start: int, stop: int, kind: str) -> Weights:
    """The numbers in some bytes of each block, of shape (blocks, numbers)."""
    return np.ascontiguousarray(blocks[:, start:stop]).view(kind).astype(np.float32)


def _nibbles(blocks: Bytes) -> Weights:
    """The 4-bit numbers of each block's bytes: the low half of every byte, then the high half of every byte."""
    return np.concatenate([blocks & 15, blocks >> 4], axis=1).astype(np.float32)


def _f32(blocks: Bytes) -> Weights:
    return _numbers(blocks, 0, 4, "<f4")


def _q4_0(blocks: Bytes) -> Weights:
    """A float16 scale, then 4-bit numbers from -8 to 7, stored with 8 added."""
    return _numbers(blocks, 0, 2, "<f2") * (_nibbles(blocks[:, 2:]) - 8)


def _q4_1(blocks: Bytes) -> Weights:
    """A float16 scale and a float16 minimum, then 4-bit numbers from 0 to 15."""
    return _numbers(blocks, 0, 2, "<f2") * _nibbles(blocks[:, 4:]) + _numbers(blocks, 2, 4, "<f2")


def _q8_0(blocks: Bytes) -> Weights:
    """A float16 scale, then 8-bit numbers from -128 to 127."""
    return _numbers(blocks, 0, 2, "<f2") * _numbers(blocks, 2, 34, "i1")


F32 = Storage(1, 4, _f32)
Q4_0 = Storage(32, 18, _q4_0)
Q4_1 = Storage(32, 20, _q4_1)
Q8_0 = Storage(32, 34, _q8_0)
