"""From a path to a corpus: detect the format, read, check everything, group, build."""

from __future__ import annotations

import hashlib
import re
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from deidsynth.config import LayoutConfig, parse
from deidsynth.corpora.conversions import told
from deidsynth.corpora.finding import count_other_formats, find_format, require_path
from deidsynth.corpora.formats.registry import get_format
from deidsynth.corpora.invalid_entities import leave_out_invalid, left_out_lines
from deidsynth.corpora.mapping import LabelMapping, map_records
from deidsynth.corpora.nothing_found import no_entities, refuse_unlabeled, why_empty
from deidsynth.corpora.offset_units import settle_units
from deidsynth.corpora.opening import why_not
from deidsynth.corpora.provenance import lineage_beside
from deidsynth.corpora.records import (
    Discontinuous,
    ReadOptions,
    ReadResult,
    Record,
    build_corpus,
    check_records,
    drop_versions,
    settle_texts,
)
from deidsynth.corpora.repairing import repair_records
from deidsynth.digests import ALGORITHM, canonical_json
from deidsynth.documents import Corpus, Document, Origin, Split
from deidsynth.errors import ConfigError, CorpusError, InputError, Problem
from deidsynth.files import MANIFEST
from deidsynth.languages import checked_code


@dataclass(frozen=True, slots=True, repr=False)
class LoadedCorpus:
    """A corpus with what its source states beyond the documents.

    Args:
        corpus: the documents.
        splits: the split of each document id; empty if the source names none.
        skipped: how much of the source was left out, by kind.
        format: name of the format that was read.
        problems: warnings, which do not prevent loading.
        dropped: entities whose label a mapping dropped, by that label.
        states_origin: whether the source, or who reads it, says where the text comes from.
    """

    corpus: Corpus
    splits: Mapping[str, Split] = field(default_factory=dict)
    skipped: Counter[str] = field(default_factory=Counter)
    format: str = ""
    problems: tuple[Problem, ...] = ()
    dropped: Counter[str] = field(default_factory=Counter)
    states_origin: bool = True

    def with_splits(self) -> Corpus:
        """The corpus with the ``split`` of each document set to the one that the source names."""
        return self.corpus.with_documents(
            replace(document, split=self.splits.get(document.doc_id)) for document in self.corpus
        )

    def left_out(self, source: str, how: str = "") -> list[str]:
        """The entities that ``skip_invalid`` left out, by place, as one message for the user; none if there are none.

        Args:
            source: what was read, as shown to the user.
            how: options with which it was read, each after a blank, for the command that lists all of them.
        """
        return left_out_lines(self.problems, source, how)

    def warn(self, source: str) -> None:
        """Issue Python warnings about skipped content of the source and about non-fatal problems.

        Args:
            source: what was read, as shown to the user.
        """
        for line in told(self.skipped):
            warnings.warn(f"{source}: {line}", stacklevel=3)
        if self.problems:
            others = f"; {len(self.problems) - 1} more like this" if len(self.problems) > 1 else ""
            warnings.warn(f"{self.problems[0]}{others}", stacklevel=3)

    def __repr__(self) -> str:
        splits = dict(Counter(self.splits.values()))
        return f"LoadedCorpus({self.corpus!r}, splits={splits}, skipped={dict(self.skipped)}, format={self.format!r})"


def check_corpus(
    path: str | Path,
    *,
    format: str = "auto",
    discontinuous: Discontinuous = "refuse",
    layout: LayoutConfig | Mapping[str, Any] | None = None,
    texts: Mapping[str, str] | None = None,
    mapping: LabelMapping | None = None,
    skip_invalid: bool = False,
    repair: bool = False,
    texts_only: bool = False,
) -> ReadResult:
    """Raw records and every problem of a corpus on disk; problems are returned, not raised.

    Args:
        path: file or folder.
        format: name of the format, or ``auto`` to detect it.
        discontinuous: ``join`` takes the span that covers all fragments; ``refuse`` reports a problem.
        layout: details that the format leaves open, such as columns.
        texts: the exact text of documents by id, for a brat folder that contains only ``.ann`` files.
        mapping: renames, merges and drops labels before they are checked.
        skip_invalid: leave out entities that have a fault; their problems are not fatal then.
        repair: trim blanks, join entities that only white space parts and drop empty ones; problems tell of each.
        texts_only: in JSON lines, accept objects that have only a text.

    Raises:
        InputError: no such path, an unknown or ambiguous format, or a folder that cannot be listed.
        ConfigError: an unknown layout key.
        CorpusError: labels that the mapping does not list, if it refuses them.
    """
    path = require_path(path)
    if not isinstance(layout, LayoutConfig):
        layout = parse(LayoutConfig, layout or {}, source="layout", typed=True)
    with reading_errors(path):
        chosen = get_format(find_format(path, layout) if format == "auto" else format)
        result = chosen.read(path, ReadOptions(discontinuous, layout, texts or {}, texts_only))
        n_others = count_other_formats(path, result.format, result.files())
    if n_others:
        result.skipped["files_of_other_formats"] += n_others
    settle_texts(result)
    settle_units(result)
    drop_versions(result)
    if mapping is not None:
        result.records, dropped = map_records(result.records, mapping)
        result.dropped += dropped
    if repair:
        result.records, repairs = repair_records(result.records)
        result.problems += repairs
    if skip_invalid:
        leave_out_invalid(result)
    result.problems += check_records(result.records)
    return result


