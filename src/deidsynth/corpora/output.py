"""What is refused before anything is written: a place that is taken or out of reach, text that UTF-8 cannot hold."""

from __future__ import annotations

import tempfile
from pathlib import Path

from deidsynth.corpora.records import is_encodable
from deidsynth.documents import Corpus
from deidsynth.errors import InputError, UnrepresentableError
from deidsynth.files import FULL, disk_full


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
        if error.errno in FULL:
            raise disk_full(folder) from error
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
