"""Loading the user's files as corpora."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from deidsynth.cli.options import Discontinuous
from deidsynth.cli.settings import layout_config
from deidsynth.cli.terminal import tell
from deidsynth.corpora import LabelMapping, LoadedCorpus
from deidsynth.corpora.conversions import told
from deidsynth.corpora.formats.column_roles import NO_ENTITY_COLUMN
from deidsynth.corpora.invalid_entities import INVALID, left_out_lines
from deidsynth.corpora.loading import read_corpus
from deidsynth.corpora.note_formats import TEXT
from deidsynth.corpora.nothing_found import refuse_unlabeled
from deidsynth.corpora.offset_units import UTF16_OFFSETS
from deidsynth.corpora.records import ReadResult
from deidsynth.corpora.repairing import REPAIRS
from deidsynth.corpora.streams import CorpusStream, stream_corpus, stream_notes
from deidsynth.corpora.texts import read_notes
from deidsynth.documents import Corpus
from deidsynth.errors import InputError
from deidsynth.files import refuse_special
from deidsynth.workflow.alone import refuse_unwritable_output

_TOLD = (NO_ENTITY_COLUMN, UTF16_OFFSETS)
"""Codes of the warnings that are told in full: the entities may be missing or at wrong places."""


def load(
    path: Path,
    quiet: bool,
    *,
    language: str | None = None,
    group_by: str | None = None,
    discontinuous: Discontinuous = Discontinuous.REFUSE,
    format: str = "auto",
    layout: Sequence[str] | None = None,
    own_layout: tuple[str, Sequence[str]] = ("", ()),
    require_entities: bool = True,
    texts_suffice: bool = False,
    texts: Mapping[str, str] | None = None,
    mapping: LabelMapping | None = None,
    texts_only: bool = False,
    skip_invalid: bool = False,
    repair: bool = False,
) -> LoadedCorpus:
    """The corpus at a path; what was skipped is reported on standard error.

    Args:
        path: file or folder.
        quiet: whether to suppress messages.
        language: as for ``read_corpus``.
        group_by: regular expression that finds the group in a document's name.
        discontinuous: what to do with discontinuous entities.
        format: name, or ``auto``.
        layout: details that the format leaves open, as ``KEY=VALUE``.
        own_layout: the name of an option and its settings, which override ``layout``.
        require_entities: whether a corpus without any entity is an error.
        texts_suffice: whether to accept a table without a known entity column, although an ignored one may be it.
        texts: the exact text of documents by id, for a brat folder that contains only ``.ann`` files.
        mapping: renames and drops labels before they are checked.
        texts_only: whether nothing but the texts is wanted: entities and their columns may be missing.
        skip_invalid: whether to leave out entities that have a fault; each is told by its place.
        repair: as for ``read_corpus``; the caller tells what was repaired.

    Raises:
        InputError: no such path, or no known format.
        CorpusError: faults in the corpus, or no entities although they are required.
        ConfigError: an unknown layout key.
    """
    loaded = read_corpus(
        path,
        format=format,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous.value,
        layout=layout_config(layout, own_layout),
        require_entities=require_entities and not texts_only,
        texts=texts,
        mapping=mapping,
        skip_invalid=skip_invalid,
        repair=repair,
        texts_only=texts_only,
    )
    if texts_only:
        loaded = replace(loaded, problems=tuple(each for each in loaded.problems if each.code != NO_ENTITY_COLUMN))
    elif not texts_suffice:
        refuse_unlabeled(loaded.problems)
    tell_problems(path, loaded, quiet, read_like(format, [*(layout or ()), *own_layout[1]]))
    return loaded


def read_like(format: str, layout: Sequence[str]) -> str:
    """The options, each after a blank, with which another command reads a corpus in the same way."""
    options = ([] if format == "auto" else ["--from", format]) + [f"--layout {shlex.quote(each)}" for each in layout]
    return "".join(f" {option}" for option in options)


def tell_problems(path: Path, read: LoadedCorpus | ReadResult, quiet: bool, options: str = "") -> None:
    """Say what was not read from a corpus: skipped content, entities left out, and the number of warnings.

    Args:
        path: of the corpus.
        read: what was read.
        quiet: whether to say nothing.
        options: with which it was read, each after a blank, for the command that lists the warnings.
    """
    others = [problem for problem in read.problems if not problem.of_entity and problem.code not in REPAIRS]
    skipped = {what: count for what, count in read.skipped.items() if what != INVALID}
    for line in told(skipped):
        tell(f"{path}: {line}", quiet)
    for message in left_out_lines(read.problems, str(path), options):
        tell(message, quiet)
    for problem in others:
        if problem.code in _TOLD:
            tell(str(problem), quiet)
    if others:
        count = len(others)
        tell(f"{path}: {count} warning{'' if count == 1 else 's'}; see: deidsynth corpus check {path}{options}", quiet)


def format_counter(counts: Mapping[str, int]) -> str:
    """Counts as ``3 notes, 1 relations``."""
    return ", ".join(f"{count} {what.replace('_', ' ')}" for what, count in sorted(counts.items()))


def training_documents(loaded: LoadedCorpus, quiet: bool) -> Corpus:
    """The documents to train on: the train split if the source names one, else all."""
    if "train" not in loaded.splits.values():
        return loaded.corpus
    chosen = loaded.corpus.with_documents(
        document for document in loaded.corpus if loaded.splits.get(document.doc_id) == "train"
    )
    tell(f"using the {len(chosen)} documents of the train split, of {len(loaded.corpus)} in total", quiet)
    return chosen


def load_texts(
    path: Path,
    quiet: bool,
    *,
    language: str | None = None,
    format: str = TEXT,
    layout: Sequence[str] | None = None,
    skip_invalid: bool = False,
    group_by: str | None = None,
) -> Corpus:
    """Documents without entities: plain notes, or the texts of a corpus, whose entities are dropped.

    Documents of a corpus have the same ids as in every other command; the id of a plain note is its path below the
    folder.

    Args:
        path: file or folder.
        quiet: whether to suppress messages.
        language: as for ``read_corpus``.
        format: name of a corpus format, or ``text`` for plain notes.
        layout: as for ``load``.
        skip_invalid: as for ``load``.
        group_by: as for ``load``; plain notes have no groups.

    Raises:
        InputError: no such path, or an unknown format.
        CorpusError: faults in the corpus or the texts.
        ConfigError: an unknown layout key.
    """
    if format == TEXT:
        layout_config(layout)
        return read_notes(path, language=language)
    loaded = load(
        path,
        quiet,
        language=language,
        group_by=group_by,
        discontinuous=Discontinuous.JOIN,
        format=format,
        layout=layout,
        texts_only=True,
        skip_invalid=skip_invalid,
    )
    return loaded.corpus.with_documents(document.with_entities(()) for document in loaded.corpus)


def stream(
    path: Path,
    quiet: bool,
    *,
    language: str | None = None,
    group_by: str | None = None,
    discontinuous: Discontinuous = Discontinuous.REFUSE,
    format: str = "auto",
    layout: Sequence[str] | None = None,
    require_entities: bool = True,
    skip_invalid: bool = False,
    texts_only: bool = False,
) -> tuple[CorpusStream, LoadedCorpus] | None:
    """What ``load`` gives, with the documents apart, which are read as they are needed; for arguments see there.

    Returns:
        None if the format cannot be read document by document; then nothing was told.

    Raises:
        InputError: no such path, or no known format.
        CorpusError: faults in the corpus, or no entities although they are required.
        ConfigError: an unknown layout key.
    """
    found = stream_corpus(
        path,
        format=format,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous.value,
        layout=layout_config(layout),
        require_entities=require_entities,
        skip_invalid=skip_invalid,
        texts_only=texts_only,
    )
    if found is not None:
        tell_problems(path, found[1], quiet, read_like(format, layout or ()))
    return found


def stream_texts(
    path: Path,
    quiet: bool,
    *,
    format: str,
    layout: Sequence[str] | None = None,
    skip_invalid: bool = False,
    group_by: str | None = None,
) -> CorpusStream:
    """The documents of ``load_texts``, read as they are needed where the format allows it; for arguments see there.

    Raises:
        InputError: no such path, or an unknown format.
        CorpusError: faults in the corpus or the texts; all are listed before the first document is given.
        ConfigError: an unknown layout key.
    """
    if format == TEXT:
        layout_config(layout)
        return stream_notes(path)
    found = stream(
        path,
        quiet,
        group_by=group_by,
        discontinuous=Discontinuous.JOIN,
        format=format,
        layout=layout,
        require_entities=False,
        skip_invalid=skip_invalid,
        texts_only=True,
    )
    if found is not None:
        return found[0].without_entities()
    texts = load_texts(path, quiet, format=format, layout=layout, skip_invalid=skip_invalid, group_by=group_by)
    return CorpusStream(texts.doc_ids, texts.with_documents(()), lambda: iter(texts))


def refuse_standard_output(path: Path) -> None:
    """Refuse ``-`` as an output.

    Raises:
        InputError: it is ``-``.
    """
    if str(path) == "-":
        raise InputError("--output -: texts are not written to standard output; give the name of a file or folder")


def prepare_output(path: Path) -> None:
    """Create the parent folder of an output file.

    Raises:
        InputError: the path is ``-``, a folder or a device, or its parent is not writable.
    """
    refuse_standard_output(path)
    refuse_special(path)
    if path.is_dir():
        raise InputError(f"{path}: is a folder; give the name of a file")
    refuse_unwritable_output(path)
    path.parent.mkdir(parents=True, exist_ok=True)
