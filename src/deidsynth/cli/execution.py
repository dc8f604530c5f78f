"""Options for the execution of a study."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer

from deidsynth import stages
from deidsynth.errors import InputError
from deidsynth.workflow.executors.ray import ray_cluster
from deidsynth.workflow.executors.resources import parse_resources
from deidsynth.workflow.scheduler import Pass


class ExecutorName(StrEnum):
    """Executors of stages."""

    LOCAL = "local"
    RAY = "ray"


Workers = Annotated[
    int, typer.Option("--workers", min=1, max=1000, help="Worker processes; the threads are divided among them.")
]
Executor = Annotated[
    ExecutorName, typer.Option("--executor", metavar="local|ray", help="Run stages on this machine, or as Ray tasks.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="ADDRESS|auto",
        help="Address of a running Ray cluster; by default, Ray is started on this machine.",
    ),
]
CpusPerTask = Annotated[
    list[str] | None,
    typer.Option(
        "--cpus-per-task",
        metavar="[STAGE=]N",
        help="With ray: processors and threads of a stage that computes with a model; can be repeated.",
    ),
]
GpusPerTask = Annotated[
    list[str] | None,
    typer.Option(
        "--gpus-per-task",
        metavar="[STAGE=]N",
        help="With ray on CUDA: GPUs of such a stage, 1 by default; a value below 1 shares a GPU.",
    ),
]
Shards = Annotated[
    int,
    typer.Option(
        "--shards",
        min=1,
        max=100_000,
        help="Shards for sampling and annotation in parallel; the result does not depend on it.",
    ),
]


def way_to_run(
    executor: ExecutorName, workers: int, address: str | None, cpus: Sequence[str], gpus: Sequence[str]
) -> contextlib.AbstractContextManager[Pass | None]:
    """A context with the execution on a cluster, or with None for this machine.

    Raises:
        InputError: contradicting options, or no such cluster.
        MissingExtraError: Ray is not installed.
    """
    if executor is ExecutorName.LOCAL:
        given = {"--ray-address": address, "--cpus-per-task": cpus, "--gpus-per-task": gpus}
        for option, value in given.items():
            if value:
                raise InputError(f"{option}: only with --executor ray; the local executor has --workers")
        return contextlib.nullcontext()
    if workers > 1:
        raise InputError("--workers: only with --executor local; Ray runs as many stages as fit on its machines")
    return ray_cluster(address, parse_resources(cpus, gpus, list(stages.STAGES)))
