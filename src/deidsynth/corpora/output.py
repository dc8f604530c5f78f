"""Writing without halves: a destination is whole or was never there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from deidsynth.corpora.records import is_encodable
from deidsynth.documents import Corpus
from deidsynth.errors import InputError, StorageError, UnrepresentableError


def refuse_occupied(path: Path) -> None:
    """Make sure that a destination is absent or empty.

    Raises:
        InputError: it is a file with content or a folder that is not empty.
    """
    occupied = any(path.iterdir()) if path.is_dir() else path.exists() and path.stat().st_size > 0
    if occupied:
        raise InputError(f"{path}: exists already and is not empty; choose another destination or remove it")


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
def whole_file(path: Path) -> Iterator[Path]:
    """A temporary path whose file becomes ``path`` when the block ends well, and vanishes otherwise.

    Raises:
        StorageError: the disk is full or cannot be written.
    """
    target = path.resolve()
    temporary = _temporary(target)
    try:
        with _storage_errors(path):
            target.parent.mkdir(parents=True, exist_ok=True)
            yield temporary
            os.replace(temporary, target)  # noqa: PTH105 - the atomic rename is the point
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """A temporary folder that becomes ``path`` when the block ends well, and vanishes otherwise.

    Raises:
        StorageError: the disk is full or cannot be written.
    """
    target = path.resolve()
    temporary = _temporary(target)
    try:
        with _storage_errors(path):
            shutil.rmtree(temporary, ignore_errors=True)
            temporary.mkdir(parents=True)
            yield temporary
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
        reason = error.strerror or type(error).__name__
        raise StorageError(f"{path}: cannot be written ({reason}); free some space or choose another place") from error
