"""Which format a path is in, and which files in it are in another one and so not read."""

from __future__ import annotations

from pathlib import Path

from deidsynth.corpora.finding_faults import known_files, why_unknown
from deidsynth.corpora.folders import files_below
from deidsynth.corpora.formats.registry import FORMATS
from deidsynth.corpora.provenance import PROVENANCE_FILE
from deidsynth.corpora.records import PART_NAMES, ReadResult
from deidsynth.errors import InputError

_REMEDY = "name it with --from or corpus.format"


def find_format(path: str | Path) -> str:
    """The name of the one format that the path looks like.

    Raises:
        InputError: no such path, no format or more than one fits, or parts are in different formats.
    """
    path = require_path(path)
    found = _formats_of(path)
    if not found:
        known = f"{', '.join(FORMATS)} (deidsynth corpus formats describes them)"
        raise InputError(
            f"{path}: holds no known corpus format: {why_unknown(path)}. Mend that, give another path, or {_REMEDY}: "
            f"{known}"
        )
    if len(found) > 1:
        raise InputError(f"{path}: looks like {' and like '.join(found)}; {_REMEDY}")
    _refuse_mixture(path, found[0])
    return found[0]


def require_path(path: str | Path) -> Path:
    """The path, which is there.

    Raises:
        InputError: nothing is there.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; check the path of the corpus")
    return path


def count_other_formats(path: Path, result: ReadResult) -> int:
    """How many files below a folder look like a corpus in another format than the one that was read.

    A file does not count that has the name of one that was read in the same part: it is another form of it. Files with
    a suffix of the format that was read are counted by its reader.

    Args:
        path: a file or a folder.
        result: what was read from it.
    """
    if not path.is_dir():
        return 0
    problem_paths = {problem.path for problem in result.problems}
    read = problem_paths.union(*({each.path, each.text_path or each.path} for each in result.records))
    taken = {_part_and_stem(Path(file), path) for file in read}
    others = {suffix for each in FORMATS.values() for suffix in each.suffixes} - {*FORMATS[result.format].suffixes}
    return sum(
        str(file) not in read
        and file.name != PROVENANCE_FILE
        and _part_and_stem(file, path) not in taken
        and (file.suffix == ".ann" or bool(_formats_of(file)))
        for file in files_below(path, *others)
    )


def _part_and_stem(file: Path, root: Path) -> tuple[str, str]:
    """The folder at the top that a file lies in, and its name without suffix."""
    inner = file.relative_to(root) if file.is_relative_to(root) else file
    return inner.parts[0] if len(inner.parts) > 1 else "", file.stem


def _formats_of(path: Path) -> list[str]:
    return [name for name, each in FORMATS.items() if each.sniff(path)]


def _refuse_mixture(root: Path, found: str) -> None:
    """Make sure that no folder or file that is named after a part is in another format alone, or in none.

    Raises:
        InputError: one is; only the parts in the format that was found would be read.
    """
    suffixes = FORMATS[found].suffixes
    for entry in sorted(root.iterdir()) if root.is_dir() else ():
        name = entry.name if entry.is_dir() else entry.stem
        if name.lower() not in PART_NAMES:
            continue
        others = _formats_of(entry)
        if not others and known_files(entry) and not known_files(entry, suffixes):
            raise InputError(f"{root}: holds {found}, but {entry.name} is not in it: {why_unknown(entry)}; mend it")
        if others and found not in others:
            raise InputError(
                f"{root}: holds {found}, but {entry.name} holds {' or '.join(others)}; bring all parts into one format "
                "(deidsynth corpus convert), or read those in one format alone with --from or corpus.format"
            )
