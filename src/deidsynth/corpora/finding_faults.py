"""Why no format was found at a path: what its file names suggest, and the first fault that prevents it."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from deidsynth.corpora.encodings import decode, decode_xml
from deidsynth.corpora.folders import files_below
from deidsynth.corpora.formats.registry import FORMATS, SUFFIXES
from deidsynth.corpora.json_source import list_of_objects
from deidsynth.corpora.provenance import PROVENANCE_FILE
from deidsynth.corpora.records import ReadOptions, ReadResult, read_bytes
from deidsynth.errors import InputError, Problem

_BINARY = (".parquet", ".zip")
_XML = (".xml", ".xmi")


def known_files(path: Path, suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
    """The files at or below a path with a suffix of a corpus format, sorted."""
    found = files_below(path, *suffixes) if path.is_dir() else [path] * path.name.lower().endswith(suffixes)
    return [file for file in found if file.name != PROVENANCE_FILE]


def why_unknown(path: Path) -> str:
    """What a suffix (the most frequent one in a folder) suggests, and why the file is not in that format.

    Args:
        path: a file or folder in no known format.
    """
    files = known_files(path)
    if not files and path.is_dir():
        return f"no file in it ends in {', '.join(SUFFIXES)}"
    if not files:
        return f"no format uses files that end in {path.suffix}" if path.suffix else "its name has no suffix"
    usual = Counter(file.suffix.lower() for file in files).most_common(1)[0][0]
    file = next(file for file in files if file.suffix.lower() == usual)
    reason = _why_not(file)
    return f"of its {len(files)} files, {file.relative_to(path)} {reason}" if path.is_dir() else f"it {reason}"


def _why_not(file: Path) -> str:
    data = read_bytes(file)
    if isinstance(data, Problem):
        return data.message
    if not data.strip():
        return "is empty"
    suffix = file.suffix.lower()
    text = None if suffix in _BINARY else (decode_xml if suffix in _XML else decode)(data, str(file))
    if isinstance(text, Problem):
        return f"is {text.message} (line {text.line})"
    if suffix == ".jsonl":
        return "is in a subfolder, where JSON lines are not looked for; put train.jsonl and test.jsonl at the top level"
    if suffix == ".json" and _lists_texts(file):
        return (
            "lists texts without entities; texts alone are read from JSON lines: write each object with its text on a "
            "line of a .jsonl file"
        )
    names = [name for name, each in FORMATS.items() if suffix in each.suffixes]
    fault = _first_fault(file, names)
    if fault is None:
        unlike = "does not look like any of them" if len(names) > 1 else "does not look like it"
        return f"could be {' or '.join(names)} by its suffix, but {unlike}"
    place = "" if fault.line is None else f"line {fault.line}: "
    return f"could be {' or '.join(names)} by its suffix, but: {place}{fault.message}"


def _lists_texts(file: Path) -> bool:
    """Whether a JSON file is a list of objects that all have a text."""
    result = ReadResult("")
    texts = [isinstance(value.get("text"), str) for value, _ in list_of_objects(file, result)]
    return bool(texts) and all(texts) and not result.problems


def _first_fault(file: Path, names: list[str]) -> Problem | None:
    """The first fault that prevents reading a file in a format it could have; None if that is unclear."""
    result = ReadResult(names[0])
    if file.suffix.lower() == ".json":
        for _ in list_of_objects(file, result):
            pass
    elif len(names) == 1:
        try:
            result = FORMATS[names[0]].read(file, ReadOptions())
        except InputError as error:
            return Problem(str(file), str(error))
    return min(result.problems, key=lambda problem: problem.line or 0, default=None)
