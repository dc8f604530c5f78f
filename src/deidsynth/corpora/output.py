"""Atomic writing: a destination is complete or does not exist."""

from __future__ import annotations

import errno
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deidsynth.corpora.records import is_encodable
from deidsynth.documents import Corpus
from deidsynth.errors import InputError, StorageError, UnrepresentableError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_PRIVATE_FILE = 0o600
_PRIVATE_FOLDER = 0o700


def refuse_occupied(path: Path) -> None:
    """Refuse a destination that already has content.

    Raises:
        InputError: it is a non-empty file or folder.
    """
    occupied = any(path.iterdir()) if path.is_dir() else path.exists() and path.stat().st_size > 0
    if occupied:
        raise InputError(f"{path}: already exists and is not empty; choose another destination or remove it")


def refuse_unwritable(folder: Path, option: str) -> None:
    """Refuse a folder, existing or not, that cannot be written to; nothing is left behind.

    Args:
        folder: where something will be written.
        option: what the user gives to choose another place, such as ``--output``.

    Raises:
        InputError: it or a parent is a file, or permission is denied.
        StorageError: the disk is full.
    """
    place = folder
    try:
        place = next(each for each in (folder, *folder.absolute().parents) if each.exists())
        Path(tempfile.mkdtemp(prefix=".deidsynth-", dir=place)).rmdir()
    except OSError as error:
        if error.errno in _FULL:
            raise _full(folder, error) from error
        is_file = isinstance(error, NotADirectoryError)
        reason = "a file, not a folder" if is_file else error.strerror or type(error).__name__
        raise InputError(f"cannot write to {place} ({reason}); choose another {option}") from None


def refuse_surrogates(corpus: Corpus) -> None:
    """Refuse a corpus that UTF-8 cannot encode.

    Raises:
        UnrepresentableError: a text, an id, a group or a label has a lone surrogate.
    """
    for number, document in enumerate(corpus, start=1):
        labels = "".join(entity.label for entity in document.entities)
        if not all(map(is_encodable, (document.text, document.doc_id, document.group or "", labels))):
            raise UnrepresentableError(
                f"document number {number} has a lone surrogate, which UTF-8 cannot encode; repair it before writing"
            )


@contextmanager
def whole_file(path: Path, *, private: bool) -> Iterator[Path]:
    """A temporary file that becomes ``path`` if the block succeeds, and is deleted otherwise.

    Args:
        path: an existing file is replaced.
        private: whether only its owner may read it (0600).

    Raises:
        StorageError: the disk is full or not writable.
    """
    target = path.resolve()
    temporary = _temporary(target)
    try:
        with _storage_errors(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.unlink(missing_ok=True)
            temporary.touch(mode=_PRIVATE_FILE if private else 0o666)
            yield temporary
            os.replace(temporary, target)  # noqa: PTH105 - the atomic rename is the point
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, *, private: bool) -> Iterator[Path]:
    """A temporary folder that becomes ``path`` if the block succeeds, and is deleted otherwise.

    Args:
        path: does not exist, or is an empty folder.
        private: whether only its owner may read it (folders 0700, files 0600).

    Raises:
        StorageError: the disk is full or not writable.
    """
    target = path.resolve()
    temporary = _temporary(target)
    try:
        with _storage_errors(path):
            shutil.rmtree(temporary, ignore_errors=True)
            target.parent.mkdir(parents=True, exist_ok=True)
            temporary.mkdir(mode=_PRIVATE_FOLDER if private else 0o777)
            yield temporary
            for each in temporary.rglob("*") if private else ():
                each.chmod(_PRIVATE_FOLDER if each.is_dir() else _PRIVATE_FILE)
            with suppress(FileNotFoundError):
                target.rmdir()
            os.replace(temporary, target)  # noqa: PTH105 - the atomic rename is the point
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary(target: Path) -> Path:
    return target.with_name(f".{target.name}.{os.getpid()}.tmp")


@contextmanager
def _storage_errors(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(path, error) from error
        reason = error.strerror or type(error).__name__
        raise StorageError(f"{path}: cannot be written ({reason}); choose another place") from error


def _full(path: Path, error: OSError) -> StorageError:
    return StorageError(f"{path}: cannot be written ({error.strerror}); free some space or choose another place")
