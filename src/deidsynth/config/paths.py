"""Text that names a file or folder, or a model that may be one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator

_NO_PATH = re.compile("[\0\ud800-\udfff]")
LONGEST_NAME = 255
"""Bytes of a file's name in the file systems in use."""


def _usable(value: str) -> str:
    """The value, if a path can be made from it and its ``~`` can be replaced."""
    if not value.strip():
        raise ValueError("empty; give a path or a name, or leave the key out")
    if _NO_PATH.search(value):
        raise ValueError("a NUL, or bytes that are not UTF-8, cannot be in a path; rename the file or folder")
    try:
        Path(value).expanduser()
    except RuntimeError:
        raise ValueError("it begins with ~ and a user who is not known here; write the whole path") from None
    if any(len(part.encode("utf-8")) > LONGEST_NAME for part in Path(value).parts):
        raise ValueError(f"a name in it has more than {LONGEST_NAME} bytes; choose a shorter one")
    return value


Location = Annotated[str, AfterValidator(_usable)]
"""A path, or the name of a model."""
