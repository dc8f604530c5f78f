"""What the cells of tables and data sets have in common: lists of entities, names of parts and of columns."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from collections.abc import Sequence

from deidsynth.corpora.records import PART_NAMES, PARTS, Part, RawSpan

_ENTITY_KEYS = frozenset({"start", "end", "label", "score"})
_OTHER_KEYS = {"start_offset": "start", "end_offset": "end", "entity_group": "label", "entity_type": "label"}
_COLUMN_NAME = re.compile(r"[^\W\d][\w.:/# -]{0,39}")


class RowError(ValueError):
    """One row is at fault; the message says how and what to do, without any text of it."""


def decoded(cell: object) -> object:
    """The value of a cell that may hold it as JSON, or as Python shows a list; None for an empty one.

    Raises:
        RowError: a string that is neither.
    """
    if not isinstance(cell, str):
        return cell
    try:
        return json.loads(cell) if cell.strip() else None
    except (ValueError, RecursionError):
        pass
    try:  # what pandas makes of a column of lists
        return ast.literal_eval(cell.strip())
    except (ValueError, SyntaxError, RecursionError, MemoryError):
        raise RowError("the entities are not JSON; write a list of objects with start, end and label") from None


def spans_of(
    value: object, skipped: Counter[str], line: int | None = None, names: Sequence[str] | None = None
) -> tuple[RawSpan, ...]:
    """The spans of an entity list that was decoded already.

    Args:
        value: None, or a list of objects with start, end and label (``start_offset`` and ``end_offset``, and for the
            label ``entity_group`` or ``entity_type``, do as well) or of triples of these; an object of three lists of
            one length is the same.
        skipped: where unknown keys are counted.
        line: of the row.
        names: of the labels, where these are numbers.

    Raises:
        RowError: the list is something else.
    """
    if isinstance(value, dict) and value and all(isinstance(each, list) for each in value.values()):
        if len({len(each) for each in value.values()}) > 1:
            raise RowError("start, end and label must be lists of one length")
        value = [dict(zip(value, each, strict=True)) for each in zip(*value.values(), strict=True)]
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise RowError("the entities must be a list of objects with start, end and label; write [] for none")
    return tuple(_span(each, skipped, line, names) for each in value)


def part_of(value: object) -> Part | None:
    """The part that a cell names, or None for an empty one.

    Raises:
        RowError: it names none.
    """
    if value is None or value == "":
        return None
    part = PART_NAMES.get(value.strip().lower()) if isinstance(value, str) else None
    if part is None:
        raise RowError(f"the part must be one of {', '.join(PARTS)}, or empty")
    return part


def are_names(names: Sequence[str]) -> bool:
    """Whether all of the names look like names of columns, not like text."""
    return all(map(_COLUMN_NAME.fullmatch, names))


def list_names(names: Sequence[str]) -> str:
    """The names of columns for a message; none of them where one looks like text, as where there is no header."""
    if not names:
        return "there are no columns"
    if are_names(names):
        return f"the columns are {', '.join(names)}"
    return f"there are {len(names)} columns, some of which have no proper name (is the first row a header?)"


def _span(entity: object, skipped: Counter[str], line: int | None, names: Sequence[str] | None) -> RawSpan:
    if isinstance(entity, list | tuple) and len(entity) == 3:
        entity = dict(zip(("start", "end", "label"), entity, strict=True))
    if not isinstance(entity, dict):
        raise RowError("an entity must be an object with start, end and label")
    data = {key if (other := _OTHER_KEYS.get(key)) in (None, *entity) else other: entity[key] for key in entity}
    start, end, label, score = (data.get(key) for key in ("start", "end", "label", "score"))
    if type(start) is not int or type(end) is not int:
        raise RowError("start and end of an entity must be whole numbers; they count Unicode code points")
    if names and type(label) is int and 0 <= label < len(names):
        label = names[label]
    if not isinstance(label, str):
        raise RowError("the label of an entity must be a string")
    if score is not None and type(score) not in (int, float):
        raise RowError("the score of an entity must be a number in [0, 1]; leave it out where there is none")
    unknown = data.keys() - _ENTITY_KEYS
    if unknown:
        skipped["unknown_keys"] += len(unknown)
    return RawSpan(start, end, label, None if score is None else float(score), line)
