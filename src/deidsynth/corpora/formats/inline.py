"""Plain ``.txt`` files with inline entities, as tags or as brackets; a document is a file, or a part of one.

Tags: ``<First_Name>Anna</First_Name>`` or ``<PHI TYPE="DOCTOR">Anna</PHI>``. A tag is ``<`` or ``</``, a name, optional
attributes with quoted values in an opening tag, and ``>``. The label is the value of the attribute TYPE (in any case),
else the name; both names must be identical. Anything else with ``<`` is text, and nothing is unescaped.

Brackets: ``[Anna](First_Name)``. There are no brackets between the brackets, and at most four line breaks (CR, LF),
each between lines that are not blank, so that an unclosed bracket extends no further than a value over line ends can.
What looks like an unfinished entity is a problem (see `_bracket_faults`); anything else with brackets is text.

The name of a tag and the label after brackets consist of an ASCII letter or ``_``, then letters, digits, ``_``, ``.``
and ``-``. A name of up to four such words is read too, so that it is reported and can be mapped to a label without
blanks: in tags if the text closes it, after brackets if each word begins with a capital letter. By default the style
with more entities in all files together is used, and tags in case of a tie.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from deidsynth.config import InlineLayout
from deidsynth.corpora.document_files import text_heads
from deidsynth.corpora.folders import documents_by_file, files_below, skip_outside_splits, split_folders, write_folder
from deidsynth.corpora.provenance import Provenance, read_provenance
from deidsynth.corpora.records import RawSpan, ReadResult, Record, read_exactly
from deidsynth.documents import Corpus, Document, Entity, Split
from deidsynth.errors import Problem, UnrepresentableError

NAME = "inline"
SUFFIX = ".txt"

Style = Literal["tags", "brackets"]

_LABEL = re.compile(r"[A-Za-z_][\w.\-]*")
_NAME = r"[A-Za-z_][\w.\-]*(?: [A-Za-z_][\w.\-]*){0,3}"
_ATTRIBUTE = re.compile(r"""([A-Za-z_:][\w.:\-]*)\s*=\s*(?:"([^"<>]*)"|'([^'<>]*)')""")
_TAG = re.compile(rf"""<(?:/({_NAME})|({_NAME})((?:\s+[A-Za-z_:][\w.:\-]*\s*=\s*(?:"[^"<>]*"|'[^'<>]*'))*))\s*>""")
_ROW = r"(?=[^\S\r\n]*[^\s\[\]])[^\[\]\r\n]*"
_LABEL_AFTER = r"[A-Za-z_][\w.\-]*|[A-Z][\w.\-]*(?: [A-Z][\w.\-]*){1,3}"
_BRACKETS = re.compile(rf"\[([^\[\]\r\n]*|{_ROW}(?:(?:\r\n|\r|\n){_ROW}){{1,4}})\]\(({_LABEL_AFTER})\)")

_UNBALANCED = "a tag is opened but never closed; close or remove it, or write < differently if it is not a tag"
_STRAY = "a tag is closed but never opened; open or remove it, or write < differently if it is not a tag"
_NESTED = "a tag is opened inside another entity; keep one of the two"

_BRACKET = re.compile(r"[\[\]\r\n]")
_BREAK = re.compile(r"[\r\n]")
_LABELLED = re.compile(r"\([A-Za-z_][\w.\-]*\)")
_UNLABELLED = re.compile(r"\(\)")
# A label without a closing parenthesis on its line; neither a URL nor a function call.
_OPEN_LABEL = re.compile(r"\([A-Za-z_][\w.\-]*(?![\w.\-:/@()])(?![^()\r\n]*\))")
_BRACKET_FAULTS = {
    "unbalanced-tag": "the label after brackets is never closed; close it, or put a blank before it if it is none",
    "stray-tag": "brackets with a label are closed but never opened before; open or remove them",
    "nested-tag": "there are brackets inside the brackets of an entity; keep one of the two",
    "label": "the label after brackets is empty; write one, or remove the brackets and parentheses",
}


