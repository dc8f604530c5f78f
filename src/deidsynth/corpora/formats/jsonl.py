"""JSON lines: ``doc_id, text, entities [{start, end, label, score?}], group?, origin?, annotation?, language?``.

A source is a file, a folder with ``train.jsonl`` and the like (the file name is the split), or a folder of other files.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import IO, Any

from deidsynth.corpora.folders import files_below
from deidsynth.corpora.json_source import FieldError, document_id, text_lines
from deidsynth.corpora.output import Source, encodable
from deidsynth.corpora.records import (
    ANNOTATIONS,
    ORIGINS,
    SPLIT_NAMES,
    Choice,
    RawSpan,
    ReadResult,
    Record,
    build_corpus,
    check_records,
    one_of,
)
from deidsynth.documents import SPLITS, Corpus, Document, Split
from deidsynth.errors import InputError, Problem, UnrepresentableError
from deidsynth.files import whole_file, whole_folder
from deidsynth.languages import language_code
from deidsynth.plain_data import RepeatedKeyError, read_json

NAME = "jsonl"
SUFFIX = ".jsonl"

_KEYS = frozenset({"doc_id", "text", "entities", "group", "origin", "annotation", "language"})
_ENTITY_KEYS = frozenset({"start", "end", "label", "score"})


def sniff(path: Path) -> bool:
    """Whether the path looks like JSON lines."""
    return bool(_files(path)) if path.is_dir() else path.suffix.lower() == SUFFIX


def read_records(path: Path, *, texts_only: bool = False) -> ReadResult:
    """Raw records and problems of a file or a folder.

    Args:
        path: a file, or a folder with files.
        texts_only: whether an object needs only ``text``; without ``doc_id`` or ``id`` it is named after its line.
    """
    result = ReadResult(NAME)
    result.records += stream_records(path, result, texts_only=texts_only)
    return result


def stream_records(path: Path, result: ReadResult, *, texts_only: bool = False) -> Iterator[Record]:
    """The records of a file or a folder, one by one.

    Args:
        path: as for ``read_records``.
        result: gets the problems and what is skipped, not the records.
        texts_only: as for ``read_records``.
    """
    files = _files(path) if path.is_dir() else [path]
    splits = {file: SPLIT_NAMES.get(file.stem.lower()) for file in files} if path.is_dir() else {}
    if any(splits.values()):
        outside = [file for file in files if splits[file] is None]
        files = [file for file in files if splits[file] is not None]
        if outside:
            result.skipped["files_outside_splits"] += len(outside)
    n_below = len(files_below(path, SUFFIX)) - len(_files(path)) if path.is_dir() else 0
    if n_below:
        result.skipped["files_in_subfolders"] += n_below
    for file in files:
        yield from _records_of(file, splits.get(file), result, texts_only)


def read_jsonl(path: str | Path, language: str | None = None) -> Corpus:
    """The corpus of one file; it may be empty.

    Args:
        path: a file of JSON lines.
        language: ISO 639-1 code; by default what all lines agree on.

    Raises:
        InputError: no such file.
        CorpusError: the file has faults; all are listed with their lines.
    """
    file = Path(path)
    if not file.is_file():
        raise InputError(f"{file}: no such file; give the path of a {SUFFIX} file")
    result = ReadResult(NAME)
    result.records += _records_of(file, None, result)
    result.problems += check_records(result.records)
    return build_corpus(result, language=language)


def write_jsonl(corpus: Corpus, path: str | Path) -> None:
    """Write the corpus into one file, atomically; an existing file is replaced.

    Raises:
        UnrepresentableError: a text has a lone surrogate, which UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """
    write_documents(corpus, corpus, Path(path))


def write_documents(documents: Iterable[Document], like: Source, path: Path) -> None:
    """Write documents into one file as they come, atomically; an existing file is replaced.

    Args:
        documents: taken one by one.
        like: a corpus with their origin, annotation and language.
        path: of the file.

    Raises:
        UnrepresentableError: a text has a lone surrogate, which UTF-8 cannot encode; nothing is written.
        StorageError: the disk is full or not writable.
    """
    with (
        whole_file(path, private=like.origin == "real") as temporary,
        temporary.open("w", encoding="utf-8", newline="\n") as file,
    ):
        file.writelines(line_of(document, like) for document in encodable(documents))


def write(corpus: Source, path: Path, splits: Mapping[str, Split] | None) -> Counter[str]:
    """An empty counter, since the format can store everything, after writing the corpus into a new file or folder.

    Args:
        corpus: what to write.
        path: a name that ends in ``.jsonl`` becomes a file, any other a folder with a file for each split.
        splits: split of every document id, or None; only a folder can store them.

    Raises:
        UnrepresentableError: splits for a single file, or a text with a lone surrogate, which UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """
    if path.suffix == SUFFIX:
        if splits:
            raise UnrepresentableError(
                f"{path}: one file cannot store splits; give a folder as TARGET to keep {'/'.join(SPLITS)}"
            )
        write_documents(corpus, corpus, path)
        return Counter()
    with whole_folder(path, private=corpus.origin == "real") as temporary, ExitStack() as stack:
        files: dict[Split | None, IO[str]] = {}
        for document in encodable(corpus):
            split = splits[document.doc_id] if splits else None
            if split not in files:
                file = (temporary / f"{split or 'corpus'}{SUFFIX}").open("w", encoding="utf-8", newline="\n")
                files[split] = stack.enter_context(file)
            files[split].write(line_of(document, corpus))
    return Counter()


def _files(folder: Path) -> list[Path]:
    found = (file for file in folder.iterdir() if file.suffix.lower() == SUFFIX and not file.name.startswith("."))
    return sorted(file for file in found if not file.is_dir())


def _records_of(path: Path, split: Split | None, result: ReadResult, texts_only: bool = False) -> Iterator[Record]:
    for line, number in text_lines(path, result):
        try:
            data = _parse(line)
            if texts_only:
                name = document_id(data.get("doc_id", data.pop("id", None)), f"{path.stem}-{number}")
                data = {"entities": [], **data, "doc_id": name}
            yield _record(data, str(path), number, split, result)
        except FieldError as error:
            result.problems.append(Problem(str(path), str(error), number, error.code))


def _parse(line: str) -> dict[str, Any]:
    try:
        data = read_json(line)
    except RepeatedKeyError as error:
        raise FieldError(str(error)) from None
    except json.JSONDecodeError as error:
        raise FieldError(f"not JSON at column {error.colno}; write one object on each line") from None
    except (ValueError, RecursionError):
        raise FieldError("not JSON that can be read: a number too long or nesting too deep") from None
    if not isinstance(data, dict):
        raise FieldError("expected an object with doc_id, text and entities; write one object on each line")
    return data


def _record(data: dict[str, Any], path: str, number: int, split: Split | None, result: ReadResult) -> Record:
    missing = [key for key in ("doc_id", "text", "entities") if key not in data]
    if missing:
        raise FieldError(f"the object has no {' and no '.join(missing)}; add what is missing (entities may be [])")
    for key in ("doc_id", "text"):
        if not isinstance(data[key], str):
            raise FieldError(f"{key} must be a string; put it in quotes")
    if not isinstance(data["entities"], list):
        raise FieldError("entities must be a list of objects; write [] if there are none")
    group = data.get("group")
    if group is not None and not (isinstance(group, str) and group):
        raise FieldError("group must be a non-empty string; leave it out if there is none")
    origin = _choice(data, "origin", ORIGINS)
    annotation = _choice(data, "annotation", ANNOTATIONS)
    language = _language(data)
    _count_unknown(data, _KEYS, result.skipped)
    spans: list[RawSpan] = []
    for entity in data["entities"]:
        try:
            spans.append(_span(entity, number, result.skipped))
        except FieldError as error:
            result.problems.append(Problem(path, str(error), number, error.code, of_entity=True))
    return Record(
        data["doc_id"], data["text"], tuple(spans), path, number, group, split, origin, annotation, language=language
    )


def _span(entity: Any, number: int, skipped: Counter[str]) -> RawSpan:
    if not isinstance(entity, dict):
        raise FieldError("an entity must be an object with start, end and label")
    missing = [key for key in ("start", "end", "label") if key not in entity]
    if missing:
        raise FieldError(f"an entity has no {' and no '.join(missing)}; add what is missing")
    start, end, label, score = entity["start"], entity["end"], entity["label"], entity.get("score")
    if type(start) is not int or type(end) is not int:
        raise FieldError("start and end of an entity must be integers; they count Unicode code points")
    if not isinstance(label, str):
        raise FieldError("the label of an entity must be a string; put it in quotes")
    if score is not None and (type(score) not in (int, float) or not 0 <= score <= 1):
        raise FieldError("the score of an entity must be a number in [0, 1]; leave it out if there is none")
    _count_unknown(entity, _ENTITY_KEYS, skipped)
    return RawSpan(start, end, label, score if score is None else float(score), number)


def _choice(data: Mapping[str, Any], key: str, choices: tuple[Choice, ...]) -> Choice | None:
    try:
        return one_of(data.get(key), choices)
    except ValueError:
        raise FieldError(f"{key} must be one of {', '.join(choices)}; leave it out if it is unknown") from None


def _language(data: Mapping[str, Any]) -> str | None:
    try:
        return language_code(data.get("language"))
    except ValueError as error:
        raise FieldError(f"language: {error}; leave it out if it is unknown") from None


def _count_unknown(data: Mapping[str, Any], known: frozenset[str], skipped: Counter[str]) -> None:
    unknown = data.keys() - known
    if unknown:
        skipped["unknown_keys"] += len(unknown)


def line_of(document: Document, corpus: Source) -> str:
    """The line of a document.

    Args:
        document: what to write.
        corpus: with its origin, annotation and language.
    """
    return json.dumps(_plain(document, corpus), ensure_ascii=False) + "\n"


def _plain(document: Document, corpus: Source) -> dict[str, Any]:
    entities = [
        {"start": entity.start, "end": entity.end, "label": entity.label}
        | ({} if entity.score is None else {"score": entity.score})
        for entity in document.entities
    ]
    group = {} if document.group is None else {"group": document.group}
    language = {} if corpus.language is None else {"language": corpus.language}
    return {
        "doc_id": document.doc_id,
        "text": document.text,
        "entities": entities,
        **group,
        "origin": corpus.origin,
        "annotation": corpus.annotation,
        **language,
    }
