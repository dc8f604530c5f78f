"""Parsing of plain data into configurations: unknown keys are rejected, and all problems are reported at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError, field_validator

from deidsynth.config.faults import explain
from deidsynth.errors import ConfigError, InputError
from deidsynth.plain_data import PlainDataError, looks_like_key, read_yaml

LARGEST_NUMBER = 2**32 - 1
"""No number of a configuration is larger: every random generator takes a seed up to this one."""
LARGEST_FILE = 10_000_000
"""Bytes of the largest file that is read as a configuration."""
_DEEPEST_KEY = 20


class StageConfig(BaseModel):
    """Base class of all configurations: frozen, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    renamed: ClassVar[Mapping[str, str]] = {}
    """Renamed keys: old name to new name."""

    removed: ClassVar[Mapping[str, str]] = {}
    """Removed keys, each with what applies instead."""

    @field_validator("*")
    @classmethod
    def _numbers_are_not_huge(cls, value: Any) -> Any:
        numbers = value if isinstance(value, list) else [value]
        if any(isinstance(each, int | float) and abs(each) > LARGEST_NUMBER for each in numbers):
            raise ValueError(f"expected a number between -{LARGEST_NUMBER} and {LARGEST_NUMBER}")
        return value


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


def parse(
    model: type[ConfigType], data: Mapping[str, Any], source: str = "configuration", *, typed: bool = False
) -> ConfigType:
    """A configuration from plain data.

    Args:
        model: of the configuration.
        data: what it is made from.
        source: file or option, for messages.
        typed: whether the keys were typed for this call, so that no file that is something else can be shown.

    Raises:
        ConfigError: with one line for each problem, and the closest known key for each unknown one.
    """
    try:
        return model.model_validate(data)
    except ValidationError as error:
        raise ConfigError([explain(model, data, detail, typed=typed) for detail in error.errors()], source) from None


def apply_settings(data: Mapping[str, Any], settings: Sequence[str]) -> dict[str, Any]:
    """Plain data updated with ``KEY=VALUE`` settings; keys are dotted, values are YAML.

    Raises:
        ConfigError: a setting without ``=``, with an empty key or with a value that is not YAML.
    """
    result, problems = dict(data), []
    for number, setting in enumerate(settings, start=1):
        key, equals, value = setting.partition("=")
        parts = key.strip().split(".")
        if not equals or not all(parts) or len(parts) > _DEEPEST_KEY:
            problems.append(f"setting {number}: expected KEY=VALUE, such as adapt.epochs=3")
            continue
        try:
            nested: Any = read_yaml(value)
        except PlainDataError as error:
            is_safe = all(map(looks_like_key, parts)) and "endpoint" not in parts
            name = key if is_safe else f"setting {number}"
            problems.append(f"{name}: {error.message}")
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
        InputError: the file does not exist, is too large, or is not UTF-8.
        ConfigError: not YAML, not a mapping, or with repeated keys.
    """
    try:
        if path.exists() and not path.is_file():
            raise InputError(f"{path}: cannot be read (it is not a regular file); give the path of a YAML file")
        if path.stat().st_size > LARGEST_FILE:
            raise InputError(f"{path}: too large for a configuration; give the path of a YAML file")
        data = read_yaml(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; give the path of a YAML file") from None
    except UnicodeDecodeError:
        raise InputError(f"{path}: not UTF-8; save the file as UTF-8") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give the path of a YAML file") from None
    except PlainDataError as error:
        raise ConfigError([str(error)], str(path)) from None
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(["expected a mapping of keys to values at the top level"], str(path))
    return data


def dump(config: StageConfig) -> str:
    """The configuration as YAML, every key written out."""
    return yaml.safe_dump(config.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
