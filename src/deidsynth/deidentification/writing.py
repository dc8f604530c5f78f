"""Writing de-identified texts: atomically, and readable only by the owner if the text is real."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

from deidsynth.corpora import write_jsonl
from deidsynth.corpora.output import refuse_occupied
from deidsynth.documents import Corpus, Document
from deidsynth.files import whole_folder, write_atomically
from deidsynth.locks import hold_output

Tell = Callable[[str], None]
"""Takes a line about what killed commands left."""


def write_folder(documents: Iterable[Document], texts: Corpus, folder: Path, *, tell: Tell = lambda _: None) -> Corpus:
    """The documents, after writing each to ``DOC_ID.txt`` in a new or empty folder.

    Args:
        documents: what to write; taken one by one.
        texts: the original texts, whose origin says whether they are real.
        folder: destination; it appears when the last document is written.
        tell: called with what killed commands left there.

    Raises:
        InputError: the folder is not empty.
        OutputInUseError: another command is writing to it.
        StorageError: the disk is full or not writable.
    """
    done = []
    with hold_output(folder, tell):
        refuse_occupied(folder)  # another command may have finished it since
        with whole_folder(folder, private=texts.origin == "real") as partial:
            for document in documents:
                target = partial / f"{document.doc_id}.txt"
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("x", encoding="utf-8", newline="") as stream:
                    stream.write(document.text)
                done.append(document)
    return _silver(done, texts)


def write_file(
    documents: Iterable[Document], texts: Corpus, file: Path, *, as_jsonl: bool, tell: Tell = lambda _: None
) -> Corpus:
    """The documents, after writing them to one file; an existing file is replaced.

    Args:
        documents: what to write; taken one by one.
        texts: the original texts, whose origin says whether they are real.
        file: destination; it appears when the last document is written.
        as_jsonl: whether to write JSON lines with the entities, or the bare text of the only document.
        tell: called with what killed commands left there.

    Raises:
        OutputInUseError: another command is writing to it.
        StorageError: the disk is full or not writable.
    """
    with hold_output(file, tell):
        corpus = _silver(documents, texts)
        if as_jsonl:
            write_jsonl(corpus, file)
        else:
            write_atomically(file, corpus[0].text, private=texts.origin == "real")
    return corpus


def _silver(documents: Iterable[Document], texts: Corpus) -> Corpus:
    return Corpus(tuple(documents), texts.origin, "silver", texts.language)
