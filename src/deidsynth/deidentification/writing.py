"""Writing de-identified texts: atomically, and readable only by the owner if the text is real."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from deidsynth.corpora.formats.jsonl import write_documents
from deidsynth.corpora.output import refuse_occupied
from deidsynth.documents import Corpus, Document
from deidsynth.files import whole_file, whole_folder
from deidsynth.locks import hold_output

Tell = Callable[[str], None]
"""Takes a line about what killed commands left."""


@dataclass
class Written:
    """What was written.

    Args:
        n_documents: how many documents.
        labels: their entities, by label.
    """

    n_documents: int = 0
    labels: Counter[str] = field(default_factory=Counter)

    def counted(self, documents: Iterable[Document]) -> Iterator[Document]:
        """The documents, each counted as it passes."""
        for document in documents:
            self.n_documents += 1
            self.labels.update(entity.label for entity in document.entities)
            yield document

    @property
    def label_counts(self) -> dict[str, int]:
        """Entities per label, most frequent first."""
        return dict(sorted(self.labels.items(), key=lambda item: (-item[1], item[0])))


def write_folder(documents: Iterable[Document], like: Corpus, folder: Path, *, tell: Tell = lambda _: None) -> Written:
    """Counts of the documents, after writing each to ``DOC_ID.txt`` in a new or empty folder.

    Args:
        documents: what to write; taken one by one.
        like: a corpus with the origin of the texts, which says whether they are real.
        folder: destination; it appears when the last document is written.
        tell: called with what killed commands left there.

    Raises:
        InputError: the folder is not empty.
        OutputInUseError: another command is writing to it.
        StorageError: the disk is full or not writable.
    """
    written = Written()
    with hold_output(folder, tell):
        refuse_occupied(folder)  # another command may have finished it since
        with whole_folder(folder, private=like.origin == "real") as partial:
            for document in written.counted(documents):
                target = partial / f"{document.doc_id}.txt"
                target.parent.mkdir(parents=True, exist_ok=True)
                with target.open("x", encoding="utf-8", newline="") as stream:
                    stream.write(document.text)
    return written


def write_file(
    documents: Iterable[Document], like: Corpus, file: Path, *, as_jsonl: bool, tell: Tell = lambda _: None
) -> Written:
    """Counts of the documents, after writing them to one file; an existing file is replaced.

    Args:
        documents: what to write; taken one by one.
        like: as for ``write_folder``; its language is written too.
        file: destination; it appears when the last document is written.
        as_jsonl: whether to write JSON lines with the entities, or the bare text of the only document.
        tell: called with what killed commands left there.

    Raises:
        OutputInUseError: another command is writing to it.
        StorageError: the disk is full or not writable.
    """
    written = Written()
    with hold_output(file, tell):
        if as_jsonl:
            write_documents(written.counted(documents), replace(like, documents=(), annotation="silver"), file)
            return written
        with (
            whole_file(file, private=like.origin == "real") as temporary,
            temporary.open("w", encoding="utf-8", newline="") as stream,
        ):
            stream.writelines(document.text for document in written.counted(documents))
    return written
