"""What was found in all texts of a scope, on disk: no surrogate may equal any of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, Self

from deidsynth.errors import StorageError
from deidsynth.files import disk_full, storage_errors

_TABLE = "CREATE TABLE IF NOT EXISTS surfaces (scope TEXT, surface TEXT, PRIMARY KEY (scope, surface)) WITHOUT ROWID"


class ScopeSurfaces:
    """Normalized surfaces by scope, in a file, so that memory does not grow with them.

    Args:
        path: the file; it may be there already.
        scope: whether each patient has surfaces of its own.

    Raises:
        StorageError: it cannot be written.
    """

    def __init__(self, path: Path, scope: Literal["patient", "corpus"]) -> None:
        self._path, self._scope = path, scope
        with _storage_errors(path):
            self._connection = sqlite3.connect(path)
            self._connection.execute(_TABLE)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._connection.close()

    def add(self, patient: str | None, surfaces: Iterable[str]) -> None:
        """Take in surfaces of a document; the same ones again change nothing."""
        if self._scope == "corpus" or patient is not None:
            rows = [(self._name(patient), surface) for surface in surfaces]
            with _storage_errors(self._path):
                self._connection.executemany("INSERT OR IGNORE INTO surfaces VALUES (?, ?)", rows)

    def finish_shard(self) -> None:
        """Write what was added to the disk."""
        with _storage_errors(self._path):
            self._connection.commit()

    def of(self, patient: str | None) -> SurfacesOfScope:
        """The surfaces of the scope of a patient's documents."""
        return SurfacesOfScope(self._path, self._connection, self._name(patient))

    def _name(self, patient: str | None) -> str:
        return "" if self._scope == "corpus" or patient is None else f"patient {patient}"


class SurfacesOfScope:
    """The surfaces of one scope.

    Args:
        path: of the file with all of them.
        connection: to it.
        scope: its name there.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, scope: str) -> None:
        self._path, self._connection, self._scope = path, connection, scope

    def __contains__(self, surface: object) -> bool:
        sought = "SELECT 1 FROM surfaces WHERE scope = ? AND surface = ?"
        with _storage_errors(self._path):
            return self._connection.execute(sought, (self._scope, surface)).fetchone() is not None


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    """A context in which what SQLite says of a file is an error of the storage, too."""
    try:
        with storage_errors(path):
            yield
    except sqlite3.Error as error:
        if getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_FULL:
            raise disk_full(path) from error
        reason = getattr(error, "sqlite_errorname", type(error).__name__)
        raise StorageError(
            f"{path}: cannot be read or written ({reason}); make its folder writable, or remove that and run the same "
            "command again"
        ) from error
