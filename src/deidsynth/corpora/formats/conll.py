"""CoNLL-type columns: one token a line, with its tag; an empty line parts sentences.

Columns are parted by tabs where every token line has one, else by blanks and tabs. Which column holds tokens and which
holds tags is found (``layout.columns`` overrides); ``O`` and ``0`` are outside; IOB, IOB2, BIOES, BILOU and raw labels
are read, neighboring tokens of one raw label being one entity. A line that begins with ``#`` and has not the columns
of the others is a comment.

The text is made from the tokens. What the file says about white space is followed: ``SpacesAfter=`` and
``SpacesBefore=`` (UDPipe's escapes ``\\s \\t \\n \\r \\\\``), else a ``# text`` comment that holds the tokens in
order, else ``SpaceAfter=No``. Otherwise tokens are parted by a blank and sentences by a line feed. The writer states
white space with ``SpacesAfter=`` in the column between token and tag, so that the text survives.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path

from deidsynth.config import ColumnsLayout
from deidsynth.corpora.folders import documents_by_file, skip_outside_parts
from deidsynth.corpora.records import Part, RawSpan, ReadResult, Record, read_exactly
from deidsynth.errors import Problem
from deidsynth.tagging import OUTSIDE, has_prefixes, is_tag, sequence_faults, spans_of_tags

NAME = "conll"
SUFFIXES = (".conll", ".conllu", ".iob", ".iob2", ".bio", ".bioes", ".tsv", ".txt")

_COMMENT = re.compile(r"# *(?:newdoc\b|newpar\b|[\w.:-]+ *=)")
_NEW_DOCUMENT = re.compile(r"#\s*newdoc(?:\s+id\s*=\s*(.*?))?\s*")
_TEXT = re.compile(r"#\s*text\s*=\s?(.*)")
_SENTENCE_ID = re.compile(r"#\s*sent_id\s*=\s*(\S+)\s*")
_DOCSTART = "-DOCSTART-"
_SPACE = re.compile(r"(?:^|\|)(SpaceAfter|SpacesAfter|SpacesBefore)=([^|]*)")
_ESCAPES = {"\\s": " ", "\\t": "\t", "\\n": "\n", "\\r": "\r", "\\p": "|", "\\\\": "\\"}
_ESCAPED = re.compile(r"\\[stnrp\\]")
_TO_ESCAPE = {value: key for key, value in _ESCAPES.items()}
_INDEX = re.compile(r"\d+(?:[-.]\d+)?")
_RANGE = re.compile(r"\d+[-.]\d+")
_SNIFFED_LINES = 200
_USUAL, _MOST = 0.9, 0.5  # share of the tags of a column that are well formed, and where the file has faults
_OTHER_SUFFIXES = (".tsv", ".txt")  # of much else, so that faults are not looked for


@dataclass(slots=True)
class _Sentence:
    """Rows of one sentence, and what the comments before it say."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    text: str | None = None
    name: str | None = None
    document: str | None = None
    opens: bool = False


@dataclass(frozen=True, slots=True)
class _Columns:
    """Where what stands.

    Args:
        token: column of the tokens.
        tag: column of the tags.
        prefixed: whether tags have prefixes.
        space: column with ``SpaceAfter=No`` and the like.
    """

    token: int
    tag: int
    prefixed: bool
    space: int | None


def sniff(path: Path) -> bool:
    """Whether the path looks like columns with tags: such a file, or a folder that holds one."""
    if path.is_dir():
        return any(True for _ in documents_by_file(path, SUFFIXES, NAME, _looks_like_columns)[0])
    return path.suffix.lower() in SUFFIXES and _looks_like_columns(path)


def _looks_like_columns(path: Path) -> bool:
    with path.open("rb") as file:
        head = b"".join(line for _, line in zip(range(_SNIFFED_LINES), file, strict=False))
    rows = _rows(_sentences(head.decode("utf-8", "replace").removeprefix("\ufeff"), ColumnsLayout()))
    try:
        columns = _find_columns(rows, ColumnsLayout())
    except ValueError:
        return False
    tags = [row[columns.tag] for row in rows if len(row) > columns.tag]
    if path.suffix.lower() in _OTHER_SUFFIXES and has_prefixes(tags) is None:
        return False
    n_sound = sum(len(row) > max(columns.tag, columns.token) for row in rows)
    return n_sound >= max(2, 0.9 * len(rows))


