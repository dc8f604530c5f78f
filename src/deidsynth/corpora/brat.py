"""Brat standoff: ``.txt`` and ``.ann`` pairs in folders.

Where folders named after parts (``train``, ``dev``, ``test`` and their synonyms) stand at the top, only these are
read, and inside each of them the folder ``brat`` if there is one; otherwise every folder is searched. Beside the
documents a file ``deidsynth.json`` may say what brat cannot: where text and annotation come from.
"""

from __future__ import annotations

import json
import os
import re
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from deidsynth.corpora.output import refuse_surrogates, whole_folder
from deidsynth.corpora.records import (
    ANNOTATIONS,
    ORIGINS,
    PART_NAMES,
    Discontinuous,
    Part,
    RawSpan,
    ReadResult,
    Record,
    decode,
    one_of,
    read_bytes,
)
from deidsynth.documents import Annotation, Corpus, Document, Origin
from deidsynth.errors import Problem, UnrepresentableError

NAME = "brat"
PROVENANCE_FILE = "deidsynth.json"

_SKIPPED = {
    "R": "relations",
    "*": "equivs",
    "#": "notes",
    "A": "attributes",
    "M": "attributes",
    "E": "events",
    "N": "normalizations",
}
_SPAN_LINE = re.compile(r"T\S+\t(\S+) (-?[0-9]{1,15} -?[0-9]{1,15}(?:;-?[0-9]{1,15} -?[0-9]{1,15})*)\t(.*)", re.DOTALL)
_OTHER_LINE = re.compile(r"[R*#AMEN][0-9]*\t")
_LINE_BREAKS = dict.fromkeys(map(ord, "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")
_LONGEST_NAME_BYTES = 200

Provenance = tuple[Origin | None, Annotation | None]


def sniff(path: Path) -> bool:
    """Whether the path looks like brat standoff: a folder in which annotation files lie."""
    if not path.is_dir():
        return False
    return any(_find(folder, ".ann") for folder, _ in _folders(path)[0])


def read_records(path: Path, discontinuous: Discontinuous = "refuse") -> ReadResult:
    """Raw records and problems of a folder.

    Args:
        path: the folder; its layout may name parts.
        discontinuous: ``join`` takes the span that covers all fragments of an entity; ``refuse`` makes it a problem.
    """
    result = ReadResult(NAME)
    if not path.is_dir():
        message = "brat standoff is read from a folder of .txt and .ann files; give the folder"
        result.problems.append(Problem(str(path), message, code="not-a-folder"))
        return result
    folders, others = _folders(path)
    outside = sum(len(_find(other, ".txt")) if other.is_dir() else other.suffix == ".txt" for other in others)
    if outside:
        result.skipped["texts_outside_parts"] += outside
    for folder, part in folders:
        _read_folder(folder, part, discontinuous, result)
    return result


def read_annotations(
    path: Path, text: str, discontinuous: Discontinuous = "refuse"
) -> tuple[list[RawSpan], list[Problem], Counter[str]]:
    """Spans, problems and skipped lines of one annotation file.

    Args:
        path: the ``.ann`` file.
        text: the exact text of the document.
        discontinuous: as for ``read_records``.
    """
    data = read_bytes(path)
    if isinstance(data, Problem):
        return [], [data], Counter()
    content = decode(data, str(path))
    if isinstance(content, Problem):
        return [], [content], Counter()
    spans: list[RawSpan] = []
    problems: list[Problem] = []
    skipped: Counter[str] = Counter()
    for number, line in enumerate(content.removeprefix("\ufeff").split("\n"), start=1):
        if not line.strip():
            continue
        if _OTHER_LINE.match(line):
            skipped[_SKIPPED[line[0]]] += 1
            continue
        found = _parse_line(line, number, text, str(path), discontinuous)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            spans.append(found)
    return spans, problems, skipped


def write(corpus: Corpus, path: Path, parts: Mapping[str, Part] | None) -> Counter[str]:
    """What brat could not hold, counted, after writing the corpus into a new folder.

    Args:
        corpus: what to write; a document's id becomes the name of its files.
        path: the folder; with parts, one folder in it for each.
        parts: part of every document id, or None.

    Raises:
        UnrepresentableError: an id that is no safe file name, or a text that UTF-8 cannot hold.
        StorageError: the disk is full or cannot be written.
    """
    _refuse_unsafe_names(corpus)
    refuse_surrogates(corpus)
    dropped: Counter[str] = Counter()
    with whole_folder(path, private=corpus.origin == "real") as temporary:
        for number, document in enumerate(corpus, start=1):
            folder = temporary / parts[document.doc_id] if parts else temporary
            if not folder.exists():
                folder.mkdir()
            _write_provenance(corpus, folder)
            try:
                _write_new(folder / f"{document.doc_id}.txt", document.text)
                _write_new(folder / f"{document.doc_id}.ann", _annotation_lines(document))
            except FileExistsError:
                message = "takes the file name of another on this file system, which ignores case; rename one of them"
                raise UnrepresentableError(f"document number {number} {message}") from None
            dropped["scores"] += sum(entity.score is not None for entity in document.entities)
            dropped["groups"] += document.group is not None
    return +dropped


def _folders(root: Path) -> tuple[list[tuple[Path, Part | None]], list[Path]]:
    """The folders to search with the part that each stands for, and what lies beside them."""
    parts = {
        entry: PART_NAMES[entry.name.lower()]
        for entry in sorted(root.iterdir())
        if entry.is_dir() and entry.name.lower() in PART_NAMES
    }
    if not parts:
        return [(root, None)], []
    folders: list[tuple[Path, Part | None]] = [
        (entry / NAME if (entry / NAME).is_dir() else entry, part) for entry, part in parts.items()
    ]
    return folders, [entry for entry in root.iterdir() if entry not in parts and not entry.name.startswith(".")]


def _find(root: Path, suffix: str) -> list[Path]:
    """The files below a folder that end in the suffix, sorted, hidden ones left out.

    Raises:
        OSError: a folder cannot be listed; what it holds must not go missing silently.
    """

    def refuse(error: OSError) -> None:
        raise error

    found: list[Path] = []
    for folder, names, files in os.walk(root, onerror=refuse):
        names[:] = [name for name in names if not name.startswith(".")]
        found += (Path(folder, name) for name in files if name.endswith(suffix) and not name.startswith("."))
    return sorted(found)


def _read_folder(root: Path, part: Part | None, discontinuous: Discontinuous, result: ReadResult) -> None:
    texts = _find(root, ".txt")
    provenances: dict[Path, Provenance] = {}
    for path in texts:
        if path.parent not in provenances:
            provenances[path.parent] = _read_provenance(path.parent / PROVENANCE_FILE, result)
        record = _read_document(path, part, provenances[path.parent], discontinuous, result)
        if record is not None:
            result.records.append(record)
    known = {path.with_suffix("") for path in texts}
    for path in _find(root, ".ann"):
        if path.with_suffix("") not in known:
            message = f"there is no text beside it; put {path.stem}.txt into the folder or remove the annotation file"
            result.problems.append(Problem(str(path), message, code="missing-text"))


def _read_document(
    path: Path, part: Part | None, provenance: Provenance, discontinuous: Discontinuous, result: ReadResult
) -> Record | None:
    annotations = path.with_suffix(".ann")
    if not annotations.exists():
        message = f"there is no annotation file beside it; add {annotations.name} (empty if the text has no entities)"
        result.problems.append(Problem(str(path), message, code="missing-annotations"))
        return None
    data = read_bytes(path)
    text = data if isinstance(data, Problem) else decode(data, str(path))
    if isinstance(text, Problem):
        result.problems.append(text)
        return None
    spans, problems, skipped = read_annotations(annotations, text, discontinuous)
    result.problems += problems
    result.skipped += skipped
    origin, annotation = provenance
    return Record(path.stem, text, tuple(spans), str(annotations), None, None, part, origin, annotation)


def _parse_line(line: str, number: int, text: str, path: str, discontinuous: Discontinuous) -> RawSpan | Problem:
    match = _SPAN_LINE.fullmatch(line)
    if match is None:
        message = "not a line of brat standoff; expected T1, a tab, LABEL START END, a tab, and the text of the entity"
        return Problem(path, message, number, "malformed")
    label, offsets, shown = match.groups()
    fragments = [(int(start), int(end)) for start, end in (pair.split(" ") for pair in offsets.split(";"))]
    place = f"entity {offsets.replace(' ', ':')}"
    if len(fragments) > 1 and discontinuous == "refuse":
        message = (
            f"{place} is discontinuous; to take the span that covers its fragments give --discontinuous join, "
            "or --set corpus.discontinuous=join"
        )
        return Problem(path, message, number, "discontinuous")
    bounds = [offset for fragment in fragments for offset in fragment]
    if len(fragments) > 1 and bounds != sorted(bounds):
        return Problem(path, f"{place} has fragments out of order; mend its offsets", number, "fragments")
    if all(0 <= start < end <= len(text) for start, end in fragments):
        expected = " ".join(text[start:end] for start, end in fragments)
        if not _same_text(shown, expected):
            message = (
                f"the text beside {place} is not what stands there in {Path(path).stem}.txt; was the text changed "
                "after annotation? Offsets count Unicode code points, line ends included"
            )
            return Problem(path, message, number, "text-mismatch")
    return RawSpan(fragments[0][0], fragments[-1][1], label, line=number)


def _same_text(shown: str, expected: str) -> bool:
    """Whether both are the same but for the kind of white space that stands for a line break."""
    target = expected.translate(_LINE_BREAKS)
    return target in (shown.translate(_LINE_BREAKS), shown.removesuffix("\r").translate(_LINE_BREAKS))


def _read_provenance(path: Path, result: ReadResult) -> Provenance:
    if not path.exists():
        return None, None
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        return one_of(data.get("origin"), ORIGINS), one_of(data.get("annotation"), ANNOTATIONS)
    except (OSError, ValueError, AttributeError, RecursionError):
        message = (
            f'expected an object with "origin" (one of {", ".join(ORIGINS)}) and "annotation" '
            f"(one of {', '.join(ANNOTATIONS)}); mend or remove the file"
        )
        result.problems.append(Problem(str(path), message, code="provenance"))
        return None, None


def _write_provenance(corpus: Corpus, folder: Path) -> None:
    path = folder / PROVENANCE_FILE
    if not path.exists():
        path.write_text(json.dumps({"origin": corpus.origin, "annotation": corpus.annotation}) + "\n", encoding="utf-8")


def _refuse_unsafe_names(corpus: Corpus) -> None:
    unsafe = [number for number, document in enumerate(corpus, start=1) if not _is_safe_name(document.doc_id)]
    if unsafe:
        raise UnrepresentableError(
            f"{len(unsafe)} document ids cannot be file names (the first is document number {unsafe[0]}); brat needs "
            "ids without slashes, control characters and a leading dot, of at most "
            f"{_LONGEST_NAME_BYTES} bytes: rename them, or write jsonl"
        )


def _is_safe_name(doc_id: str) -> bool:
    if doc_id.startswith(".") or not doc_id.isprintable() or "/" in doc_id or "\\" in doc_id:
        return False
    return len(doc_id.encode("utf-8", "replace")) <= _LONGEST_NAME_BYTES


def _annotation_lines(document: Document) -> str:
    lines = (
        f"T{number}\t{entity.label} {entity.start} {entity.end}\t{document.surface(entity).translate(_LINE_BREAKS)}\n"
        for number, entity in enumerate(document.entities, start=1)
    )
    return "".join(lines)


def _write_new(path: Path, text: str) -> None:
    with path.open("x", encoding="utf-8", newline="") as file:
        file.write(text)