@contextmanager
def reading_errors(path: Path) -> Iterator[None]:
    """A context in which what the system says of a file or folder becomes an error for the user.

    Raises:
        InputError: something cannot be read.
    """
    try:
        yield
    except OSError as error:
        raise InputError(f"{error.filename or path}: {why_not(error)}") from None


def load_corpus(
    path: str | Path,
    *,
    format: str = "auto",
    language: str | None = None,
    group_by: str | None = None,
    discontinuous: Discontinuous = "refuse",
    layout: LayoutConfig | Mapping[str, Any] | None = None,
    origin: Origin | None = None,
    require_entities: bool = True,
    texts: Mapping[str, str] | None = None,
    mapping: LabelMapping | None = None,
    skip_invalid: bool = False,
    repair: bool = False,
) -> Corpus:
    """The checked corpus at a path; its documents have the splits that the source names.

    Skipped content and non-fatal problems are reported as Python warnings.

    Args:
        path: file or folder.
        format: name of the format, or ``auto`` to detect it.
        language: language code of the text, two letters (ISO 639-1) or three (ISO 639-3), in any case; by default what
            the source states.
        group_by: regular expression on the document id; its first group, or the whole match, names the group of the
            document and overrides the source.
        discontinuous: ``join`` takes the span that covers all fragments of an entity; ``refuse`` raises an error.
        layout: details that the format leaves open, such as ``{"columns": {"tag": 1}}``; the keys are those of
            ``corpus.layout``.
        origin: where the text comes from; by default what the source states, else ``real``.
        require_entities: whether a corpus without any entity is an error.
        texts: the exact text of documents by id, for a brat folder that contains only ``.ann`` files.
        mapping: renames, merges and drops labels before they are checked, so that it may also rename those that no
            corpus can have, such as ``First Name``.
        skip_invalid: leave out entities that have a fault instead of raising an error.
        repair: trim blanks at the ends of entities, join entities that only white space parts, and drop empty ones.

    Raises:
        InputError: no such path, an unknown or ambiguous format, or an invalid language code.
        CorpusError: faults (all are listed), no documents, no entities, labels that the mapping refuses, or
            ids that ``group_by`` does not match.
        ConfigError: ``group_by`` is not a regular expression, or an unknown layout key.
    """
    loaded = read_corpus(
        path,
        format=format,
        language=language,
        group_by=group_by,
        discontinuous=discontinuous,
        layout=layout,
        origin=origin,
        require_entities=require_entities,
        texts=texts,
        mapping=mapping,
        skip_invalid=skip_invalid,
        repair=repair,
    )
    loaded.warn(str(path))
    return loaded.with_splits()


