"""Formats that keep many documents in a file: which files to read, their splits, and how to write them.

A source is a file or a folder of files; names of folders or files may name the splits. A file in a folder that is
clearly in another format is skipped and counted. One whose format is unclear, such as broken JSON, is read, so that its
fault is reported.
"""

from __future__ import annotations

import codecs
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from deidsynth.corpora.encodings import MARK
from deidsynth.corpora.folders import (
    by_split,
    documents_by_file,
    files_below,
    left_out,
    skip_outside_splits,
    split_folders,
)
from deidsynth.corpora.opening import opened
from deidsynth.corpora.output import refuse_surrogates
from deidsynth.corpora.provenance import PROVENANCE_FILE, Provenance, read_provenance, write_provenance
from deidsynth.corpora.records import ReadResult, read_exactly
from deidsynth.documents import SPLITS, Corpus, Document, Split
from deidsynth.errors import Problem, UnrepresentableError
from deidsynth.files import whole_file, whole_folder

Looks = Callable[[Path], bool | None]
"""Whether a file looks like a format; None if it cannot be told."""

_HEAD_BYTES = (1 << 13, 1 << 20, -1)


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read.

    Args:
        path: of the file.
        name: unique among the files; documents without an id are named after it.
        split: the split of all its documents.
        provenance: origin, annotation and language, as far as a provenance file states them.
    """

    path: Path
    name: str
    split: Split | None
    provenance: Provenance


def looks_like(path: Path, suffix: str | tuple[str, ...], looks: Looks) -> bool:
    """Whether a file, or any file in a folder, clearly looks like the format."""
    if not path.is_dir():
        return path.name.lower().endswith(suffix) and path.is_file() and looks(path) is True
    folders = [folder for folder, _ in split_folders(path, "")[0]]
    return any(looks(file) is True for folder in folders for file in files_below(folder, *_each(suffix)))


def find_sources(path: Path, suffix: str | tuple[str, ...], looks: Looks, result: ReadResult) -> list[Source]:
    """The files to read; other files with the suffix are counted as skipped."""
    if not path.is_dir():
        return [Source(path, path.stem, None, Provenance())]

    def accept(file: Path) -> bool:
        accepted = file.name != PROVENANCE_FILE and looks(file) is not False
        if not accepted and file.name != PROVENANCE_FILE:
            result.skipped["other_files"] += 1
        return accepted

    files, _ = documents_by_file(path, _each(suffix), "", accept)
    skip_outside_splits(result, path, _each(suffix), "")
    stems = Counter(file.stem for file, _ in files)
    provenances: dict[Path, Provenance] = {}
    sources = []
    for file, split in files:
        if file.parent not in provenances:
            provenances[file.parent] = read_provenance(file.parent, result)
        # A file name may occur in several folders; a slash in a document id would make it unusable as a file name.
        name = file.stem if stems[file.stem] == 1 else "-".join(file.relative_to(path).with_suffix("").parts)
        sources.append(Source(file, name, split, provenances[file.parent]))
    return sources


def _each(suffix: str | tuple[str, ...]) -> tuple[str, ...]:
    return (suffix,) if isinstance(suffix, str) else suffix


def _heads(file: IO[bytes]) -> Iterator[bytes]:
    """Ever longer beginnings of a file, the last of which is all of it: most files show their format early."""
    data = b""
    for n_bytes in _HEAD_BYTES:
        more = file.read(n_bytes)
        if data and not more:
            return
        data += more
        yield data


def heads_of(path: Path) -> Iterator[bytes]:
    """Ever longer beginnings of the file at a path; none if it cannot be read."""
    with suppress(OSError), opened(path) as file:
        yield from _heads(file)


def text_heads(path: Path) -> Iterator[str]:
    """Ever longer beginnings of a text without a byte order mark, as far as it is UTF-8."""
    with suppress(UnicodeDecodeError):
        for head in heads_of(path):
            # The cut may split a character, which the incremental decoder leaves out.
            yield codecs.getincrementaldecoder("utf-8")().decode(head).removeprefix(MARK)


def read_text(path: Path, result: ReadResult) -> str | None:
    """The text of a file without a byte order mark, or None with a problem."""
    text = read_exactly(path)
    if isinstance(text, Problem):
        result.problems.append(text)
        return None
    return text


def write_files(
    corpus: Corpus,
    path: Path,
    splits: Mapping[str, Split] | None,
    suffix: str,
    lines: Callable[[list[Document]], Iterable[str]],
) -> Counter[str]:
    """Counts of what was left out, after writing a file of text, or a folder with a file for each split.

    Args:
        corpus: what to write.
        path: a name that ends in ``suffix`` becomes a file, any other a folder.
        splits: split of every document id, or None; only a folder can store them.
        suffix: of the files.
        lines: the content of a file with the given documents.

    Raises:
        UnrepresentableError: splits for a single file, or a text with a lone surrogate, which UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """

    def write(documents: list[Document], file: Path) -> None:
        with file.open("w", encoding="utf-8", newline="") as stream:
            stream.writelines(lines(documents))

    return write_each(corpus, path, splits, suffix, write)


def write_each(
    corpus: Corpus,
    path: Path,
    splits: Mapping[str, Split] | None,
    suffix: str,
    write: Callable[[list[Document], Path], None],
) -> Counter[str]:
    """What ``write_files`` does, for files of any kind.

    Args:
        corpus: what to write.
        path: as for ``write_files``.
        splits: as for ``write_files``.
        suffix: of the files.
        write: makes a file of the given documents.
    """
    single = path.suffix == suffix
    if single and splits:
        raise UnrepresentableError(
            f"{path}: one file cannot store splits; give a folder as TARGET to keep {'/'.join(SPLITS)}"
        )
    refuse_surrogates(corpus)
    private = corpus.origin == "real"
    if single:
        with whole_file(path, private=private) as temporary:
            write(list(corpus), temporary)
        return left_out(corpus, "scores", "groups", "provenance")
    with whole_folder(path, private=private) as folder:
        write_provenance(corpus, folder)
        for split, documents in by_split(corpus, splits).items():
            write(documents, folder / f"{split or 'corpus'}{suffix}")
    return left_out(corpus, "scores", "groups")
