"""Files of a corpus on disk: what lies below a folder, and the parts that names tell."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Literal

from deidsynth.corpora.output import refuse_surrogates
from deidsynth.corpora.provenance import PROVENANCE_FILE, write_provenance
from deidsynth.corpora.records import PART_NAMES, PARTS, Part, ReadResult
from deidsynth.documents import Corpus, Document
from deidsynth.errors import UnrepresentableError
from deidsynth.files import whole_folder

LONGEST_NAME_BYTES = 200


def files_below(root: Path, *suffixes: str) -> list[Path]:
    """The files below a folder whose names end in one of the suffixes, sorted, hidden ones left out.

    Raises:
        OSError: a folder cannot be listed; what it holds must not go missing silently.
    """

    def refuse(error: OSError) -> None:
        raise error

    found: list[Path] = []
    for folder, names, files in os.walk(root, onerror=refuse):
        names[:] = [name for name in names if not name.startswith(".")]
        found += (Path(folder, name) for name in files if name.endswith(suffixes) and not name.startswith("."))
    return sorted(found)


def part_folders(root: Path, inner: str) -> tuple[list[tuple[Path, Part | None]], list[Path]]:
    """The folders to search with the part that each stands for, and what lies beside them.

    Where folders named after parts (``train``, ``dev``, ``test`` and their synonyms) stand at the top, these alone are
    searched.

    Args:
        root: of the corpus.
        inner: name of a folder that is searched in place of a part's own where a part has one, such as ``brat``.
    """
    parts = {
        entry: PART_NAMES[entry.name.lower()]
        for entry in sorted(root.iterdir())
        if entry.is_dir() and entry.name.lower() in PART_NAMES
    }
    if not parts:
        return [(root, None)], []
    folders: list[tuple[Path, Part | None]] = [
        (entry / inner if (entry / inner).is_dir() else entry, part) for entry, part in parts.items()
    ]
    return folders, [entry for entry in root.iterdir() if entry not in parts and not entry.name.startswith(".")]


def skip_outside_parts(
    result: ReadResult,
    path: Path,
    suffixes: tuple[str, ...],
    inner: str,
    accept: Callable[[Path], bool] = lambda _: True,
    what: str = "files",
) -> None:
    """Count the files that lie beside the folders of the parts, so that they are not read.

    Args:
        result: takes the count, if there are any.
        path: a file or a folder.
        suffixes: of the files that count.
        inner: as for ``part_folders``.
        accept: whether a file looks like the format.
        what: they are, for people.
    """
    beside: list[Path] = []
    for other in part_folders(path, inner)[1] if path.is_dir() else ():
        beside += files_below(other, *suffixes) if other.is_dir() else [other] * other.name.endswith(suffixes)
    n_outside = sum(file.name != PROVENANCE_FILE and accept(file) for file in beside)
    if n_outside:
        result.skipped[f"{what}_outside_parts"] += n_outside


def part_of_name(stem: str) -> Part | None:
    """The part that a file name tells by one of its words, such as ``sv_pud-ud-test``.

    >>> part_of_name("sv_pud-ud-test")
    'test'
    """
    found = {PART_NAMES[word] for word in re.split(r"[^a-z]+", stem.lower()) if word in PART_NAMES}
    return found.pop() if len(found) == 1 else None


def documents_by_file(
    path: Path, suffixes: tuple[str, ...], inner: str, accept: Callable[[Path], bool]
) -> tuple[list[tuple[Path, Part | None]], int]:
    """The files to read with their parts, and how many others with these suffixes there are.

    Args:
        path: a file, which is taken as it is, or a folder, in which folders or else file names may tell parts.
        suffixes: of the files.
        inner: as for ``part_folders``.
        accept: whether a file looks like the format.
    """
    if not path.is_dir():
        return [(path, None)], 0
    found: list[tuple[Path, Part | None]] = []
    n_others = 0
    for folder, part in part_folders(path, inner)[0]:
        for file in files_below(folder, *suffixes):
            if accept(file):
                found.append((file, part))
            else:
                n_others += 1
    if not any(part for _, part in found):
        named = [(file, part_of_name(file.stem)) for file, _ in found]
        if named and all(part for _, part in named):
            found = named
    return found, n_others


def refuse_unsafe_names(corpus: Corpus, format: str) -> None:
    """Make sure that document ids can be file names.

    Raises:
        UnrepresentableError: one cannot.
    """
    unsafe = [number for number, document in enumerate(corpus, start=1) if not _is_safe_name(document.doc_id)]
    if unsafe:
        raise UnrepresentableError(
            f"{len(unsafe)} document ids cannot be file names (the first is document number {unsafe[0]}); {format} "
            "needs ids without slashes, control characters and a leading dot, of at most "
            f"{LONGEST_NAME_BYTES} bytes: rename them, or write jsonl"
        )


def _is_safe_name(doc_id: str) -> bool:
    if doc_id.startswith(".") or not doc_id.isprintable() or "/" in doc_id or "\\" in doc_id:
        return False
    return len(doc_id.encode("utf-8", "replace")) <= LONGEST_NAME_BYTES


def write_folder(
    corpus: Corpus,
    path: Path,
    parts: Mapping[str, Part] | None,
    contents: Callable[[Document], Mapping[str, str]],
    format: str,
) -> Counter[str]:
    """Scores and groups left out, counted, after writing the files of every document into a new folder.

    Args:
        corpus: what to write; ids become file names.
        path: the folder; with parts, one folder in it for each.
        parts: part of every document id, or None.
        contents: text by suffix, such as ``.txt``.
        format: name of the format.

    Raises:
        UnrepresentableError: an id that is no safe file name, or a text that UTF-8 cannot hold.
        StorageError: the disk is full or cannot be written.
    """
    refuse_unsafe_names(corpus, format)
    refuse_surrogates(corpus)
    with whole_folder(path, private=corpus.origin == "real") as temporary:
        for number, document in enumerate(corpus, start=1):
            target = temporary / parts[document.doc_id] if parts else temporary
            if not (target / PROVENANCE_FILE).exists():
                target.mkdir(exist_ok=True)
                write_provenance(corpus, target)
            for suffix, text in contents(document).items():
                try:
                    with (target / f"{document.doc_id}{suffix}").open("x", encoding="utf-8", newline="") as file:
                        file.write(text)
                except FileExistsError:
                    raise UnrepresentableError(
                        f"document number {number} takes the file name of another on this file system, which ignores "
                        "case; rename one of them"
                    ) from None
    return left_out(corpus, "scores", "groups")


def left_out(corpus: Corpus, *kinds: Literal["scores", "groups", "provenance"]) -> Counter[str]:
    """How much of a corpus a format without these would lose."""
    dropped: Counter[str] = Counter()
    if "scores" in kinds:
        dropped["scores"] = sum(entity.score is not None for document in corpus for entity in document.entities)
    if "groups" in kinds:
        dropped["groups"] = sum(document.group is not None for document in corpus)
    if "provenance" in kinds and (corpus.origin, corpus.annotation) != ("real", "gold"):
        dropped["provenances"] = 1
    if "provenance" in kinds and corpus.language is not None:
        dropped["languages"] = 1
    return +dropped


def parts_of(corpus: Corpus) -> dict[str, Part]:
    """The split of every document that names one, by its id; empty where all that do name the same."""
    parts = {document.doc_id: document.split for document in corpus if document.split is not None}
    return parts if len(set(parts.values())) > 1 else {}


def by_part(corpus: Corpus, parts: Mapping[str, Part] | None) -> dict[Part | None, list[Document]]:
    """The documents of each part that has any; all under None where there are no parts."""
    if not parts:
        return {None: list(corpus)}
    chosen: dict[Part | None, list[Document]] = {
        part: [document for document in corpus if parts[document.doc_id] == part] for part in PARTS
    }
    return {part: documents for part, documents in chosen.items() if documents}
