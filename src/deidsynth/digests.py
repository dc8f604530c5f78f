"""Canonical JSON and tagged content digests: the identity of everything in the store.

Changing what :func:`canonical_json` or :func:`digest` returns for any value would change the key of every artifact:
all existing stores would look empty, and every run would be recomputed. A test pins the values. The digest is prefixed
with its algorithm, so that another algorithm could be distinguished.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

ALGORITHM = "sha256"


def canonical_json(obj: Any) -> str:
    """The canonical JSON text of a value: sorted keys, no blanks, ASCII only; NaN and infinities are refused.

    Raises:
        ValueError: a number that JSON cannot represent.
        TypeError: a value that is not plain data.

    >>> canonical_json({"b": 1.0, "a": [True, None]})
    '{"a":[true,null],"b":1.0}'
    """
    return json.dumps(obj, sort_keys=True, separators=(",", ":"), ensure_ascii=True, allow_nan=False)


def digest(obj: Any) -> str:
    """The digest of a value's canonical JSON, such as ``sha256:4f53cda1...``.

    Changing it changes the key of every artifact in every store; see the module.
    """
    return f"{ALGORITHM}:{hashlib.sha256(canonical_json(obj).encode('ascii')).hexdigest()}"


def text_digest(text: str) -> str:
    """The hexadecimal SHA-256 of a text, lone surrogates included."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def file_digest(path: Path) -> str:
    """The digest of a file's bytes."""
    with path.open("rb") as stream:
        return f"{ALGORITHM}:{hashlib.file_digest(stream, ALGORITHM).hexdigest()}"


def file_digests(folder: Path) -> dict[str, str]:
    """The digest of every file below a folder, by relative POSIX path, sorted."""
    paths = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
    return {name: file_digest(paths[name]) for name in sorted(paths)}


def tree_digest(folder: Path) -> str:
    """The digest of a folder: of its files' relative POSIX paths and digests; empty folders do not count."""
    return digest(file_digests(folder))


def hex_of(tagged: str) -> str:
    """The hexadecimal part of a tagged digest.

    >>> hex_of("sha256:4f53")
    '4f53'
    """
    return tagged.partition(":")[2]
