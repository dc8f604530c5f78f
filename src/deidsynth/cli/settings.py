"""Options of the command line as configurations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TypeVar

from deidsynth.config import LayoutConfig, RunConfig, StageConfig, apply_settings, load_data, parse

ConfigType = TypeVar("ConfigType", bound=StageConfig)


def stage_config(
    kind: type[ConfigType], settings: Sequence[str] | None, **named: str | int | float | None
) -> ConfigType:
    """The configuration of one stage; options that were given win over ``--set``.

    Raises:
        ConfigError: all faults at once.
    """
    data = apply_settings({}, [*(settings or ()), *as_settings(named)])
    return parse(kind, data, source="options")


def run_config(
    file: Path | None, settings: Sequence[str] | None, named: dict[str, str | int | float | None]
) -> RunConfig:
    """The configuration of a run: the file, then ``--set``, then the options that were given.

    Raises:
        InputError: no such file.
        ConfigError: all faults at once.
    """
    data = load_data(file) if file is not None else {}
    data = apply_settings(data, [*(settings or ()), *as_settings(named)])
    return parse(RunConfig, data, source=str(file) if file is not None else "options")


def layout_config(settings: Sequence[str] | None, own: tuple[str, Sequence[str]] = ("", ())) -> LayoutConfig:
    """What ``--layout`` says, and over it the settings of another option, given with its name.

    Raises:
        ConfigError: all faults of one option at once.
    """
    every = apply_settings({}, settings or ())
    layout = parse(LayoutConfig, every, source="--layout")
    option, over = own
    return parse(LayoutConfig, apply_settings(every, over), source=option) if over else layout


def as_settings(named: dict[str, str | int | float | None]) -> list[str]:
    """``KEY=VALUE`` for every value that was given; JSON is YAML, so strings stay strings."""
    return [f"{key}={json.dumps(value)}" for key, value in named.items() if value is not None]
