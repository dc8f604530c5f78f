"""Corpus files on disk: what is below a folder, and which splits the names stand for."""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from deidsynth.corpora.opening import why_not
from deidsynth.corpora.output import Source, encodable
from deidsynth.corpora.provenance import PROVENANCE_FILE, write_provenance
from deidsynth.corpora.records import SPLIT_NAMES, ReadResult
from deidsynth.documents import SPLITS, Corpus, Document, Split
from deidsynth.errors import InputError, UnrepresentableError
from deidsynth.files import whole_folder

LONGEST_NAME_BYTES = 200


def files_below(root: Path, *suffixes: str) -> list[Path]:
    """The files below a folder whose names end in one of the suffixes, in any case, sorted, without hidden ones.

    Raises:
        InputError: a folder cannot be listed, whose content must not go missing silently; or a link leads back to a
            folder above it.
    """

    def refuse(error: OSError) -> None:
        raise InputError(f"{error.filename}: {why_not(error)}") from None

    found: list[Path] = []
    for folder, names, files in os.walk(root, onerror=refuse):
        names[:] = [name for name in names if not name.startswith(".")]
        for name in names:
            _refuse_loop(Path(folder, name))
        found += (Path(folder, name) for name in files if name.lower().endswith(suffixes) and not name.startswith("."))
    return sorted(found)


def _refuse_loop(folder: Path) -> None:
    if folder.is_symlink() and folder.parent.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{folder}: is a link to a folder above it; remove the link")


def split_folders(root: Path, inner: str) -> tuple[list[tuple[Path, Split | None]], list[Path]]:
    """The folders to search, each with its split, and the other entries beside them.

    If there are top-level folders named like splits (``train``, ``dev``, ``test`` and their synonyms), only these are
    searched.

    Args:
        root: of the corpus.
        inner: name of a subfolder, such as ``brat``, that is searched instead of a split's folder if it exists.

    Raises:
        InputError: the folder of a split is a link to a folder above it.
    """
    splits = {
        entry: SPLIT_NAMES[entry.name.lower()]
        for entry in sorted(root.iterdir())
        if entry.is_dir() and entry.name.lower() in SPLIT_NAMES
    }
    if not splits:
        return [(root, None)], []
    for entry in splits:
        _refuse_loop(entry)
    folders: list[tuple[Path, Split | None]] = [
        (entry / inner if (entry / inner).is_dir() else entry, split) for entry, split in splits.items()
    ]
    return folders, [entry for entry in root.iterdir() if entry not in splits and not entry.name.startswith(".")]


def skip_outside_splits(
    result: ReadResult,
    path: Path,
    suffixes: tuple[str, ...],
    inner: str,
    accept: Callable[[Path], bool] = lambda _: True,
    what: str = "files",
) -> None:
    """Count the files outside the split folders, which are not read.

    Args:
        result: takes the count, if there are any.
        path: a file or a folder.
        suffixes: of the files to count.
        inner: as for ``split_folders``.
        accept: whether a file looks like the format.
        what: how to name them to the user.
    """
    beside: list[Path] = []
    for other in split_folders(path, inner)[1] if path.is_dir() else ():
        beside += files_below(other, *suffixes) if other.is_dir() else [other] * other.name.lower().endswith(suffixes)
    n_outside = sum(file.name != PROVENANCE_FILE and accept(file) for file in beside)
    if n_outside:
        result.skipped[f"{what}_outside_splits"] += n_outside


def split_of_name(stem: str) -> Split | None:
    """The split that a word in a file name stands for, as in ``sv_pud-ud-test``.

    >>> split_of_name("sv_pud-ud-test")
    'test'
    """
    found = {SPLIT_NAMES[word] for word in re.split(r"[^a-z]+", stem.lower()) if word in SPLIT_NAMES}
    return found.pop() if len(found) == 1 else None


def documents_by_file(
    path: Path, suffixes: tuple[str, ...], inner: str, accept: Callable[[Path], bool]
) -> tuple[list[tuple[Path, Split | None]], int]:
    """The files to read, each with its split, and the number of other files with these suffixes.

    Args:
        path: a file, or a folder in which folder names, or else file names, may name the splits.
        suffixes: of the files.
        inner: as for ``split_folders``.
        accept: whether a file looks like the format.
    """
    if not path.is_dir():
        return [(path, None)], 0
    found: list[tuple[Path, Split | None]] = []
    n_others = 0
    for folder, split in split_folders(path, inner)[0]:
        for file in files_below(folder, *suffixes):
            if accept(file):
                found.append((file, split))
            else:
                n_others += 1
    if not any(split for _, split in found):
        named = [(file, split_of_name(file.stem)) for file, _ in found]
        if named and all(split for _, split in named):
            found = named
    return found, n_others


