"""Brat standoff: ``.txt`` and ``.ann`` pairs in folders.

If there are top-level folders named like splits (``train``, ``dev``, ``test`` and their synonyms), only these are read,
and in each of them its subfolder ``brat`` if there is one; otherwise every folder is searched. A file
``deidsynth.json`` beside the documents may state what brat cannot: where text and annotation come from. Shared-task
predictions are often ``.ann`` files without texts: these are read if their texts are given by document id.

Brat writes an entity over a line end as fragments, so fragments parted by white space alone are one entity. Offsets
that count CRLF as one character, or a line feed as two, are converted if only then all stated texts are at them.
"""

from __future__ import annotations

import codecs
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

from deidsynth.corpora.encodings import MARK
from deidsynth.corpora.folders import files_below, skip_outside_splits, split_folders, write_folder
from deidsynth.corpora.line_ends import with_other_line_ends
from deidsynth.corpora.output import Source
from deidsynth.corpora.provenance import Provenance, read_provenance
from deidsynth.corpora.records import Discontinuous, RawSpan, ReadResult, Record, read_bytes, read_exactly, repeated_ids
from deidsynth.documents import Document, Split
from deidsynth.errors import Problem

NAME = "brat"
SUFFIXES = (".txt", ".ann")
OTHER_LINE_ENDS = "documents_with_offsets_for_other_line_ends"

_MISMATCH = "text-mismatch"

_SKIPPED = {
    "R": "relations",
    "*": "equivs",
    "#": "notes",
    "A": "attributes",
    "M": "attributes",
    "E": "events",
    "N": "normalizations",
}
_SPAN_LINE = re.compile(
    r"T\S+\t(\S+(?: \S+)*?) (-?[0-9]{1,15} -?[0-9]{1,15}(?:;-?[0-9]{1,15} -?[0-9]{1,15})*)\t(.*)", re.DOTALL
)
_OTHER_LINE = re.compile(r"[R*#AMEN][0-9]*\t")
_LINE_BREAKS = dict.fromkeys(map(ord, "\n\r\v\f\x1c\x1d\x1e\x85\u2028\u2029"), " ")


def sniff(path: Path) -> bool:
    """Whether the path looks like brat standoff: a folder that contains annotation files."""
    if not path.is_dir():
        return False
    return any(files_below(folder, ".ann") for folder, _ in split_folders(path, NAME)[0])


def read_records(
    path: Path, discontinuous: Discontinuous = "refuse", texts: Mapping[str, str] | None = None
) -> ReadResult:
    """Raw records and problems of a folder.

    Args:
        path: the folder; names of subfolders may name splits.
        discontinuous: where there is more than white space between the fragments of an entity, ``join`` takes the span
            that covers them, and ``refuse`` reports a problem.
        texts: the exact text of documents by id, for annotation files without a text file.
    """
    result = ReadResult(NAME)
    result.records += stream_records(path, result, discontinuous, texts)
    return result


def stream_records(
    path: Path, result: ReadResult, discontinuous: Discontinuous = "refuse", texts: Mapping[str, str] | None = None
) -> Iterator[Record]:
    """The records of a folder, one by one.

    Args:
        path: as for ``read_records``.
        result: gets the problems and what is skipped, not the records.
        discontinuous: as for ``read_records``.
        texts: as for ``read_records``.
    """
    if not path.is_dir():
        message = "brat standoff is read from a folder of .txt and .ann files; give the folder"
        result.problems.append(Problem(str(path), message, code="not-a-folder"))
        return
    skip_outside_splits(result, path, (".txt",), NAME, what="texts")
    for folder, split in split_folders(path, NAME)[0]:
        yield from _records_below(folder, split, discontinuous, texts or {}, result)


