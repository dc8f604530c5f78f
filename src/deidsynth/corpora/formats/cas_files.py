"""The files of a UIMA CAS corpus: XMI with its type system, CAS JSON, zips of these, INCEpTION projects."""

from __future__ import annotations

import io
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path, PurePosixPath
from typing import IO

from deidsynth.corpora.document_files import heads_of
from deidsynth.corpora.encodings import decode_xml_head
from deidsynth.corpora.folders import files_below, skip_outside_splits, split_folders
from deidsynth.corpora.opening import Allowance, is_readable, member, opened
from deidsynth.corpora.records import ReadResult, read_bytes
from deidsynth.documents import Split
from deidsynth.errors import Problem, TooLargeError

TYPE_SYSTEM = "typesystem.xml"
SUFFIXES = (".xmi", ".json", ".zip")

_XMI = re.compile("<xmi:XMI|http://www\\.omg\\.org/XMI")
_OBJECT = re.compile(rb"(?:\xef\xbb\xbf)?\s*\{")
_JSON_HEAD = re.compile(_OBJECT.pattern + rb'.*"%(?:TYPES|FEATURE_STRUCTURES)"\s*:', re.DOTALL)
_MAX_NESTED = 3
_ANNOTATED, _CURATED, _INITIAL = "annotation", "curation", "INITIAL_CAS"
_BROKEN_ZIP = (
    zipfile.BadZipFile, zlib.error, lzma.LZMAError, struct.error, RuntimeError, EOFError, OSError, ValueError,
)  # fmt: skip
"""What ``zipfile`` raises for damaged archives; a ValueError is a bad offset, or a name that cannot be decoded."""


@dataclass(frozen=True, slots=True, repr=False)
class Source:
    """One CAS, unread.

    Args:
        doc_id: the name of the file, or the document name in INCEpTION.
        place: the file as the user would type it, followed by its name in the zip.
        suffix: ``.xmi`` or ``.json``.
        data: the content.
        types: the type system found for it.
        folder: where the file is, if not in a zip.
        split: that the folder names.
    """

    doc_id: str
    place: str
    suffix: str
    data: bytes
    types: bytes | None
    folder: Path | None = None
    split: Split | None = None

    def __repr__(self) -> str:
        return f"Source(place={self.place!r}, n_bytes={len(self.data)})"


def looks_like_cas(path: Path) -> bool:
    """Whether a file looks like a CAS or a zip of them, or a folder contains such files."""
    if path.is_dir():
        return any(
            looks_like_cas(file)
            for folder, _ in split_folders(path, "cas")[0]
            for file in files_below(folder, *SUFFIXES)
        )
    suffix = path.suffix.lower()
    try:
        if suffix == ".zip":
            with opened(path) as file:
                return _zip_has_cas(file, Allowance(str(path)))
        if suffix not in SUFFIXES:
            return False
        return _is_cas(suffix, heads_of(path))
    except OSError:
        return False


def sources(path: Path, result: ReadResult) -> Iterator[Source]:
    """Every CAS at a path; unreadable files become problems of the result, skipped files are counted."""
    if not path.is_dir():
        yield from _of_files(path.parent, [path], None, result)
        return
    skip_outside_splits(result, path, SUFFIXES, "cas", looks_like_cas)
    for folder, split in split_folders(path, "cas")[0]:
        # One that cannot be opened is read, so that its fault is reported.
        files = [file for file in files_below(folder, *SUFFIXES) if looks_like_cas(file) or not is_readable(file)]
        yield from _of_files(folder, files, split, result)


def _of_files(root: Path, files: Sequence[Path], split: Split | None, result: ReadResult) -> Iterator[Source]:
    names = [file.relative_to(root).as_posix() for file in files]
    kept = _kept(names, result)
    types: dict[Path, bytes | None] = {}
    for file, name in zip(files, names, strict=True):
        if name not in kept:
            continue
        data = read_bytes(file)
        if isinstance(data, Problem):
            result.problems.append(data)
        elif file.suffix.lower() == ".zip":
            for source in _of_zip(data, str(file), _project_name(name), result, Allowance(str(file))):
                yield Source(source.doc_id, source.place, source.suffix, source.data, source.types, None, split)
        else:
            if file.parent not in types:
                types[file.parent] = _types_of(file)
            doc_id = _project_name(name) or file.stem
            yield Source(doc_id, str(file), file.suffix.lower(), data, types[file.parent], file.parent, split)


