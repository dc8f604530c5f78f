"""Configurations from command-line options."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from deidsynth.config import LabelKinds, LayoutConfig, RunConfig, StageConfig, apply_settings, load_data, parse

ConfigType = TypeVar("ConfigType", bound=StageConfig)

_NOT_IN_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
"""Characters that YAML takes for line ends, or refuses, unless they are escaped."""


def stage_config(kind: type[ConfigType], settings: Sequence[str] | None, **named: Any) -> ConfigType:
    """The configuration of one stage; named options override ``--set``.

    Raises:
        ConfigError: with all problems at once.
    """
    data = apply_settings({}, [*(settings or ()), *as_settings(named)])
    return parse(kind, data, source="options", typed=True)


def run_config(file: Path | None, settings: Sequence[str] | None, named: Mapping[str, Any]) -> RunConfig:
    """The configuration of a run: the file, then ``--set``, then named options.

    Raises:
        InputError: no such file.
        ConfigError: with all problems at once.
    """
    data = load_data(file) if file is not None else {}
    data = apply_settings(data, [*(settings or ()), *as_settings(named)])
    return parse(RunConfig, data, source=str(file) if file is not None else "options", typed=file is None)


def layout_config(settings: Sequence[str] | None, own: tuple[str, Sequence[str]] = ("", ())) -> LayoutConfig:
    """The layout from ``--layout``, overridden by the settings of another option, given with its name.

    Raises:
        ConfigError: with all problems of one option at once.
    """
    every = apply_settings({}, settings or ())
    layout = parse(LayoutConfig, every, source="--layout", typed=True)
    option, over = own
    return parse(LayoutConfig, apply_settings(every, over), source=option, typed=True) if over else layout


def label_kinds(file: Path | None) -> dict[str, str] | None:
    """The kind of value of each label, from the file of ``--labels``; None without a file.

    Raises:
        InputError: no such file.
        ConfigError: with all problems at once.
    """
    return None if file is None else dict(parse(LabelKinds, load_data(file), source=str(file)).labels)


def as_settings(named: Mapping[str, Any]) -> list[str]:
    """``KEY=VALUE`` for every value that is set; JSON is YAML, so strings stay strings."""
    return [f"{key}={_as_yaml(value)}" for key, value in named.items() if value is not None]


def _as_yaml(value: Any) -> str:
    """JSON in which nothing outside the basic plane is escaped, since YAML knows no pairs of surrogates."""
    return _NOT_IN_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", json.dumps(value, ensure_ascii=False))
