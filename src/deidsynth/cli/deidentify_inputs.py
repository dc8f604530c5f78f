"""What ``deidsynth deidentify`` is given: where it is read, and where it is written to."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deidsynth.cli.inputs import prepare_output, stream_texts
from deidsynth.cli.settings import layout_config
from deidsynth.cli.terminal import tell
from deidsynth.corpora.finding import require_path
from deidsynth.corpora.folders import files_below, refuse_unsafe_names
from deidsynth.corpora.formats.jsonl import SUFFIX as JSON_LINES
from deidsynth.corpora.formats.registry import SUFFIXES
from deidsynth.corpora.formats.table import DELIMITERS, PARQUET
from deidsynth.corpora.note_formats import TEXT, named_files, other_files, plain_format
from deidsynth.deidentification.inputs import delimited, json_values, parquet, texts
from deidsynth.deidentification.inputs.columns import Columns
from deidsynth.deidentification.inputs.json_survey import refuse_missing
from deidsynth.deidentification.inputs.rows import Row, Source
from deidsynth.deidentification.partial import Partial
from deidsynth.digests import file_digest
from deidsynth.errors import CorpusError, InputError
from deidsynth.files import make_private_folder, remove_tree, temporary_beside
from deidsynth.plain_data import looks_like_key
from deidsynth.workflow.alone import refuse_occupied

STANDARD_INPUT = "-"
JSON = ".json"
TABLES = (*DELIMITERS, PARQUET, JSON_LINES, JSON)
"""Suffixes of what ``--column`` reads."""

MOST_PATHS = 20
"""Most paths in JSON that are named as kept."""

_SUFFIX_OF_FORMAT = {"auto": ".txt", TEXT: ".txt", "jsonl": JSON_LINES, "table": ".csv", "json": JSON}


@dataclass(frozen=True)
class Asked:
    """How inputs are read.

    Args:
        format: name of a corpus format, ``text`` or ``auto``.
        layout: details of the format.
        skip_invalid: whether to leave out entities that have a fault.
        columns: which columns, or paths in JSON, hold what; None for notes and corpora.
        number_all: whether all names and ids become numbers.
        group_by: regular expression that finds the patient in a name.
        quiet: whether to say nothing.
    """

    format: str
    layout: Sequence[str] | None
    skip_invalid: bool
    columns: Columns | None
    number_all: bool
    group_by: str | None
    quiet: bool


@dataclass(frozen=True)
class Inputs:
    """What is read.

    Args:
        sources: the inputs, in their order.
        file: the only target, if the output is a file.
        n_skipped: files that are not read.
        states: what tells the inputs from others; of standard input, its content.
    """

    sources: tuple[Source, ...]
    file: str | None
    n_skipped: int
    states: tuple[Any, ...]


@dataclass(frozen=True)
class Given:
    """What the user gave, all of it files and folders.

    Args:
        paths: in their order.
        standard_input: the one of them that holds what came by standard input.
    """

    paths: tuple[Path, ...]
    standard_input: Path | None = None


@contextmanager
def at_hand(paths: Sequence[Path], output: Path, format: str) -> Iterator[Given]:
    """A context in which every input is a file or folder: standard input lies in a private file beside the output.

    Faults of that file are told as those of ``-``.
    """
    if paths.count(Path(STANDARD_INPUT)) > 1:
        raise InputError("-: standard input can be read once; give it once")
    if Path(STANDARD_INPUT) not in paths:
        yield Given(tuple(paths))
        return
    if format not in _SUFFIX_OF_FORMAT:
        raise InputError(
            f"-: standard input is read as {', '.join(_SUFFIX_OF_FORMAT)}; write it into a file for {format}"
        )
    folder = temporary_beside(output.resolve())
    make_private_folder(folder)
    try:
        file = folder / f"standard-input{_SUFFIX_OF_FORMAT[format]}"
        with file.open("wb") as stream:
            shutil.copyfileobj(sys.stdin.buffer, stream)
        yield Given(tuple(file if path == Path(STANDARD_INPUT) else path for path in paths), file)
    except CorpusError as error:
        problems = [replace(each, path=each.path.replace(str(file), STANDARD_INPUT)) for each in error.problems]
        raise (CorpusError(problems) if problems else error) from None
    except InputError as error:
        if type(error) is not InputError:
            raise
        raise InputError(str(error).replace(str(file), STANDARD_INPUT)) from None
    finally:
        remove_tree(folder)


def read_inputs(given: Given, output: Path, asked: Asked) -> Inputs:
    """The inputs, after every fault that can be told without a model.

    Args:
        given: by the user.
        output: file or folder to write to.
        asked: how they are read.

    Raises:
        InputError: an input that is not there or is not read, or an output that cannot be written.
        CorpusError: faults in a corpus.
        ConfigError: an unknown layout key, or a wrong regular expression.
    """
    paths = given.paths
    for path in paths:
        if output.resolve() == path.resolve():
            raise InputError(f"{output}: is the same as the input; choose another output")
    if asked.columns is not None:
        sources, file, n_skipped = _tables(paths, output, asked, asked.columns)
    elif len(paths) > 1:
        sources, file, n_skipped = _several(paths, output, asked)
    else:
        sources, file, n_skipped = _one(paths[0], output, asked)
    states = tuple(file_digest(path) if path == given.standard_input else _state(path) for path in paths)
    sources = [_of_standard_input(each) if each.path == given.standard_input else each for each in sources]
    return Inputs(tuple(sources), file, n_skipped, states)


def _one(path: Path, output: Path, asked: Asked) -> tuple[list[Source], str | None, int]:
    format = plain_format(path) if asked.format == "auto" else asked.format
    is_folder = _writes_folder(path, output, format)
    source = _texts(path, "" if is_folder else output.name, asked, format, is_folder=is_folder)
    if is_folder:
        refuse_used(output, output)
    else:
        prepare_output(output)
    n_skipped = _tell_skipped(path, format, asked.quiet)
    return [source], None if is_folder else output.name, n_skipped


def _several(paths: Sequence[Path], output: Path, asked: Asked) -> tuple[list[Source], str | None, int]:
    _require_folder(output, "several inputs are")
    sources, n_skipped, taken = list[Source](), 0, set[str]()
    for number, path in enumerate(paths, start=1):
        format = plain_format(path) if asked.format == "auto" else asked.format
        is_folder = format == TEXT and path.is_dir()
        suffix = "" if is_folder else ".txt" if format == TEXT else JSON_LINES
        stem = f"input-{number}" if asked.number_all else path.resolve().name if is_folder else path.resolve().stem
        sources.append(_texts(path, _free(stem, suffix, taken), asked, format, is_folder=is_folder))
        n_skipped += _tell_skipped(path, format, asked.quiet)
    refuse_used(output, output)
    return sources, None, n_skipped


def _texts(path: Path, target: str, asked: Asked, format: str, *, is_folder: bool) -> Source:
    """Plain notes, or a corpus, to be written to a folder of texts or to a file."""
    if format == TEXT:
        layout_config(asked.layout)  # a wrong one is told for notes as well
        return texts.notes(path, target, is_folder=is_folder, number_all=asked.number_all, group_by=asked.group_by)
    stream = stream_texts(
        path, asked.quiet, format=format, layout=asked.layout, skip_invalid=asked.skip_invalid, group_by=asked.group_by
    )
    if is_folder and not asked.number_all:
        refuse_unsafe_names(stream.doc_ids, "a folder of texts")
    return texts.corpus(path, stream, target, as_jsonl=not is_folder, number_all=asked.number_all)


def _tables(
    paths: Sequence[Path], output: Path, asked: Asked, columns: Columns
) -> tuple[list[Source], str | None, int]:
    """Tables and JSON, whose other columns and keys are kept."""
    files = [(path, file) for path in paths for file in _files(path)]
    one = len(files) == 1 and not paths[0].is_dir() and not output.is_dir()
    to_file = one and output.suffix.lower() == files[0][1].suffix.lower()
    if to_file:
        prepare_output(output)
    else:
        _require_folder(output, "tables are")
        refuse_used(output, output)
    sources, taken = list[Source](), set[str]()
    for number, (path, file) in enumerate(files, start=1):
        above = file.parent.relative_to(path.parent) if path.is_dir() else Path()
        if len(paths) == 1 and path.is_dir():
            above = file.parent.relative_to(path)
        stem = f"input-{number}" if asked.number_all else (above / file.stem).as_posix()
        target = output.name if to_file else _free(stem, file.suffix, taken)
        sources.append(_table(file, target, columns))
    refuse_missing([source.survey for source in sources if source.survey])
    _tell_kept(sources, asked.quiet)
    n_skipped = sum(len(files_below(path, "")) for path in paths if path.is_dir())
    n_skipped -= sum(path.is_dir() for path, _ in files)
    if n_skipped:
        tell(f"skipped {n_skipped} files that are neither tables nor JSON", asked.quiet)
    return sources, output.name if to_file else None, n_skipped


def _files(path: Path) -> list[Path]:
    """The tables and JSON files at a path.

    Raises:
        InputError: there is none.
    """
    files = files_below(path, *TABLES) if require_path(path).is_dir() else [path]
    if not files or not files[0].name.lower().endswith(TABLES):
        raise InputError(
            f"{path}: --column names a column or a path in JSON; give files that end in {', '.join(TABLES)}, or leave "
            "--column out"
        )
    return files


def _table(file: Path, target: str, columns: Columns) -> Source:
    match file.suffix.lower():
        case ".parquet":
            return parquet.parquet(file, target, columns)
        case ".jsonl":
            return json_values.json_lines(file, target, columns)
        case ".json":
            return json_values.json_file(file, target, columns)
    return delimited.delimited(file, target, columns)


def _tell_kept(sources: Sequence[Source], quiet: bool) -> None:
    surveys = [source.survey for source in sources if source.survey]
    columns = dict.fromkeys(name for source in sources for name in source.kept)
    paths = dict.fromkeys(path for survey in surveys for path in survey.kept)
    if columns or paths:
        are_ids = any(survey.is_full for survey in surveys)  # so many keys are data
        shown = [name for name in columns if looks_like_key(name)]
        shown_paths = [path.text for path in paths if path.may_be_shown and not are_ids]
        n_more = max(0, len(shown_paths) - MOST_PATHS)
        others = len(columns) + len(paths) - len(shown) - len(shown_paths)
        at_least = "at least " if are_ids else ""
        counts = [f"{at_least}{n_more} more"] if n_more else []
        counts += [f"{at_least}{others} without a proper name"] if others else []
        names = ", ".join([*shown, *shown_paths[:MOST_PATHS], *counts])
        tell(
            f"these columns stay as they are, and may identify too: {names}; drop those that do beforehand, or "
            "de-identify them with another --column",
            quiet,
        )


def _free(stem: str, suffix: str, taken: set[str]) -> str:
    """A name that is not taken, and is then."""
    names = (f"{stem}{'' if number == 1 else f'-{number}'}{suffix}" for number in range(1, len(taken) + 2))
    name = next(name for name in names if name.lower() not in taken)
    taken.add(name.lower())
    return name


def _require_folder(output: Path, what: str) -> None:
    if output.suffix.lower() in (*SUFFIXES, ".txt") and not output.is_dir():
        raise InputError(f"{output}: {what} written to a folder; give the name of one")


def refuse_used(folder: Path, output: Path) -> None:
    """Refuse a folder with something in it, unless a stopped command may have been about to finish.

    Args:
        folder: to write to.
        output: of the command.

    Raises:
        InputError: it is not empty, or cannot be written.
    """
    if not Partial.beside(output).is_dir():
        refuse_occupied(folder)


def _state(path: Path) -> list[list[str | int]]:
    """What changes when an input does."""
    files = files_below(path, "") if path.is_dir() else [path]
    stats = ((file, file.stat()) for file in files)
    return [[str(file), each.st_size, each.st_mtime_ns] for file, each in stats]


def _of_standard_input(source: Source) -> Source:
    """An input whose rows are named as those of ``-``, whatever file they lie in."""

    def rows() -> Iterator[Row]:
        for row in source.rows():
            yield replace(row, place=STANDARD_INPUT + row.place.removeprefix(str(source.path)))

    return replace(source, rows=rows)


def _tell_skipped(source: Path, format: str, quiet: bool) -> int:
    """The number of files in a folder that are not read, after naming them."""
    skipped = other_files(source, format) if source.is_dir() else []
    if skipped:
        kind = ".txt" if format == TEXT else f"in {format} format"
        files = f"{len(skipped)} file{'' if len(skipped) == 1 else 's'}"
        tell(f"{source}: skipped {files} that are not {kind}: {named_files(skipped, source)}", quiet)
    return len(skipped)


def _writes_folder(source: Path, output: Path, format: str) -> bool:
    """Whether the output is a folder of texts: for a folder of them, and for a corpus unless it is named ``.jsonl``.

    Raises:
        InputError: the output is named like a corpus in another format.
    """
    if format == TEXT:
        return source.is_dir()
    if output.suffix == JSON_LINES or (source.suffix == JSON_LINES and source.is_file() and not output.is_dir()):
        return False
    if output.suffix.lower() in SUFFIXES and not output.is_dir():
        raise InputError(
            f"{output}: de-identified documents are written as JSON lines or as a folder of .txt files; give a name "
            f"that ends in {JSON_LINES}, or a folder (deidsynth corpus convert makes other formats of JSON lines)"
        )
    return True