def read_annotations(
    path: Path, text: str, discontinuous: Discontinuous = "refuse"
) -> tuple[list[RawSpan], list[Problem], Counter[str]]:
    """Spans, problems and skipped lines of one annotation file.

    Args:
        path: the ``.ann`` file.
        text: the exact text of the document.
        discontinuous: as for ``read_records``.
    """
    content = read_exactly(path)
    if isinstance(content, Problem):
        return [], [content], Counter()
    spans: list[RawSpan] = []
    problems: list[Problem] = []
    skipped: Counter[str] = Counter()
    ids: list[tuple[object, int | None]] = []
    for number, line in enumerate(content.split("\n"), start=1):
        if not line.strip():
            continue
        if _OTHER_LINE.match(line):
            skipped[_SKIPPED[line[0]]] += 1
            continue
        entity_id, tab, _ = line.partition("\t")
        ids.append((entity_id if tab else None, number))
        found = _parse_line(line, number, text, str(path), discontinuous)
        if isinstance(found, Problem):
            problems.append(found)
        else:
            spans.append(found)
    return spans, [*problems, *repeated_ids(ids, str(path))], skipped


def write(corpus: Source, path: Path, splits: Mapping[str, Split] | None) -> Counter[str]:
    """Counts of what brat cannot store, after writing the corpus into a new folder.

    Args:
        corpus: what to write; a document's id becomes the name of its files.
        path: the folder; with splits, it gets one subfolder for each.
        splits: split of every document id, or None.

    Raises:
        UnrepresentableError: an id that is not a safe file name, or a text that UTF-8 cannot encode.
        StorageError: the disk is full or not writable.
    """
    return write_folder(
        corpus, path, splits, lambda document: {".txt": document.text, ".ann": _annotation_lines(document)}, NAME
    )


def _records_below(
    root: Path, split: Split | None, discontinuous: Discontinuous, texts: Mapping[str, str], result: ReadResult
) -> Iterator[Record]:
    annotations = {path.with_suffix(""): path for path in files_below(root, ".ann")}
    pairs: list[tuple[Path, Path | None]] = []
    for beside in files_below(root, ".txt"):
        found = annotations.get(beside.with_suffix(""))
        if found is None:
            result.problems.append(_missing_annotations(beside))
        else:
            pairs.append((found, beside))
    paired = {path for path, _ in pairs}
    alone = [path for path in annotations.values() if path not in paired]
    pairs += [(path, None) for path in alone if path.stem in texts]
    provenances: dict[Path, Provenance] = {}
    for path, text_path in pairs:
        if path.parent not in provenances:
            provenances[path.parent] = read_provenance(path.parent, result)
        text = read_exactly(text_path) if text_path else texts[path.stem]
        if isinstance(text, Problem):
            result.problems.append(text)
            continue
        yield _record(path, text_path, text, split, provenances[path.parent], discontinuous, result)
    missing = [path for path in alone if path.stem not in texts]
    if missing:
        result.problems.append(_missing_texts(root, missing, bool(texts)))


def _missing_annotations(text_path: Path) -> Problem:
    name = f"{text_path.stem}.ann"
    message = f"its annotation file is missing; add {name} (empty if the text has no entities)"
    return Problem(str(text_path), message, code="missing-annotations")


def _missing_texts(root: Path, missing: list[Path], has_texts: bool) -> Problem:
    """One problem for all annotation files in a folder that have no text."""
    first = missing[0]
    if len(missing) == 1:
        message = f"its text file is missing; put {first.stem}.txt into the folder or remove the annotation file"
        return Problem(str(first), message, code="missing-text")
    what = f"{len(missing)} annotation files have no text file"
    if has_texts:
        message = f"{what} and match none of the given documents; the first is {first.name}"
    else:
        message = f"{what}, the first is {first.name}; put the .txt files of the documents into the folder"
    return Problem(str(root), message, code="missing-text")


def _record(
    path: Path,
    text_path: Path | None,
    text: str,
    split: Split | None,
    provenance: Provenance,
    discontinuous: Discontinuous,
    result: ReadResult,
) -> Record:
    spans, problems, skipped = read_annotations(path, text, discontinuous)
    n_misfits = _count_misfits(spans, problems, text)
    if n_misfits and text_path is not None and _begins_with_mark(text_path):
        # Some tools count the byte order mark, others do not: the stated texts decide.
        counted = read_annotations(path, MARK + text, discontinuous)
        if _count_misfits(counted[0], counted[1], MARK + text) < n_misfits:
            text, (spans, problems, skipped) = MARK + text, counted
    if _count_misfits(spans, problems, text):
        spans, problems, n_converted = _in_other_line_ends(spans, problems, path, text, discontinuous)
        skipped[OTHER_LINE_ENDS] += n_converted
    result.problems += problems
    result.skipped += +skipped
    origin, annotation, language = provenance
    beside = None if text_path is None else str(text_path)
    return Record(path.stem, text, tuple(spans), str(path), None, None, split, origin, annotation, beside, language)


