"""Corpora that are read from disk whenever they are needed, so that memory does not grow with their documents.

A stream is read at least twice: once to find every fault before anything is done with a document, keeping little more
than the ids, and again for the documents, one by one.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, zip_longest
from pathlib import Path
from typing import Protocol

from deidsynth.config import LayoutConfig
from deidsynth.corpora.finding import count_other_formats, find_format, require_path
from deidsynth.corpora.folders import files_below, refuse_unassigned
from deidsynth.corpora.formats.registry import get_format, refuse_target
from deidsynth.corpora.invalid_entities import leave_out_invalid
from deidsynth.corpora.loading import (
    LoadedCorpus,
    corpus_of_artifact,
    groups_of,
    language_of,
    reading_errors,
)
from deidsynth.corpora.nothing_found import no_entities, why_empty
from deidsynth.corpora.output import refuse_lost_characters
from deidsynth.corpora.records import (
    Discontinuous,
    Places,
    ReadOptions,
    ReadResult,
    Record,
    StatedProvenance,
    check_records,
    document_of,
    refuse_faults,
    settle_texts,
)
from deidsynth.corpora.texts import note_of, notes_by_id
from deidsynth.documents import Annotation, Corpus, Document, Origin, Split
from deidsynth.errors import CorpusError, InputError, Problem

_AT_ONCE = 64  # records that are settled together


class Documents(Protocol):
    """Documents whose number is known, such as a corpus or a stream."""

    def __len__(self) -> int: ...

    def __iter__(self) -> Iterator[Document]: ...


@dataclass(frozen=True, repr=False)
class CorpusStream:
    """A corpus whose documents are read anew for each iteration.

    Args:
        doc_ids: in order.
        like: a corpus without documents, with origin, annotation and language.
        read: reads the documents.
        n_entities: of all documents.
    """

    doc_ids: Sequence[str]
    like: Corpus
    read: Callable[[], Iterator[Document]]
    n_entities: int = 0

    @property
    def origin(self) -> Origin:
        """Where the text comes from."""
        return self.like.origin

    @property
    def annotation(self) -> Annotation:
        """Who annotated."""
        return self.like.annotation

    @property
    def language(self) -> str | None:
        """Of the text, if known."""
        return self.like.language

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
        return f"CorpusStream(n_documents={len(self)}, n_entities={self.n_entities}, origin={self.origin!r})"

    def without_entities(self) -> CorpusStream:
        """The texts."""
        return replace(self, read=lambda: (document.with_entities(()) for document in self.read()), n_entities=0)

    def checked(self, check: Callable[[Document, int], None]) -> CorpusStream:
        """The same documents, each of which passes a check, with its number, before it is given."""

        def read() -> Iterator[Document]:
            for number, document in enumerate(self.read(), start=1):
                check(document, number)
                yield document

        return replace(self, read=read)


def stream_notes(path: Path) -> CorpusStream:
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

    return CorpusStream(list(files), Corpus(()), read)


def stream_corpus(
    path: Path,
    *,
    format: str = "auto",
    language: str | None = None,
    group_by: str | None = None,
    discontinuous: Discontinuous = "refuse",
    layout: LayoutConfig,
    require_entities: bool = True,
    skip_invalid: bool = False,
    texts_only: bool = False,
) -> tuple[CorpusStream, LoadedCorpus] | None:
    """A corpus on disk, and what ``read_corpus`` says of it: a loaded corpus without documents.

    Args:
        path: file or folder.
        format: as for ``read_corpus``.
        language: see there.
        group_by: see there.
        discontinuous: see there.
        layout: see there.
        require_entities: whether a corpus without any entity is an error.
        skip_invalid: as for ``read_corpus``.
        texts_only: see there.

    Returns:
        None if the format cannot be read document by document.

    Raises:
        InputError: as for ``read_corpus``.
        CorpusError: see there; all faults are listed.
        ConfigError: see there.
    """
    language, path = language_of(language), corpus_of_artifact(require_path(path))
    with reading_errors(path):
        name = find_format(path, layout) if format == "auto" else format
        chosen = get_format(name)
        n_forms = len({file.suffix for file in files_below(path, *chosen.suffixes)}) if path.is_dir() else 1
    if chosen.stream is None or n_forms > len(chosen.suffixes):
        return None  # a document may be there in two forms, which shows when all of them are read
    reading = _Reading(path, name, chosen.stream, ReadOptions(discontinuous, layout, {}, texts_only), skip_invalid)
    result, stated, seen = ReadResult(name), StatedProvenance(), _Seen()
    with reading_errors(path):
        for record in reading.records(result):
            stated.add(record)
            seen.add(record)
        seen.files.update(problem.path for problem in result.problems)
        n_others = count_other_formats(path, name, seen.files)
    if n_others:
        result.skipped["files_of_other_formats"] += n_others
    if not seen.doc_ids and not result.problems:
        raise CorpusError(f"{path}: {why_empty(result)}")
    refuse_faults(result.problems)
    like = stated.corpus(language=language)
    is_to_annotate = (like.origin, like.annotation) == ("synthetic", "silver")
    if require_entities and not seen.n_entities and not is_to_annotate:
        raise no_entities(path, len(seen.doc_ids), result.problems)
    groups = None if group_by is None else groups_of(seen.doc_ids, group_by)
    told = LoadedCorpus(
        like,
        seen.splits,
        result.skipped,
        name,
        tuple(result.problems),
        states_origin=stated.states_origin,
    )
    return CorpusStream(seen.doc_ids, like, lambda: reading.documents(groups), seen.n_entities), told


def write_stream(corpus: CorpusStream, path: Path, format: str, splits: Mapping[str, Split]) -> Counter[str]:
    """What ``write_corpus`` does, for documents that are read as they are written.

    Args:
        corpus: what to write.
        path: as for ``write_corpus``.
        format: name of a format that is written document by document (``Format.write_stream``).
        splits: split of every document id, empty for none.

    Raises:
        InputError: as for ``write_corpus``; or the corpus has changed since it was read first.
        UnrepresentableError: as for ``write_corpus``; nothing is written.
        StorageError: the disk is full.
    """
    writer = get_format(format).write_stream
    if writer is None:
        raise InputError(f"{format} is not written document by document; use write_corpus")
    refuse_unassigned(corpus.doc_ids, splits)
    refuse_target(path, format)
    return writer(corpus.checked(refuse_lost_characters), path, splits or None)


class _Seen:
    """What is kept of the records of a first reading."""

    def __init__(self) -> None:
        self.doc_ids: list[str] = []
        self.splits: dict[str, Split] = {}
        self.files: set[str] = set()
        self.n_entities = 0

    def add(self, record: Record) -> None:
        """Take in a record."""
        self.doc_ids.append(record.doc_id)
        if record.split is not None:
            self.splits[record.doc_id] = record.split
        self.files |= {record.path, record.text_path or record.path}
        self.n_entities += len(record.spans)


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

    def documents(self, groups: Sequence[str] | None) -> Iterator[Document]:
        """The documents.

        Args:
            groups: of the documents, in place of those of the source.

        Raises:
            CorpusError: there is a fault now.
        """
        result = ReadResult(self.format)
        with reading_errors(self.path):
            for number, record in enumerate(self.records(result)):
                document = document_of(record)
                yield document if groups is None else replace(document, group=groups[number])
        refuse_faults(result.problems)
