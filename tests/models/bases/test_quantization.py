from __future__ import annotations

import random
import struct

import numpy as np
import pytest

from deidsynth.models.bases import quantization
from deidsynth.models.bases.quantization import F32, Q4_0, Q4_1, Q8_0
from tiny_containers import q4_0, q4_1, q8_0

NIBBLES = bytes([0x80, 0x1F, *[0x88] * 14])
"""Low halves 0, 15, 8, 8, ...; high halves 8, 1, 8, 8, ..."""


def test_a_block_of_q4_0_by_hand() -> None:
    weights = Q4_0.weights(struct.pack("<e", 0.5) + NIBBLES)
    assert weights.tolist() == [-4.0, 3.5, *[0.0] * 14, 0.0, -3.5, *[0.0] * 14]


def test_a_block_of_q4_1_by_hand() -> None:
    weights = Q4_1.weights(struct.pack("<ee", 0.5, -1.0) + NIBBLES)
    assert weights.tolist() == [-1.0, 6.5, *[3.0] * 14, 3.0, -0.5, *[3.0] * 14]


def test_a_block_of_q8_0_by_hand() -> None:
    weights = Q8_0.weights(struct.pack("<e32b", 0.25, -128, 127, *[0] * 29, 4))
    assert weights.tolist() == [-32.0, 31.75, *[0.0] * 29, 1.0]


def test_float32_is_as_it_is() -> None:
    assert F32.weights(struct.pack("<3f", 1.5, -2.0, 0.1)).tolist() == [1.5, -2.0, np.float32(0.1)]


@pytest.mark.parametrize(("storage", "make"), [(Q4_0, q4_0), (Q4_1, q4_1), (Q8_0, q8_0)])
@pytest.mark.parametrize("at_once", [1, 2, 100])
def test_many_blocks_in_their_order(storage, make, at_once, monkeypatch) -> None:
    monkeypatch.setattr(quantization, "_AT_ONCE", at_once)
    stored, weights = make(7 * 32, random.Random(3))
    assert storage.size(7 * 32) == len(stored)
    assert storage.weights(stored).tolist() == pytest.approx(weights, abs=1e-7)


def test_weights_fill_whole_blocks() -> None:
    with pytest.raises(ValueError, match="multiple of 32 weights, got 33"):
        Q4_0.size(33)