def read_records(path: Path, layout: ColumnsLayout) -> ReadResult:
    """Raw records and problems of a file or a folder.

    Args:
        path: of a corpus; names of folders or files may tell parts.
        layout: what is known about the columns.
    """
    result = ReadResult(NAME)
    files, n_others = documents_by_file(path, SUFFIXES, NAME, _looks_like_columns)
    if n_others:
        result.skipped["files_without_columns"] += n_others
    skip_outside_parts(result, path, SUFFIXES, NAME, _looks_like_columns)
    for file, part in files:
        text = read_exactly(file)
        if isinstance(text, Problem):
            result.problems.append(text)
        else:
            _read_file(text.removeprefix("\ufeff"), file, part, layout, result)
    return result


def _read_file(text: str, path: Path, part: Part | None, layout: ColumnsLayout, result: ReadResult) -> None:
    sentences = list(_sentences(text, layout))
    try:
        columns = _find_columns(_rows(sentences), layout)
    except ValueError as error:
        rows = [row for sentence in sentences for row in sentence.rows]
        width = _usual_width(_rows(sentences))
        line = next((line for line, row in rows if len(row) != width), rows[0][0])
        result.problems.append(Problem(str(path), str(error), line, "columns"))
        return
    for sentence in sentences:
        sentence.rows = list(_sound_rows(sentence.rows, columns, path, result))
    if columns.prefixed:
        result.problems += _doubtful_tags(sentences, columns, path)
    for doc_id, document in _documents(sentences, path.stem, layout):
        result.records.append(_record(doc_id, document, columns, layout, path, part, result))