class _Opening(NamedTuple):
    """An opening tag, with its number among the tags, which decides nesting even between adjacent tags."""

    order: int
    start: int
    label: str
    line: int


class _Pair(NamedTuple):
    """An entity in tags: its opening tag, the number of its closing tag, and its end in the plain text."""

    opening: _Opening
    order: int
    end: int


def sniff(path: Path) -> bool:
    """Whether the path looks like inline entities: in a ``.txt`` file, or in one of a folder without ``.ann`` files."""
    if not path.is_dir():
        return path.suffix.lower() == SUFFIX and not path.with_suffix(".ann").exists() and _has_entity(path)
    folders = [folder for folder, _ in split_folders(path, NAME)[0]]
    if any(files_below(folder, ".ann") for folder in folders):
        return False
    return any(_has_entity(file) for folder in folders for file in files_below(folder, SUFFIX))


def read_records(path: Path, layout: InlineLayout) -> ReadResult:
    """Raw records and problems of a file or a folder.

    Args:
        path: a file, or a folder of ``.txt`` files.
        layout: the style, by default detected, one for all files; and what in a file is a document.
    """
    result = ReadResult(NAME)
    skip_outside_splits(result, path, (SUFFIX,), NAME)
    sources: list[tuple[Path, Split | None, str]] = []
    for file, split in documents_by_file(path, (SUFFIX,), NAME, lambda _: True)[0]:
        content = read_exactly(file)
        if isinstance(content, Problem):
            result.problems.append(content)
        else:
            sources.append((file, split, content))
    style = layout.style or find_style(content for _, _, content in sources)
    provenances: dict[Path, Provenance] = {}
    for file, split, content in sources:
        if file.parent not in provenances:
            provenances[file.parent] = read_provenance(file.parent, result)
        origin, annotation, language = provenances[file.parent]
        for doc_id, first, part in _documents(content, file.stem, layout.documents):
            text, spans, problems = parse(part, style)
            result.problems += [
                Problem(str(file), message, line + first - 1, code, of_entity=True) for line, code, message in problems
            ]
            spans = [span._replace(line=None if span.line is None else span.line + first - 1) for span in spans]
            line = None if layout.documents == "file" else first
            result.records.append(
                Record(doc_id, text, tuple(spans), str(file), line, None, split, origin, annotation, language=language)
            )
    return result


def write(corpus: Corpus, path: Path, splits: Mapping[str, Split] | None, layout: InlineLayout) -> Counter[str]:
    """Counts of what the format cannot store, after writing the corpus into a new folder.

    Args:
        corpus: what to write; a document's id becomes the name of its file.
        path: the folder; with splits, it gets one subfolder for each.
        splits: split of every document id, or None.
        layout: the style, by default tags. If no style is given here, none is needed to read the folder.

    Raises:
        UnrepresentableError: a label, an entity or a text that would not be read back unchanged, or an id that is not
            a safe file name.
        StorageError: the disk is full or not writable.
    """
    style = layout.style or "tags"
    for number, document in enumerate(corpus, start=1):
        _refuse_unreadable(document, number, style)
        if layout.style is None and _BRACKETS.search(render(document, style)):
            raise UnrepresentableError(
                f"the text of document number {number} contains what looks like an entity in brackets; write brat "
                "or jsonl, or set layout.inline.style to tags, both to write and to read it"
            )
    return write_folder(corpus, path, splits, lambda document: {SUFFIX: render(document, style)}, NAME)


def find_style(texts: Iterable[str]) -> Style:
    """The style with more entities in all texts together; tags in case of a tie.

    >>> find_style(["[Anna](NAME)", "<b>x</b> [Bo](NAME)"])
    'brackets'
    """
    balance = 0
    for text in texts:
        balance += len(_BRACKETS.findall(text)) - _count_pairs(text)
    return "brackets" if balance > 0 else "tags"


