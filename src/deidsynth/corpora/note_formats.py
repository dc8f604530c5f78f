"""How notes are read whose texts alone are wanted: as plain text, or in a corpus format.

A text is taken as it is only where it cannot be anything else: in XML, tables or JSON names would stay in attributes
and keys, where no model looks for them. What no reader reads is refused.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from deidsynth.corpora.document_files import text_heads
from deidsynth.corpora.finding import find_format, require_path
from deidsynth.corpora.folders import files_below
from deidsynth.corpora.formats import inline, jsonl
from deidsynth.corpora.formats.registry import FORMATS, SUFFIXES
from deidsynth.corpora.provenance import PROVENANCE_FILE
from deidsynth.corpora.texts import NOTE_SUFFIXES, note_files
from deidsynth.errors import InputError

TEXT = "text"
"""The name of plain text among the formats to read."""

_BEGINNINGS = {
    "<?xml": "XML",
    "<!doctype": "HTML",
    "<html": "HTML",
    "{\\rtf": "RTF",
    "%pdf-": "PDF",
    '{"': "JSON",
    '[{"': "JSON",
}
_FIRST = {
    ".pdf": "take the text out first (pdftotext -layout; a scan needs text recognition, such as ocrmypdf --sidecar)",
    ".docx": "take the text out first (pandoc -t plain), comments, headers and tracked changes too",
    ".doc": "take the text out first (libreoffice --convert-to txt), comments, headers and tracked changes too",
    ".odt": "take the text out first (pandoc -t plain), comments and headers too",
    ".rtf": "take the text out first (pandoc -f rtf -t plain)",
    ".dcm": "de-identify the headers and the text in the pixels with a DICOM tool, and give reports as text",
}
"""What to do with files that hold more than text, by suffix."""
_HTML = re.compile(r"<(?:a|b|body|br|div|font|h[1-6]|head|i|img|li|ol|p|pre|span|style|table|td|tr|ul)\b[^<]*>")
_COLUMN_NAME = re.compile(r"\"?[a-z_][\w.\-]{0,30}\"?")
_ROWS = 5
_SHOWN = 20


def annotated_format(path: Path) -> str:
    """The corpus format of a path, or ``text`` for plain notes, even if there are JSON lines beside them.

    Raises:
        InputError: no such path, several formats match, or no reader reads it.
    """
    found = _formats_of(require_path(path))
    if not found or (found == [jsonl.NAME] and path.is_dir() and note_files(path)):
        return plain_format(path)
    return find_format(path)


def plain_format(path: Path) -> str:
    """``text`` for ``.txt`` files and folders of them, also where there are annotations, else the corpus format.

    Raises:
        InputError: no such path; no reader reads it; or it could be several.
    """
    if not require_path(path).is_dir():
        if path.suffix.lower() not in ("", *NOTE_SUFFIXES):
            return _corpus_format(path)
        _refuse_disguised([path])
        return TEXT
    notes = note_files(path)
    if not notes:
        return _corpus_format(path)
    _refuse_disguised(notes)
    for file in other_files(path, TEXT):
        others = [name for name in _formats_of(file) if name != jsonl.NAME]
        if others:
            raise InputError(
                f"{path}: has {len(notes)} files of plain text, but also {file.relative_to(path)} in {others[0]} "
                f"format; choose with --from text or --from {others[0]}, or put them into folders of their own"
            )
    return TEXT


def other_files(path: Path, format: str) -> list[Path]:
    """The files below a folder whose suffix is none of a format, sorted, without hidden ones.

    Args:
        path: a folder.
        format: name of a corpus format, or ``text``.
    """
    known = NOTE_SUFFIXES if format == TEXT else FORMATS[format].suffixes
    files = (file for file in files_below(path, "") if file.name != PROVENANCE_FILE)
    return [file for file in files if not file.name.lower().endswith(known)]


def named_files(files: Sequence[Path], root: Path) -> str:
    """The names of files below a folder for a message; of many the first ones."""
    shown = ", ".join(str(file.relative_to(root)) for file in files[:_SHOWN])
    return shown if len(files) <= _SHOWN else f"{shown} and {len(files) - _SHOWN} more"


def _formats_of(path: Path) -> list[str]:
    """The formats that a path looks like; none where it cannot be opened, which reading it reports."""
    try:
        return [name for name, each in FORMATS.items() if each.sniff(path)]
    except OSError:
        return []


def _corpus_format(path: Path) -> str:
    """The corpus format of what is not plain text.

    Raises:
        InputError: no reader reads it, or several formats match.
    """
    files = files_below(path, "") if path.is_dir() else [path]
    if any(file.name.lower().endswith(SUFFIXES) for file in files):
        return find_format(path)
    if not files:
        raise InputError(f"{path}: contains no .txt file; give a folder of .txt notes, or a corpus")
    kinds = ", ".join(each or "no suffix" for each in Counter(file.suffix.lower() for file in files))
    what = f"files that end in {path.suffix} are not read"
    advice = [
        f"{suffix}: {_FIRST[suffix]}; " for suffix in sorted({file.suffix.lower() for file in files} & set(_FIRST))
    ]
    if path.is_dir():
        what = f"has only files that are not read ({kinds}): {named_files(files, path)}"
    raise InputError(
        f"{path}: {what}; {''.join(advice)}convert to plain text (.txt), or to a format that `deidsynth corpus "
        "formats` lists. If it is plain text already, rename it to .txt"
    )


def _is_table(head: str) -> bool:
    """Whether a text begins with a row of names and continues with rows of as many cells."""
    rows = [line for line in head.splitlines() if line.strip()][:_ROWS]
    for separator in ",;\t":
        names = rows[0].split(separator) if rows else []
        same = all(row.count(separator) >= len(names) - 1 for row in rows)
        if len(names) > 1 and len(rows) > 1 and same and all(map(_COLUMN_NAME.fullmatch, names)):
            return True
    return False


def _refuse_disguised(files: Sequence[Path]) -> None:
    """Refuse files named like plain text that hold something else.

    Raises:
        InputError: names the first ones, and what they are.
    """
    for file in files:
        head = next(text_heads(file), "").lstrip().lower()
        kind = next((kind for beginning, kind in _BEGINNINGS.items() if head.startswith(beginning)), None)
        others = [name for name in _formats_of(file) if name != inline.NAME]
        kind = kind or ("HTML" if _HTML.match(head) else "a table" if not others and _is_table(head) else None)
        if kind is not None:
            raise InputError(
                f"{file}: is named like plain text, but is {kind}, in which names may stand where they are not found; "
                "give it the suffix of its format, or take it as plain text with --from text"
            )
        if others:
            raise InputError(
                f"{file}: is named like plain text, but looks like {' or '.join(others)}; read it with "
                f"--from {others[0]}, or take it as plain text with --from text"
            )
