"""Distributed training: the processes that a launcher started for one training."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed
from accelerate import PartialState
from torch import Tensor, nn

from deidsynth.errors import InputError


def processes_on(device: str) -> PartialState:
    """The processes of this training; a single one without a launcher.

    Args:
        device: of this process.
    """
    return PartialState(cpu=device == "cpu")


def check_same_start(processes: PartialState, step: int, device: str) -> None:
    """Check that all processes start with the same step.

    Raises:
        InputError: the processes do not see the same checkpoint.
    """
    if processes.num_processes == 1:
        return
    ends = torch.tensor([step, -step], device=device)
    torch.distributed.all_reduce(ends, torch.distributed.ReduceOp.MAX)
    if ends[0] != -ends[1]:
        raise InputError(
            "the processes of this training do not see the same checkpoint; use an output folder that all of "
            "them share, or remove the unfinished work next to it"
        )


def least_of(number: int, device: str) -> int:
    """The least of a number in all processes of this training."""
    if processes_on(device).num_processes == 1:
        return number
    least = torch.tensor(number, device=device)
    torch.distributed.all_reduce(least, torch.distributed.ReduceOp.MIN)
    return int(least)


def sum_gradients(processes: PartialState, loss: Tensor, weights: Sequence[nn.Parameter]) -> None:
    """Sum the loss and the gradients of all processes, in place; a process without micro-batches adds nothing."""
    if processes.num_processes == 1:
        return
    torch.distributed.all_reduce(loss)
    used = torch.tensor([weight.grad is not None for weight in weights], dtype=torch.int32, device=loss.device)
    torch.distributed.all_reduce(used, torch.distributed.ReduceOp.MAX)
    for weight, is_used in zip(weights, used.tolist(), strict=True):
        if is_used:
            if weight.grad is None:
                weight.grad = torch.zeros_like(weight)
            torch.distributed.all_reduce(weight.grad)


def leave(processes: PartialState) -> None:
    """Leave the process group; without this, some processes abort at exit."""
    if processes.num_processes > 1:
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
