"""The processes that a launcher began for one training: which of them this is, and what they do together."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.distributed
from accelerate import PartialState
from torch import Tensor, nn

from deidsynth.errors import InputError


def processes_on(device: str) -> PartialState:
    """All processes of this training, of which there is one where no launcher began more.

    Args:
        device: that this process trains on.
    """
    return PartialState(cpu=device == "cpu")


def check_same_start(processes: PartialState, step: int, device: str) -> None:
    """Make sure that all processes begin with the same step.

    Raises:
        InputError: one of them has not seen the checkpoint of the others.
    """
    if processes.num_processes == 1:
        return
    ends = torch.tensor([step, -step], device=device)
    torch.distributed.all_reduce(ends, torch.distributed.ReduceOp.MAX)
    if ends[0] != -ends[1]:
        raise InputError(
            "the processes of this training do not see the same checkpoint; give an output in a folder that all of "
            "them share, or remove the unfinished work beside it"
        )


def sum_gradients(processes: PartialState, loss: Tensor, weights: Sequence[nn.Parameter]) -> None:
    """Add up the loss and the gradients of all processes, in place; one without micro-batches adds nothing."""
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
    """End the work with other processes, for good; without this some abort as they end."""
    if processes.num_processes > 1:
        torch.distributed.barrier()
        torch.distributed.destroy_process_group()
