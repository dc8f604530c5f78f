"""The cells of a study: combinations of axis values."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from deidsynth.config import Axes, RunConfig, StudyConfig
from deidsynth.config.study import AXES
from deidsynth.digests import digest, hex_of
from deidsynth.errors import ConfigError

_SHORT = {
    "adaptation_fraction": "adaptation",
    "annotator_fraction": "annotator",
    "synthetic_volume": "volume",
    "base_model": "base",
}
_LONGEST_NAME = 120
_MOST_CELLS = 10_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One combination of axis values.

    Args:
        adaptation_fraction: share of the training documents for the language model; 0: not adapted.
        annotator_fraction: share of them for the annotator.
        synthetic_volume: synthetic documents, as a multiple of all training documents; None if the run
            configuration sets samples per prompt.
        base_model: as ``adapt.base``.
        encoder: as ``train.encoder``.
        arm: source of the silver entities, as ``synthesize.annotations``.
        fold: from 1; None for the corpus's own splits.
        seed: of training and sampling.
    """

    adaptation_fraction: float
    annotator_fraction: float
    synthetic_volume: float | None
    base_model: str
    encoder: str
    arm: str
    fold: int | None
    seed: int

    def axes(self) -> dict[str, Any]:
        """Plain data, in the order of the axes."""
        return asdict(self)


def expand(study: StudyConfig, base: RunConfig) -> list[Cell]:
    """The distinct cells of a study, in order of their values, with seeds varying fastest.

    Args:
        study: grid, zipped axes and explicit cells.
        base: provides the values of axes that the study does not set.

    Raises:
        ConfigError: there are too many.
    """
    volume = base.synthesize.volume_ratio if base.synthesize.samples_per_prompt is None else None
    default = {
        "adaptation_fraction": 1.0,
        "annotator_fraction": 1.0,
        "synthetic_volume": volume,
        "base_model": base.adapt.base,
        "encoder": base.train.encoder,
        "arm": base.synthesize.annotations,
        "fold": None,
        "seed": base.seed,
    }
    found: dict[Cell, None] = {}
    n_left = _MOST_CELLS
    for explicit in study.cells or [Axes()]:
        ways = _ways(study, explicit)
        n_left -= math.prod(map(len, ways))
        if n_left < 0:
            raise ConfigError(
                [f"axes: more than {_MOST_CELLS:,} combinations of values; leave values out, or vary axes with zip"]
            )
        for combination in itertools.product(*ways):
            chosen = {name: value for part in combination for name, value in part.items()}
            found[Cell(**{**default, **chosen})] = None
    return list(found)


def _ways(study: StudyConfig, explicit: Axes) -> list[list[dict[str, Any]]]:
    """For each axis that is set, or each group of zipped ones, its values; all combinations of them are cells."""
    fixed = explicit.given()
    values: dict[str, Sequence[Any]] = {**study.axes.given(), **fixed}
    if study.folds is not None:
        values.setdefault("fold", range(1, study.folds + 1))
    zipped: list[list[str]] = [
        list(names) for names in study.zip if not set(names) & set(fixed) or _alike(names, fixed)
    ]
    alone = [[name] for name in AXES if name in values and not any(name in names for names in zipped)]
    axes = sorted([*zipped, *alone], key=lambda names: AXES.index(names[0]))
    ways: list[list[dict[str, Any]]] = []
    for names in axes:
        rows = range(len(values[names[0]]))
        ways.append([{name: values[name][row] for name in names} for row in rows])
    return ways


def _alike(names: Sequence[str], fixed: Mapping[str, Sequence[Any]]) -> bool:
    return all(name in fixed for name in names) and len({len(fixed[name]) for name in names}) == 1


def varied(cells: Sequence[Cell]) -> list[str]:
    """The axes along which the cells differ, in order."""
    rows = [cell.axes() for cell in cells]
    return [name for name in AXES if len({row[name] for row in rows}) > 1]


def cell_names(cells: Sequence[Cell], study: StudyConfig) -> list[str]:
    """A file name for each cell: the axes that the study sets, with their values.

    Adding values to a study does not rename cells; a name that would be too long or ambiguous ends with
    digits of the cell's digest.
    """
    named = {axis for axes in (study.axes, *study.cells) for axis in axes.given()}
    if study.folds is not None:
        named.add("fold")
    names = []
    for cell in cells:
        axes = cell.axes()
        parts = [f"{_SHORT.get(name, name)}-{_plain(axes[name])}" for name in AXES if name in named]
        names.append("_".join(parts) or "base")
    return [
        f"{name[:_LONGEST_NAME]}-{hex_of(digest(cell.axes()))[:8]}"
        if len(name) > _LONGEST_NAME or names.count(name) > 1
        else name
        for name, cell in zip(names, cells, strict=True)
    ]


def _plain(value: Any) -> str:
    shown = f"{value:g}" if isinstance(value, float) else str(value)
    return re.sub(r"[^\w.]+", "-", shown).strip("-.") or "x"
