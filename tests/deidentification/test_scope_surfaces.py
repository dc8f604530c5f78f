"""Surfaces of a scope on disk: what SQLite says of the file is told as a fault of the storage."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from deidsynth.deidentification.scope_surfaces import ScopeSurfaces
from deidsynth.errors import StorageError


def test_surfaces_are_those_of_their_patient(tmp_path: Path) -> None:
    with ScopeSurfaces(tmp_path / "surfaces", "patient") as surfaces:
        surfaces.add("7", ["anna"])
        surfaces.finish_shard()
        assert ("anna" in surfaces.of("7"), "anna" in surfaces.of("8")) == (True, False)


def test_a_file_that_is_no_database_is_a_fault_of_the_storage(tmp_path: Path) -> None:
    (tmp_path / "surfaces").write_bytes(b"anna" * 1000)
    with pytest.raises(StorageError, match=r"surfaces: cannot be read or written \(SQLITE_NOTADB\)") as caught:
        ScopeSurfaces(tmp_path / "surfaces", "corpus")
    assert "anna" not in str(caught.value)


class Broken:
    """A connection to a file that cannot be used any more."""

    def __init__(self, code: int) -> None:
        self.error = sqlite3.OperationalError("anna")
        self.error.sqlite_errorcode, self.error.sqlite_errorname = code, "SQLITE_IOERR"

    def execute(self, *_: object) -> None:
        raise self.error

    executemany = commit = execute


@pytest.mark.parametrize(("code", "told"), [(sqlite3.SQLITE_FULL, "is full"), (sqlite3.SQLITE_IOERR, "SQLITE_IOERR")])
def test_every_use_of_the_file_tells_what_is_wrong(tmp_path: Path, code: int, told: str) -> None:
    with ScopeSurfaces(tmp_path / "surfaces", "corpus") as surfaces:
        whole, surfaces._connection = surfaces._connection, Broken(code)  # type: ignore[assignment]
        for use in (
            lambda: surfaces.add("7", ["anna"]),
            surfaces.finish_shard,
            lambda: "anna" in surfaces.of("7"),
        ):
            with pytest.raises(StorageError, match=told) as caught:
                use()
            assert "anna" not in str(caught.value)
        surfaces._connection = whole
