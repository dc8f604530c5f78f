"""Which column of a table or a data set holds what: names that are looked for, and what is told of the others.

A column that a layout names must be there. Where it names none, one of entities is also known by other common names, if
its cells are lists of entities, and one of ids by ``document_id`` and ``id``, if these are unique.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from deidsynth.config import TableLayout
from deidsynth.corpora.records import ReadResult
from deidsynth.corpora.span_lists import RowError, are_names, decoded, list_names
from deidsynth.errors import Problem

ROLES = ("text", "doc_id", "entities", "group", "split")
NO_ENTITY_COLUMN = "no-entity-column"
SAMPLE_ROWS = 50
"""How many rows are looked at to tell whether a column holds entities."""

_ENTITY_NAMES = frozenset(
    {"spans", "annotations", "label", "labels", "ner", "entity", "entity_spans", "ner_spans", "phi", "phi_spans"}
    | {"pii", "pii_spans", "pii_entities", "privacy_mask", "gold", "predictions"}
)
_ID_NAMES = ("document_id", "id")
_SHOWN = {"doc_id": "ids", "entities": "entities", "group": "groups", "split": "parts"}


class ColumnError(ValueError):
    """The columns are at fault; the message says how and what to do, without any cell."""


def find_roles(
    names: Sequence[str], layout: TableLayout, cells: Callable[[str], Iterable[object]], option: str
) -> dict[str, str]:
    """The column of each role that there is.

    Args:
        names: of all columns.
        layout: which columns hold what.
        cells: the first cells of a column.
        option: how the user names a column, with ``{role}`` in it, such as ``--layout table.{role}=NAME``.

    Raises:
        ColumnError: a column that the layout names is not there, or more than one may hold the entities.
    """
    roles = {role: name for role in ROLES if (name := getattr(layout, role)) in names}
    for role, what in _SHOWN.items():
        name = getattr(layout, role)
        if role not in roles and name != getattr(TableLayout(), role):
            named = option.format(role=role)
            raise ColumnError(f"no column {name!r}, which is to hold the {what}; {list_names(names)}; mend {named}")
    free = [name for name in names if name not in roles.values() and names.count(name) == 1]
    if "entities" not in roles:
        found = [name for name in free if name.lower() in _ENTITY_NAMES and _hold_spans(cells(name))]
        if len(found) > 1:
            named = option.format(role="entities")
            raise ColumnError(f"the columns {' and '.join(found)} all hold entities; name the right one: {named}")
        if found:
            roles["entities"] = found[0]
    if "doc_id" not in roles:
        known = [name for each in _ID_NAMES for name in free if name.lower() == each]
        if known:
            roles["doc_id"] = known[0]
    return roles


def tell_others(others: Sequence[str], has_entities: bool, path: str, option: str, result: ReadResult) -> None:
    """Count the columns that are passed over; where none holds entities, name them, for one of them may.

    Args:
        others: names of the columns.
        has_entities: whether a column holds entities.
        path: of the table.
        option: as for ``find_roles``.
        result: takes the count and the doubt.
    """
    if not others:
        return
    result.skipped["columns"] += len(others)
    if not has_entities:
        passed = ", ".join(others) if are_names(others) else f"{len(others)} columns, some without a proper name"
        message = (
            f"no column of entities is known, and these are passed over: {passed}; if one of them holds the "
            f"entities, name it: {option.format(role='entities')}"
        )
        result.problems.append(Problem(path, message, code=NO_ENTITY_COLUMN, fatal=False))


def settle_ids(result: ReadResult, row_names: Mapping[int, str]) -> None:
    """Name documents after their rows where a column of ids that nobody named does not tell them apart.

    Args:
        result: whose records are mended; how many ids are dropped is counted.
        row_names: for the number of each record that has its id from such a column, what its row is called.
    """
    taken = Counter(record.doc_id for record in result.records)
    if all(taken[result.records[number].doc_id] == 1 and result.records[number].doc_id for number in row_names):
        return
    result.skipped["ids_that_are_not_unique"] += len(row_names)
    for number, name in row_names.items():
        result.records[number] = replace(result.records[number], doc_id=name)


def _hold_spans(cells: Iterable[object]) -> bool:
    """Whether the cells that are not empty are lists of entities, and there is one, perhaps an empty list."""
    n_lists = 0
    for cell in cells:
        try:
            value = decoded(cell)
        except RowError:
            return False
        if value is None:
            continue
        if isinstance(value, Mapping):
            sound = all(isinstance(each, list) for each in value.values()) and bool({"start", "end"} & value.keys())
        else:
            sound = isinstance(value, list | tuple) and all(map(_is_span, value))
        if not sound:
            return False
        n_lists += 1
    return n_lists > 0


def _is_span(value: object) -> bool:
    if isinstance(value, Mapping):
        return bool({"start", "start_offset"} & value.keys())
    return isinstance(value, list | tuple) and len(value) == 3