def refuse_unsafe_names(doc_ids: Iterable[str], format: str) -> None:
    """Refuse document ids that cannot be file names.

    Raises:
        UnrepresentableError: there is one.
    """
    unsafe = [number for number, doc_id in enumerate(doc_ids, start=1) if not _is_safe_name(doc_id)]
    if unsafe:
        raise UnrepresentableError(
            f"{len(unsafe)} document ids cannot be file names (the first is document number {unsafe[0]}); {format} "
            f"needs ids of at most {LONGEST_NAME_BYTES} bytes without slashes, control characters or a leading dot; "
            "rename them, or write jsonl"
        )


def _is_safe_name(doc_id: str) -> bool:
    if doc_id.startswith(".") or not doc_id.isprintable() or "/" in doc_id or "\\" in doc_id:
        return False
    return len(doc_id.encode("utf-8", "replace")) <= LONGEST_NAME_BYTES


def write_folder(
    corpus: Source,
    path: Path,
    splits: Mapping[str, Split] | None,
    contents: Callable[[Document], Mapping[str, str]],
    format: str,
    shared: Mapping[str, str] | None = None,
) -> Counter[str]:
    """Counts of the scores and groups left out, after writing the files of every document into a new folder.

    Args:
        corpus: what to write; ids become file names.
        path: the folder; with splits, it gets one subfolder for each.
        splits: split of every document id, or None.
        contents: file content by suffix, such as ``.txt``.
        format: name of the format.
        shared: content of the files that every folder with documents gets, by name.

    Raises:
        UnrepresentableError: an id that is not a safe file name, or a text that UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """
    refuse_unsafe_names(corpus.doc_ids, format)
    dropped: Counter[str] = Counter()
    with whole_folder(path, private=corpus.origin == "real") as temporary:
        for number, document in enumerate(encodable(corpus), start=1):
            dropped["scores"] += sum(entity.score is not None for entity in document.entities)
            dropped["groups"] += document.group is not None
            target = temporary / splits[document.doc_id] if splits else temporary
            if not (target / PROVENANCE_FILE).exists():
                target.mkdir(exist_ok=True)
                write_provenance(corpus, target)
                for name, text in (shared or {}).items():
                    (target / name).write_text(text, encoding="utf-8")
            for suffix, text in contents(document).items():
                try:
                    with (target / f"{document.doc_id}{suffix}").open("x", encoding="utf-8", newline="") as file:
                        file.write(text)
                except FileExistsError:
                    raise UnrepresentableError(
                        f"document number {number} would overwrite another one, because this file system ignores case "
                        "in names; rename one of them"
                    ) from None
    return +dropped


def left_out(corpus: Corpus, *kinds: Literal["scores", "groups", "provenance"]) -> Counter[str]:
    """How much of a corpus a format that cannot store these would lose."""
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


def splits_of(corpus: Corpus) -> dict[str, Split]:
    """The split of every document that has one, by id; empty if all of them have the same split."""
    splits = {document.doc_id: document.split for document in corpus if document.split is not None}
    return splits if len(set(splits.values())) > 1 else {}


def refuse_unassigned(doc_ids: Sequence[str], splits: Mapping[str, Split]) -> None:
    """Refuse splits that leave a document out.

    Raises:
        UnrepresentableError: some documents have a split, but not all.
    """
    unassigned = sum(doc_id not in splits for doc_id in doc_ids) if splits else 0
    if unassigned:
        raise UnrepresentableError(
            f"{unassigned} of {len(doc_ids)} documents have no split; give every document one of {', '.join(SPLITS)}"
        )


def by_split(corpus: Corpus, splits: Mapping[str, Split] | None) -> dict[Split | None, list[Document]]:
    """The documents of each split that has any; all under None if there are no splits."""
    if not splits:
        return {None: list(corpus)}
    chosen: dict[Split | None, list[Document]] = {
        split: [document for document in corpus if splits[document.doc_id] == split] for split in SPLITS
    }
    return {split: documents for split, documents in chosen.items() if documents}
