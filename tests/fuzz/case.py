"""One input of the fuzzer: files, the commands that get them, and what a server would answer; a JSON file on disk."""

from __future__ import annotations

import base64
import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

HOME = b"{home}"
"""Stands for the folder that a case is run in, wherever a file of it names that folder."""

PORT = "{port}"
"""Stands in a command for the port of the server that gives the answer of the case."""

LONGEST_TEXT = 2000


@dataclass(frozen=True)
class Case:
    """Files below a folder of their own, and commands that are run there.

    Args:
        kind: of which target.
        commands: arguments of the command line, one list a call.
        files: content by path, laid over the bases; a path with ``*`` is that of the first file of a base that fits.
        bases: names of folders of valid files that are laid first.
        answer: what a local server sends for every request, status line and headers included.
        about: what this input is, in a sentence.
        exit_code: that every command must end with, where that is known.
    """

    kind: str
    commands: tuple[tuple[str, ...], ...]
    files: Mapping[str, bytes] = field(default_factory=dict)
    bases: tuple[str, ...] = ()
    answer: bytes | None = None
    about: str = ""
    exit_code: int | None = None

    @property
    def size(self) -> int:
        """Bytes of its own files and answer."""
        return sum(map(len, self.files.values())) + len(self.answer or b"")

    @property
    def name(self) -> str:
        """A short name that follows from the content."""
        return f"{self.kind}-{hashlib.sha256(self.to_json().encode()).hexdigest()[:12]}"

    def to_json(self) -> str:
        """The case as JSON: text as it is, other bytes compressed."""
        plain = {
            "about": self.about,
            "kind": self.kind,
            "exit_code": self.exit_code,
            "bases": self.bases,
            "files": {path: _packed(content) for path, content in self.files.items()},
            "commands": self.commands,
            "answer": None if self.answer is None else _packed(self.answer),
        }
        return json.dumps(plain, indent=1, ensure_ascii=False) + "\n"

    @classmethod
    def from_json(cls, text: str) -> Case:
        """The case that ``to_json`` wrote."""
        plain = json.loads(text)
        return cls(
            kind=plain["kind"],
            commands=tuple(tuple(each) for each in plain["commands"]),
            files={path: _unpacked(content) for path, content in plain["files"].items()},
            bases=tuple(plain["bases"]),
            answer=None if plain["answer"] is None else _unpacked(plain["answer"]),
            about=plain["about"],
            exit_code=plain["exit_code"],
        )

    def save(self, folder: Path) -> Path:
        """The file that the case was written to."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / f"{self.name}.json"
        path.write_text(self.to_json(), encoding="utf-8")
        return path


def _packed(content: bytes) -> str | dict[str, str]:
    if len(content) <= LONGEST_TEXT:
        try:
            return content.decode()
        except UnicodeDecodeError:
            pass
    return {"zlib": base64.b64encode(zlib.compress(content, 9)).decode()}


def _unpacked(content: Any) -> bytes:
    return content.encode() if isinstance(content, str) else zlib.decompress(base64.b64decode(content["zlib"]))
