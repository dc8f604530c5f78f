"""Where the stages of a study run: the options, and the executor that they come to."""

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
    """Where stages run."""

    LOCAL = "local"
    RAY = "ray"


Workers = Annotated[int, typer.Option("--workers", min=1, help="Processes; the threads are divided among them.")]
Executor = Annotated[
    ExecutorName, typer.Option("--executor", metavar="local|ray", help="Run stages here, or as tasks of Ray.")
]
RayAddress = Annotated[
    str | None,
    typer.Option(
        "--ray-address",
        metavar="ADDRESS|auto",
        help="Running Ray cluster; without it, Ray is started on this machine alone.",
    ),
]
CpusPerTask = Annotated[
    list[str] | None,
    typer.Option(
        "--cpus-per-task",
        metavar="[STAGE=]N",
        help="With ray: processors and threads of a stage that computes with a model; may be given again.",
    ),
]
GpusPerTask = Annotated[
    list[str] | None,
    typer.Option(
        "--gpus-per-task",
        metavar="[STAGE=]N",
        help="With ray on CUDA: GPUs of such a stage, 1 by default; less than 1 shares one.",
    ),
]
Shards = Annotated[
    int,
    typer.Option(
        "--shards", min=1, help="Parts in which texts are sampled and annotated side by side; the result is one."
    ),
]


def way_to_run(
    executor: ExecutorName, workers: int, address: str | None, cpus: Sequence[str], gpus: Sequence[str]
) -> contextlib.AbstractContextManager[Pass | None]:
    """A context with a way to run stages on a cluster, or with None: here.

    Raises:
        InputError: options that do not go together, or no such cluster.
        MissingExtraError: Ray is not installed.
    """
    if executor is ExecutorName.LOCAL:
        given = {"--ray-address": address, "--cpus-per-task": cpus, "--gpus-per-task": gpus}
        for option, value in given.items():
            if value:
                raise InputError(f"{option}: only with --executor ray; the local executor has --workers")
        return contextlib.nullcontext()
    if workers > 1:
        raise InputError("--workers: only with --executor local; Ray runs as many stages as its machines have room for")
    return ray_cluster(address, parse_resources(cpus, gpus, list(stages.STAGES)))
