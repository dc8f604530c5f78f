"""Monitoring of a training: progress for the listener, and a thinned learning curve for the report."""

from __future__ import annotations

import time
from collections.abc import Iterable
from itertools import chain
from typing import Any

from deidsynth.models.training.loop import TrainingPoint
from deidsynth.progress import Progress

POINTS = 100


def watch(points: Iterable[TrainingPoint], name: str, progress: Progress, memory: dict[str, Any]) -> None:
    """Run a training until it ends.

    ``memory["curve"]`` gets a point at least every hundredth of the steps, with the mean loss since the previous one,
    ``memory["n_targets"]`` counts the targets and ``memory["seconds"]`` the time. All are kept with the checkpoints, so
    that a resumed training has the whole curve.
    """
    memory.setdefault("curve", [])
    memory.setdefault("since", [0.0, 0])
    memory.setdefault("n_targets", 0)
    memory.setdefault("seconds", 0.0)
    began = time.monotonic()
    stream = iter(points)
    first = next(stream, None)
    if first is None:
        return
    done = 0
    with progress.task(name, first.n_steps, "steps") as task:
        for point in chain([first], stream):
            _remember(point, memory)
            began, before = time.monotonic(), began
            memory["seconds"] += began - before
            task.advance(point.step - done, loss=point.train_loss, epoch=point.epoch, **point.measured)
            done = point.step
            if point.measured or point.step % max(1, point.n_steps // POINTS) == 0 or point.step == point.n_steps:
                progress.metrics(name, _curve_point(point, memory))


def _remember(point: TrainingPoint, memory: dict[str, Any]) -> None:
    total, count = memory["since"]
    memory["since"] = [total + point.train_loss * point.n_targets, count + point.n_targets]
    memory["n_targets"] += point.n_targets


def _curve_point(point: TrainingPoint, memory: dict[str, Any]) -> dict[str, float]:
    """The next point of the curve, with the mean loss since the previous one."""
    total, count = memory["since"]
    row = {"step": point.step, "epoch": round(point.epoch, 4), "train_loss": total / count, **point.measured}
    memory["curve"].append(row)
    memory["since"] = [0.0, 0]
    return row
