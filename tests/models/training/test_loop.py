from __future__ import annotations

import dataclasses
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.training import loop
from deidsynth.models.training.loop import LoopSettings, Objective, Step, training_steps

SETTINGS = LoopSettings(
    n_steps=8,
    learning_rate=1e-2,
    warmup=0.25,
    weight_decay=0.01,
    max_grad_norm=1.0,
    checkpoint_seconds=0.0,
    device="cpu",
    precision="fp32",
)


def _model() -> nn.Module:
    torch.manual_seed(3)
    return nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.5), nn.Linear(8, 2))


def _batches(step: int) -> list[torch.Tensor]:
    chance = torch.Generator().manual_seed(step)
    return [torch.randn(3, 4, generator=chance), torch.randn(2, 4, generator=chance)]


OBJECTIVE = Objective(_batches, lambda model, batch: model(batch).square().sum(), len)


def _train(folder: Path | None, settings: LoopSettings = SETTINGS, memory: dict[str, Any] | None = None) -> nn.Module:
    model = _model()
    torch.manual_seed(11)
    for _ in training_steps(model, OBJECTIVE, settings, folder, memory):
        pass
    return model


def _same(one: nn.Module, other: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one.parameters(), other.parameters(), strict=True))


@pytest.mark.parametrize("n_done", [1, 2, 5, 8])
def test_a_killed_run_ends_with_the_bits_of_an_undisturbed_one(n_done: int, tmp_path: Path) -> None:
    undisturbed = _train(None)
    model, memory = _model(), {"losses": []}
    torch.manual_seed(11)
    steps = training_steps(model, OBJECTIVE, SETTINGS, tmp_path, memory)
    for _ in range(n_done):
        memory["losses"].append(next(steps).loss)
    next(steps, None)  # the checkpoint of a step is written after the caller has seen it
    steps.close()
    resumed, kept = _model(), {"losses": ["not restored"]}
    torch.manual_seed(99)  # the checkpoint brings its own chance
    numbers = [step.number for step in training_steps(resumed, OBJECTIVE, SETTINGS, tmp_path, kept)]
    assert numbers == list(range(n_done + 1, 9))
    assert kept["losses"] == memory["losses"]
    assert _same(resumed, undisturbed)
    assert not _same(_model(), undisturbed)


def test_a_step_tells_its_mean_loss_over_all_micro_batches() -> None:
    model = _model()
    model[1].p = 0.0
    batches = _batches(0)
    expected = sum(float(model(batch).square().sum().detach()) for batch in batches) / 5
    step = next(iter(training_steps(model, OBJECTIVE, SETTINGS)))
    assert step == Step(1, pytest.approx(expected, rel=1e-5), 5, pytest.approx(0.005))


def test_micro_batches_make_the_step_of_one_batch() -> None:
    whole = Objective(lambda step: [torch.cat(_batches(step))], OBJECTIVE.loss_sum, len)
    settings = dataclasses.replace(SETTINGS, n_steps=3)
    models = [_model(), _model()]
    for model, objective in zip(models, (OBJECTIVE, whole), strict=True):
        model[1].p = 0.0
        list(training_steps(model, objective, settings))
    for one, other in zip(models[0].parameters(), models[1].parameters(), strict=True):
        assert torch.allclose(one, other, atol=1e-5)


def test_the_rate_warms_up_and_falls_to_a_tenth() -> None:
    rates = [SETTINGS.rate(step) for step in range(8)]
    assert rates[:3] == pytest.approx([0.005, 0.01, 0.01])
    assert rates[2:] == sorted(rates[2:], reverse=True)
    assert SETTINGS.rate(8) == pytest.approx(0.001)
    assert SETTINGS.rate(5) == pytest.approx(0.01 * (0.1 + 0.9 / 2))


@pytest.mark.parametrize("rate", [1e-30, 1e-12])
def test_weights_that_do_not_move_are_noticed(rate: float) -> None:
    still = dataclasses.replace(SETTINGS, learning_rate=rate, weight_decay=0.0)
    with pytest.raises(ModelNotUsableError, match="the trained weights did not change"):
        _train(None, still)


