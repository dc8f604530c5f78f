"""Further counts and figures of a measure or of a comparison, shown whatever their names are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from deidsynth.report import formats
from deidsynth.showing import visible

MOST_ROWS = 200


class DetailTable(NamedTuple):
    """A table of figures by a name, such as a label."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Details(NamedTuple):
    """Single figures, and tables."""

    facts: tuple[tuple[str, str], ...]
    tables: tuple[DetailTable, ...]


def details_of(data: Mapping[str, Any]) -> Details:
    """Plain data as facts and tables: values one by one; mappings as rows, with a column for each of their keys."""
    facts, tables = [], []
    for key, value in data.items():
        if isinstance(value, Mapping):
            if value:
                tables.append(_table(name_of(key), value))
        elif (shown := value_of(key, value)) is not None:
            facts.append((name_of(key), shown))
    return Details(tuple(facts), tuple(tables))


def name_of(key: object) -> str:
    """A key in words; one that is in capitals, such as a label, stays as it is."""
    text = visible(str(key))
    return text if text.isupper() else formats.title(text)


def value_of(key: str, value: Any) -> str | None:
    """A figure as text, a list of figures with commas; None for anything else."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        shown = [value_of(key, each) for each in value]
        return (
            " to ".join(each for each in shown if each is not None) or None
            if len(shown) == 2
            else (", ".join(each for each in shown if each is not None) or None)
        )
    if value is None:
        return formats.DASH
    told = formats.fact(str(key), value)
    return None if told is None else visible(told)


def _table(title: str, rows: Mapping[str, Any]) -> DetailTable:
    """The table of a mapping: one column if its values are figures, else one for each key of its values."""
    shown = list(rows.items())[:MOST_ROWS]
    columns = list(dict.fromkeys(key for _, row in shown if isinstance(row, Mapping) for key in row))
    if not columns:
        cells = tuple((name_of(name), value_of(name, value) or formats.DASH) for name, value in shown)
        return DetailTable(title, ("", ""), cells)
    body = tuple(
        (name_of(name), *(value_of(key, row.get(key)) or formats.DASH for key in columns))
        for name, row in shown
        if isinstance(row, Mapping)
    )
    return DetailTable(title, ("", *(name_of(key) for key in columns)), body)
