"""What a command has done so far, in a private folder beside its output: a killed command is continued from there."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from deidsynth.files import fsync_path, make_private_folder, remove_tree, storage_errors, write_json

STATE = "state.json"


class Partial:
    """A folder with files that grow, and a record of how far each of them had grown when a shard was finished.

    What was written after the last finished shard is cut off when the folder is opened again.

    Args:
        folder: it is there.
        state: the record.
    """

    def __init__(self, folder: Path, state: dict[str, Any]) -> None:
        self.folder, self.state = folder, state
        self._sizes: dict[str, int] = state["sizes"]
        self._open: dict[str, Any] = {}
        self._put: set[Path] = set()

    @staticmethod
    def beside(output: Path) -> Path:
        """Where the folder of an output is."""
        place = output.resolve()
        return place.with_name(f".{place.name}.partial")

    @classmethod
    def left(cls, output: Path, identity: str) -> Self | None:
        """The folder that a stopped command with the same identity left of an output; None if there is none.

        Args:
            output: file or folder that will be there in the end.
            identity: digest of everything that decides what is written.

        Raises:
            StorageError: it cannot be written.
        """
        folder = cls.beside(output)
        state = _state_of(folder)
        if state is None or state["identity"] != identity:
            return None
        partial = cls(folder, state)
        partial._cut_off()
        return partial

    @classmethod
    def new(cls, output: Path, identity: str, tell: Callable[[str], None]) -> Self:
        """A new folder of an output, in place of what other commands left of it.

        Args:
            output: as for ``left``.
            identity: as for ``left``.
            tell: called with a line about what was removed.

        Raises:
            StorageError: it cannot be written.
        """
        folder = cls.beside(output)
        if folder.exists():
            remove_tree(folder)
            tell(f"removed {folder}: a command with other input, model, policy or options had left it, unfinished")
        make_private_folder(folder)
        partial = cls(folder, {"identity": identity, "sizes": {}})
        partial.finish_shard({})
        return partial

    def __repr__(self) -> str:
        return f"Partial({str(self.folder)!r})"

    def path(self, name: str) -> Path:
        """The path of a file, whose folder is there."""
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def add(self, name: str, content: str) -> None:
        """Add something to the end of a file."""
        with storage_errors(self.folder):
            if name not in self._open:
                self._open[name] = self.path(name).open("ab" if name in self._sizes else "wb")
            self._open[name].write(content.encode("utf-8"))

    def put(self, name: str, content: str) -> None:
        """Write a whole file, in place of what may be there."""
        with storage_errors(self.folder):
            path = self.path(name)
            path.write_bytes(content.encode("utf-8"))
            self._put.add(path)

    def finish_shard(self, changes: Mapping[str, Any]) -> None:
        """Record that everything so far is whole.

        Args:
            changes: of the record.
        """
        with storage_errors(self.folder):
            for name, stream in self._open.items():
                stream.flush()
                os.fsync(stream.fileno())
                self._sizes[name] = stream.tell()
                stream.close()
            self._open.clear()
            for path in (*sorted(self._put), *sorted({path.parent for path in self._put})):
                fsync_path(path)
            self._put.clear()
        self.state |= {**changes, "sizes": self._sizes}
        write_json(self.folder / STATE, self.state, private=True)

    def lines(self, name: str) -> Iterator[dict[str, Any]]:
        """The objects of a file that has one on each line; none if there is no file."""
        path = self.folder / name
        if path.is_file():
            with path.open(encoding="utf-8", newline="\n") as stream:
                yield from map(json.loads, stream)

    @contextmanager
    def kept_if(self, is_worth_it: Callable[[], bool]) -> Iterator[None]:
        """A context after whose failure the folder is removed unless it is worth being continued."""
        try:
            yield
        except BaseException:
            self.close()
            if not is_worth_it():
                self.remove()
            raise

    def close(self) -> None:
        """Close the files, as they are."""
        for stream in self._open.values():
            stream.close()
        self._open.clear()

    def remove(self) -> None:
        """Remove the folder."""
        self.close()
        remove_tree(self.folder)

    def _cut_off(self) -> None:
        with storage_errors(self.folder):
            for name, size in self._sizes.items():
                if (self.folder / name).is_file():
                    os.truncate(self.folder / name, size)

    def publish(self, name: str, target: Path) -> None:
        """Move a file or a folder to its place, where it is whole or not at all; nothing happens if it was moved."""
        source = self.folder / name
        with storage_errors(target):
            if not source.exists():
                return
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir() and target.is_dir():
                target.rmdir()
            if source.is_file():
                fsync_path(source)
            source.replace(target)
            fsync_path(target.parent)


def _state_of(folder: Path) -> dict[str, Any] | None:
    """The record in a folder; None if there is no whole one."""
    try:
        state = json.loads((folder / STATE).read_text(encoding="utf-8"))
        return state if isinstance(state["identity"], str) and isinstance(state["sizes"], dict) else None
    except (OSError, ValueError, KeyError, TypeError):
        return None
