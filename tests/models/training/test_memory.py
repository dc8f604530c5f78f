from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import nn
from transformers import AutoModelForCausalLM

from deidsynth.models.loading import load_model
from deidsynth.models.training import loop, memory
from deidsynth.models.training.loop import LoopSettings, Objective, training_steps
from deidsynth.models.training.memory import available_bytes, saved_bytes, state_bytes, weight_bytes

GB = 1_000_000_000


def test_a_forward_pass_keeps_what_is_counted_and_nothing_is_kept() -> None:
    model = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Dropout(0.5), nn.Linear(16, 4))
    rows = torch.randn(10, 8)
    torch.manual_seed(5)
    before = torch.get_rng_state()
    # Input, what tanh gives, the mask of the dropout and what it leaves; the weights do not count.
    assert saved_bytes(model, lambda: model(rows)) in (10 * (8 + 16 + 16) * 4 + each for each in (10 * 16, 10 * 16 * 4))
    assert torch.equal(torch.get_rng_state(), before)
    assert saved_bytes(model, lambda: [model(rows) for _ in range(50)]) > 40 * saved_bytes(model, lambda: model(rows))


@pytest.mark.parametrize("muon", [False, True])
def test_gradients_and_states_are_those_of_the_optimizers(
    muon: bool, tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load_model(AutoModelForCausalLM, str(tiny("llama")))
    made: list[torch.optim.Optimizer] = []
    optimizers = loop._optimizers
    monkeypatch.setattr(loop, "_optimizers", lambda *given: made.extend(optimizers(*given)) or made)
    ids = torch.arange(20).view(2, 10)
    objective = Objective(lambda _: [ids], lambda model, batch: model(input_ids=batch).logits.square().sum(), len)
    settings = LoopSettings(1, 1e-3, 0.0, 0.1, 1.0, 60.0, "cpu", "fp32", muon=muon)
    list(training_steps(model, objective, settings))
    states = sum(
        value.nbytes
        for optimizer in made
        for state in optimizer.state.values()
        for value in state.values()
        if isinstance(value, torch.Tensor) and value.ndim
    )
    largest = max(weight.nbytes for weight in model.parameters())
    gradients = sum(weight.nbytes for weight in model.parameters())
    assert state_bytes(model, muon=muon) == gradients + states + largest
    assert weight_bytes(model) >= gradients
    for weight in model.parameters():
        weight.requires_grad_(False)
    assert state_bytes(model, muon=muon) == 0


def _files(root: Path, **contents: str) -> None:
    for name, text in contents.items():
        place = root / name.replace("__", "/").replace("_dot_", ".")
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A machine with 8 GB available, in which files can be put."""
    monkeypatch.setattr(memory, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(memory, "_CGROUPS", tmp_path / "groups")
    monkeypatch.setattr(memory, "_left_in_limits", lambda: iter(()))
    monkeypatch.delenv("LOCAL_WORLD_SIZE", raising=False)
    _files(tmp_path, proc__meminfo=f"MemTotal: 99 kB\nMemAvailable: {8 * GB // 1024} kB\n")
    return tmp_path


def test_what_the_machine_has(machine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert available_bytes("cpu") == pytest.approx(8 * GB, abs=1024)
    monkeypatch.setenv("LOCAL_WORLD_SIZE", "4")
    assert available_bytes("cpu") == pytest.approx(2 * GB, abs=1024)
    (machine / "proc" / "meminfo").unlink()
    assert available_bytes("cpu") is None


def test_what_a_control_group_leaves_counts_and_its_page_cache_is_free(machine: Path) -> None:
    _files(
        machine,
        proc__self__cgroup="0::/pods/one\n",
        groups__pods__one__memory_dot_max="max",
        groups__pods__one__memory_dot_current="77",
        groups__pods__one__memory_dot_stat="anon 3\ninactive_file 5\n",
        groups__pods__memory_dot_max=str(4 * GB),
        groups__pods__memory_dot_current=str(2 * GB),
        groups__pods__memory_dot_stat=f"anon 3\ninactive_file {GB}\n",
    )
    assert available_bytes("cpu") == 3 * GB


def test_a_control_group_of_the_first_version_that_is_the_root_of_a_container(machine: Path) -> None:
    # In a container the path is that of the host, and the group's files are at the root.
    _files(
        machine,
        proc__self__cgroup="5:cpu,cpuacct:/docker/abc\n4:memory:/docker/abc\n",
        groups__memory__memory_dot_limit_in_bytes=str(2 * GB),
        groups__memory__memory_dot_usage_in_bytes=str(GB),
        groups__memory__memory_dot_stat="cache 4\ntotal_inactive_file 7\n",
    )
    assert available_bytes("cpu") == GB + 7


def test_a_limit_of_the_address_space_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    resource = pytest.importorskip("resource")
    without = available_bytes("cpu")
    if without is None:
        pytest.skip("the system tells nothing of its memory")
    pages = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    monkeypatch.setattr(resource, "getrlimit", lambda _: (pages + without // 2, math.inf))
    assert 0 < (available_bytes("cpu") or 0) <= without // 2 + GB // 10