def _in_other_line_ends(
    spans: list[RawSpan], problems: list[Problem], path: Path, text: str, discontinuous: Discontinuous
) -> tuple[list[RawSpan], list[Problem], int]:
    """Spans, problems, and 1 if they were converted, since all stated texts fit if offsets count other line ends.

    If only more of them fit than before, the problems say so.
    """
    other = with_other_line_ends(text)
    if other is None:
        return spans, problems, 0
    found, faults, _ = read_annotations(path, other.text, discontinuous)
    if _count_misfits(found, faults, other.text) >= _count_misfits(spans, problems, text):
        return spans, problems, 0
    if all(span.start >= 0 and span.end <= len(other.text) for span in found) and not any(
        each.code == _MISMATCH for each in faults
    ):
        places = other.places
        return [span._replace(start=places[span.start], end=places[span.end]) for span in found], faults, 1
    have, counted = ("CRLF", "one character") if len(other.text) < len(text) else ("LF", "two characters (CRLF)")
    hint = f"; the line ends are {have}, and more entities fit if each counts as {counted}: convert the line ends"
    told = [replace(each, message=each.message + hint) if each.code == _MISMATCH else each for each in problems]
    return spans, told, 0


def _count_misfits(spans: Sequence[RawSpan], problems: Sequence[Problem], text: str) -> int:
    return len(problems) + sum(span.end > len(text) for span in spans)


def _begins_with_mark(path: Path) -> bool:
    data = read_bytes(path)
    return isinstance(data, bytes) and data.startswith(codecs.BOM_UTF8)


def _parse_line(line: str, number: int, text: str, path: str, discontinuous: Discontinuous) -> RawSpan | Problem:
    match = _SPAN_LINE.fullmatch(line)
    if match is None:
        message = "not a brat standoff line; expected T1, a tab, LABEL START END, a tab, and the text of the entity"
        return Problem(path, message, number, "malformed", of_entity=True)
    label, offsets, shown = match.groups()
    fragments = [(int(start), int(end)) for start, end in (pair.split(" ") for pair in offsets.split(";"))]
    place = f"entity {offsets.replace(' ', ':')}"
    bounds = [offset for fragment in fragments for offset in fragment]
    if len(fragments) > 1 and bounds != sorted(bounds):
        return Problem(path, f"{place} has fragments out of order; fix its offsets", number, "fragments")
    has_gap = any(text[end:start].strip() for (_, end), (start, _) in pairwise(fragments))
    if has_gap and discontinuous == "refuse":
        message = (
            f"{place} is discontinuous; to take the span that covers its fragments, use --discontinuous join "
            "or --set corpus.discontinuous=join"
        )
        return Problem(path, message, number, "discontinuous", of_entity=True)
    if all(0 <= start < end <= len(text) for start, end in fragments):
        expected = {" ".join(text[start:end] for start, end in fragments)}
        if not has_gap:
            expected.add(text[fragments[0][0] : fragments[-1][1]])
        if not any(_same_text(shown, each) for each in expected):
            beside = Path(path).with_suffix(".txt")
            source = beside.name if beside.exists() else "the given text"
            message = (
                f"the text stated for {place} differs from {source} at its offsets; was the text changed "
                "after annotation? Offsets count Unicode code points, including line breaks"
            )
            return Problem(path, message, number, _MISMATCH, of_entity=True)
    return RawSpan(fragments[0][0], fragments[-1][1], label, line=number)


def _same_text(shown: str, expected: str) -> bool:
    """Whether both are equal except for the kind of white space that represents a line break."""
    target = expected.translate(_LINE_BREAKS)
    return target in (shown.translate(_LINE_BREAKS), shown.removesuffix("\r").translate(_LINE_BREAKS))


def _annotation_lines(document: Document) -> str:
    lines = (
        f"T{number}\t{entity.label} {entity.start} {entity.end}\t{document.surface(entity).translate(_LINE_BREAKS)}\n"
        for number, entity in enumerate(document.entities, start=1)
    )
    return "".join(lines)
