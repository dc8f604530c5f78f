from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.bases.gguf import GgufFile
from tiny_containers import f32, gguf, tiny_gguf


def test_metadata_of_every_kind() -> None:
    metadata = {
        "a.text": "blå",
        "a.number": 7,
        "a.real": 0.5,
        "a.flag": True,
        "a.texts": ["é", ""],
        "a.numbers": [-1, 2],
    }
    file = GgufFile(gguf(metadata, {}), "tiny.gguf")
    assert {key: file[key] for key in metadata} == metadata


def test_weights_are_those_of_their_blocks() -> None:
    content, weights = tiny_gguf()
    file = GgufFile(content, "tiny.gguf")
    assert file.names == set(weights)
    for name, expected in weights.items():
        assert file.weights(name).reshape(-1).tolist() == pytest.approx(expected, abs=1e-6), name
    assert file.weights("blk.0.ffn_up.weight").shape == (96, 64)


@given(st.integers(0, len(tiny_gguf()[0]) - 32))
def test_a_truncated_file_is_refused(length) -> None:
    content = tiny_gguf()[0][:length]
    with pytest.raises(ModelNotUsableError, match=r"tiny\.gguf: .*the file is damaged\. Copy or download it again"):
        file = GgufFile(content, "tiny.gguf")
        for name in file.names:
            file.weights(name)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"PK\x03\x04" + bytes(40), "does not begin as a GGUF file of version 2 or 3"),
        (b"GGUF\x01" + bytes(40), "does not begin as a GGUF file of version 2 or 3"),
        (b"GGUF\x03\0\0\0" + b"\xff" * 40, "ends too early"),
    ],
)
def test_another_file_is_refused(content, reason) -> None:
    with pytest.raises(ModelNotUsableError, match=reason):
        GgufFile(content, "tiny.gguf")


def test_what_is_not_there_or_not_read() -> None:
    stored, _ = f32([1.0] * 32)
    file = GgufFile(gguf({}, {"a.weight": ((32,), 14, stored), "b.weight": ((31,), 8, stored)}), "tiny.gguf")
    with pytest.raises(ModelNotUsableError, match=r"has no llama\.vocab_size"):
        file["llama.vocab_size"]
    with pytest.raises(ModelNotUsableError, match=r"has no weights c\.weight"):
        file.weights("c.weight")
    with pytest.raises(ModelNotUsableError, match=r"a\.weight are stored in a way that is not read \(type 14\)"):
        file.weights("a.weight")
    with pytest.raises(ModelNotUsableError, match=r"b\.weight are stored in a way that is not read \(type 8\)"):
        file.weights("b.weight")
