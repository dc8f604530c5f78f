"""Reading JSON of annotation tools: objects with their lines, checked fields, every fault as a problem."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import suppress
from itertools import chain, islice
from pathlib import Path
from typing import IO, Any

from deidsynth.corpora.document_files import Source, read_text, text_heads
from deidsynth.corpora.encodings import decode, is_utf_16
from deidsynth.corpora.opening import opened
from deidsynth.corpora.records import RawSpan, ReadResult, read_bytes, unreadable
from deidsynth.corpora.span_lists import NUMERIC
from deidsynth.corpora.stated_texts import mismatch
from deidsynth.errors import Problem
from deidsynth.plain_data import RepeatedKeyError, once, read_json

LINES = ".jsonl"

_WHITE = " \t\n\r"
_FIRST = 20  # values of a file that are inspected to detect its format


class FieldError(Exception):
    """An object violates the format; the message says how, and how to fix it.

    Args:
        message: what is wrong, and the remedy.
        code: of the problem.
    """

    def __init__(self, message: str, code: str = "malformed") -> None:
        self.code = code
        super().__init__(message)

    def problem(self, source: Source, line: int, *, of_entity: bool = False) -> Problem:
        """The error as a problem of a file, or of one entity in it."""
        return Problem(str(source.path), str(self), line, self.code, of_entity=of_entity)


def most_lines(path: Path, looks: Callable[[Any], bool]) -> bool | None:
    """Whether most JSON values on the first lines look right, so that one fault does not hide the format.

    Args:
        path: of the file.
        looks: whether a value does.

    Returns:
        None if no value can be parsed.
    """

    def parse(head: str) -> Iterator[Any]:
        for line in head.split("\n"):
            with suppress(ValueError, RecursionError):
                yield json.loads(line)

    return _most(path, parse, looks)


def most_elements(path: Path, looks: Callable[[Any], bool]) -> bool | None:
    """Whether most of the first elements of a JSON list look right; False for JSON of another kind.

    Args:
        path: of the file.
        looks: whether an element does.

    Returns:
        None if no element can be parsed.
    """

    def parse(head: str) -> Iterator[Any]:
        if head.lstrip(_WHITE).startswith("{"):
            yield None
        else:
            with suppress(ValueError, RecursionError):
                yield from (value for _, value in _elements(head))

    return _most(path, parse, looks)


def most_values(path: Path, looks: Callable[[Any], bool]) -> bool | None:
    """Whether most of the first JSON values of a file, on its lines or in its list, look right; see ``most_lines``."""
    if _has_lines(path):
        return most_lines(path, looks)
    return _most(path, _in_object, looks) or most_elements(path, looks)


def _has_lines(path: Path) -> bool:
    """Whether a file has a JSON value on each line, as the suffix or else the first line says."""
    if path.suffix.lower() == LINES:
        return True
    with suppress(OSError, ValueError, RecursionError), opened(path) as file:
        value = json.loads(next((line for line in file if line.strip()), b""))
        return isinstance(value, dict) and "classes" not in value
    return False


def _in_object(text: str) -> Iterator[Any]:
    """The documents in a text that is one object: those that a tool lists beside its classes, or the object itself."""
    with suppress(ValueError, RecursionError):
        value = json.loads(text) if text.lstrip(_WHITE).startswith("{") else None
        if isinstance(value, dict):
            listed = value.get("annotations") if "classes" in value else None
            yield from (each for each in (listed if isinstance(listed, list) else [value]) if each is not None)


def _most(path: Path, parse: Callable[[str], Iterator[Any]], looks: Callable[[Any], bool]) -> bool | None:
    for head in text_heads(path):
        values = list(islice(parse(head), _FIRST))
        if values:
            return 2 * sum(map(looks, values)) >= len(values)
    return None


def text_lines(path: Path, result: ReadResult) -> Iterator[tuple[str, int]]:
    """Every line that is not blank, with its number; faults become problems."""
    offset = 0
    try:
        with opened(path) as file:
            for number, line in enumerate(_byte_lines(file), start=1):
                if line.strip():
                    text = decode(line, str(path), number, offset)
                    if isinstance(text, Problem):
                        # The whole file shows its encoding better than one line.
                        data = read_bytes(path)
                        whole = decode(line, str(path), number, offset, data) if isinstance(data, bytes) else data
                        result.problems.append(whole if isinstance(whole, Problem) else text)
                    else:
                        yield text, number
                offset += len(line) + 1
    except OSError as error:
        result.problems.append(unreadable(path, error))


def _byte_lines(file: IO[bytes]) -> Iterator[bytes]:
    """The lines of a file without their ends; UTF-16, where these are not one byte, is one line."""
    first = file.readline()
    if is_utf_16(first):
        yield first + file.read()
        return
    for line in chain([first], file):
        yield line.removesuffix(b"\n")


def values_of(path: Path, result: ReadResult) -> Iterator[tuple[Any, int]]:
    """The JSON values of a file, on its lines or in its list, each with its line; faults become problems.

    A file that is one object is a document, or documents under ``annotations`` beside ``classes``.
    """
    if _has_lines(path):
        yield from _lines_of_values(path, result)
        return
    text = read_text(path, ReadResult("")) or ""
    inside = list(_in_object(text))
    if not inside:
        yield from _list_of_values(path, result)
        return
    try:
        read_json(text)
    except RepeatedKeyError as error:
        result.problems.append(Problem(str(path), str(error), 1, "malformed"))
    else:
        yield from ((value, 1) for value in inside)


def lines_of_objects(path: Path, result: ReadResult) -> Iterator[tuple[dict[str, Any], int]]:
    """The object on each line that is not blank, with the line; faults become problems."""
    for value, number in _lines_of_values(path, result):
        if isinstance(value, dict):
            yield value, number
        else:
            message = "expected an object; write one object on each line"
            result.problems.append(Problem(str(path), message, number, "malformed"))


def list_of_objects(path: Path, result: ReadResult) -> Iterator[tuple[dict[str, Any], int]]:
    """The objects of a JSON list, each with the line on which it begins; faults become problems."""
    for value, line in _list_of_values(path, result):
        if isinstance(value, dict):
            yield value, line
        else:
            message = "an element of the list is not an object; write one object for each document"
            result.problems.append(Problem(str(path), message, line, "malformed"))


def _lines_of_values(path: Path, result: ReadResult) -> Iterator[tuple[Any, int]]:
    for text, number in text_lines(path, result):
        try:
            yield read_json(text), number
        except RepeatedKeyError as error:
            result.problems.append(Problem(str(path), str(error), number, "malformed"))
        except json.JSONDecodeError as error:
            message = f"not JSON at column {error.colno}; write one object on each line"
            result.problems.append(Problem(str(path), message, number, "malformed"))
        except (ValueError, RecursionError):
            message = "not JSON that can be read: a number is too long or the nesting too deep"
            result.problems.append(Problem(str(path), message, number, "malformed"))


def _list_of_values(path: Path, result: ReadResult) -> Iterator[tuple[Any, int]]:
    text = read_text(path, result)
    if text is None:
        return
    where, line, seen = str(path), 1, 0
    try:
        for start, value in _elements(text, json.JSONDecoder(object_pairs_hook=once)):
            line += text.count("\n", seen, start)
            seen = start
            yield value, line
    except json.JSONDecodeError as error:
        message = f"not JSON at column {error.colno}; the file must contain one list of objects"
        result.problems.append(Problem(where, message, error.lineno, "malformed"))
    except RepeatedKeyError as error:
        result.problems.append(Problem(where, f"a later element of the list: {error}", line, "malformed"))
    except (ValueError, RecursionError):
        message = "not JSON that can be read: a number is too long or the nesting too deep"
        result.problems.append(Problem(where, message, line, "malformed"))


def _elements(text: str, decoder: json.JSONDecoder | None = None) -> Iterator[tuple[int, Any]]:
    """The elements of a list with their offsets, one by one: parsing it at once would lose their lines."""
    decoder = decoder or json.JSONDecoder()
    position = _skip_white(text, 0)
    if text[position : position + 1] != "[":
        raise json.JSONDecodeError("no list", text, position)
    position = _skip_white(text, position + 1)
    closed = text[position : position + 1] == "]"
    while not closed:
        value, end = decoder.raw_decode(text, position)
        yield position, value
        position = _skip_white(text, end)
        closed = text[position : position + 1] == "]"
        if not closed:
            if text[position : position + 1] != ",":
                raise json.JSONDecodeError("no comma", text, position)
            position = _skip_white(text, position + 1)
    position = _skip_white(text, position + 1)
    if position < len(text):
        raise json.JSONDecodeError("text after the list", text, position)


def _skip_white(text: str, position: int) -> int:
    while text[position : position + 1] and text[position] in _WHITE:
        position += 1
    return position


def string(data: Mapping[str, Any], key: str) -> str:
    """The string of a key."""
    value = data.get(key)
    if not isinstance(value, str):
        raise FieldError(f"{key} must be a string; {'put it in quotes' if key in data else 'add it'}")
    return value


def whole_number(data: Mapping[str, Any], key: str) -> int:
    """The integer of a key."""
    value = data.get(key)
    if type(value) is not int:
        raise FieldError(f"{key} of an entity must be an integer; it counts Unicode code points")
    return value


def items(data: Mapping[str, Any], key: str) -> list[Any]:
    """The list of a key."""
    value = data.get(key)
    if not isinstance(value, list):
        raise FieldError(f"{key} must be a list; write [] if it is empty")
    return value


def document_id(value: object, otherwise: str) -> str:
    """The id as a string, or ``otherwise`` for None."""
    if value is None:
        return otherwise
    if isinstance(value, str) or type(value) is int:
        return str(value)
    raise FieldError("the id must be a string or an integer; fix it, or leave it out")


def spans_of(
    values: Iterable[Any], span: Callable[[Any], RawSpan], source: Source, line: int, result: ReadResult
) -> list[RawSpan]:
    """The spans of all valid values; an invalid one becomes a problem.

    Raises:
        FieldError: the label of an entity is a number; so are those of all entities, whichever are left out.
    """
    found = []
    for value in values:
        try:
            found.append(span(value))
        except FieldError as error:
            if error.code == NUMERIC:
                raise
            result.problems.append(error.problem(source, line, of_entity=True))
    return found


def text_mismatch(source: Source, span: RawSpan, key: str) -> Problem:
    """The problem of an entity whose stated text differs from the text at its offsets."""
    return Problem(str(source.path), mismatch(key, span), span.line, "text-mismatch", of_entity=True)


def list_lines(values: Iterable[Any]) -> list[str]:
    """The lines of a JSON list, one for each value."""
    lines = [json.dumps(value, ensure_ascii=False) for value in values]
    return ["[\n", ",\n".join(lines), "\n]\n"] if lines else ["[]\n"]
