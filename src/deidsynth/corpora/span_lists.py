"""Cells that tables and datasets share: lists of entities, names of splits, names of columns."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Sequence

from deidsynth.corpora.records import SPLIT_NAMES, RawSpan
from deidsynth.documents import SPLITS, Split

_ENTITY_KEYS = frozenset({"start", "end", "label", "score"})
_OTHER_KEYS = {"start_offset": "start", "end_offset": "end", "entity_group": "label", "entity_type": "label"}
_COLUMN_NAME = re.compile(r"[^\W\d][\w.:/# -]{0,39}")


class RowError(ValueError):
    """A row has a fault; the message says which and how to fix it, without quoting the row."""


def decoded(cell: object) -> object:
    """The value of a cell that may contain JSON or the repr of a Python list; None for an empty cell.

    Raises:
        RowError: the string is neither.
    """
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell) if cell.strip() else None
    except (ValueError, RecursionError):
        pass
    try:  # pandas writes a column of lists like this
        return ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise RowError("the entities are not JSON; write a list of objects with start, end and label") from None


def spans_of(
    value: object,
    skipped: Counter[str],
    faults: list[str],
    line: int | None = None,
    names: Sequence[str] | None = None,
) -> tuple[RawSpan, ...]:
    """The spans of a decoded entity list, without those that have a fault.

    Args:
        value: None, or a list of objects with start, end and label (or ``start_offset``, ``end_offset``, and
            ``entity_group`` or ``entity_type`` for the label), or a list of such triples, or an object of three lists
            of the same length.
        skipped: counts the unknown keys.
        faults: gets a message for each entity that has one.
        line: of the row.
        names: of the labels, if these are integers.

    Raises:
        RowError: the value is something else.
    """
    if isinstance(value, dict) and value and all(isinstance(each, list) for each in value.values()):
        if len({len(each) for each in value.values()}) > 1:
            raise RowError("start, end and label must be lists of the same length")
        value = [dict(zip(value, each, strict=True)) for each in zip(*value.values(), strict=True)]
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise RowError("the entities must be a list of objects with start, end and label; write [] if it is empty")
    found = []
    for each in value:
        try:
            found.append(_span(each, skipped, line, names))
        except RowError as error:
            faults.append(str(error))
    return tuple(found)


def split_of(value: object) -> Split | None:
    """The split that a cell names, or None for an empty cell.

    Raises:
        RowError: it is not the name of a split.
    """
    if value is None or value == "":
        return None
    split = SPLIT_NAMES.get(value.strip().lower()) if isinstance(value, str) else None
    if split is None:
        raise RowError(f"the split must be one of {', '.join(SPLITS)}, or empty")
    return split


def are_names(names: Sequence[str]) -> bool:
    """Whether all names look like column names rather than text."""
    return all(map(_COLUMN_NAME.fullmatch, names))


def list_names(names: Sequence[str]) -> str:
    """The column names for a message; only their number if one looks like text, as without a header row."""
    if not names:
        return "there are no columns"
    if are_names(names):
        return f"the columns are {', '.join(names)}"
    return f"there are {len(names)} columns, some without a proper name (is the first row a header?)"


def _span(entity: object, skipped: Counter[str], line: int | None, names: Sequence[str] | None) -> RawSpan:
    if isinstance(entity, list | tuple) and len(entity) == 3:
        entity = dict(zip(("start", "end", "label"), entity, strict=True))
    if not isinstance(entity, dict):
        raise RowError("an entity must be an object with start, end and label")
    data = {key if (other := _OTHER_KEYS.get(key)) in (None, *entity) else other: entity[key] for key in entity}
    start, end, label, score = (data.get(key) for key in ("start", "end", "label", "score"))
    if type(start) is not int or type(end) is not int:
        raise RowError("start and end of an entity must be integers; they count Unicode code points")
    if names and type(label) is int and 0 <= label < len(names):
        label = names[label]
    if not isinstance(label, str):
        raise RowError("the label of an entity must be a string")
    if score is not None and type(score) not in (int, float):
        raise RowError("the score of an entity must be a number in [0, 1]; leave it out if there is none")
    unknown = data.keys() - _ENTITY_KEYS
    if unknown:
        skipped["unknown_keys"] += len(unknown)
    return RawSpan(start, end, label, None if score is None else float(score), line)
