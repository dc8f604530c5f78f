"""Corpora that are read from disk whenever they are needed, so that memory does not grow with their documents.

A stream is read at least twice: once to find every fault before anything is done with a document, keeping little more
than the ids, and again for the documents, one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from typing import Protocol

from deidsynth.config import LayoutConfig
from deidsynth.corpora.finding import count_other_formats, require_path
from deidsynth.corpora.folders import files_below
from deidsynth.corpora.formats.registry import get_format
from deidsynth.corpora.invalid_entities import leave_out_invalid
from deidsynth.corpora.loading import LoadedCorpus, corpus_of_artifact, reading_errors, why_empty
from deidsynth.corpora.records import (
    Places,
    ReadOptions,
    ReadResult,
    Record,
    StatedProvenance,
    check_records,
    refuse_faults,
    settle_texts,
)
from deidsynth.corpora.texts import note_of, notes_by_id
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError, InputError, Problem

_AT_ONCE = 64  # records that are settled together


class Documents(Protocol):
    """Documents whose number is known, such as a corpus or a stream."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Document]: ...


@dataclass(frozen=True, repr=False)
class TextStream:
    """The texts of a corpus: documents without entities, read anew for each iteration.

    Args:
        doc_ids: in order.
        like: a corpus without documents, with origin, annotation and language.
        read: reads the documents.
    """

    doc_ids: Sequence[str]
    like: Corpus
    read: Callable[[], Iterator[Document]]

    @classmethod
    def of(cls, corpus: Corpus) -> TextStream:
        """The texts of a corpus that is in memory."""
        texts = [document.with_entities(()) for document in corpus]
        return cls([document.doc_id for document in texts], corpus.with_documents(()), lambda: iter(texts))

    def __len__(self) -> int:
        return len(self.doc_ids)

    def __iter__(self) -> Iterator[Document]:
        """The documents.

        Raises:
            CorpusError: a file that was without fault has one now.
            InputError: other documents are there now.
        """
        for doc_id, document in zip_longest(self.doc_ids, self.read()):
            if document is None or document.doc_id != doc_id:
                raise InputError("the input changed while it was read; leave its files alone and run the command again")
            yield document

    def __repr__(self) -> str:
        return f"TextStream(n_documents={len(self)}, origin={self.like.origin!r})"


def stream_notes(path: Path) -> TextStream:
    """The plain notes at a path, as ``read_notes`` reads them.

    Raises:
        InputError: no such path, or it contains no note.
        CorpusError: notes that are not UTF-8 or no text, or cannot be read; all are listed.
    """
    files = notes_by_id(path)
    problems = [found for found in map(note_of, files.values()) if isinstance(found, Problem)]
    if problems:
        raise CorpusError(problems)

    def read() -> Iterator[Document]:
        for doc_id, file in files.items():
            text = note_of(file)
            if isinstance(text, Problem):
                raise CorpusError([text])
            yield Document(doc_id, text)

    return TextStream(list(files), Corpus(()), read)


def stream_texts(
    path: Path, *, format: str, layout: LayoutConfig, skip_invalid: bool
) -> tuple[TextStream, LoadedCorpus] | None:
    """The texts of a corpus, and a loaded corpus without documents that says what was skipped and left out.

    Args:
        path: file or folder.
        format: name of the format.
        layout: details that the format leaves open.
        skip_invalid: leave out entities that have a fault instead of raising an error.

    Returns:
        None if the format cannot be read document by document.

    Raises:
        InputError: no such path, or an unknown format.
        CorpusError: no documents, or faults; all are listed.
    """
    path = corpus_of_artifact(require_path(path))
    chosen = get_format(format)
    with reading_errors(path):
        n_forms = len({file.suffix for file in files_below(path, *chosen.suffixes)}) if path.is_dir() else 1
    if chosen.stream is None or n_forms > 1:  # what is there in two forms shows when all is read
        return None
    reading = _Reading(path, format, chosen.stream, ReadOptions("join", layout, {}, texts_only=True), skip_invalid)
    result, stated = ReadResult(format), StatedProvenance()
    doc_ids, files = list[str](), set[str]()
    with reading_errors(path):
        for record in reading.records(result):
            stated.add(record)
            doc_ids.append(record.doc_id)
            files |= {record.path, record.text_path or record.path}
        n_others = count_other_formats(path, format, files | {problem.path for problem in result.problems})
    if n_others:
        result.skipped["files_of_other_formats"] += n_others
    if not doc_ids and not result.problems:
        raise CorpusError(f"{path}: {why_empty(result)}")
    refuse_faults(result.problems)
    told = LoadedCorpus(stated.corpus(), skipped=result.skipped, format=format, problems=tuple(result.problems))
    return TextStream(doc_ids, told.corpus, reading.documents), told


@dataclass(frozen=True)
class _Reading:
    """How a corpus is read, each time.

    Args:
        path: file or folder.
        format: name of the format.
        stream: of the format.
        options: for it.
        skip_invalid: leave out entities that have a fault.
    """

    path: Path
    format: str
    stream: Callable[[Path, ReadOptions, ReadResult], Iterator[Record]]
    options: ReadOptions
    skip_invalid: bool

    def records(self, result: ReadResult) -> Iterator[Record]:
        """The records as ``check_corpus`` gives them; what else it finds is in the result after the last."""
        settled, left_out, checked = (ReadResult(self.format) for _ in range(3))
        first_seen: Places = {}
        reader = self.stream(self.path, self.options, result)
        while portion := list(islice(reader, _AT_ONCE)):
            some = ReadResult(self.format, portion)
            settle_texts(some)
            settled.problems += some.problems
            if self.skip_invalid:
                some.problems = []
                leave_out_invalid(some)
                left_out.problems += some.problems
                left_out.skipped += some.skipped
            checked.problems += check_records(some.records, first_seen)
            yield from some.records
        result.problems += settled.problems
        if self.skip_invalid:
            leave_out_invalid(result)
        result.problems += left_out.problems + checked.problems
        result.skipped += left_out.skipped

    def documents(self) -> Iterator[Document]:
        """The documents without their entities.

        Raises:
            CorpusError: there is a fault now.
        """
        result = ReadResult(self.format)
        with reading_errors(self.path):
            for record in self.records(result):
                yield Document(record.doc_id, record.text, (), record.group)
        refuse_faults(result.problems)