def read_corpus(
    path: str | Path,
    *,
    format: str = "auto",
    language: str | None = None,
    group_by: str | None = None,
    discontinuous: Discontinuous = "refuse",
    layout: LayoutConfig | Mapping[str, Any] | None = None,
    origin: Origin | None = None,
    require_entities: bool = True,
    texts: Mapping[str, str] | None = None,
    mapping: LabelMapping | None = None,
    skip_invalid: bool = False,
    repair: bool = False,
    texts_only: bool = False,
) -> LoadedCorpus:
    """The corpus at a path with its splits, skipped content and warnings.

    Args:
        path: as for ``load_corpus``.
        format: see there.
        language: see there.
        group_by: see there.
        discontinuous: see there.
        layout: see there.
        origin: see there.
        require_entities: whether it is an error if a corpus has no entities, or if a table has unused columns but no
            known entity column.
        texts: see there.
        mapping: see there.
        skip_invalid: see there.
        repair: see there.
        texts_only: as for ``check_corpus``.

    Raises:
        InputError: no such path, an unknown or ambiguous format, or an invalid language code.
        CorpusError: faults (all are listed), no documents, no entities, or ids that ``group_by`` does not match.
        ConfigError: ``group_by`` is not a regular expression, or an unknown layout key.
    """
    language, path = language_of(language), corpus_of_artifact(Path(path))
    result = check_corpus(
        path,
        format=format,
        discontinuous=discontinuous,
        layout=layout,
        texts=texts,
        mapping=mapping,
        skip_invalid=skip_invalid,
        repair=repair,
        texts_only=texts_only,
    )
    if not result.records and not result.problems:
        raise CorpusError(f"{path}: {why_empty(result)}")
    corpus = replace(build_corpus(result, origin=origin, language=language), lineage=lineage_beside(path))
    if require_entities:
        refuse_unlabeled(result.problems)
    is_to_annotate = (corpus.origin, corpus.annotation) == ("synthetic", "silver")
    if require_entities and not corpus.n_entities and not is_to_annotate:
        raise no_entities(path, len(corpus), result.problems)
    if group_by is not None:
        corpus = _grouped(corpus, group_by)
    splits = {record.doc_id: record.split for record in result.records if record.split is not None}
    stated = {origin} if origin is not None else {record.origin for record in result.records}
    is_stated = len(stated) == 1 and None not in stated
    return LoadedCorpus(
        corpus, splits, result.skipped, result.format, tuple(result.problems), result.dropped, is_stated
    )


def corpus_of_artifact(path: Path) -> Path:
    """The corpus in the folder of an artifact, which has other files beside it; any other path as it is."""
    return path / "corpus.jsonl" if all((path / name).is_file() for name in (MANIFEST, "corpus.jsonl")) else path


def content_digest(loaded: LoadedCorpus) -> str:
    """``sha256:`` and the hex digest of documents, splits, origin, annotation and language, in any document order.

    The digest is part of the key of every artifact made from the corpus: changing it invalidates all of them.
    """
    corpus = loaded.corpus
    digest = hashlib.new(ALGORITHM, canonical_json([corpus.origin, corpus.annotation, corpus.language]).encode("ascii"))
    for document in sorted(corpus, key=lambda document: document.doc_id):
        content = canonical_json(_content(document, loaded.splits.get(document.doc_id)))
        digest.update(f"\n{content}".encode("ascii"))
    return f"{ALGORITHM}:{digest.hexdigest()}"


def language_of(language: str | None) -> str | None:
    """The code of a language that the user gives.

    Raises:
        InputError: it is none.
    """
    try:
        return checked_code(language)
    except ValueError as error:
        raise InputError(f"corpus.language: {error}, got {language!r}; give it with --language") from None


def _grouped(corpus: Corpus, group_by: str) -> Corpus:
    groups = groups_of(corpus.doc_ids, group_by)
    return corpus.with_documents(replace(document, group=group) for document, group in zip(corpus, groups, strict=True))


def grouped_records(records: Sequence[Record], group_by: str) -> list[Record]:
    """The records with the groups found in their names.

    Raises:
        ConfigError: ``group_by`` is not a regular expression.
        CorpusError: it does not match some names.
    """
    groups = groups_of([record.doc_id for record in records], group_by)
    return [replace(record, group=group) for record, group in zip(records, groups, strict=True)]


def groups_of(names: Sequence[str], group_by: str) -> list[str]:
    """The groups found in the names of documents.

    Raises:
        ConfigError: ``group_by`` is not a regular expression.
        CorpusError: it does not match some names.
    """
    try:
        pattern = re.compile(group_by)
    except re.error as error:
        place = "" if error.pos is None else f" at character {error.pos + 1}"
        raise ConfigError([f"corpus.group_by: not a regular expression ({error.msg}{place})"], "--group-by") from None
    groups = [_group_name(pattern.search(name)) for name in names]
    found = [group for group in groups if group is not None]
    if len(found) < len(groups):
        raise CorpusError(
            f"corpus.group_by finds no group in {len(groups) - len(found)} of {len(groups)} document names; "
            "change the expression (--group-by) so that its first group matches in every name"
        )
    return found


def _group_name(match: re.Match[str] | None) -> str | None:
    if match is None:
        return None
    name: str | None = match.group(1 if match.re.groups else 0)
    return name or None


def _content(document: Document, split: Split | None) -> Sequence[object]:
    entities = [[entity.start, entity.end, entity.label, entity.score] for entity in document.entities]
    return [document.doc_id, document.text, entities, document.group, split]