def _sentences(text: str, layout: ColumnsLayout) -> Iterator[_Sentence]:
    """The sentences of a file; rows are parted into columns."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    parting, is_comment = _line_kinds(lines, layout)
    sentence = _Sentence()
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            if sentence.rows or sentence.opens:
                yield sentence
                sentence = _Sentence()
        elif is_comment(line):
            opened, shown, named = _NEW_DOCUMENT.fullmatch(line), _TEXT.fullmatch(line), _SENTENCE_ID.fullmatch(line)
            if opened:
                sentence.opens, sentence.document = True, opened[1]
            elif shown:
                sentence.text = shown[1]
            elif named:
                sentence.name = named[1]
        elif line.startswith(_DOCSTART):
            if sentence.rows:
                yield sentence
                sentence = _Sentence()
            sentence.opens = True
        else:
            sentence.rows.append((number, parting.split(line)))
    if sentence.rows or sentence.opens:
        yield sentence


def _rows(sentences: Iterable[_Sentence]) -> list[list[str]]:
    return [row for sentence in sentences for _, row in sentence.rows]


def _line_kinds(lines: Sequence[str], layout: ColumnsLayout) -> tuple[re.Pattern[str], Callable[[str], bool]]:
    """What parts columns, and which lines are comments.

    Both are told by the lines that do not begin with ``#``. One that does is a row if it has their number of columns
    and the token ``#`` or a longer one without a blank; where blanks part the columns, words of a comment may happen to
    be as many, and ``#`` needs a tag like those of the rows too.
    """
    others = [line for line in lines if line.strip() and not line.startswith(("#", _DOCSTART))]
    hashed = [line for line in lines if line.startswith("#") and not _COMMENT.match(line)]
    by_tab = all("\t" in line for line in others or hashed)
    parting = re.compile("\t" if by_tab else "[ \t]+")
    rows = [parting.split(line) for line in others]
    width = _usual_width(rows)
    tags: frozenset[str] = frozenset()
    place = -1
    if hashed and rows and not by_tab:
        with suppress(ValueError):
            columns = _find_columns(rows, layout)
            place, tags = columns.tag, frozenset(row[columns.tag] for row in rows if len(row) > columns.tag)

    def is_comment(line: str) -> bool:
        if not line.startswith("#") or _COMMENT.match(line):
            return line.startswith("#")
        row = parting.split(line)
        if not rows:
            return False
        if len(row) != width or " " in row[0]:
            return True
        return not by_tab and not row[0].strip("#") and not (row[place] in tags or is_tag(row[place], prefixed=True))

    return parting, is_comment


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    return max(Counter(map(len, rows)).items(), key=itemgetter(1), default=(0, 0))[0]


def _find_columns(rows: Sequence[Sequence[str]], layout: ColumnsLayout) -> _Columns:
    """Where what stands.

    Raises:
        ValueError: that cannot be told; the message says what to do.
    """
    if not rows:
        return _Columns(0, 1, prefixed=True, space=None)
    usual = _usual_width(rows)
    tables = {place: [row[place] for row in rows if len(row) >= usual] for place in range(usual)}
    asked = _place(layout.tag, usual)
    tag = asked if asked is not None else _tag_column(tables)
    token = _place(layout.token, usual)
    if usual < 2 or tag not in tables or (token is not None and token not in tables) or tag == token:
        raise ValueError(
            "no columns of tokens and tags were found: expected both on each line, with O or 0 outside; name the "
            "columns with --layout columns.token=0 --layout columns.tag=-1"
        )
    prefixed = bool(has_prefixes(tables[tag]) or has_prefixes(tables[tag], _MOST))
    others = [place for place in tables if place != tag]
    space = next((place for place in others if any(map(_SPACE.search, tables[place]))), None)
    if token is None:
        others = [place for place in others if place != space] or others
        token = next((place for place in others if not all(map(_INDEX.fullmatch, tables[place]))), others[0])
    return _Columns(token, tag, prefixed, space if space != token else None)


def _place(column: int | None, width: int) -> int | None:
    return column if column is None or column >= 0 else width + column


def _tag_column(tables: Mapping[int, Sequence[str]]) -> int | None:
    """The last column of tags; one with prefixes is preferred, and of faulty ones only such a one is taken."""
    for wanted, least in ((True, _USUAL), (False, _USUAL), (True, _MOST)):
        places = [place for place, values in tables.items() if has_prefixes(values, least) is wanted]
        if places:
            return places[-1]
    return None


def _sound_rows(
    rows: Iterable[tuple[int, list[str]]], columns: _Columns, path: Path, result: ReadResult
) -> Iterator[tuple[int, list[str]]]:
    """The rows that hold a token and a tag; ranges of words and empty nodes of CoNLL-U are left out."""
    for line, row in rows:
        if len(row) <= columns.token:
            message = f"expected at least {max(columns.token, columns.tag) + 1} columns, got {len(row)}; mend the line"
            result.problems.append(Problem(str(path), message, line, "columns"))
        elif len(row) <= columns.tag:
            message = "the line has no tag, its token is taken as outside; add the tag"
            result.problems.append(Problem(str(path), message, line, "columns", fatal=False))
            yield line, [*row, *[OUTSIDE] * (columns.tag + 1 - len(row))]
        elif columns.token > 0 and _RANGE.fullmatch(row[0]):
            result.skipped["ranges_of_words"] += 1
        elif not row[columns.token].strip():
            result.skipped["blank_tokens"] += 1
        elif not is_tag(row[columns.tag], columns.prefixed):
            message = "the tag is not of the form of the others in this file; mend it"
            result.problems.append(Problem(str(path), message, line, "tag"))
        else:
            yield line, row


def _doubtful_tags(sentences: Sequence[_Sentence], columns: _Columns, path: Path) -> Iterator[Problem]:
    """Tags that do not follow each other as those of the file mostly do."""
    for number, place, fault in sequence_faults(
        [[row[columns.tag] for _, row in sentence.rows] for sentence in sentences]
    ):
        message = f"the prefix {fault}; mend the tags around it"
        yield Problem(str(path), message, sentences[number].rows[place][0], "tag-sequence", fatal=False)


def _documents(
    sentences: Sequence[_Sentence], stem: str, layout: ColumnsLayout
) -> Iterator[tuple[str, list[_Sentence]]]:
    """Ids and sentences of the documents of a file."""
    marked = any(sentence.opens for sentence in sentences)
    if layout.documents == "file":
        yield stem, list(sentences)
    elif layout.documents == "marked" or (layout.documents == "auto" and marked):
        documents: list[list[_Sentence]] = []
        for sentence in sentences:
            if sentence.opens or not documents:
                documents.append([])
            documents[-1].append(sentence)
        for number, document in enumerate(documents, start=1):
            yield document[0].document or f"{stem}-{number}", document
    else:
        whole = [sentence for sentence in sentences if sentence.rows]
        for number, first in enumerate(range(0, len(whole), layout.sentences), start=1):
            document = whole[first : first + layout.sentences]
            yield document[0].name if layout.sentences == 1 and document[0].name else f"{stem}-{number}", document


def _record(
    doc_id: str,
    sentences: Sequence[_Sentence],
    columns: _Columns,
    layout: ColumnsLayout,
    path: Path,
    part: Part | None,
    result: ReadResult,
) -> Record:
    text, spans = "", list[RawSpan]()
    pending = ""
    for sentence in sentences:
        if not sentence.rows:
            continue
        tokens = [row[columns.token] for _, row in sentence.rows]
        before, gaps = _white_space(sentence, tokens, columns, layout, result)
        text += before if before is not None else pending
        bounds = []
        for token, gap in zip(tokens, gaps, strict=True):
            bounds.append((len(text), len(text) + len(token)))
            text += token + (gap or "")
        pending = "\n" if gaps[-1] is None else ""
        tags = [row[columns.tag] for _, row in sentence.rows]
        for first, last, label in spans_of_tags(tags, columns.prefixed):
            spans.append(RawSpan(bounds[first][0], bounds[last - 1][1], label, line=sentence.rows[first][0]))
    line = next((sentence.rows[0][0] for sentence in sentences if sentence.rows), None)
    return Record(doc_id, text, tuple(spans), str(path), line, split=part)


def _white_space(
    sentence: _Sentence, tokens: Sequence[str], columns: _Columns, layout: ColumnsLayout, result: ReadResult
) -> tuple[str | None, list[str | None]]:
    """White space before a sentence and after each of its tokens; None where nothing is said (at its end alone)."""
    blank: list[str | None] = [*[" "] * (len(tokens) - 1), None]
    if layout.detokenize == "blank":
        return None, blank
    said: list[dict[str, str]] = [{}] * len(tokens)
    if columns.space is not None:
        place = columns.space
        said = [dict(_SPACE.findall(row[place])) if len(row) > place else {} for _, row in sentence.rows]
    exact = any("SpacesAfter" in each or "SpacesBefore" in each for each in said)
    if not exact and sentence.text is not None:
        gaps = _gaps_in(sentence.text, tokens)
        if gaps is not None:
            return None, [*gaps, None]
        result.skipped["text_comments_that_do_not_fit"] += 1
    after: list[str | None] = [
        _unescape(each["SpacesAfter"]) if "SpacesAfter" in each else "" if each.get("SpaceAfter") == "No" else usual
        for each, usual in zip(said, blank, strict=True)
    ]
    if not exact and after[-1] == "":
        after[-1] = None
    before = _unescape(said[0]["SpacesBefore"]) if "SpacesBefore" in said[0] else None
    return before, after


def _gaps_in(text: str, tokens: Sequence[str]) -> list[str] | None:
    """The white space between tokens that stand in a text one after another; None where they do not."""
    gaps, place = [], 0
    for number, token in enumerate(tokens):
        found = text.find(token, place)
        if found < 0 or text[place:found].strip() or (number == 0 and found > 0):
            return None
        if number:
            gaps.append(text[place:found])
        place = found + len(token)
    return gaps


def _unescape(value: str) -> str:
    return _ESCAPED.sub(lambda match: _ESCAPES[match[0]], value)


def escape(gap: str) -> str:
    """White space as ``SpacesAfter=`` states it.

    >>> escape(" \\n")
    '\\\\s\\\\n'
    """
    return "".join(_TO_ESCAPE.get(character, character) for character in gap)
