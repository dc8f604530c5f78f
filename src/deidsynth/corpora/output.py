"""Writing without halves: a destination is whole or was never there."""

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
    """Make sure that a destination is absent or empty.

    Raises:
        InputError: it is a file with content or a folder that is not empty.
    """
    occupied = any(path.iterdir()) if path.is_dir() else path.exists() and path.stat().st_size > 0
    if occupied:
        raise InputError(f"{path}: exists already and is not empty; choose another destination or remove it")


def refuse_unwritable(folder: Path, option: str) -> None:
    """Make sure that a folder, which need not be there yet, can be written in; nothing is left behind.

    Args:
        folder: where something will be written.
        option: what the user gives to choose another place, such as ``--output``.

    Raises:
        InputError: a file stands in its place or above it, or the system refuses.
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
        raise InputError(f"cannot write in {place} ({reason}): choose another {option}") from None


def refuse_surrogates(corpus: Corpus) -> None:
    """Make sure that UTF-8 can hold a corpus.

    Raises:
        UnrepresentableError: a text, an id, a group or a label has a lone surrogate.
    """
    for number, document in enumerate(corpus, start=1):
        labels = "".join(entity.label for entity in document.entities)
        if not all(map(is_encodable, (document.text, document.doc_id, document.group or "", labels))):
            raise UnrepresentableError(
                f"document number {number} has a lone surrogate, which UTF-8 cannot hold; repair it before writing"
            )


@contextmanager
def whole_file(path: Path, *, private: bool) -> Iterator[Path]:
    """A temporary file that becomes ``path`` when the block ends well, and vanishes otherwise.

    Args:
        path: an earlier file is replaced.
        private: whether only its owner may read it (0600).

    Raises:
        StorageError: the disk is full or cannot be written.
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
    """A temporary folder that becomes ``path`` when the block ends well, and vanishes otherwise.

    Args:
        path: absent or an empty folder.
        private: whether only its owner may look into it (0700, files in it 0600).

    Raises:
        StorageError: the disk is full or cannot be written.
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