def parse(text: str, style: Style) -> tuple[str, list[RawSpan], list[tuple[int, str, str]]]:
    """The plain text, its sorted entities with their lines, and the problems as line, code and message.

    Tags with a problem are removed from the text like all others; of nested or crossing entities, the one that opens
    first is kept.

    Args:
        text: with inline entities.
        style: how they are written.
    """
    return _parse_tags(text) if style == "tags" else _parse_brackets(text)


def render(document: Document, style: Style) -> str:
    """The text of a document with its entities inline; nothing is escaped.

    >>> from deidsynth.documents import Entity
    >>> render(Document("1", "Dr Ek", (Entity(3, 5, "NAME"),)), "brackets")
    'Dr [Ek](NAME)'
    """

    def shown(entity: Entity) -> str:
        surface, label = document.surface(entity), entity.label
        return f"<{label}>{surface}</{label}>" if style == "tags" else f"[{surface}]({label})"

    return document.replace_entities(shown).text


def _documents(content: str, stem: str, unit: Literal["file", "paragraphs", "lines"]) -> Iterator[tuple[str, int, str]]:
    """Id, first line and content of every document in a file; blank lines before and after it are left out.

    >>> list(_documents("Bo\\n\\nAnna\\nkom\\n", "a", "paragraphs"))
    [('a-1', 1, 'Bo'), ('a-2', 3, 'Anna\\nkom')]
    """
    if unit == "file":
        yield stem, 1, content
        return
    found: list[tuple[int, list[str]]] = []
    goes_on = False
    for number, line in enumerate(content.split("\n"), start=1):
        if goes_on and line.strip():
            found[-1][1].append(line)
        elif line.strip():
            found.append((number, [line]))
        goes_on = unit == "paragraphs" and bool(line.strip())
    for number, (first, lines) in enumerate(found, start=1):
        yield f"{stem}-{number}", first, "\n".join(lines).removesuffix("\r")


def _has_entity(path: Path) -> bool:
    """Whether a file contains an entity in either style before anything that is not UTF-8."""
    return any(_BRACKETS.search(text) is not None or _count_pairs(text) > 0 for text in text_heads(path))


def _tags(text: str) -> Iterator[re.Match[str]]:
    """The tags of a text; several words in angle brackets are one only if they are closed somewhere."""
    found = list(_TAG.finditer(text))
    closed = {match[1] for match in found}
    return (match for match in found if match[1] or " " not in match[2] or match[2] in closed)


def _count_pairs(text: str) -> int:
    opened: Counter[str] = Counter()
    count = 0
    for match in _tags(text):
        closing, opening = match[1], match[2]
        if opening:
            opened[opening] += 1
        elif opened[closing]:
            opened[closing] -= 1
            count += 1
    return count


def _parse_brackets(text: str) -> tuple[str, list[RawSpan], list[tuple[int, str, str]]]:
    breaks = _line_breaks(text)
    pieces: list[str] = []
    spans: list[RawSpan] = []
    last = length = 0
    for match in _BRACKETS.finditer(text):
        before, surface = text[last : match.start()], match[1]
        start = length + len(before)
        length = start + len(surface)
        spans.append(RawSpan(start, length, match[2], line=bisect_left(breaks, match.start()) + 1))
        pieces += [before, surface]
        last = match.end()
    faults = [(bisect_left(breaks, at) + 1, code, _BRACKET_FAULTS[code]) for at, code in _bracket_faults(text)]
    return "".join([*pieces, text[last:]]), spans, faults


