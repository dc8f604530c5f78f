"""A character map in the form that tokenizers reads: SentencePiece's, a trie as a double array and the replacements.

Source: SentencePiece's ``precompiled_charsmap``; darts-clone for the units of the double array.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

_BLOCK = 256
_HAS_VALUE = 1 << 8
_IS_VALUE = 1 << 31
_OFFSET_SHIFT = 10


@dataclass(slots=True)
class _Node:
    """A prefix of keys: what may follow, and the value if it is a key."""

    children: dict[int, _Node] = field(default_factory=dict)
    value: int | None = None


def precompiled(character_map: Mapping[str, str]) -> bytes:
    """The character map for ``tokenizers.normalizers.Precompiled``.

    Args:
        character_map: what each character is replaced with; an empty replacement removes it.
    """
    replacements = bytearray()
    root = _Node()
    for character, replacement in character_map.items():
        node = root
        for byte in character.encode("utf-8"):
            node = node.children.setdefault(byte, _Node())
        node.value = len(replacements)
        replacements += replacement.encode("utf-8") + b"\0"
    units = _double_array(root)
    return struct.pack(f"<I{len(units)}I", 4 * len(units), *units) + bytes(replacements)


def _double_array(root: _Node) -> list[int]:
    """The units of a trie.

    A node has a base. Its value is at the base, and the unit of what follows with a byte is at base XOR byte; that unit
    holds the byte and the way from itself to the base of the node that follows.
    """
    units: list[int] = [0] * _BLOCK
    taken = {0}  # the unit of the root
    next_free = 1

    def place(node: _Node) -> int:
        """A base whose own unit and those of all bytes that may follow are free; they are taken."""
        nonlocal next_free
        while next_free in taken:
            next_free += 1
        base = next_free
        while any(base ^ byte in taken for byte in (0, *node.children)):
            base += 1
        taken.update(base ^ byte for byte in (0, *node.children))
        missing = base // _BLOCK + 1 - len(units) // _BLOCK
        units.extend([0] * (_BLOCK * missing))
        return base

    waiting = [(0, 0, root)]
    while waiting:
        position, label, node = waiting.pop()
        base = place(node)
        units[position] = (position ^ base) << _OFFSET_SHIFT | label
        if node.value is not None:
            units[position] |= _HAS_VALUE
            units[base] = _IS_VALUE | node.value
        waiting += [(base ^ byte, byte, child) for byte, child in node.children.items()]
    return units
