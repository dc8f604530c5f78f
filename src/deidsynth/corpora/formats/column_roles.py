"""Which column of a table or dataset contains what: the names to look for, and how unused columns are reported.

A column named in a layout must exist. By default, an entity column is also recognized by other common names if its
cells are lists of entities, and an id column by ``document_id`` and ``id`` if the ids are unique.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace

from deidsynth.config import TableLayout
from deidsynth.corpora.records import ReadResult
from deidsynth.corpora.span_lists import RowError, decoded, is_span, list_names
from deidsynth.errors import Problem
from deidsynth.plain_data import looks_like_key

ROLES = ("text", "doc_id", "entities", "group", "split")
NO_ENTITY_COLUMN = "no-entity-column"
SAMPLE_ROWS = 50
"""How many rows are inspected to decide whether a column contains entities."""

_ENTITY_NAMES = frozenset(
    {"spans", "annotations", "label", "labels", "ner", "entity", "entity_spans", "ner_spans", "phi", "phi_spans"}
    | {"pii", "pii_spans", "pii_entities", "privacy_mask", "gold", "predictions"}
)
_ID_NAMES = ("document_id", "id")
_SHOWN = {"doc_id": "ids", "entities": "entities", "group": "groups", "split": "splits"}


class ColumnError(ValueError):
    """The columns have a fault; the message says which and how to fix it, without quoting a cell."""


def find_roles(
    names: Sequence[str], layout: TableLayout, cells: Callable[[str], Iterable[object]], option: str
) -> dict[str, str]:
    """The column of each role that exists.

    Args:
        names: of all columns.
        layout: which column contains what.
        cells: the first cells of a column.
        option: how the user names a column, with a ``{role}`` placeholder, such as ``--layout table.{role}=NAME``.

    Raises:
        ColumnError: a column named in the layout does not exist, or several may contain the entities.
    """
    roles = {role: name for role in ROLES if (name := getattr(layout, role)) in names}
    for role, what in _SHOWN.items():
        name = getattr(layout, role)
        if role not in roles and name != getattr(TableLayout(), role):
            named = option.format(role=role)
            raise ColumnError(f"no column {name!r} for the {what}; {list_names(names)}; fix {named}")
    free = [name for name in names if name not in roles.values() and names.count(name) == 1]
    if "entities" not in roles:
        found = [name for name in free if name.lower() in _ENTITY_NAMES and _contain_spans(cells(name))]
        if len(found) > 1:
            named = option.format(role="entities")
            raise ColumnError(f"the columns {' and '.join(found)} all contain entities; name the right one: {named}")
        if found:
            roles["entities"] = found[0]
    if "doc_id" not in roles:
        known = [name for each in _ID_NAMES for name in free if name.lower() == each]
        if known:
            roles["doc_id"] = known[0]
    return roles


def report_unused(others: Sequence[str], has_entities: bool, path: str, option: str, result: ReadResult) -> None:
    """Count the unused columns; if no column contains entities, name them in a warning, since one of them may.

    Args:
        others: names of the columns.
        has_entities: whether a column contains entities.
        path: of the table.
        option: as for ``find_roles``.
        result: gets the count and the warning.
    """
    if not others:
        return
    result.skipped["columns"] += len(others)
    if not has_entities:
        ignored = (
            ", ".join(others)
            if all(map(looks_like_key, others))
            else f"{len(others)} columns, some without a proper name"
        )
        message = (
            f"no entity column found, and these columns are ignored: {ignored}; if one of them contains the "
            f"entities, name it: {option.format(role='entities')}"
        )
        result.problems.append(Problem(path, message, code=NO_ENTITY_COLUMN, fatal=False))


def settle_ids(result: ReadResult, row_names: Mapping[int, str]) -> None:
    """Name documents after their rows if the values of a guessed id column are not unique.

    Args:
        result: its records are renamed; the dropped ids are counted.
        row_names: the row name of each record, by number, whose id came from such a column.
    """
    taken = Counter(record.doc_id for record in result.records)
    if all(taken[result.records[number].doc_id] == 1 and result.records[number].doc_id for number in row_names):
        return
    result.skipped["ids_that_are_not_unique"] += len(row_names)
    for number, name in row_names.items():
        result.records[number] = replace(result.records[number], doc_id=name)


def _contain_spans(cells: Iterable[object]) -> bool:
    """Whether all non-empty cells are lists of entities (possibly empty lists), and there is at least one."""
    n_lists = 0
    for cell in cells:
        try:
            value = decoded(cell)
        except RowError:
            return False
        if value is None:
            continue
        if isinstance(value, Mapping):
            valid = all(isinstance(each, list) for each in value.values()) and bool({"start", "end"} & value.keys())
        else:
            valid = isinstance(value, list | tuple) and all(map(is_span, value))
        if not valid:
            return False
        n_lists += 1
    return n_lists > 0
