"""CoNLL-style columns: one token per line, with its tag; an empty line ends a sentence.

Columns are separated by tabs if every token line has one, else by blanks and tabs. The columns of tokens and tags are
detected (``layout.columns`` overrides this); ``O`` and ``0`` are outside; IOB, IOB2, BIOES, BILOU (in any of the forms
of ``tag_styles``) and raw labels are read, and neighboring tokens with the same raw label form one entity. An entity
may go on in the next sentence of its document. A line that begins with ``#`` and does not have the columns of the
others is a comment.

The text is rebuilt from the tokens, with the white space that the file states: ``SpacesAfter=`` and ``SpacesBefore=``
(with UDPipe's escapes ``\\s \\t \\n \\r \\\\``), else a ``# text`` comment that contains the tokens in order,
else ``SpaceAfter=No``. Otherwise tokens are joined by a blank and sentences by a line feed. The writer states white
space with ``SpacesAfter=`` in the column between token and tag, so that the text survives.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import islice
from operator import itemgetter
from pathlib import Path

from deidsynth.config import ColumnsLayout
from deidsynth.corpora.encodings import MARK, is_utf_16
from deidsynth.corpora.folders import documents_by_file, skip_outside_splits
from deidsynth.corpora.links import is_link, link_problem
from deidsynth.corpora.opening import opened
from deidsynth.corpora.records import RawSpan, ReadResult, Record, read_exactly
from deidsynth.corpora.tag_styles import scheme_of, unnamed_form, usual_form
from deidsynth.documents import Split
from deidsynth.errors import Problem
from deidsynth.tagging import OUTSIDE, has_prefixes, is_tag, sentences_going_on, sequence_faults, spans_of_tags

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
_USUAL, _MOST = 0.9, 0.5  # share of well-formed tags in a column: usual, and in a file with faults
_WIDEST = 100  # columns; a line with more of them is a text
_NO_COLUMNS = (
    "no token and tag columns found: expected both on each line, with O or 0 outside entities; name the columns with "
    "--layout columns.token=0 --layout columns.tag=-1"
)
_ONLY_OUTSIDE = frozenset({OUTSIDE, "0"})
_OTHER_SUFFIXES = (".tsv", ".txt")  # used for much else, so faulty files are not recognized by them


@dataclass(slots=True)
class _Sentence:
    """Rows of one sentence, and the information in the comments before it."""

    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    text: str | None = None
    name: str | None = None
    document: str | None = None
    opens: bool = False
    goes_on: bool = False  # with the last entity of the sentence before


@dataclass(frozen=True, slots=True)
class _Columns:
    """Which column contains what.

    Args:
        token: column of the tokens.
        tag: column of the tags.
        prefixed: whether tags have prefixes.
        space: column with ``SpaceAfter=No`` and the like.
        written: the usual form of tags that are in another one.
        warning: what is doubtful about the tags, if anything is.
    """

    token: int
    tag: int
    prefixed: bool
    space: int | None
    written: Mapping[str, str] = field(default_factory=dict)
    warning: str | None = None


def sniff(path: Path) -> bool:
    """Whether the path looks like columns with tags: such a file, or a folder that contains one."""
    if path.is_dir():
        return any(True for _ in documents_by_file(path, SUFFIXES, NAME, _looks_like_columns)[0])
    return path.suffix.lower() in SUFFIXES and _looks_like_columns(path)


def _looks_like_columns(path: Path) -> bool:
    with opened(path) as file:
        head = b"".join(islice(file, _SNIFFED_LINES))
        if is_utf_16(head) or _begins_outside(_first_rows(head)):
            head += file.read()  # the first entity comes late
    rows = _first_rows(head)
    try:
        columns = _find_columns(rows, ColumnsLayout())
    except ValueError:
        return False
    tags = [columns.written.get(row[columns.tag], row[columns.tag]) for row in rows if len(row) > columns.tag]
    if path.suffix.lower() in _OTHER_SUFFIXES and has_prefixes(tags) is None:
        return False
    n_valid = sum(len(row) > max(columns.tag, columns.token) for row in rows)
    return n_valid >= max(2, 0.9 * len(rows))


def _first_rows(head: bytes) -> list[list[str]]:
    text = head.decode("utf-16" if is_utf_16(head) else "utf-8", "replace")
    return _rows(_sentences(text.removeprefix(MARK), ColumnsLayout()))


def _begins_outside(rows: Sequence[Sequence[str]]) -> bool:
    """Whether almost all rows have the same columns, one of which has nothing but tags of tokens outside entities."""
    width = _usual_width(rows)
    usual = [row for row in rows if len(row) == width]
    columns = ({row[place] for row in usual} for place in range(width))
    return 1 < width <= _WIDEST and len(usual) >= _USUAL * len(rows) and any(map(_ONLY_OUTSIDE.issuperset, columns))


def read_records(path: Path, layout: ColumnsLayout) -> ReadResult:
    """Raw records and problems of a file or a folder.

    Args:
        path: of a corpus; names of folders or files may name splits.
        layout: what is known about the columns.
    """
    result = ReadResult(NAME)
    files, n_others = documents_by_file(path, SUFFIXES, NAME, _looks_like_columns)
    if n_others:
        result.skipped["files_without_columns"] += n_others
    skip_outside_splits(result, path, SUFFIXES, NAME, _looks_like_columns)
    for file, split in files:
        text = read_exactly(file)
        if isinstance(text, Problem):
            result.problems.append(text)
        else:
            _read_file(text, file, split, layout, result)
    return result


def _read_file(text: str, path: Path, split: Split | None, layout: ColumnsLayout, result: ReadResult) -> None:
    sentences = list(_sentences(text, layout))
    try:
        columns = _find_columns(_rows(sentences), layout)
    except ValueError as error:
        rows = [row for sentence in sentences for row in sentence.rows]
        width = _usual_width(_rows(sentences))
        line = next((line for line, row in rows if len(row) != width), rows[0][0])
        result.problems.append(Problem(str(path), str(error), line, "columns"))
        return
    if columns.warning is not None:
        line = next(line for sentence in sentences for line, _ in sentence.rows)
        result.problems.append(Problem(str(path), columns.warning, line, "tag-form", fatal=False))
    for sentence in sentences:
        sentence.rows = list(_valid_rows(sentence.rows, columns, path, result))
    if columns.prefixed:
        _mark_those_going_on(sentences, columns)
    documents = list(_documents(sentences, path.stem, layout))
    if columns.prefixed:
        result.problems += _tag_warnings([document for _, document in documents], columns, path)
    for doc_id, document in documents:
        record = _record(doc_id, document, columns, layout, path, split, result)
        if document[0].opens and is_link(record.text):
            result.problems.append(link_problem(str(path), record.line))
        else:
            result.records.append(record)


def _sentences(text: str, layout: ColumnsLayout) -> Iterator[_Sentence]:
    """The sentences of a file, with rows split into columns."""
    lines = [line.removesuffix("\r") for line in text.split("\n")]
    separator, is_comment = _line_kinds(lines, layout)
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
            sentence.rows.append((number, separator.split(line)))
    if sentence.rows or sentence.opens:
        yield sentence


def _rows(sentences: Iterable[_Sentence]) -> list[list[str]]:
    return [row for sentence in sentences for _, row in sentence.rows]


def _line_kinds(lines: Sequence[str], layout: ColumnsLayout) -> tuple[re.Pattern[str], Callable[[str], bool]]:
    """The column separator, and a test for comment lines.

    Both follow from the lines that do not begin with ``#``. A line that does is a row if it has as many columns as they
    and its token is ``#`` or a longer one without a blank. If blanks separate the columns, a comment may happen to have
    that many words, so ``#`` must also have a tag like those of the rows.
    """
    others = [line for line in lines if line.strip() and not line.startswith(("#", _DOCSTART))]
    hashed = [line for line in lines if line.startswith("#") and not _COMMENT.match(line)]
    by_tab = all("\t" in line for line in others or hashed)
    separator = re.compile("\t" if by_tab else "[ \t]+")
    rows = [separator.split(line) for line in others]
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
        row = separator.split(line)
        if not rows:
            return False
        if len(row) != width or " " in row[0]:
            return True
        return not by_tab and not row[0].strip("#") and not (row[place] in tags or is_tag(row[place], prefixed=True))

    return separator, is_comment


def _usual_width(rows: Sequence[Sequence[str]]) -> int:
    return max(Counter(map(len, rows)).items(), key=itemgetter(1), default=(0, 0))[0]


def _find_columns(rows: Sequence[Sequence[str]], layout: ColumnsLayout) -> _Columns:
    """The columns of tokens, tags and white space.

    Raises:
        ValueError: they cannot be determined; the message says what to do.
    """
    if not rows:
        return _Columns(0, 1, prefixed=True, space=None)
    usual = _usual_width(rows)
    if usual > _WIDEST:
        raise ValueError(_NO_COLUMNS)
    given = {place: [row[place] for row in rows if len(row) >= usual] for place in range(usual)}
    forms = {place: usual_form(values) for place, values in given.items()}
    tables = {place: [forms[place].get(value, value) for value in values] for place, values in given.items()}
    asked = _place(layout.tag, usual)
    tag = asked if asked is not None else _tag_column(tables)
    token = _place(layout.token, usual)
    if usual < 2 or tag not in tables or (token is not None and token not in tables) or tag == token:
        if usual > 1 and (layout.token is not None or layout.tag is not None):
            raise ValueError(
                f"the layout names no two columns of these lines, which have {usual}, from 0 to {usual - 1}; name two, "
                f"such as --layout columns.token=0 --layout columns.tag={usual - 1}"
            )
        raise ValueError(_NO_COLUMNS)
    scheme = scheme_of(given[tag])
    others = [place for place in tables if place != tag]
    space = next((place for place in others if any(map(_SPACE.search, tables[place]))), None)
    if token is None:
        others = [place for place in others if place != space] or others
        token = next((place for place in others if not all(map(_INDEX.fullmatch, tables[place]))), others[0])
    space = space if space != token else None
    return _Columns(token, tag, scheme.prefixed, space, scheme.form, scheme.warning)


def _place(column: int | None, width: int) -> int | None:
    return column if column is None or column >= 0 else width + column


def _tag_column(tables: Mapping[int, Sequence[str]]) -> int | None:
    """The last column of tags, best with prefixes, else with labels; a faulty column must have prefixes."""
    for wanted, least in ((True, _USUAL), (False, _USUAL), (True, _MOST)):
        places = [place for place, values in tables.items() if has_prefixes(values, least) is wanted]
        if places:
            labeled = [place for place in places if wanted or not unnamed_form(tables[place])]
            return (labeled or places)[-1]
    return None


def _valid_rows(
    rows: Iterable[tuple[int, list[str]]], columns: _Columns, path: Path, result: ReadResult
) -> Iterator[tuple[int, list[str]]]:
    """The rows with a token and a tag, without the multiword ranges and empty nodes of CoNLL-U."""
    for line, row in rows:
        if len(row) <= columns.token:
            message = f"expected at least {max(columns.token, columns.tag) + 1} columns, got {len(row)}; fix the line"
            result.problems.append(Problem(str(path), message, line, "columns"))
        elif len(row) <= columns.tag:
            message = "the line has no tag, so its token is read as outside; add the tag"
            result.problems.append(Problem(str(path), message, line, "columns", fatal=False))
            yield line, [*row, *[OUTSIDE] * (columns.tag + 1 - len(row))]
        elif columns.token > 0 and _RANGE.fullmatch(row[0]):
            result.skipped["ranges_of_words"] += 1
        elif not row[columns.token].strip():
            result.skipped["blank_tokens"] += 1
        elif not is_tag(tag := columns.written.get(row[columns.tag], row[columns.tag]), columns.prefixed):
            message = "the tag does not have the form of the others in this file; fix it"
            result.problems.append(Problem(str(path), message, line, "tag", of_entity=True))
            yield line, [*row[: columns.tag], OUTSIDE, *row[columns.tag + 1 :]]
        else:
            yield line, [*row[: columns.tag], tag, *row[columns.tag + 1 :]]


def _mark_those_going_on(sentences: Sequence[_Sentence], columns: _Columns) -> None:
    """Mark the sentences that begin inside an entity of the sentence before."""
    whole = [sentence for sentence in sentences if sentence.rows]
    for number in sentences_going_on([[row[columns.tag] for _, row in sentence.rows] for sentence in whole]):
        whole[number].goes_on = True


def _tag_warnings(documents: Sequence[Sequence[_Sentence]], columns: _Columns, path: Path) -> Iterator[Problem]:
    """Warnings about tags that break the scheme of the file."""
    units: list[list[tuple[int, list[str]]]] = []  # sentences, with those that go on
    cut: set[int] = set()  # lines on which an entity goes on in another document
    for document in documents:
        for number, sentence in enumerate(each for each in document if each.rows):
            if number and sentence.goes_on:
                units[-1] += sentence.rows
            else:
                units.append(list(sentence.rows))
                cut.update([sentence.rows[0][0]] * sentence.goes_on)
    for number, place, fault in sequence_faults([[row[columns.tag] for _, row in unit] for unit in units]):
        line, _ = units[number][place]
        remedy = "fix the tags around it"
        if line in cut:
            fault += " in its document: it goes on from the sentence before, which is another document"
            remedy = "read sentences together with --layout columns.documents=file, or fix the tags"
        yield Problem(str(path), f"the prefix {fault}; {remedy}", line, "tag-sequence", fatal=False)


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
    split: Split | None,
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
            if first == 0 and sentence.goes_on and spans:
                spans[-1] = spans[-1]._replace(end=bounds[last - 1][1])
                continue
            spans.append(RawSpan(bounds[first][0], bounds[last - 1][1], label, line=sentence.rows[first][0]))
    line = next((sentence.rows[0][0] for sentence in sentences if sentence.rows), None)
    return Record(doc_id, text, tuple(spans), str(path), line, split=split)


def _white_space(
    sentence: _Sentence, tokens: Sequence[str], columns: _Columns, layout: ColumnsLayout, result: ReadResult
) -> tuple[str | None, list[str | None]]:
    """White space before a sentence and after each token; None if the file does not state it (only at its end)."""
    blank: list[str | None] = [*[" "] * (len(tokens) - 1), None]
    if layout.detokenize == "blank":
        return None, blank
    stated: list[dict[str, str]] = [{}] * len(tokens)
    if columns.space is not None:
        place = columns.space
        stated = [dict(_SPACE.findall(row[place])) if len(row) > place else {} for _, row in sentence.rows]
    exact = any("SpacesAfter" in each or "SpacesBefore" in each for each in stated)
    if not exact and sentence.text is not None:
        gaps = _gaps_in(sentence.text, tokens)
        if gaps is not None:
            return None, [*gaps, None]
        result.skipped["text_comments_that_do_not_fit"] += 1
    after: list[str | None] = [
        _unescape(each["SpacesAfter"]) if "SpacesAfter" in each else "" if each.get("SpaceAfter") == "No" else usual
        for each, usual in zip(stated, blank, strict=True)
    ]
    if not exact and after[-1] == "":
        after[-1] = None
    before = _unescape(stated[0]["SpacesBefore"]) if "SpacesBefore" in stated[0] else None
    return before, after


def _gaps_in(text: str, tokens: Sequence[str]) -> list[str] | None:
    """The white space between tokens that occur in a text in this order; None if they do not."""
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
