"""Prediction and sampling with small models on a CPU: several processes with one thread each.

Threads that share a small step wait for each other at its end, and the more so, the busier the machine is. Processes
that share batches do not wait; and with one thread in each, the results do not depend on their number.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import torch

from deidsynth.progress import Progress
from deidsynth.stages.work.processes import run_in_parallel

SMALL_BYTES = 500_000_000
"""Weights of a small model, of which each process has its own copy."""

Piece = TypeVar("Piece")


def is_small(model: Path, device: str) -> bool:
    """Whether a model folder, with all its files of weights, is small, and used on a CPU."""
    return device == "cpu" and sum(file.stat().st_size for file in model.rglob("*.safetensors")) <= SMALL_BYTES


@contextlib.contextmanager
def one_thread(*, wanted: bool = True) -> Iterator[None]:
    """A context in which torch computes with one thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1 if wanted else before)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def spread(
    pieces: Sequence[Piece],
    work: Callable[[Sequence[Piece], Progress], None],
    listener: Progress,
    name: str,
    total: int,
    unit: str = "documents",
) -> None:
    """Work on pieces in as many processes as torch has threads; does nothing if that is one, or there is one piece.

    The caller has to do whatever a process that ended early has left undone.

    Args:
        pieces: independent of each other.
        work: picklable; leaves files behind, and advances a task of the listener that it is given.
        listener: gets the progress of all processes as one task.
        name: of the task.
        total: of the task.
        unit: of the task.
    """
    n_processes = min(torch.get_num_threads(), len(pieces))
    if n_processes > 1:
        shares = [pieces[first::n_processes] for first in range(n_processes)]
        run_in_parallel([partial(work, share) for share in shares], n_processes, listener, name, total, unit)
