"""Device and precision of models."""

from __future__ import annotations

import contextlib
import ctypes
import functools
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import torch

from deidsynth.errors import InputError

KINDS = ("cpu", "cuda", "mps")

GATHERED_BYTES = 1 << 28
"""So much more memory than after the last time is worth returning what is free of it."""
RETURN_SECONDS = 5.0
"""At most once in this time, so that the pages that are needed again cost little."""


@dataclass(frozen=True, slots=True)
class Compute:
    """Seed, device, precision and checkpoints of a training.

    Args:
        seed: of all random numbers.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.
        scratch: folder for checkpoints, which survives a killed run.
    """

    seed: int
    device: str
    precision: str
    scratch: Path


def resolve_device(device: str = "auto") -> str:
    """The device to run on: ``auto`` prefers CUDA, then Apple's MPS, then the CPU.

    Raises:
        InputError: the requested device is unknown or not available.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = device.partition(":")
    if kind not in KINDS or (number and not number.isdecimal()):
        raise InputError(f"device {device}: unknown; use auto, cpu, cuda, cuda:0 or mps")
    if kind == "cuda" and int(number or 0) >= torch.cuda.device_count():
        raise InputError(f"device {device}: this CUDA device is not available; use cpu")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise InputError("device mps: not available on this machine; use cpu")
    return device


def has_native_bf16(device: str) -> bool:
    """Whether matrix products on the device are faster in bfloat16 than in float32."""
    if device.startswith("cuda"):
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device == "cpu":
        capabilities = torch.cpu.get_capabilities() if hasattr(torch.cpu, "get_capabilities") else {}
        return bool(capabilities.get("avx512_bf16") or capabilities.get("amx_bf16") or capabilities.get("bf16"))
    return False


def resolve_precision(precision: str, device: str) -> str:
    """``fp32`` or ``bf16``: ``auto`` uses bf16 if the device supports it natively."""
    if precision == "auto":
        return "bf16" if has_native_bf16(device) else "fp32"
    return precision


OUT_OF_MEMORY = (MemoryError, torch.OutOfMemoryError)
"""What is raised where memory is used up, of the machine or of a device."""


class KeptMemory:
    """Memory that was freed and is kept for the next step, up to a limit.

    Computing on the CPU frees and allocates the same tensors at every step, and new pages cost about a fifth of the
    time. So the C library keeps large freed blocks instead of returning them to the system. But tensors of other sizes
    do not fit into the gaps: in an hour, many gigabytes would gather. So now and then all that is free is returned.

    Does nothing where the C library is not glibc.
    """

    def __init__(self) -> None:
        _keep_freed_memory()
        self._after, self._when = _resident_bytes(), time.monotonic()

    def limit(self) -> None:
        """Return freed memory if much of it may have gathered; to be called after every step."""
        now = time.monotonic()
        if now - self._when >= RETURN_SECONDS and _resident_bytes() - self._after >= GATHERED_BYTES:
            self.give_back()

    def give_back(self) -> None:
        """Return all freed memory."""
        with contextlib.suppress(OSError, AttributeError):
            ctypes.CDLL(None).malloc_trim(0)
        self._after, self._when = _resident_bytes(), time.monotonic()


@functools.cache
def _keep_freed_memory() -> None:
    m_trim_threshold, m_mmap_threshold = -1, -3
    with contextlib.suppress(OSError, AttributeError):
        library = ctypes.CDLL(None)
        library.mallopt(m_mmap_threshold, 1 << 30)
        library.mallopt(m_trim_threshold, (1 << 31) - 1)


def _resident_bytes() -> int:
    """Memory of this process; 0 where the system does not tell."""
    try:
        return int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, ValueError, AttributeError):
        return 0


@contextlib.contextmanager
def autocast(device: str, precision: str) -> Iterator[None]:
    """A context in which matrix products use the given precision."""
    with torch.autocast(device.partition(":")[0], dtype=torch.bfloat16, enabled=precision == "bf16"):
        yield
