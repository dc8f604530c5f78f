"""Parsing of plain data into configurations: unknown keys are rejected, and all problems are reported at once."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from deidsynth.errors import ConfigError, InputError


class StageConfig(BaseModel):
    """Base class of all configurations: frozen, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    renamed: ClassVar[Mapping[str, str]] = {}
    """Renamed keys: old name to new name."""

    removed: ClassVar[Mapping[str, str]] = {}
    """Removed keys, each with what applies instead."""


ConfigType = TypeVar("ConfigType", bound=StageConfig)


def merge(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """Plain data updated with other data; nested mappings are merged."""
    merged = dict(base)
    for key, value in top.items():
        below = merged.get(key)
        merged[key] = merge(below, value) if isinstance(below, Mapping) and isinstance(value, Mapping) else value
    return merged


def difference(base: Mapping[str, Any], top: Mapping[str, Any]) -> dict[str, Any]:
    """The changes that ``merge`` needs to turn some plain data into other data with the same keys, or more."""
    found: dict[str, Any] = {}
    for key, value in top.items():
        below: Any = base.get(key)
        if key not in base or value != below:
            nested = isinstance(below, Mapping) and isinstance(value, Mapping)
            found[key] = difference(below, value) if nested else value
    return found


def parse(model: type[ConfigType], data: Mapping[str, Any], source: str = "configuration") -> ConfigType:
    """A configuration from plain data.

    Raises:
        ConfigError: with one line for each problem, and the closest known key for each unknown one.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError([_explain(model, detail) for detail in error.errors()], source) from None


def _explain(model: type[StageConfig], detail: Mapping[str, Any]) -> str:
    location = [part for part in detail["loc"] if isinstance(part, str | int)]
    name = ".".join(str(part) for part in location) or "(whole)"
    if detail["type"] == "extra_forbidden":
        above = _model_at(model, location[:-1])
        known, key = sorted(getattr(above, "model_fields", {})), str(location[-1])
        if key in getattr(above, "renamed", {}):
            return f"{name}: unknown key, it is now called {above.renamed[key]}"
        if key in getattr(above, "removed", {}):
            return f"{name}: unknown key, it was removed: {above.removed[key]}"
        near = _nearest(key, known)
        hint = f"did you mean {near}?" if near else f"known keys: {', '.join(known)}"
        return f"{name}: unknown key, {hint}"
    if detail["type"] == "value_error":
        return f"{name}: {detail['ctx']['error']}"
    message = str(detail["msg"])
    message = message[0].lower() + message[1:]
    shown = detail.get("input")
    got = f", got {shown!r}" if isinstance(shown, str | int | float | bool | None) else ""
    return f"{name}: {message}{got}"


def _nearest(key: str, known: Sequence[str]) -> str | None:
    """The known key closest to an unknown one, also by its initials (``lr`` for ``learning_rate``)."""
    for name in known:
        if key == "".join(word[0] for word in name.split("_")):
            return name
    return next(iter(difflib.get_close_matches(key, known, n=1, cutoff=0.5)), None)


def _model_at(model: type[StageConfig], location: Sequence[str | int]) -> Any:
    current: Any = model
    for part in location:
        fields = getattr(current, "model_fields", {})
        current = fields[part].annotation if part in fields else None
    return current


def apply_settings(data: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Plain data updated with ``KEY=VALUE`` settings; keys are dotted, values are YAML.

    Raises:
        ConfigError: a setting without ``=``, with an empty key or with a value that is not YAML.
    """
    result, problems = dict(data), []
    for setting in settings:
        key, equals, value = setting.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts):
            problems.append(f"{setting}: expected KEY=VALUE, such as adapt.epochs=3")
            continue
        try:
            nested: Any = yaml.safe_load(value)
        except yaml.YAMLError:
            problems.append(f"{key}: the value is not YAML")
            continue
        for part in reversed(parts):
            nested = {part: nested}
        result = merge(result, nested)
    if problems:
        raise ConfigError(problems, "--set")
    return result


def load_data(path: Path) -> dict[str, Any]:
    """The data of a YAML file.

    Raises:
        InputError: the file does not exist or is not UTF-8.
        ConfigError: not YAML, or not a mapping.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the path of a YAML file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except (OSError, IsADirectoryError) as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        place = f"line {mark.line + 1}" if mark is not None else "somewhere"
        raise ConfigError([f"{place}: not valid YAML"], str(path)) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(["expected a mapping of keys to values at the top level"], str(path))
    return data


def dump(config: StageConfig) -> str:
    """The configuration as YAML, every key written out."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
