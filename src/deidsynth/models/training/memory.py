"""Memory of a training: what it takes, counted before it starts, and what the machine has."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath

import torch
from torch import Tensor, nn
from torch.multiprocessing.reductions import StorageWeakRef

from deidsynth.models.devices import KeptMemory
from deidsynth.models.training.loop import muon_weights

if sys.platform != "win32":
    import resource

_PROC = Path("/proc")
_CGROUPS = Path("/sys/fs/cgroup")


def weight_bytes(model: nn.Module) -> int:
    """Bytes of the weights and buffers of a model."""
    return sum(each.nbytes for each in (*model.parameters(), *model.buffers()))


def state_bytes(model: nn.Module, *, muon: bool) -> int:
    """Bytes of gradients and optimizer states: AdamW keeps two values for each weight, Muon one.

    The gradient of the largest weight counts twice, as a new one is added to the one before.

    Args:
        model: with the weights to train marked trainable.
        muon: whether the matrices of the layers are trained with Muon.
    """
    trainable = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    total = sum(weight.nbytes for _, weight in trainable)
    largest = max((weight.nbytes for _, weight in trainable), default=0)
    return 3 * total + largest - (sum(weight.nbytes for weight in muon_weights(trainable)) if muon else 0)


def saved_bytes(model: nn.Module, forward: Callable[[], object]) -> int:
    """Bytes that a forward pass keeps for its backward pass, beside the weights.

    Nothing is kept while they are counted, and random numbers are as before.

    Args:
        model: whose weights do not count.
        forward: a forward pass, with gradients.
    """
    # Weak references: a storage that is gone could otherwise be taken for a later one in its place.
    known = {StorageWeakRef(each.untyped_storage()) for each in (*model.parameters(), *model.buffers())}
    total = 0

    def count(saved: Tensor) -> None:
        nonlocal total
        storage = saved.untyped_storage()
        reference = StorageWeakRef(storage)
        if reference not in known:
            known.add(reference)
            total += storage.nbytes()

    devices = {weight.device for weight in model.parameters() if weight.device.type == "cuda"}
    with torch.random.fork_rng(devices), torch.autograd.graph.saved_tensors_hooks(count, lambda _: torch.empty(0)):
        forward()
    return total


def available_bytes(device: str) -> int | None:
    """Bytes that this process can still have on a device; None where the system does not tell.

    On the CPU this is the least of what the machine, the control groups of the process and its own limits leave,
    divided among the processes that a launcher started on this machine.

    Args:
        device: such as ``cpu``.
    """
    kind = device.partition(":")[0]
    if kind == "cuda":
        free, _ = torch.cuda.mem_get_info(device)
        return free + torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    if kind == "mps":
        return torch.mps.recommended_max_memory() - torch.mps.driver_allocated_memory()
    KeptMemory().give_back()
    left = [*_left_in_machine(), *_left_in_groups(), *_left_in_limits()]
    return max(0, min(left)) // int(os.environ.get("LOCAL_WORLD_SIZE", "1")) if left else None


def _left_in_machine() -> Iterator[int]:
    with suppress(OSError, ValueError, IndexError):
        rows = (line.split() for line in (_PROC / "meminfo").read_text(encoding="ascii").splitlines())
        yield from (int(row[1]) * 1024 for row in rows if row[0] == "MemAvailable:")


def _left_in_groups() -> Iterator[int]:
    """What each control group of the process leaves, its page cache counted as free (versions 1 and 2)."""
    with suppress(OSError):
        for line in (_PROC / "self" / "cgroup").read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers:
                root, limit, usage, cache = _CGROUPS, "memory.max", "memory.current", "inactive_file"
            elif "memory" in controllers.split(","):
                root, limit, usage = _CGROUPS / "memory", "memory.limit_in_bytes", "memory.usage_in_bytes"
                cache = "total_inactive_file"
            else:
                continue
            inner = PurePosixPath(path.lstrip("/"))
            for group in (inner, *inner.parents):
                with suppress(OSError, ValueError, KeyError):  # no such file, or no limit (``max``)
                    most = int((root / group / limit).read_text(encoding="ascii"))
                    used = int((root / group / usage).read_text(encoding="ascii"))
                    stat = (root / group / "memory.stat").read_text(encoding="ascii").splitlines()
                    kinds = dict(each.split() for each in stat)
                    yield most - used + int(kinds[cache])


def _left_in_limits() -> Iterator[int]:
    """What the limit of this process's address space leaves (``ulimit -v``)."""
    if sys.platform == "win32":
        return
    with suppress(OSError, ValueError):
        most, _ = resource.getrlimit(resource.RLIMIT_AS)
        if most != resource.RLIM_INFINITY:
            pages = int((_PROC / "self" / "statm").read_text(encoding="ascii").split()[0])
            yield most - pages * resource.getpagesize()
