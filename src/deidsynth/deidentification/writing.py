"""Writing de-identified texts: atomically, and readable only by the owner if the text is real."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.workflow.store import storage_errors


def write_folder(documents: Iterable[Document], texts: Corpus, folder: Path) -> Corpus:
    """The documents, after writing each to ``DOC_ID.txt`` in a new or empty folder.

    Args:
        documents: what to write; taken one by one.
        texts: the original texts, whose origin says whether they are real.
        folder: destination; it appears when the last document is written.

    Raises:
        StorageError: the disk is full or not writable.
    """
    done = []
    with _whole(folder, texts) as partial:
        partial.mkdir()
        for document in documents:
            target = partial / f"{document.doc_id}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            _write_text(document, target)
            done.append(document)
    return _silver(done, texts)


def write_file(documents: Iterable[Document], texts: Corpus, file: Path, *, as_jsonl: bool) -> Corpus:
    """The documents, after writing them to one file; an existing file is replaced.

    Args:
        documents: what to write; taken one by one.
        texts: the original texts, whose origin says whether they are real.
        file: destination; it appears when the last document is written.
        as_jsonl: whether to write JSON lines with the entities, or the bare text of the only document.

    Raises:
        StorageError: the disk is full or not writable.
    """
    with _whole(file, texts) as partial:
        corpus = _silver(documents, texts)
        if as_jsonl:
            write_jsonl(corpus, partial)
        else:
            _write_text(corpus[0], partial)
    return corpus


@contextmanager
def _whole(output: Path, texts: Corpus) -> Iterator[Path]:
    """A path whose file or folder becomes ``output`` if the block succeeds, and is deleted otherwise.

    It is in a hidden private folder beside ``output``; leftovers of a killed command are deleted.
    """
    target = output.resolve()
    hidden = target.with_name(f".{target.name}.partial")
    shutil.rmtree(hidden, ignore_errors=True)
    with storage_errors(output, refusals=False):
        target.parent.mkdir(parents=True, exist_ok=True)
        hidden.mkdir(mode=0o700)
        try:
            partial = hidden / target.name
            yield partial
            if texts.origin == "real":
                for path in (partial, *partial.rglob("*")):
                    path.chmod(0o700 if path.is_dir() else 0o600)
            partial.replace(target)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


def _write_text(document: Document, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        stream.write(document.text)


def _silver(documents: Iterable[Document], texts: Corpus) -> Corpus:
    return Corpus(tuple(documents), texts.origin, "silver", texts.language)
