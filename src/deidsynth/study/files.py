"""Study files: from YAML to a study with its run configuration."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deidsynth.config import RunConfig, StudyConfig, apply_settings, load_data, merge, parse
from deidsynth.errors import ConfigError, InputError

_NAME = re.compile(r"\w[\w.+ -]{0,119}")


@dataclass(frozen=True, slots=True)
class Study:
    """A study from a file and settings.

    Args:
        config: of the study; its ``base`` is the source of ``base`` here.
        base: the run configuration that is varied.
        name: for folders and reports.
    """

    config: StudyConfig
    base: RunConfig
    name: str


def load_studies(path: Path, settings: Sequence[str] = ()) -> list[Study]:
    """The study in a file, or all studies in a folder, sorted by file name.

    In a folder, every YAML file is a study, except those that a study refers to as its base.

    Raises:
        InputError: no such file, or no studies in the folder.
        ConfigError: one of them has errors, or two studies have the same name.
    """
    if not path.is_dir():
        return [load_study(path, settings)]
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
    named = {(path / base).resolve() for file in files if isinstance(base := load_data(file).get("base"), str)}
    studies = [load_study(file, settings) for file in files if file.resolve() not in named]
    if not studies:
        raise InputError(f"{path}: no study files (*.yaml) there; give a study file or a folder of them")
    names = [study.name for study in studies]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ConfigError([f"name: {', '.join(twice)} is the name of two studies; give each study its own"], str(path))
    return studies


def study_folders(studies: Sequence[Study], path: Path) -> list[Path]:
    """The folder of each study: the output of its run configuration, by default ``runs/`` and its name.

    If ``path``, their source, is a folder, each study has a subfolder of that output.
    """
    if not path.is_dir():
        return [_output(study) or Path("runs") / study.name for study in studies]
    return [(_output(study) or Path("runs") / _folder_name(path)) / study.name for study in studies]


def study_store(studies: Sequence[Study], path: Path) -> Path:
    """The store of studies that were loaded together: as configured, by default ``.deidsynth`` next to the output."""
    first = studies[0]
    if first.base.store is not None:
        return Path(first.base.store).expanduser()
    folder = study_folders(studies, path)[0]
    return (folder.parent if path.is_dir() else folder).parent / ".deidsynth"


def _output(study: Study) -> Path | None:
    return None if study.base.output is None else Path(study.base.output).expanduser()


def _folder_name(path: Path) -> str:
    return "-".join(path.resolve().parts[-2:])


def load_study(path: Path, settings: Sequence[str] = ()) -> Study:
    """The study in a file, updated with ``KEY=VALUE`` settings.

    A key of a study file (``axes.seed=[1,2]``, ``budget=steps``) is set there, any other in the run configuration
    (``corpus.path=...``, ``adapt.epochs=3``).

    Raises:
        InputError: no such file.
        ConfigError: all problems of the study, or else of its run configuration, at once.
    """
    own = [each for each in settings if each.partition("=")[0].strip().split(".")[0] in StudyConfig.model_fields]
    others = [each for each in settings if each not in own]
    data = load_data(path)
    _refuse_run_config(data, path)
    data = apply_settings(data, own)
    config = parse(StudyConfig, data, source=str(path))
    base, source = _base_data(config, path)
    run = parse(RunConfig, apply_settings(base, others), source=source)
    if run.adapt.control_codes is None:  # control codes name labels that an annotator with few documents does not have
        run = run.model_copy(update={"adapt": run.adapt.model_copy(update={"control_codes": []})})
    if run.corpus.unlabeled is not None:
        raise ConfigError(
            ["corpus.unlabeled: in a study, the annotator only gets labeled documents; leave it out"], source
        )
    if run.synthesize.samples_per_prompt is not None and _varies_volume(config):
        problem = "it fixes the number of documents; leave it out, or the axis synthetic_volume"
        raise ConfigError([f"synthesize.samples_per_prompt: {problem}"], source)
    return Study(config, run, _folder_of(config.name or path.stem, path))


def _folder_of(name: str, path: Path) -> str:
    """The name of a study, which is that of its folder.

    Raises:
        ConfigError: it is not the name of one folder.
    """
    if not _NAME.fullmatch(name):
        raise ConfigError(
            [
                "name: it names the folder of the study; use letters, digits, blanks and . _ + - only, and begin with "
                "a letter or a digit"
            ],
            str(path),
        )
    return name


def _refuse_run_config(data: Mapping[str, Any], path: Path) -> None:
    """Check that a file is not the configuration of a single run.

    Raises:
        ConfigError: it has keys of a run, but no axes, cells or base.
    """
    if data.keys() & RunConfig.model_fields.keys() and not data.keys() & {"axes", "cells", "base"}:
        remedy = f"run it with: deidsynth run {path}, or use it as base in a study file"
        raise ConfigError([f"this is a run configuration, not a study; {remedy}"], str(path))


def _varies_volume(config: StudyConfig) -> bool:
    """Whether the volume is varied."""
    return any(axes.synthetic_volume is not None for axes in (config.axes, *config.cells))


def _base_data(config: StudyConfig, path: Path) -> tuple[dict[str, object], str]:
    """The data of the run configuration, and its source."""
    if isinstance(config.base, str):
        beside = path.parent / config.base
        return load_data(beside), str(beside)
    return merge({}, config.base), f"{path}: base"
