"""Published figures for comparison with the same experiments."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

_FRACTIONS = ("adaptation_fraction", "annotator_fraction")
_PAPERS_ALL = 0.95


@cache
def _data() -> dict[str, Any]:
    text = (files("deidsynth.study") / "reported.yaml").read_text(encoding="utf-8")
    data: dict[str, Any] = yaml.safe_load(text)
    return data


def reported_measure() -> str:
    """The measure of the published figures."""
    return str(_data()["measure"])


def reported_table(asked: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """A published table: ``title``, ``label`` (the name of its figures), ``note`` and ``rows``; None without one.

    Args:
        asked: ``table``, ``language`` and optionally ``note``, as in a cell file.
    """
    if asked is None:
        return None
    data = _data()
    table = data["tables"].get(asked["table"])
    if table is None or asked["language"] not in table:
        return None
    corpus = data["corpora"][asked["language"]]
    more = f"; {asked['note']}" if asked.get("note") else ""
    return {
        "title": table["title"],
        "label": f"{data['label']} ({corpus}){more}",
        "note": table.get("note"),
        "rows": table[asked["language"]],
    }


def reported_row(table: Mapping[str, Any] | None, axes: Mapping[str, Any]) -> dict[str, float] | None:
    """The published ``gold`` and ``synthetic`` F1 of one combination of axis values; None without any."""
    if axes.get("arm", _data()["arm"]) != _data()["arm"]:
        return None
    for row in table["rows"] if table is not None else ():
        if all(_same(name, axes.get(name), value) for name, value in row.items() if name not in ("gold", "synthetic")):
            return {model: float(row[model]) for model in ("gold", "synthetic") if model in row}
    return None


def _same(name: str, ours: Any, theirs: Any) -> bool:
    if isinstance(theirs, list):
        return ours in theirs
    if name in _FRACTIONS and theirs == 1.0:
        return ours in (1.0, _PAPERS_ALL)
    return bool(ours == theirs)
