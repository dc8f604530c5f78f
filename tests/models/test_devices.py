from __future__ import annotations

import pytest
import torch

from deidsynth.errors import InputError
from deidsynth.models import devices
from deidsynth.models.devices import GATHERED_BYTES, KeptMemory, autocast, resolve_device, resolve_precision


@pytest.mark.parametrize("device", ["gpu", "cuda:x", "cpu0", ""])
def test_an_unknown_device_is_refused(device: str) -> None:
    with pytest.raises(InputError, match="unknown; use auto, cpu, cuda, cuda:0 or mps"):
        resolve_device(device)


def test_a_device_that_is_not_there_is_refused() -> None:
    with pytest.raises(InputError, match="device cuda:99: this CUDA device is not available; use cpu"):
        resolve_device("cuda:99")


def test_mps_is_refused_elsewhere() -> None:
    if torch.backends.mps.is_available():
        pytest.skip("this machine has MPS")
    with pytest.raises(InputError, match="device mps: not available on this machine; use cpu"):
        resolve_device("mps")


def test_the_processor_is_always_there() -> None:
    assert resolve_device("cpu") == "cpu"
    assert resolve_device("auto") in ("cpu", "cuda", "mps")


def test_precision_is_what_was_asked_for_and_auto_is_one_of_the_two() -> None:
    assert resolve_precision("fp32", "cpu") == "fp32"
    assert resolve_precision("bf16", "cpu") == "bf16"
    assert resolve_precision("auto", "cpu") in ("fp32", "bf16")


def test_autocast_makes_products_in_the_precision() -> None:
    one = torch.ones(2, 2)
    with autocast("cpu", "bf16"):
        assert (one @ one).dtype == torch.bfloat16
    with autocast("cpu", "fp32"):
        assert (one @ one).dtype == torch.float32


@pytest.mark.parametrize(
    ("seconds", "grown", "returned"),
    [(1.0, 2 * GATHERED_BYTES, False), (60.0, GATHERED_BYTES // 2, False), (60.0, 2 * GATHERED_BYTES, True)],
)
def test_freed_memory_is_returned_where_much_of_it_has_gathered_for_a_while(
    monkeypatch: pytest.MonkeyPatch, seconds: float, grown: int, returned: bool
) -> None:
    clock, resident = [100.0], [1 << 30]
    monkeypatch.setattr(devices.time, "monotonic", lambda: clock[0])
    monkeypatch.setattr(devices, "_resident_bytes", lambda: resident[0])
    kept = KeptMemory()
    calls = []
    monkeypatch.setattr(kept, "give_back", lambda: calls.append(1))
    clock[0] += seconds
    resident[0] += grown
    kept.limit()
    assert bool(calls) == returned


def test_returning_memory_is_harmless_anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    KeptMemory().give_back()
    monkeypatch.setattr(devices.ctypes, "CDLL", lambda _: object())  # as where there is no glibc
    KeptMemory().give_back()
