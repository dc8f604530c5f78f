"""Speed and peak memory of one measurement, which fails alone."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from typing import Any

import torch

Result = dict[str, Any]


def timed_tokens(draw: Callable[[], int], device: str) -> Result:
    """Tokens per second of one drawing."""
    reset_peak(device)
    began = time.perf_counter()
    n_tokens = draw()
    seconds = time.perf_counter() - began
    return {
        "n_tokens": n_tokens,
        "seconds": round(seconds, 2),
        "tokens_per_second": round(n_tokens / seconds),
        "peak_gib": peak_gib(device),
    }


def guarded(measure: Callable[[], Result]) -> Result:
    """A measurement, or why there is none."""
    try:
        return measure()
    except torch.OutOfMemoryError:
        return {"error": "out of memory"}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {str(error)[:300]}"}
    finally:
        release()


def release() -> None:
    """Give cached memory back."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def reset_peak(device: str) -> None:
    """Count peak memory from here."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()


def peak_gib(device: str) -> float | None:
    """Peak memory of the device, in GiB; None on the CPU."""
    return round(torch.cuda.max_memory_allocated() / 2**30, 1) if device.startswith("cuda") else None