def _bracket_faults(text: str) -> Iterator[tuple[int, str]]:
    """Offset and code of everything that looks like an entity in brackets but is not.

    >>> list(_bracket_faults("[sic] (see) [a](N [b]() c](N) [d[e]](N)"))
    [(14, 'unbalanced-tag'), (20, 'label'), (25, 'stray-tag'), (35, 'nested-tag')]
    """
    has_inner: list[bool] = []  # for every bracket open on this line: whether it contains brackets
    on_one_line = _BRACKETS.sub(lambda entity: _BREAK.sub(" ", entity[0]), text)
    for match in _BRACKET.finditer(on_one_line):
        if match[0] == "[":
            has_inner[-1:] = [True] * bool(has_inner)
            has_inner.append(False)
        elif match[0] != "]":
            has_inner = []
        else:
            inner = has_inner.pop() if has_inner else None
            if _LABELLED.match(text, match.end()):
                if inner is not False:
                    yield match.start(), "stray-tag" if inner is None else "nested-tag"
            elif inner is False and _UNLABELLED.match(text, match.end()):
                yield match.start(), "label"
            elif inner is False and _OPEN_LABEL.match(text, match.end()):
                yield match.start(), "unbalanced-tag"


def _parse_tags(text: str) -> tuple[str, list[RawSpan], list[tuple[int, str, str]]]:
    breaks = _line_breaks(text)
    pieces: list[str] = []
    opened: dict[str, list[_Opening]] = {}
    pairs: list[_Pair] = []
    problems: list[tuple[int, str, str]] = []
    last = length = 0
    for order, match in enumerate(_tags(text)):
        before = text[last : match.start()]
        pieces.append(before)
        length += len(before)
        last = match.end()
        line = bisect_left(breaks, match.start()) + 1
        closing, opening, attributes = match.groups()
        if opening:
            label = _type(attributes) or opening
            opened.setdefault(opening, []).append(_Opening(order, length, label, line))
        elif opened.get(closing):
            pairs.append(_Pair(opened[closing].pop(), order, length))
        else:
            problems.append((line, "stray-tag", _STRAY))
    problems += [(each.line, "unbalanced-tag", _UNBALANCED) for left in opened.values() for each in left]
    spans, nested = _apart(pairs)
    return "".join([*pieces, text[last:]]), spans, sorted([*problems, *nested])


def _type(attributes: str) -> str | None:
    """The value of the attribute TYPE of a tag, if it has one."""
    for name, double, single in _ATTRIBUTE.findall(attributes):
        if name.upper() == "TYPE":
            return str(double or single)
    return None


def _apart(pairs: list[_Pair]) -> tuple[list[RawSpan], list[tuple[int, str, str]]]:
    """The entities that open outside all others, and a problem for each of the rest."""
    spans: list[RawSpan] = []
    problems: list[tuple[int, str, str]] = []
    reach = -1
    for opening, order, end in sorted(pairs):
        if opening.order < reach:
            problems.append((opening.line, "nested-tag", _NESTED))
        else:
            spans.append(RawSpan(opening.start, end, opening.label, line=opening.line))
            reach = order
    return spans, problems


def _refuse_unreadable(document: Document, number: int, style: Style) -> None:
    bad = sum(_LABEL.fullmatch(entity.label) is None for entity in document.entities)
    if bad:
        raise UnrepresentableError(
            f"document number {number} has {bad} entities whose label cannot be a tag; inline labels are an ASCII "
            "letter or _, then letters, digits, _, . and -: rename them, or write brat or jsonl"
        )
    split = sum(_BRACKETS.fullmatch(f"[{document.surface(entity)}](A)") is None for entity in document.entities)
    if style == "brackets" and split:
        raise UnrepresentableError(
            f"document number {number} has {split} entities with a bracket or a line break inside that brackets "
            "cannot represent; write the style tags, brat or jsonl"
        )
    text, spans, problems = parse(render(document, style), style)
    kept = [(span.start, span.end, span.label) for span in spans]
    if problems or text != document.text or kept != [entity.key for entity in document.entities]:
        raise UnrepresentableError(
            f"the text of document number {number} contains something that would be read as inline {style}; "
            "write the other style, brat or jsonl"
        )


def _line_breaks(text: str) -> list[int]:
    return [match.start() for match in re.finditer("\n", text)]
