"""What is said of a fault of a configuration: its key, what was expected, and nothing that could be text or a secret.

A file that is no configuration may be a note, and a value in the wrong place an API key. So only known keys are shown,
and names that look like keys in what is a configuration otherwise; only numbers and plain words as values, and nothing
at all below ``endpoint``.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel

from deidsynth.plain_data import looks_like_key

_PLAIN = re.compile(r"[a-z]+(_[a-z]+)*|[-+]?[\d.]+(e[-+]?\d+)?")
_LONGEST = 24
_CLOSE = 0.6
_CONTAINERS = ("model_type", "dict_type", "list_type")  # where one of these is expected, anything may stand instead


def explain(model: type[BaseModel], data: Any, detail: Mapping[str, Any], *, typed: bool = False) -> str:
    """One line for a fault that validation found.

    Args:
        model: that was to be made.
        data: what it was to be made from.
        detail: of the fault, as pydantic tells it.
        typed: as for ``parse``.
    """
    location = [part for part in detail["loc"] if isinstance(part, str | int)]
    if detail["type"] == "extra_forbidden":
        return _unknown_key(model, data, location, typed)
    name = _name(model, data, location, typed)
    if detail["type"] == "value_error":
        return f"{name}: {detail['ctx']['error']}"
    message = str(detail["msg"])
    message = message[0].lower() + message[1:]
    quoted = detail["type"] not in _CONTAINERS and not _holds_secrets(model, location)
    return f"{name}: {message}{_got(detail.get('input')) if quoted else ''}"


def _unknown_key(model: type[BaseModel], data: Any, location: Sequence[str | int], typed: bool) -> str:
    above, key = _model_at(model, location[:-1]), str(location[-1])
    name, known = _name(model, data, location, typed), sorted(getattr(above, "model_fields", {}))
    if key in getattr(above, "renamed", {}):
        return f"{name}: unknown key, it is now called {above.renamed[key]}"
    if key in getattr(above, "removed", {}):
        return f"{name}: unknown key, it was removed: {above.removed[key]}"
    near = _nearest(key, known)
    hint = f"did you mean {near}?" if near else f"known keys: {', '.join(known)}"
    return f"{name}: unknown key, {hint}"


def _name(model: type[BaseModel], data: Any, location: Sequence[str | int], typed: bool) -> str:
    """The dotted name of a place; a key that is not to be shown is told by its number among those beside it."""
    shown = []
    is_configuration = typed or (isinstance(data, Mapping) and not _keys(model).isdisjoint(data))
    for depth, part in enumerate(location):
        above = _model_at(model, location[:depth])
        known = _keys(above)
        beside = list(data) if isinstance(data, Mapping) else []
        is_foreign = isinstance(part, str) and part not in known and part in beside
        is_safe = is_configuration or bool(difflib.get_close_matches(str(part)[:100], known, n=1, cutoff=_CLOSE))
        is_safe = is_safe and looks_like_key(str(part)) and (not known or str(part).islower())
        if is_foreign and (not is_safe or _holds_secrets(model, location[:depth])):
            shown.append(f"key {beside.index(part) + 1} (not shown)")
        else:
            shown.append(str(part))
        data = _below(data, part)
    return ".".join(shown) or "(whole)"


def _keys(model: Any) -> set[str]:
    """The keys that a model has or had."""
    return {key for kind in ("model_fields", "renamed", "removed") for key in getattr(model, kind, {})}


def _below(data: Any, part: str | int) -> Any:
    """The data below a key or a number; None if there is none."""
    try:
        return data[part]
    except (LookupError, TypeError):
        return None


def _got(value: object) -> str:
    """The value for a message, if it can be neither text nor a secret."""
    shown = repr(value)
    is_plain = value is None or isinstance(value, int | float) or (isinstance(value, str) and _PLAIN.fullmatch(value))
    return f", got {shown}" if is_plain and len(shown) <= _LONGEST else ""


def _holds_secrets(model: type[BaseModel], location: Sequence[str | int]) -> bool:
    """Whether a place is in, or is, a part of the configuration whose values are never shown."""
    on_the_way = (_model_at(model, location[:depth]) for depth in range(len(location) + 1))
    return any(getattr(each, "model_config", {}).get("hide_input_in_errors", False) for each in on_the_way)


def _model_at(model: type[BaseModel], location: Sequence[str | int]) -> Any:
    current: Any = model
    for part in location:
        fields = getattr(current, "model_fields", {})
        current = fields[part].annotation if part in fields else None
    return current


def _nearest(key: str, known: Sequence[str]) -> str | None:
    """The known key closest to an unknown one, also by its initials (``lr`` for ``learning_rate``)."""
    for name in known:
        if key == "".join(word[0] for word in name.split("_")):
            return name
    return next(iter(difflib.get_close_matches(key[:100], known, n=1, cutoff=0.5)), None)