def _of_zip(
    data: bytes, place: str, doc_id: str | None, result: ReadResult, allowance: Allowance, depth: int = 0
) -> Iterator[Source]:
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            files = [info.filename for info in archive.infolist() if not info.is_dir()]
            names = [name for name in files if PurePosixPath(name).suffix.lower() in SUFFIXES]
            kept = _kept(names, result)
            allowance.require(sum(archive.getinfo(name).file_size for name in kept))
            types = {
                str(PurePosixPath(name).parent): member(archive, name, allowance)
                for name in files
                if PurePosixPath(name).name.lower() == TYPE_SYSTEM
            }
            for name in (name for name in names if name in kept):
                inner = PurePosixPath(name)
                suffix, content = inner.suffix.lower(), member(archive, name, allowance)
                named = _project_name(name) or doc_id
                if suffix == ".zip":
                    if not depth:
                        yield from _of_zip(content, f"{place}/{name}", named, result, allowance, depth + 1)
                elif suffix == ".xmi" or _is_cas(suffix, [content]):
                    found = next((types[above] for above in map(str, inner.parents) if above in types), None)
                    yield Source(named or inner.stem, f"{place}/{name}", suffix, content, found)
    except TooLargeError as error:
        result.problems.append(error.problem)
    except _BROKEN_ZIP as error:
        message = f"cannot be unpacked ({type(error).__name__}); unpack it yourself, or export it again"
        result.problems.append(Problem(place, message, code="malformed"))


def _kept(names: Sequence[str], result: ReadResult) -> frozenset[str]:
    """The names to read: in a project, only curated documents if there are any, and never the unannotated ones."""
    by_folder: dict[str, list[str]] = {_ANNOTATED: [], _CURATED: []}
    for name in names:
        for folder in PurePosixPath(name).parts[:-1]:
            if folder in by_folder:
                by_folder[folder].append(name)
    dropped = {name for name in names if PurePosixPath(name).stem == _INITIAL}
    if by_folder[_CURATED]:
        uncurated = set(by_folder[_ANNOTATED]) - dropped
        if uncurated:
            result.skipped["uncurated_files"] += len(uncurated)
        dropped |= uncurated
    return frozenset(names) - dropped


def _project_name(name: str) -> str | None:
    """The document name in a project: the folder of the file below ``annotation`` or ``curation``."""
    folders = PurePosixPath(name).parts[:-1]
    below = [inner for outer, inner in pairwise(folders) if outer in (_ANNOTATED, _CURATED)]
    return below[0] if below else None


def _types_of(file: Path) -> bytes | None:
    """The type system in the folder of a file, or else in the next folder above that has one."""
    for folder in file.absolute().parents:
        with suppress(OSError):
            found = [entry for entry in sorted(folder.iterdir()) if entry.name.lower() == TYPE_SYSTEM]
            if found:
                data = read_bytes(found[0])
                return data if isinstance(data, bytes) else None
    return None


def _is_cas(suffix: str, beginnings: Iterable[bytes]) -> bool:
    """Whether a file is a CAS, by ever longer beginnings of it."""
    if suffix == ".xmi":
        with suppress(LookupError):
            return any(_XMI.search(decode_xml_head(head)) for head in beginnings)
        return False
    for head in beginnings:
        if _JSON_HEAD.match(head) or not _OBJECT.match(head):
            return _OBJECT.match(head) is not None
    return False


def _zip_has_cas(file: IO[bytes], allowance: Allowance, depth: int = 0) -> bool:
    """Whether a zip has a CAS, or unpacks to too much to know, which is said when it is read."""
    n_nested = 0
    try:
        with zipfile.ZipFile(file) as archive:
            for name in archive.namelist():
                suffix = PurePosixPath(name).suffix.lower()
                if suffix in (".xmi", ".json"):
                    if _is_cas(suffix, [member(archive, name, allowance)]):
                        return True
                elif suffix == ".zip" and not depth and n_nested < _MAX_NESTED:
                    n_nested += 1
                    if _zip_has_cas(io.BytesIO(member(archive, name, allowance)), allowance, depth + 1):
                        return True
    except TooLargeError:
        return True
    except _BROKEN_ZIP:
        pass
    return False
