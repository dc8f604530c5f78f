"""Reading of little-endian values one after the other, within the bounds of a file."""

from __future__ import annotations

import struct
from typing import Any

from deidsynth.errors import ModelNotUsableError


class Cursor:
    """A place in a file's content that moves on with every value read.

    Args:
        content: of the whole file.
        name: of the file, for errors.
    """

    def __init__(self, content: bytes, name: str) -> None:
        self.content, self.name = content, name
        self.position = 0

    def take(self, n_bytes: int) -> bytes:
        """The next bytes.

        Raises:
            ModelNotUsableError: the file ends before.
        """
        piece = self.content[self.position : self.position + n_bytes]
        if n_bytes < 0 or len(piece) < n_bytes:
            raise self.damaged("it ends too early")
        self.position += n_bytes
        return piece

    def values(self, layout: str) -> tuple[Any, ...]:
        """The next values, by the codes of ``struct`` such as ``2I``."""
        layout = f"<{layout}"
        try:
            size = struct.calcsize(layout)
        except struct.error:  # a number of values that no file could hold
            raise self.damaged("it ends too early") from None
        return struct.unpack(layout, self.take(size))

    def value(self, layout: str) -> Any:
        """The next value, by its code of ``struct`` such as ``I``."""
        return self.values(layout)[0]

    def text(self, n_bytes: int) -> str:
        """The next bytes as UTF-8.

        Raises:
            ModelNotUsableError: the file ends before, or they are none.
        """
        try:
            return self.take(n_bytes).decode("utf-8")
        except UnicodeDecodeError:
            raise self.damaged("a name in it is not UTF-8") from None

    def damaged(self, reason: str) -> ModelNotUsableError:
        """The error of a file that cannot be read on."""
        return ModelNotUsableError(f"{self.name}: {reason}; the file is damaged. Copy or download it again")
