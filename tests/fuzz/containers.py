"""Files that hold files: opened to the content that can be mutated, and closed again."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile
from collections.abc import Mapping

HEADER, WEIGHTS = "header.json", "weights"


def opened(name: str, content: bytes) -> dict[str, bytes]:
    """What a container holds, by name: members of a zip, the one of a gzip, header and weights of safetensors."""
    if name.endswith(".zip"):
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            return {member: archive.read(member) for member in archive.namelist() if not member.endswith("/")}
    if name.endswith(".gz"):
        return {name.removesuffix(".gz"): gzip.decompress(content)}
    (length,) = struct.unpack("<Q", content[:8])
    return {HEADER: content[8 : 8 + length], WEIGHTS: content[8 + length :]}


def closed(name: str, within: Mapping[str, bytes]) -> bytes:
    """The container with this content; the same bytes every time."""
    if name.endswith(".zip"):
        written = io.BytesIO()
        with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
            for member, content in within.items():
                archive.writestr(zipfile.ZipInfo(member), content, zipfile.ZIP_DEFLATED)
        return written.getvalue()
    if name.endswith(".gz"):
        [content] = within.values()
        return gzip.compress(content, mtime=0)
    return struct.pack("<Q", len(within[HEADER])) + within[HEADER] + within[WEIGHTS]
