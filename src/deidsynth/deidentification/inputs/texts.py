"""Plain notes, and the texts of corpora in any known format."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from deidsynth.corpora.formats.jsonl import line_of
from deidsynth.corpora.loading import groups_of
from deidsynth.corpora.records import is_encodable
from deidsynth.corpora.streams import CorpusStream
from deidsynth.corpora.texts import note_of, notes_by_id
from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.inputs.rows import Results, Row, Source, Written, unreadable
from deidsynth.deidentification.naming import Renaming
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.errors import Problem

_ENCODING = "has a lone surrogate, which UTF-8 cannot encode; repair it"


def notes(path: Path, target: str, *, is_folder: bool, number_all: bool, group_by: str | None = None) -> Source:
    """A note, or a folder of them, each written as plain text.

    Args:
        path: file or folder.
        target: the file, or the folder below the output (empty for the output itself), to write to.
        is_folder: which of both.
        number_all: whether all names become numbers.
        group_by: regular expression that finds the patient in a name.

    Raises:
        InputError: no such path, or it contains no note.
        ConfigError: ``group_by`` is no regular expression.
        CorpusError: it does not match some names.
    """
    files = notes_by_id(path)
    groups = dict(zip(files, groups_of(list(files), group_by), strict=True)) if group_by else {}

    def rows() -> Iterator[Row]:
        renaming = Renaming(list(files), number_all=number_all)
        for doc_id, file in files.items():
            text = note_of(file)
            if isinstance(text, Problem):
                yield unreadable(str(file), text.message)
                continue
            document = Document(doc_id, text, group=groups.get(doc_id))
            yield _row(str(file), document, renaming, target, is_folder=is_folder)

    return Source(path, rows, n_documents=len(files))


def corpus(path: Path, stream: CorpusStream, target: str, *, as_jsonl: bool, number_all: bool) -> Source:
    """The texts of a corpus.

    Args:
        path: of it.
        stream: its documents.
        target: the ``.jsonl`` file, or the folder below the output, to write to.
        as_jsonl: which of both.
        number_all: whether all ids become numbers.
    """
    like = Corpus((), stream.like.origin, "silver", stream.like.language)

    def rows() -> Iterator[Row]:
        renaming = Renaming(stream.doc_ids, number_all=number_all)
        for number, document in enumerate(stream, start=1):
            place = f"{path}: document {number}"
            if not all(map(is_encodable, (document.text, document.doc_id, document.group or ""))):
                yield unreadable(place, _ENCODING)
            elif as_jsonl:
                written = partial(_line, document, renaming, like, target)
                yield Row(place, written, (document,), passed_over=partial(renaming.group_of, document))
            else:
                yield _row(place, document, renaming, target, is_folder=True)

    targets = (target,) if as_jsonl else ()
    return Source(path, rows, targets, len(stream), is_private=stream.origin == "real")


def _row(place: str, document: Document, renaming: Renaming, target: str, *, is_folder: bool) -> Row:
    written = partial(_note, document, renaming, target, is_folder)
    return Row(place, written, (document,), passed_over=partial(renaming.group_of, document))


def _renamed(document: Document, renaming: Renaming, results: Results) -> tuple[Document, Deidentified, bool]:
    """The document under its new name, what became of it, and whether its name was hidden."""
    (made,) = results
    assert made is not None  # a row of one document is whole
    named = renaming(document.with_entities(made.entities))
    return named, made, named.doc_id != document.doc_id and not renaming.number_all


def _note(document: Document, renaming: Renaming, target: str, is_folder: bool, results: Results) -> Written:
    named, made, is_renamed = _renamed(document, renaming, results)
    name = f"{target}/{named.doc_id}.txt".removeprefix("/") if is_folder else target
    return Written(name, made.text, is_added=False, is_renamed=is_renamed and is_folder)


def _line(document: Document, renaming: Renaming, like: Corpus, target: str, results: Results) -> Written:
    named, made, is_renamed = _renamed(document, renaming, results)
    entities = tuple(
        Entity(each.new_start, each.new_end, each.label, entity.score)
        for each, entity in zip(made.replacements, made.entities, strict=True)
        if each.new_end > each.new_start
    )
    written = Document(named.doc_id, made.text, entities, named.group)
    return Written(target, line_of(written, like), is_renamed=is_renamed)
