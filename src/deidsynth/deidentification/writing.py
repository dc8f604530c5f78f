"""Writing what was de-identified: whole or not at all, and for its owner only where the text is real."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.files import whole_folder, write_atomically


def write_folder(documents: Iterable[Document], texts: Corpus, folder: Path) -> Corpus:
    """The documents, after writing each to ``DOC_ID.txt`` in a folder that is absent or empty.

    Args:
        documents: what to write; taken one by one.
        texts: what they were made of, which says whether the text is real.
        folder: where to; it appears when the last document is written.

    Raises:
        StorageError: the disk is full or cannot be written.
    """
    done = []
    with whole_folder(folder, private=texts.origin == "real") as partial:
        for document in documents:
            target = partial / f"{document.doc_id}.txt"
            target.parent.mkdir(parents=True, exist_ok=True)
            with target.open("w", encoding="utf-8", newline="") as stream:
                stream.write(document.text)
            done.append(document)
    return _silver(done, texts)


def write_file(documents: Iterable[Document], texts: Corpus, file: Path, *, as_jsonl: bool) -> Corpus:
    """The documents, after writing them to one file, in place of what stood there.

    Args:
        documents: what to write; taken one by one.
        texts: what they were made of, which says whether the text is real.
        file: where to; it appears when the last document is written.
        as_jsonl: whether to write JSON lines with the entities, or the bare text of the only document.

    Raises:
        StorageError: the disk is full or cannot be written.
    """
    corpus = _silver(documents, texts)
    if as_jsonl:
        write_jsonl(corpus, file)
    else:
        write_atomically(file, corpus[0].text, private=texts.origin == "real")
    return corpus


def _silver(documents: Iterable[Document], texts: Corpus) -> Corpus:
    return Corpus(tuple(documents), texts.origin, "silver", texts.language)
