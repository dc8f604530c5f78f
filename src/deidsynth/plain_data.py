"""Strict reading of YAML and JSON: what these formats would silently decide is a fault, with its line.

A key that occurs twice, a date, half of a character, a value that is not of its type, nesting without end: each is
refused with one message that quotes nothing of the text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

MOST_LEVELS = 50
"""Deepest nesting of lists and mappings in YAML; the configuration of a study has about ten levels."""
MOST_VALUES = 200_000
"""Most keys and values in YAML, those that aliases repeat included."""

_LOADER: type[yaml.SafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_TAG = "tag:yaml.org,2002:"
_TEXT = f"{_TAG}str"
_AS_TEXT = {f"{_TAG}timestamp", f"{_TAG}value"}  # nothing here is a date: 2024-01-01 is a name or a fault
_SCALARS = {_TEXT, *(_TAG + name for name in ("int", "float", "bool", "null"))}
_MERGE = f"{_TAG}merge"
_NO_TEXT = re.compile("[\0\ud800-\udfff]")
_KEY = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,39}")


class PlainDataError(ValueError):
    """A text is not plain data.

    Args:
        message: what is wrong and how to fix it, without any text that could be of a corpus or a secret.
        line: where, from 1; None if that is not known.
    """

    def __init__(self, message: str, line: int | None = None) -> None:
        self.message, self.line = message, line
        super().__init__(message if line is None else f"line {line}: {message}")


class RepeatedKeyError(PlainDataError):
    """A mapping has the same key twice."""


def read_yaml(text: str) -> Any:
    """The value of one YAML document: mappings with text as keys, lists, text, numbers, truth values, None.

    Raises:
        PlainDataError: it is not YAML, or has a repeated key, a tag that does not fit, or too much nesting.
    """
    if found := _NO_TEXT.search(text):
        raise _no_text(text.count("\n", 0, found.start()) + 1)
    try:
        _refuse_deep(text)
        loader = _LOADER(text)
        try:
            node = loader.get_single_node()
            if node is None:
                return None
            _Check(loader).node(node, ())
            return loader.construct_document(node)
        finally:
            loader.dispose()
    except yaml.YAMLError as error:
        raise PlainDataError("not valid YAML; put text with special characters in quotes", _line(error, text)) from None


def read_json(text: str | bytes) -> Any:
    """The value of a JSON text.

    Raises:
        RepeatedKeyError: an object has the same key twice.
        ValueError: it is not JSON, or has a number or a nesting that cannot be read.
    """
    try:
        return json.loads(text, object_pairs_hook=once)
    except RecursionError:
        raise PlainDataError("the nesting is too deep") from None


def once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """The object of these keys and values, for ``object_pairs_hook``.

    Raises:
        RepeatedKeyError: two keys are the same.
    """
    found = dict(pairs)
    if len(found) < len(pairs):
        raise RepeatedKeyError("an object has the same key twice; keep one of them")
    return found


def looks_like_key(name: str) -> bool:
    """Whether a name may be shown: one word of ASCII letters, digits and ``_`` that is not too long."""
    return _KEY.fullmatch(name) is not None


def _refuse_deep(text: str) -> None:
    """Refuse nesting before anything follows it recursively."""
    level = 0
    for event in yaml.parse(text, Loader=_LOADER):
        if isinstance(event, yaml.CollectionStartEvent):
            level += 1
            if level > MOST_LEVELS:
                raise _too_deep(event.start_mark.line + 1 if event.start_mark else 1)
        elif isinstance(event, yaml.CollectionEndEvent):
            level -= 1


def _no_text(line: int) -> PlainDataError:
    return PlainDataError("a NUL, or bytes that are not UTF-8; write text, and rename a file with such a name", line)


def _too_deep(line: int) -> PlainDataError:
    return PlainDataError(
        f"nested more than {MOST_LEVELS} levels deep, or inside itself; remove brackets and aliases", line
    )


def _line(error: yaml.YAMLError, text: str) -> int | None:
    mark, position = getattr(error, "problem_mark", None), getattr(error, "position", None)
    if mark is not None:
        return int(mark.line) + 1
    return None if position is None else text.count("\n", 0, position) + 1


class _Check:
    """A check of composed YAML before it is constructed.

    Args:
        loader: constructs the scalars.
    """

    def __init__(self, loader: yaml.SafeLoader) -> None:
        self._loader = loader
        self._n_values = 0

    def node(self, node: yaml.Node, above: tuple[yaml.Node, ...]) -> None:
        """Check a node and everything below it; ``above`` are the nodes that hold it."""
        line = node.start_mark.line + 1
        self._n_values += 1
        if self._n_values > MOST_VALUES:
            raise PlainDataError(f"more than {MOST_VALUES:,} values, or aliases that repeat as many; make it shorter")
        if len(above) > MOST_LEVELS or any(node is each for each in above):
            raise _too_deep(line)
        if isinstance(node, yaml.ScalarNode):
            self._scalar(node, line)
            return
        kind = "map" if isinstance(node, yaml.MappingNode) else "seq"
        if node.tag != _TAG + kind:
            raise PlainDataError("a tag (!...) that does not fit what follows; remove the tag", line)
        inside = self._keys_once(node) if isinstance(node, yaml.MappingNode) else node.value
        for each in inside:
            self.node(each, (*above, node))

    def _keys_once(self, node: yaml.MappingNode) -> Iterator[yaml.Node]:
        """The keys and values of a mapping, each key checked."""
        seen: dict[str, int] = {}
        for key, value in node.value:
            line = key.start_mark.line + 1
            if key.tag != _MERGE:
                yield key
                if key.tag != _TEXT:
                    raise PlainDataError("a key must be text; put it in quotes", line)
            if key.value in seen:
                message = f"a key that occurs twice, first on line {seen[key.value]}; keep one of them"
                raise RepeatedKeyError(message, line)
            seen[key.value] = line
            yield value

    def _scalar(self, node: yaml.ScalarNode, line: int) -> None:
        if node.tag in _AS_TEXT:
            node.tag = _TEXT
        if node.tag not in _SCALARS:
            raise PlainDataError("a tag (!...) that does not fit what follows; remove the tag", line)
        if _NO_TEXT.search(node.value):
            raise _no_text(line)
        try:
            self._loader.construct_object(node)
        except (ValueError, LookupError, ArithmeticError, AttributeError, TypeError):
            message = "a number that cannot be read; write it in digits, or put text in quotes"
            raise PlainDataError(message, line) from None
