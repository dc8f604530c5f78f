"""WebAnno TSV 3, as exported by INCEpTION and WebAnno: one document a file, one token a line, layers in columns.

The text is what ``#Text=`` states for each sentence. What is between sentences is not stated: where their offsets leave
room, it is a line feed and blanks, as INCEpTION reads it. Offsets count UTF-16 units; every token is compared with the
text at its offsets. Which layers are entities, and which feature is the label, is decided as for UIMA CAS.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from deidsynth.corpora.document_files import Source, find_sources, looks_like, read_text
from deidsynth.corpora.formats.cas import label_features_of
from deidsynth.corpora.opening import opened
from deidsynth.corpora.records import RawSpan, ReadResult, Record
from deidsynth.corpora.stated_texts import utf16_places
from deidsynth.errors import Problem

NAME = "webanno"
SUFFIX = ".tsv"

_FORMAT, _TEXT = "#FORMAT=WebAnno TSV ", "#Text="
_LAYER = re.compile(r"#T_(SP|RL|CH)=(.*)")
_NAMELESS = re.compile(r"#T_(?:SP|RL|CH)=\|*")
_COUNTED = {"RL": "relations", "CH": "chain_links"}
_OFFSETS = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")
_LONGEST_FIRST_LINE = 1 << 10
_WIDEST_GAP = 10_000
"""Between two sentences, in UTF-16 units: their offsets say how many blanks were there."""
_ESCAPED = re.compile(r"\\(->|.)")
_CHARACTERS = {"t": "\t", "n": "\n", "r": "\r"}
_ITEM = re.compile(r"(?P<value>(?:\\.|[^\\])*?)(?:\[(?P<id>\d+)\])?", re.DOTALL)
_BAR = re.compile(r"(?:\\.|[^\\|])+")


@dataclass(frozen=True, slots=True)
class _Layer:
    """The columns of a layer.

    Args:
        kind: ``SP`` for spans, ``RL`` for relations, ``CH`` for chains.
        name: of the layer.
        features: one for each column; empty strings for a layer without any.
        first: its first column, from zero.
    """

    kind: str
    name: str
    features: tuple[str, ...]
    first: int


@dataclass(frozen=True, slots=True)
class _Token:
    """One line of a token, or of a part of one."""

    line: int
    begin: int
    end: int
    form: str
    cells: Sequence[str]


@dataclass(slots=True)
class _Annotation:
    """A span annotation, as far as it was read, with the values of its features."""

    begin: int
    end: int
    line: int
    values: dict[str, str] = field(default_factory=dict)


def sniff(path: Path) -> bool:
    """Whether the path looks like WebAnno TSV."""
    return looks_like(path, SUFFIX, _looks)


def read_records(path: Path) -> ReadResult:
    """Raw records and problems of a file or a folder."""
    result = ReadResult(NAME)
    for source in find_sources(path, SUFFIX, _looks, result):
        content = read_text(source.path, result)
        if content is not None:
            _read(content, source, result)
    result.skipped = +result.skipped
    return result


def _looks(path: Path) -> bool | None:
    with suppress(OSError), opened(path) as file:
        return file.readline(_LONGEST_FIRST_LINE).decode("utf-8-sig", "replace").startswith(_FORMAT)
    return None


def _read(content: str, source: Source, result: ReadResult) -> None:
    path = str(source.path)
    lines = [line.removesuffix("\r") for line in content.split("\n")]
    if not lines[0].startswith(f"{_FORMAT}3"):
        message = "not WebAnno TSV 3; export the document as WebAnno TSV 3 or as UIMA CAS"
        result.problems.append(Problem(path, message, 1, "malformed"))
        return
    nameless = next((number for number, line in enumerate(lines, start=1) if _NAMELESS.fullmatch(line)), None)
    if nameless is not None:
        result.problems.append(Problem(path, "a layer has no name; export the document again", nameless, "malformed"))
        return
    layers = list(_layers(lines))
    tokens, text = _tokens_and_text(lines, path, result)
    places = utf16_places(text)
    for token in tokens:
        begin, end = places.get(token.begin), places.get(token.end)
        if begin is None or end is None or text[begin:end] != token.form:
            message = (
                f"the token at {token.begin}-{token.end} differs from the text of its sentence at these offsets, which "
                "count UTF-16 units; export the document again"
            )
            result.problems.append(Problem(path, message, token.line, "text-mismatch"))
            return
    spans = [
        RawSpan(places[each.begin], places[each.end], label, line=each.line)
        for layer in layers
        for each, label in _entities(layer, tokens, result)
    ]
    origin, annotation, language = source.provenance
    result.records.append(
        Record(
            source.name,
            text,
            tuple(sorted(spans, key=lambda span: span[:3])),
            path,
            None,
            None,
            source.split,
            origin,
            annotation,
            language=language,
        )
    )


def _layers(lines: Sequence[str]) -> Iterator[_Layer]:
    first = 0
    for line in lines:
        found = _LAYER.fullmatch(line)
        if found:
            name, *features = [each for each in found[2].split("|") if each]
            yield _Layer(found[1], name, tuple(features or [""]), first)
            first += len(features or [""])


def _tokens_and_text(lines: Sequence[str], path: str, result: ReadResult) -> tuple[list[_Token], str]:
    """The lines of tokens, and the text of the document."""
    tokens: list[_Token] = []
    text, n_units, sentence = "", 0, ""
    for number, line in enumerate(lines, start=1):
        if line.startswith(_TEXT):
            sentence += _unescaped(line.removeprefix(_TEXT)) + "\n"
            continue
        cells = line.split("\t")
        offsets = _OFFSETS.fullmatch(cells[1]) if len(cells) > 2 and not line.startswith("#") else None
        if offsets is None:
            if line and not line.startswith("#"):
                message = "expected the number of a token, its offsets and its text, separated by tabs; fix the line"
                result.problems.append(Problem(path, message, number, "malformed"))
            continue
        token = _Token(number, int(offsets[1]), int(offsets[2]), _unescaped(cells[2]), cells[3:])
        if token.begin - n_units > _WIDEST_GAP:
            message = f"the token begins more than {_WIDEST_GAP:,} units after the text before it; fix its offsets"
            result.problems.append(Problem(path, message, number, "malformed"))
            continue
        if sentence:
            if n_units == token.begin + 1:  # nothing is between this sentence and the one before
                text, n_units = text[:-1], n_units - 1
            added = " " * (token.begin - n_units) + sentence
            text, sentence = text + added, ""
            n_units += len(added.encode("utf-16-le", "surrogatepass")) // 2
        tokens.append(token)
    return tokens, (text + sentence).removesuffix("\n")


def _entities(layer: _Layer, tokens: Sequence[_Token], result: ReadResult) -> Iterator[tuple[_Annotation, str]]:
    """The annotations of a layer with their labels; those of layers that are not entities are counted."""
    found: dict[object, _Annotation] = {}
    for token in tokens:
        for column, feature in enumerate(layer.features, start=layer.first):
            for place, (value, identity) in enumerate(_items(token.cells[column : column + 1])):
                key = identity if identity is not None else (token.line, place)
                each = found.setdefault(key, _Annotation(token.begin, token.end, token.line))
                each.begin, each.end = min(each.begin, token.begin), max(each.end, token.end)
                if value != "*":
                    each.values[feature] = _unescaped(value)
    features = tuple(each for each in layer.features if each)
    labels = _COUNTED.get(layer.kind) or label_features_of(layer.name, features, features)
    if not isinstance(labels, tuple):
        if labels is not None:
            result.skipped[labels] += len(found)
        return
    for each in found.values():
        short = layer.name.rpartition(".")[2]
        yield each, next((each.values[name] for name in labels if name in each.values), "") if labels else short


def _items(cells: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Value and identity of every annotation in a cell."""
    for cell in cells:
        for item in _BAR.findall(cell) if cell != "_" else ():
            match = _ITEM.fullmatch(item)
            if match:
                yield match["value"], match["id"]


def _unescaped(text: str) -> str:
    return _ESCAPED.sub(lambda match: _CHARACTERS.get(match[1], match[1]), text)
