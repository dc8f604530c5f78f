"""Detecting the format of a path, and the files in it that are in another format and so not read.

Each format says by names and content whether a path looks like it. Where several do, the strongest evidence in a folder
wins: pairs of ``.txt`` and ``.ann``, then files whose suffix is not ``.txt``. Where none does, whatever format a file
can be read in is its format.
"""

from __future__ import annotations

from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from deidsynth.config import ColumnsLayout, LayoutConfig, TableLayout
from deidsynth.corpora.finding_faults import known_files, why_unknown
from deidsynth.corpora.folders import files_below
from deidsynth.corpora.formats import brat, conll, inline, jsonl, table
from deidsynth.corpora.formats.registry import FORMATS, Format
from deidsynth.corpora.provenance import PROVENANCE_FILE
from deidsynth.corpora.records import SPLIT_NAMES, ReadOptions
from deidsynth.errors import InputError

_LARGEST_TRIAL = 1 << 26
_REMEDY = "name it with --from or corpus.format"


def find_format(path: str | Path, layout: LayoutConfig | None = None) -> str:
    """The name of the only format that the path looks like.

    Args:
        path: a file or a folder.
        layout: details that a format leaves open, such as columns.

    Raises:
        InputError: no such path, none or several formats match, or the splits are in different formats.
    """
    path = require_path(path)
    found = _formats_of(path)
    if len(found) > 1 and path.is_dir():
        found = _strongest(path, found)
    found = found or _readable(path, layout or LayoutConfig())
    if not found:
        known = f"{', '.join(FORMATS)} (deidsynth corpus formats describes them)"
        raise InputError(
            f"{path}: not a known corpus format: {why_unknown(path)}. Fix that, give another path, or {_REMEDY}: "
            f"{known}"
        )
    if len(found) > 1:
        raise InputError(f"{path}: could be {' or '.join(found)}; {_REMEDY}")
    _refuse_mixture(path, found[0])
    return found[0]


def require_path(path: str | Path) -> Path:
    """The path, which exists.

    Raises:
        InputError: it does not.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path of the corpus")
    return path


def count_other_formats(path: Path, format: str, read: Collection[str]) -> int:
    """How many files below a folder look like a corpus in a format other than the one that was read.

    A file with the same name as one that was read from the same split does not count: it is another version of it. The
    reader itself counts the files with a suffix of its format.

    Args:
        path: a file or a folder.
        format: name of the format that was read.
        read: the files that were read from it.
    """
    if not path.is_dir():
        return 0
    taken = {_split_and_stem(Path(file), path) for file in read}
    others = {suffix for each in FORMATS.values() for suffix in each.suffixes} - {*FORMATS[format].suffixes}
    return sum(
        str(file) not in read
        and file.name != PROVENANCE_FILE
        and _split_and_stem(file, path) not in taken
        and (file.suffix == ".ann" or bool(_formats_of(file)))
        for file in files_below(path, *others)
    )


def _split_and_stem(file: Path, root: Path) -> tuple[str, str]:
    """The top-level folder of a file, and its name without suffix."""
    inner = file.relative_to(root) if file.is_relative_to(root) else file
    return inner.parts[0] if len(inner.parts) > 1 else "", file.stem


def _formats_of(path: Path) -> list[str]:
    return [name for name, each in FORMATS.items() if each.sniff(path)]


def _strongest(folder: Path, names: list[str]) -> list[str]:
    """Of several formats that a folder looks like, those with the strongest evidence.

    Any text may happen to look like columns or tags. So ``.txt`` files do not count for a format if annotation files
    are beside them, or if there are at least as many files of a format with another suffix.
    """
    files: dict[str, list[Path]] = {name: [] for name in names}
    for file in known_files(folder):
        if _is_of_pair(file):
            files.get(brat.NAME, []).append(file)
        else:
            for name in names:
                if FORMATS[name].sniff(file):
                    files[name].append(file)
    clear = {name: sum(file.suffix.lower() != ".txt" for file in found) for name, found in files.items()}
    strongest = max(clear.values())
    kept = [name for name in names if clear[name] or len(files[name]) > strongest]
    return kept or names


def _is_of_pair(file: Path) -> bool:
    """Whether a file is a text or its annotations in brat standoff."""
    suffixes = {".txt": ".ann", ".ann": ".txt"}
    other = suffixes.get(file.suffix.lower())
    return other is not None and file.with_suffix(other).exists()


def _readable(path: Path, layout: LayoutConfig) -> list[str]:
    """The formats in which a path is read with entities, of those that have not judged it by its suffix.

    Formats whose layout is given are tried in any case, and are the only ones that are tried on a folder. Text with
    inline entities is left out: angles or brackets are in files of many kinds.
    """
    is_small = path.is_file() and path.stat().st_size <= _LARGEST_TRIAL
    given = {conll.NAME: layout.columns != ColumnsLayout(), table.NAME: layout.table != TableLayout()}

    def is_open(name: str) -> bool:
        unjudged = is_small and name != inline.NAME and path.suffix.lower() not in FORMATS[name].suffixes
        return given.get(name, False) or unjudged

    found = [name for name, each in FORMATS.items() if is_open(name) and _is_read(each, path, layout)]
    return [jsonl.NAME] if jsonl.NAME in found else found  # others read its keys too


def _is_read(format: Format, path: Path, layout: LayoutConfig) -> bool:
    """Whether more documents with entities than faults are read."""
    with suppress(InputError, OSError):
        result = format.read(path, ReadOptions(layout=layout))
        return sum(bool(record.spans) for record in result.records) > sum(each.fatal for each in result.problems)
    return False


def _refuse_mixture(root: Path, found: str) -> None:
    """Refuse a corpus in which a folder or file named like a split is only in another format, or in none.

    Raises:
        InputError: there is one; it would not be read.
    """
    suffixes = FORMATS[found].suffixes
    for entry in sorted(root.iterdir()) if root.is_dir() else ():
        name = entry.name if entry.is_dir() else entry.stem
        if name.lower() not in SPLIT_NAMES or _is_of_pair(entry):
            continue
        others = _formats_of(entry)
        if not others and known_files(entry) and not known_files(entry, suffixes):
            raise InputError(f"{root}: is in {found} format, but {entry.name} is not: {why_unknown(entry)}; fix it")
        if others and found not in others:
            raise InputError(
                f"{root}: is in {found} format, but {entry.name} is in {' or '.join(others)}; convert all splits to "
                "one format (deidsynth corpus convert), or read only those in one format with --from or corpus.format"
            )
