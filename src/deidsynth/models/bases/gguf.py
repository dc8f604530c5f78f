"""GGUF files: metadata by name, and weights as float32.

Source: the GGUF specification, versions 2 and 3, little-endian.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from deidsynth.models.bases.cursor import Cursor
from deidsynth.models.bases.quantization import F32, Q4_0, Q4_1, Q8_0, Storage, Weights

MAGIC = b"GGUF"
VERSIONS = (2, 3)
STORAGE: dict[int, Storage] = {0: F32, 2: Q4_0, 3: Q4_1, 8: Q8_0}
"""How weights are stored, by GGUF's number of the type."""

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_STRING, _ARRAY = 8, 9
_ALIGNMENT = 32


@dataclass(frozen=True, slots=True)
class _Place:
    """Where the weights of one name are: rows last, as GGUF has them."""

    shape: tuple[int, ...]
    kind: int
    offset: int


class GgufFile:
    """The content of a GGUF file.

    Args:
        content: of the whole file.
        name: of the file, for errors.

    Raises:
        ModelNotUsableError: it is no GGUF file, of another version, or damaged.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self._cursor = cursor = Cursor(content, name)
        if cursor.take(len(MAGIC)) != MAGIC or cursor.value("I") not in VERSIONS:
            raise cursor.damaged(f"it does not begin as a GGUF file of version {' or '.join(map(str, VERSIONS))}")
        n_tensors, n_fields = cursor.values("2Q")
        self._metadata: dict[str, Any] = {}
        for _ in range(n_fields):
            key = self._string()
            self._metadata[key] = self._value(cursor.value("I"))
        self._places: dict[str, _Place] = {}
        for _ in range(n_tensors):
            tensor = self._string()
            shape = cursor.values(f"{cursor.value('I')}Q")
            kind, offset = cursor.values("IQ")
            self._places[tensor] = _Place(shape[::-1], kind, offset)
        alignment = self._metadata.get("general.alignment", _ALIGNMENT)
        self._start = math.ceil(cursor.position / alignment) * alignment

    @property
    def names(self) -> frozenset[str]:
        """The names of all weights."""
        return frozenset(self._places)

    def __getitem__(self, key: str) -> Any:
        """The metadata of a key.

        Raises:
            ModelNotUsableError: there is no such key.
        """
        if key not in self._metadata:
            raise self._cursor.damaged(f"it has no {key}")
        return self._metadata[key]

    def weights(self, name: str) -> Weights:
        """The weights of a name; a matrix has shape (outputs, inputs).

        Raises:
            ModelNotUsableError: there are none, they are stored in a way that is not read, or the file ends.
        """
        place = self._places.get(name)
        if place is None:
            raise self._cursor.damaged(f"it has no weights {name}")
        storage = STORAGE.get(place.kind)
        if storage is None or not place.shape or place.shape[-1] % storage.n_weights:
            raise self._cursor.damaged(f"weights {name} are stored in a way that is not read (type {place.kind})")
        self._cursor.position = self._start + place.offset
        return storage.weights(self._cursor.take(storage.size(math.prod(place.shape)))).reshape(place.shape)

    def _string(self) -> str:
        return self._cursor.text(self._cursor.value("Q"))

    def _value(self, kind: int) -> Any:
        if kind in _SCALARS:
            return self._cursor.value(_SCALARS[kind])
        if kind == _STRING:
            return self._string()
        if kind != _ARRAY:
            raise self._cursor.damaged(f"metadata of unknown type {kind}")
        element, count = self._cursor.values("IQ")
        if element in _SCALARS:
            return list(self._cursor.values(f"{count}{_SCALARS[element]}"))
        return [self._value(element) for _ in range(count)]
