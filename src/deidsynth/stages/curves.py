"""Watching a training: progress for the listener, a thinned curve for the report."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from deidsynth.models.loop import TrainingPoint
from deidsynth.progress import Progress

POINTS = 100


def watch(points: Iterable[TrainingPoint], name: str, progress: Progress, memory: dict[str, Any]) -> None:
    """Run a training to its end.

    ``memory["curve"]`` gets a point at least every hundredth of the steps, with the mean loss since the one before,
    and ``memory["n_targets"]`` counts the targets; both are kept with the checkpoints, so that a resumed training has
    the whole curve.
    """
    memory.setdefault("curve", [])
    memory.setdefault("since", [0.0, 0])
    memory.setdefault("n_targets", 0)
    task, done = None, 0
    for point in points:
        if task is None:
            task = progress.task(name, point.n_steps, "steps")
            task.__enter__()
        memory["since"] = [
            memory["since"][0] + point.train_loss * point.n_targets,
            memory["since"][1] + point.n_targets,
        ]
        memory["n_targets"] += point.n_targets
        task.advance(point.step - done, loss=point.train_loss, epoch=point.epoch, **point.measured)
        done = point.step
        if point.measured or point.step % max(1, point.n_steps // POINTS) == 0 or point.step == point.n_steps:
            total, count = memory["since"]
            row = {"step": point.step, "epoch": round(point.epoch, 4), "train_loss": total / count, **point.measured}
            memory["curve"].append(row)
            memory["since"] = [0.0, 0]
            progress.metrics(name, row)
    if task is not None:
        task.__exit__(None, None, None)
