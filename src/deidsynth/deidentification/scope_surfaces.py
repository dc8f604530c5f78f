"""What was found in all texts of a scope, on disk: no surrogate may equal any of it."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, Self

from deidsynth.files import storage_errors

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
        self._scope = scope
        with storage_errors(path):
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
            self._connection.executemany("INSERT OR IGNORE INTO surfaces VALUES (?, ?)", rows)

    def finish_shard(self) -> None:
        """Write what was added to the disk."""
        self._connection.commit()

    def of(self, patient: str | None) -> SurfacesOfScope:
        """The surfaces of the scope of a patient's documents."""
        return SurfacesOfScope(self._connection, self._name(patient))

    def _name(self, patient: str | None) -> str:
        return "" if self._scope == "corpus" or patient is None else f"patient {patient}"


class SurfacesOfScope:
    """The surfaces of one scope.

    Args:
        connection: to the file with all of them.
        scope: its name there.
    """

    def __init__(self, connection: sqlite3.Connection, scope: str) -> None:
        self._connection, self._scope = connection, scope

    def __contains__(self, surface: object) -> bool:
        sought = "SELECT 1 FROM surfaces WHERE scope = ? AND surface = ?"
        return self._connection.execute(sought, (self._scope, surface)).fetchone() is not None
