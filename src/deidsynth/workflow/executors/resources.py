"""Processors and GPUs of nodes on a cluster, by stage."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from deidsynth.errors import InputError
from deidsynth.stages.specification import StageSpec
from deidsynth.workflow.shards import whole_of


@dataclass(frozen=True, slots=True)
class Resources:
    """Resources of nodes.

    Args:
        cpus: processors and threads of a node that computes with a model.
        gpus: GPUs of such a node if the device is a GPU; less than 1 shares one.
        cpus_of: by stage; takes precedence.
        gpus_of: by stage; takes precedence.
    """

    cpus: int = 1
    gpus: float = 1.0
    cpus_of: Mapping[str, int] = field(default_factory=dict)
    gpus_of: Mapping[str, float] = field(default_factory=dict)

    def for_stage(self, stage: StageSpec, device: str) -> tuple[int, float]:
        """Processors and GPUs of a node of a stage.

        >>> from deidsynth.stages import STAGES
        >>> Resources(cpus=4, cpus_of={"adapt": 16}).for_stage(STAGES["adapt"], "cuda")
        (16, 1.0)
        >>> Resources(cpus=4).for_stage(STAGES["select"], "cuda")
        (1, 0.0)
        """
        name = whole_of(stage.name)
        cpus = self.cpus_of.get(name, 1 if stage.is_light else self.cpus)
        gpus = self.gpus_of.get(name, 0.0 if stage.is_light else self.gpus)
        return cpus, gpus if device.startswith("cuda") else 0.0


def parse_resources(cpus: Sequence[str], gpus: Sequence[str], stages: Sequence[str]) -> Resources:
    """Resources from command-line values: a number for all stages, or ``STAGE=NUMBER``.

    Args:
        cpus: whole numbers from 1.
        gpus: whole numbers, or shares below 1.
        stages: known names.

    Raises:
        InputError: an invalid value.

    >>> parse_resources(["2", "adapt=8"], ["0.5"], ["adapt"])
    Resources(cpus=2, gpus=0.5, cpus_of={'adapt': 8}, gpus_of={})
    """
    found_cpus = _by_stage("--cpus-per-task", cpus, stages)
    found_gpus = _by_stage("--gpus-per-task", gpus, stages)
    for value in found_cpus.values():
        if value < 1 or value != int(value):
            raise InputError(f"--cpus-per-task {value:g}: expected a whole number from 1")
    for value in found_gpus.values():
        if value < 0 or (value > 1 and value != int(value)):
            raise InputError(f"--gpus-per-task {value:g}: expected a whole number, or a share below 1")
    plain = Resources()
    return Resources(
        cpus=int(found_cpus.pop("", plain.cpus)),
        gpus=found_gpus.pop("", plain.gpus),
        cpus_of={name: int(value) for name, value in found_cpus.items()},
        gpus_of=found_gpus,
    )


def _by_stage(option: str, words: Sequence[str], stages: Sequence[str]) -> dict[str, float]:
    """The numbers by stage; the number for all stages has the empty name."""
    found: dict[str, float] = {}
    for word in words:
        name, _, number = word.rpartition("=")
        if name and name not in stages:
            raise InputError(f"{option} {word}: no stage named {name}; known: {', '.join(sorted(stages))}")
        try:
            found[name] = float(number)
        except ValueError:
            found[name] = math.nan
        if not math.isfinite(found[name]):
            raise InputError(f"{option} {word}: expected NUMBER or STAGE=NUMBER")
    return found
