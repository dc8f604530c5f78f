"""Formats of a file with many documents: which files to read, with which parts, and how to write them.

A source is a file, or a folder of files, in which the names of folders or files may tell parts. A file that is clearly
of another format is left out of a folder and counted; one that cannot be told, such as broken JSON, is read, so that
its fault is named.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from deidsynth.corpora.folders import (
    by_part,
    documents_by_file,
    files_below,
    left_out,
    part_folders,
    skip_outside_parts,
)
from deidsynth.corpora.output import refuse_surrogates
from deidsynth.corpora.provenance import PROVENANCE_FILE, Provenance, read_provenance, write_provenance
from deidsynth.corpora.records import PARTS, Part, ReadResult, read_exactly
from deidsynth.documents import Corpus, Document
from deidsynth.errors import Problem, UnrepresentableError
from deidsynth.files import whole_file, whole_folder

BOM = b"\xef\xbb\xbf"

Looks = Callable[[Path], bool | None]
"""Whether a file looks like a format; None where its first bytes do not tell."""


@dataclass(frozen=True, slots=True)
class Source:
    """One file to read.

    Args:
        path: of the file.
        name: unique among the files; the name of a document without an id begins with it.
        part: the part of all its documents.
        provenance: where texts and annotation come from and the language, as far as a file beside it says.
    """

    path: Path
    name: str
    part: Part | None
    provenance: Provenance


def looks_like(path: Path, suffix: str, looks: Looks) -> bool:
    """Whether a file, or a file of a folder, surely looks like the format."""
    if not path.is_dir():
        return path.suffix == suffix and path.is_file() and looks(path) is True
    folders = [folder for folder, _ in part_folders(path, "")[0]]
    return any(looks(file) is True for folder in folders for file in files_below(folder, suffix))


def find_sources(path: Path, suffix: str, looks: Looks, result: ReadResult) -> list[Source]:
    """The files to read; others with the suffix are counted as skipped."""
    if not path.is_dir():
        return [Source(path, path.stem, None, Provenance())]

    def accept(file: Path) -> bool:
        accepted = file.name != PROVENANCE_FILE and looks(file) is not False
        if not accepted and file.name != PROVENANCE_FILE:
            result.skipped["other_files"] += 1
        return accepted

    files, _ = documents_by_file(path, (suffix,), "", accept)
    skip_outside_parts(result, path, (suffix,), "")
    stems = Counter(file.stem for file, _ in files)
    provenances: dict[Path, Provenance] = {}
    sources = []
    for file, part in files:
        if file.parent not in provenances:
            provenances[file.parent] = read_provenance(file.parent, result)
        # Folders may repeat a file name; a slash would make the document's id no file name.
        name = file.stem if stems[file.stem] == 1 else "-".join(file.relative_to(path).with_suffix("").parts)
        sources.append(Source(file, name, part, provenances[file.parent]))
    return sources


def read_head(path: Path, n_bytes: int) -> str | None:
    """The beginning of a file without a byte order mark, or None where it is not UTF-8 or cannot be read."""
    try:
        with path.open("rb") as file:
            data = file.read(n_bytes).removeprefix(BOM)
        return data.decode("utf-8")
    except OSError:
        return None
    except UnicodeDecodeError as error:
        # The cut may go through a character.
        return data[: error.start].decode("utf-8") if error.start > len(data) - 4 else None


def read_text(path: Path, result: ReadResult) -> str | None:
    """The text of a file without a byte order mark, or None with a problem."""
    text = read_exactly(path)
    if isinstance(text, Problem):
        result.problems.append(text)
        return None
    return text.removeprefix("\ufeff")


def write_files(
    corpus: Corpus,
    path: Path,
    parts: Mapping[str, Part] | None,
    suffix: str,
    lines: Callable[[list[Document]], Iterable[str]],
) -> Counter[str]:
    """What was left out, counted, after writing a file, or a folder with a file for each part.

    Args:
        corpus: what to write.
        path: a name that ends in ``suffix`` becomes a file; any other a folder.
        parts: part of every document id, or None; only a folder can hold them.
        suffix: of the files.
        lines: the content of a file that holds the documents.

    Raises:
        UnrepresentableError: parts for a single file, or a text with a lone surrogate, which UTF-8 cannot hold.
        StorageError: the disk is full or cannot be written.
    """
    single = path.suffix == suffix
    if single and parts:
        raise UnrepresentableError(
            f"{path}: one file cannot hold the parts of the corpus; give a folder as TARGET to keep {'/'.join(PARTS)}"
        )
    refuse_surrogates(corpus)
    private = corpus.origin == "real"
    if single:
        with whole_file(path, private=private) as temporary, temporary.open("w", encoding="utf-8", newline="") as file:
            file.writelines(lines(list(corpus)))
        return left_out(corpus, "scores", "groups", "provenance")
    with whole_folder(path, private=private) as folder:
        write_provenance(corpus, folder)
        for part, documents in by_part(corpus, parts).items():
            with (folder / f"{part or 'corpus'}{suffix}").open("w", encoding="utf-8", newline="") as file:
                file.writelines(lines(documents))
    return left_out(corpus, "scores", "groups")
