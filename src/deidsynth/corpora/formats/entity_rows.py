"""Tables with one entity per row: columns ``start``, ``end`` and ``label``; the rows of a document become one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from deidsynth.corpora.span_lists import key_of

PARTS = ("start", "end", "label")
PREFIX = "entity."
"""Before a part of an entity in the name of its role."""

_OPTIONAL = ("score", "text")


class Row(NamedTuple):
    """A row of a table.

    Args:
        cells: by role, or by part of an entity.
        number: of the row, from 1.
        line: where it begins.
    """

    cells: Mapping[str, Any]
    number: int
    line: int


def find_parts(names: Sequence[str], rows: Sequence[Mapping[str, object]]) -> dict[str, str]:
    """The column of each role of an entity, such as ``entity.start``; empty if rows are no entities.

    Args:
        names: of the columns that have no other role.
        rows: the first ones.
    """
    found: dict[str, str] = {}
    for part in (*PARTS, *_OPTIONAL):
        name = key_of(names, part)
        if name is not None and name not in found.values():
            found[part] = name
    are_there = found.keys() >= set(PARTS)
    offsets = [_number(row.get(found[part])) for row in rows for part in PARTS[:2]] if are_there else []
    given = [each for each in offsets if each is not None]
    are_entities = bool(given) and all(isinstance(each, int) for each in given)
    return {PREFIX + part: name for part, name in found.items()} if are_entities else {}


def by_document(rows: Sequence[Row], key: str | None) -> list[Row]:
    """A row for each document, with all its entities under ``entities``.

    Args:
        rows: one for each entity, or without one; their cells have the parts of an entity under ``PREFIX + part``.
        key: role of the column by which the rows of a document are known; None: neighbors with one text are a document.
    """
    found: list[Row] = []
    place: dict[object, int] = {}
    for row in rows:
        text = row.cells["text"]
        name = (row.cells[key], text) if key else text
        if not key and found and found[-1].cells["text"] != text:
            place.clear()
        at = place.setdefault(name, len(found))
        if at == len(found):
            found.append(row._replace(cells={**row.cells, "entities": []}))
        entity = _entity(row.cells)
        if any(entity.get(part) is not None for part in PARTS):
            found[at].cells["entities"].append(entity)
    return found


def are_of_documents(rows: Sequence[Row], key: str) -> bool:
    """Whether the ids in a column are those of documents: neighbors with the same text have the same."""
    return all(
        before.cells[key] == after.cells[key]
        for before, after in pairwise(rows)
        if before.cells["text"] == after.cells["text"]
    )


def _entity(cells: Mapping[str, Any]) -> dict[str, object]:
    stated = {role.removeprefix(PREFIX): cell for role, cell in cells.items() if role.startswith(PREFIX)}
    return {part: _filled(cell) if part in ("label", "text") else _number(cell) for part, cell in stated.items()}


def _filled(cell: object) -> object:
    """A cell; None if it is empty, or not a number as pandas has it in place of a missing value."""
    is_empty = cell != cell or (isinstance(cell, str) and not cell.strip())
    return None if is_empty else cell


def _number(cell: object) -> object:
    """A cell as a number if it is one, also as pandas writes integers beside missing values; None if it is empty."""
    value = _filled(cell)
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            return value
    return int(value) if isinstance(value, float) and value.is_integer() else value
