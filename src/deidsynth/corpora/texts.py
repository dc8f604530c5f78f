"""Plain texts: a ``.txt`` file, a folder of them, or JSON lines with a ``text``, optionally compressed."""

from __future__ import annotations

import bz2
import gzip
import lzma
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deidsynth.corpora.encodings import MARK, decode, is_utf_16
from deidsynth.corpora.folders import files_below
from deidsynth.corpora.opening import Allowance, lines_of, opened, why_not
from deidsynth.corpora.records import nul_problem, read_exactly
from deidsynth.documents import Corpus, Document, Origin
from deidsynth.errors import CorpusError, InputError, Problem
from deidsynth.metrics.tokens import words
from deidsynth.plain_data import RepeatedKeyError, read_json

NOTE_SUFFIXES = (".txt", ".text")
"""Of plain text, in lower or upper case."""

_UNPACKERS: Mapping[str, Any] = {".gz": gzip.open, ".xz": lzma.open, ".bz2": bz2.open}
_SUFFIXES = (".jsonl", *_UNPACKERS)


def read_texts(path: str | Path, *, language: str | None = None, origin: Origin = "real") -> Corpus:
    """Documents without entities.

    Args:
        path: a ``.txt`` file, a folder of such files, or a ``.jsonl`` file, optionally compressed (``.gz``, ``.xz``,
            ``.bz2``), whose objects have a ``text`` (other keys are ignored). Suffixes may be in any case.
        language: ISO 639-1 code.
        origin: where the texts come from.

    Raises:
        InputError: no such path, or it contains no texts.
        CorpusError: faults, with file and line.
        TooLargeError: a compressed file unpacks to more than the limit.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give unlabeled texts, or leave the option out")
    if path.is_dir() or path.suffix.lower() in NOTE_SUFFIXES:
        texts = _faultless(map(note_of, note_files(path) if path.is_dir() else [path]))
    elif path.suffix.lower() in _SUFFIXES:
        texts = _faultless(_lines(path))
    else:
        raise InputError(f"{path}: expected a folder of .txt files, a .txt file, or .jsonl (.gz, .xz, .bz2)")
    found = [text for text in texts if text.strip()]
    if not found:
        raise InputError(f"{path}: contains no text; give a folder of .txt files, or JSON lines with a text")
    documents = [Document(f"text-{number}", text) for number, text in enumerate(found, start=1)]
    return Corpus(tuple(documents), origin=origin, language=language)


def read_notes(path: Path, *, language: str | None = None) -> Corpus:
    """Documents without entities, ignoring annotations beside them; the id of each is its path below the folder.

    Args:
        path: a file, or a folder in which every ``.txt`` or ``.text`` file, except hidden ones, is a note.
        language: ISO 639-1 code.

    Raises:
        InputError: no such path, or it contains no note.
        CorpusError: notes that are not UTF-8 or no text, or cannot be read; all are listed.
    """
    files = notes_by_id(path)
    texts = _faultless(map(note_of, files.values()))
    return Corpus(tuple(map(Document, files, texts)), language=language)


def notes_by_id(path: Path) -> dict[str, Path]:
    """The files of plain notes at a path by their ids, in order.

    Raises:
        InputError: no such path, or it contains no note.
    """
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give a .txt file, a folder of them, or a .jsonl file")
    root = path if path.is_dir() else path.parent
    files = note_files(path) if path.is_dir() else [path]
    if not files:
        raise InputError(f"{path}: contains no .txt file; give a folder of .txt notes, or a .jsonl file")
    names = [file.relative_to(root) for file in files]
    taken = Counter(name.with_suffix("") for name in names)
    ids = [(name.with_suffix("") if taken[name.with_suffix("")] == 1 else name).as_posix() for name in names]
    return dict(zip(ids, files, strict=True))


def note_files(path: Path) -> list[Path]:
    """The files of plain text below a folder, sorted, without hidden ones."""
    return [file for file in files_below(path, "") if file.suffix.lower() in NOTE_SUFFIXES]


def without(texts: Corpus, others: Corpus) -> Corpus:
    """The texts that do not have the same words as any document of another corpus, such as the test documents."""
    taken = {tuple(words(document.text)) for document in others}
    return texts.with_documents(document for document in texts if tuple(words(document.text)) not in taken)


def note_of(file: Path) -> str | Problem:
    """The text of a plain note, or the problem that says why it cannot be had."""
    text = read_exactly(file)
    return text if isinstance(text, Problem) else nul_problem(text, str(file)) or text


def _faultless(texts: Iterable[str | Problem]) -> list[str]:
    """The texts, if none of them has a problem.

    Raises:
        CorpusError: all problems.
    """
    found: list[str] = []
    problems: list[Problem] = []
    for each in texts:
        if isinstance(each, Problem):
            problems.append(each)
        else:
            found.append(each)
    if problems:
        raise CorpusError(problems)
    return found


def _lines(path: Path) -> Iterator[str | Problem]:
    try:
        with _unpacked(path) as lines:
            offset = 0
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield _text_of(line, path, number, offset)
                if number == 1 and is_utf_16(line):
                    break
                offset += len(line)
    except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
        damaged = "cannot be read (damaged, or not compressed as its name says); check the file"
        message = why_not(error) if isinstance(error, OSError) and error.strerror else damaged
        yield Problem(str(path), message, code="unreadable")


@contextmanager
def _unpacked(path: Path) -> Iterator[Iterable[bytes]]:
    """The lines of a file, unpacked as its suffix says, and then only up to a limit."""
    unpack = _UNPACKERS.get(path.suffix.lower())
    with opened(path) as packed:
        if unpack is None:
            yield packed
        else:
            with unpack(packed) as stream:
                yield lines_of(stream, Allowance(str(path)))


def _text_of(line: bytes, path: Path, number: int, offset: int) -> str | Problem:
    decoded = decode(line, str(path), number, offset)
    if isinstance(decoded, Problem):
        return decoded
    try:
        text = read_json(decoded)["text"]
    except RepeatedKeyError as error:
        return Problem(str(path), str(error), number, "malformed")
    except (ValueError, KeyError, TypeError, RecursionError):
        text = None
    if isinstance(text, str):
        return nul_problem(text, str(path), number) or text.lstrip(MARK)
    return Problem(str(path), 'expected an object with "text"; fix the line', number, "malformed")
