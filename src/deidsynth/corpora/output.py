"""Checks before writing: the destination is free and writable, and UTF-8 can encode the text."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

from deidsynth.corpora.encodings import MARK
from deidsynth.corpora.records import is_encodable
from deidsynth.documents import Annotation, Corpus, Document, Origin
from deidsynth.errors import InputError, UnrepresentableError
from deidsynth.files import FULL, disk_full, refuse_special


def refuse_occupied(path: Path) -> None:
    """Refuse a destination that already has content.

    Raises:
        InputError: it is a non-empty file or folder, or a device.
    """
    refuse_special(path)
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
        if error.errno in FULL:
            raise disk_full(folder) from error
        is_file = isinstance(error, NotADirectoryError)
        reason = "a file, not a folder" if is_file else error.strerror or type(error).__name__
        raise InputError(f"cannot write to {place} ({reason}); choose another {option}") from None


class Source(Protocol):
    """Documents to write: a corpus, or a stream of one."""

    @property
    def doc_ids(self) -> Sequence[str]: ...

    @property
    def origin(self) -> Origin: ...

    @property
    def annotation(self) -> Annotation: ...

    @property
    def language(self) -> str | None: ...

    def __iter__(self) -> Iterator[Document]: ...


def refuse_lost_characters(document: Document, number: int) -> None:
    """Refuse a document that is not read back in any format.

    Args:
        document: to be written.
        number: of the document, for the message.

    Raises:
        UnrepresentableError: its text begins with a byte order mark, which is dropped, or has a NUL, which is refused.
    """
    fault = "has a NUL character" if "\0" in document.text else "begins with a byte order mark"
    if "\0" in document.text or document.text.startswith(MARK):
        raise UnrepresentableError(f"document number {number} {fault}, which is not read back; remove it")


def refuse_surrogates(corpus: Corpus) -> None:
    """Refuse a corpus that UTF-8 cannot encode.

    Raises:
        UnrepresentableError: a text, an id, a group or a label has a lone surrogate.
    """
    for _ in encodable(corpus):
        pass


def encodable(documents: Iterable[Document]) -> Iterator[Document]:
    """The documents one by one.

    Raises:
        UnrepresentableError: UTF-8 cannot encode the next one: its text, id, group or a label has a lone surrogate.
    """
    for number, document in enumerate(documents, start=1):
        labels = "".join(entity.label for entity in document.entities)
        if not all(map(is_encodable, (document.text, document.doc_id, document.group or "", labels))):
            raise UnrepresentableError(
                f"document number {number} has a lone surrogate, which UTF-8 cannot encode; repair it before writing"
            )
        yield document
