"""Further counts and figures of a measure or of a comparison, shown whatever their names are."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from deidsynth.report import formats
from deidsynth.showing import visible

MOST_ROWS = 200
LONGEST_TEXT = 240
SIDES = {"train": "notes used", "held_out": "held out"}


class DetailTable(NamedTuple):
    """A table of figures by a name, such as a label."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


class Details(NamedTuple):
    """Single figures, and tables."""

    facts: tuple[tuple[str, str], ...]
    tables: tuple[DetailTable, ...]


def details_of(data: Mapping[str, Any], title: str = "") -> Details:
    """Plain data as facts and tables.

    Values are facts, and a mapping is a table: one row for each key, one column for each figure in it, however deep.
    The two sides of a measure are the columns of one table.

    Args:
        data: counts and figures.
        title: of what they belong to.
    """
    facts: list[tuple[str, str]] = []
    tables: list[DetailTable] = []
    sides = {key: data[key] for key in SIDES if isinstance(data.get(key), Mapping)}
    for key, value in data.items():
        if key in sides:
            continue
        name = ", ".join(filter(None, (title, name_of(key))))
        if not isinstance(value, Mapping):
            if (shown := value_of(key, value)) is not None:
                facts.append((name, shown))
        elif any(isinstance(value.get(side), Mapping) for side in SIDES):
            within = details_of(value, name)
            facts += within.facts
            tables += within.tables
        elif value:
            tables.append(_table(name, value))
    if sides:
        tables.insert(0, _table(title or "by side", sides))
    return Details(tuple(facts), tuple(tables))


def name_of(key: object) -> str:
    """A key in words; one that is in capitals, such as a label, stays as it is."""
    text = visible(str(key))
    return SIDES.get(text) or (text if text.isupper() else formats.title(text))


def value_of(key: str, value: Any) -> str | None:
    """A figure or a short text; a list of such with commas; None for anything else."""
    if value is None:
        return formats.DASH
    if isinstance(value, str):
        return visible(value) if 0 < len(value) <= LONGEST_TEXT else None
    if isinstance(value, Sequence):
        shown = [each for each in (value_of(key, each) for each in value) if each is not None]
        return (" to " if key == "interval" else ", ").join(shown) or None
    known = formats.number(value)
    if known is not None and not known.is_integer() and abs(known) < 1:
        return f"{known:.3f}".replace("-", formats.MINUS)
    return formats.fact(key, value)


def _table(title: str, rows: Mapping[str, Any]) -> DetailTable:
    """The table of a mapping, turned if it has more columns than rows."""
    flat = {name_of(key): dict(_leaves(value)) for key, value in list(rows.items())[:MOST_ROWS]}
    columns = list(dict.fromkeys(name for row in flat.values() for name in row))
    if len(columns) > max(len(flat), 1):
        turned = ((name, *(row.get(name, formats.DASH) for row in flat.values())) for name in columns)
        return DetailTable(title, ("", *flat), tuple(turned))
    plain = ((name, *(row.get(column, formats.DASH) for column in columns)) for name, row in flat.items())
    return DetailTable(title, ("", *columns), tuple(plain))


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Names and texts of the figures in a value; a figure by itself has no name."""
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, (*path, str(key)))
    elif (shown := value_of(path[-1] if path else "", value)) is not None:
        yield ", ".join(map(name_of, path)), shown