def test_a_single_step_is_checked_too() -> None:
    with pytest.raises(ModelNotUsableError, match="did not change"):
        _train(None, dataclasses.replace(SETTINGS, learning_rate=1e-30, n_steps=1))


def test_a_frozen_model_is_refused() -> None:
    model = _model().requires_grad_(False)
    with pytest.raises(ModelNotUsableError, match="no weight of the model is trainable"):
        list(training_steps(model, OBJECTIVE, SETTINGS))


def test_frozen_weights_stay() -> None:
    model, before = _model(), _model()
    model[0].requires_grad_(False)
    list(training_steps(model, OBJECTIVE, SETTINGS))
    assert _same(model[0], before[0])
    assert not _same(model[2], before[2])


def test_no_checkpoint_before_its_time(tmp_path: Path) -> None:
    _train(tmp_path, dataclasses.replace(SETTINGS, checkpoint_seconds=1000.0))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("writing", "saved_after"),
    [
        (0.0, [6, 12, 18, 24, 30, 36, 42, 48, 54, 60]),
        (2.0, [6, 12, 18, 24, 30, 36, 42, 48, 54, 60]),
        (15.0, [6, 36]),  # 60 s to the first one, then 20 times 15 s
    ],
)
def test_checkpoints_take_a_twentieth_of_the_time_at_most(
    writing: float, saved_after: list[int], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, saved = [0.0], []

    def save(_: Path, step: int, *__: object) -> None:
        saved.append(step)
        now[0] += writing

    monkeypatch.setattr(loop.time, "monotonic", lambda: now[0])
    monkeypatch.setattr(loop, "_save", save)
    settings = dataclasses.replace(SETTINGS, checkpoint_seconds=60.0, n_steps=60)
    for _ in training_steps(_model(), OBJECTIVE, settings, tmp_path):
        now[0] += 10.0
    assert saved == saved_after


def test_a_movement_check_copies_a_few_values_of_large_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    copied: list[int] = []
    checked = loop._check_movement

    def check(before: list[torch.Tensor], after: list[torch.Tensor]) -> None:
        copied.extend(each.numel() for each in before)
        checked(before, after)

    monkeypatch.setattr(loop, "_check_movement", check)
    wide = nn.Linear(4, 100_001)
    objective = Objective(_batches, lambda model, batch: model(batch).square().mean(), len)
    list(training_steps(wide, objective, SETTINGS))
    assert len(copied) == 2
    assert max(copied) <= loop.COMPARED_VALUES
    with pytest.raises(ModelNotUsableError, match="did not change"):
        list(training_steps(wide, objective, dataclasses.replace(SETTINGS, learning_rate=1e-30, weight_decay=0.0)))


LIMITED = """
import resource, sys
from pathlib import Path
import torch
from torch import nn
from deidsynth.errors import StorageError
from deidsynth.models.training.loop import _save
model = nn.Linear(64, 64)
optimizer = torch.optim.AdamW(model.parameters())
model(torch.ones(1, 64)).sum().backward()
optimizer.step()
for n_bytes in map(int, sys.argv[2:]):
    resource.setrlimit(resource.RLIMIT_FSIZE, (n_bytes, resource.RLIM_INFINITY))
    try:
        _save(Path(sys.argv[1]), 1, model, [optimizer], None)
    except StorageError as error:
        print("full" if "the disk is full" in str(error) else error)
"""


def test_a_checkpoint_without_room_is_a_storage_error_wherever_it_stops(tmp_path: Path) -> None:
    sizes = ["0", "1", "100", "4096", "10000", "16500", "20000", "33000", "50000"]
    command = [sys.executable, "-c", LIMITED, str(tmp_path), *sizes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.splitlines() == ["full"] * len(sizes), done.stderr
    assert list(tmp_path.iterdir()) == []
