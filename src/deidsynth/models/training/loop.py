"""The training loop as a generator: the caller logs, evaluates and saves; the loop steps and resumes."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Generic, Protocol, TypeVar

import torch
from torch import Tensor, nn

from deidsynth.errors import ModelNotUsableError
from deidsynth.files import whole_file
from deidsynth.models.devices import Compute, KeptMemory, autocast
from deidsynth.models.training.processes import check_same_start, processes_on, sum_gradients

Batch = TypeVar("Batch")

CHECKPOINT = "checkpoint.pt"
LEAST_SECONDS_PER_SECOND = 20.0
"""Of training, for each that went into writing the last checkpoint: a twentieth of the time at most goes into them."""
STEPS_BEFORE_MOVEMENT_CHECK = 3
COMPARED_VALUES = 2**16
"""Of each weight: a copy of all would take as much memory as the weights."""
_IN_LAYER = re.compile(r"\.\d+\.")


class Schedule(Protocol):
    """Settings common to all training configurations."""

    @property
    def warmup(self) -> float: ...

    @property
    def weight_decay(self) -> float: ...

    @property
    def max_grad_norm(self) -> float: ...

    @property
    def checkpoint_seconds(self) -> float: ...

    @property
    def optimizer(self) -> str: ...


@dataclass(frozen=True, slots=True)
class LoopSettings:
    """Settings of the optimizer and its schedule.

    Args:
        n_steps: total number of optimizer steps.
        learning_rate: maximum; linear warmup, then cosine decay to ``final_rate``.
        warmup: share of the steps used for warmup.
        weight_decay: applied to matrices only.
        max_grad_norm: gradients are clipped to this norm.
        checkpoint_seconds: time between checkpoints, more where writing takes long; 0 for one after every step.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16`` (autocast; weights keep their type).
        final_rate: final learning rate, as a share of the maximum.
        muon: whether the matrices of the layers are trained with Muon instead of AdamW.
    """

    n_steps: int
    learning_rate: float
    warmup: float
    weight_decay: float
    max_grad_norm: float
    checkpoint_seconds: float
    device: str
    precision: str
    final_rate: float = 0.1
    muon: bool = False

    @classmethod
    def of(cls, schedule: Schedule, compute: Compute, *, n_steps: int, learning_rate: float) -> LoopSettings:
        """The settings of a training configuration."""
        return cls(
            n_steps=n_steps,
            learning_rate=learning_rate,
            warmup=schedule.warmup,
            weight_decay=schedule.weight_decay,
            max_grad_norm=schedule.max_grad_norm,
            checkpoint_seconds=schedule.checkpoint_seconds,
            device=compute.device,
            precision=compute.precision,
            muon=schedule.optimizer == "muon",
        )

    def rate(self, step: int) -> float:
        """The learning rate of a step, zero-based."""
        warm = max(1, round(self.warmup * self.n_steps))
        if step < warm:
            return self.learning_rate * (step + 1) / warm
        done = (step - warm) / max(1, self.n_steps - warm)
        return self.learning_rate * (self.final_rate + (1 - self.final_rate) * (1 + math.cos(math.pi * done)) / 2)

    def seconds_to_checkpoint(self, writing: float) -> float:
        """Seconds from one checkpoint to the next.

        Args:
            writing: seconds that the last one took; 0 before the first.
        """
        if not self.checkpoint_seconds:
            return 0.0
        return max(self.checkpoint_seconds, LEAST_SECONDS_PER_SECOND * writing)


@dataclass(frozen=True, slots=True)
class Step:
    """The result of one optimizer step.

    Args:
        number: one-based.
        loss: mean over the targets, in nats.
        n_targets: predicted positions.
        learning_rate: of this step.
    """

    number: int
    loss: float
    n_targets: int
    learning_rate: float


@dataclass(frozen=True, slots=True)
class TrainingPoint:
    """One point of a training curve.

    Args:
        step: optimizer steps so far.
        n_steps: total.
        epoch: passes over the training data so far.
        train_loss: of this step, in nats per target.
        n_targets: predicted positions of this step.
        measured: validation measures after this step, by name.
    """

    step: int
    n_steps: int
    epoch: float
    train_loss: float
    n_targets: int
    measured: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Objective(Generic[Batch]):
    """The training objective.

    Args:
        batches: gives the micro-batches of a step, zero-based; deterministic.
        loss_sum: gives the summed loss over the targets of one micro-batch, in nats; a scalar tensor.
        n_targets: gives the number of targets of a micro-batch.
    """

    batches: Callable[[int], Sequence[Batch]]
    loss_sum: Callable[[nn.Module, Batch], Tensor]
    n_targets: Callable[[Batch], int]


def training_steps(
    model: nn.Module,
    objective: Objective[Batch],
    settings: LoopSettings,
    checkpoint: Path | None = None,
    memory: dict[str, Any] | None = None,
) -> Generator[Step, None, None]:
    """Train ``model`` in place, one optimizer step at a time, from the last checkpoint if there is one.

    A killed and resumed run takes the same steps as an undisturbed one. With several processes from a launcher,
    they divide the micro-batches of a step, and gradients are summed once per step; a process may have none.
    All processes read the checkpoint of the first one, and each uses its own random numbers in every step.

    Args:
        model: moved to the device of the settings.
        objective: batches and loss.
        settings: optimizer, device, precision.
        checkpoint: folder that survives a killed run.
        memory: plain values of the caller, saved with the checkpoint and restored in place.

    Raises:
        ModelNotUsableError: no weight is trainable, or the trained weights do not change.
        InputError: not all processes see the same checkpoint.
    """
    freed = KeptMemory()
    processes = processes_on(settings.device)
    seed = torch.initial_seed()
    model.to(settings.device)
    trainable = [(name, weight) for name, weight in model.named_parameters() if weight.requires_grad]
    if not trainable:
        raise ModelNotUsableError("no weight of the model is trainable")
    optimizers = _optimizers(trainable, settings)
    first = 0
    if checkpoint is not None and (checkpoint / CHECKPOINT).exists():
        first = _restore(checkpoint, model, optimizers, memory)
    check_same_start(processes, first, settings.device)
    before = [_some_values(weight) for _, weight in trainable] if first == 0 else []
    saved, writing = time.monotonic(), 0.0
    for number in range(first, settings.n_steps):
        model.train()
        if processes.num_processes > 1:
            torch.manual_seed(seed + number * processes.num_processes + processes.process_index)
        rate = settings.rate(number)
        for each in optimizers:
            for group in each.param_groups:
                group["lr"] = rate
        batches = objective.batches(number)
        n_targets = max(1, sum(objective.n_targets(batch) for batch in batches))
        total = torch.zeros((), device=settings.device)
        for batch in batches[processes.process_index :: processes.num_processes]:
            with autocast(settings.device, settings.precision):
                loss = objective.loss_sum(model, batch)
            (loss / n_targets).backward()
            total += loss.detach()
        sum_gradients(processes, total, [weight for _, weight in trainable])
        nn.utils.clip_grad_norm_([weight for _, weight in trainable], settings.max_grad_norm)
        for each in optimizers:
            each.step()
            each.zero_grad(set_to_none=True)
        freed.limit()
        if before and number + 1 >= min(STEPS_BEFORE_MOVEMENT_CHECK, settings.n_steps):
            _check_movement(before, [_some_values(weight) for _, weight in trainable])
            before = []
        yield Step(number + 1, float(total) / n_targets, n_targets, rate)
        due = time.monotonic() - saved >= settings.seconds_to_checkpoint(writing)
        if checkpoint is not None and due and processes.is_main_process:
            began = time.monotonic()
            _save(checkpoint, number + 1, model, optimizers, memory)
            saved = time.monotonic()
            writing = saved - began
    freed.give_back()


def muon_weights(trainable: Sequence[tuple[str, nn.Parameter]]) -> list[nn.Parameter]:
    """The weights that Muon can train: matrices of the layers."""
    return [weight for name, weight in trainable if weight.ndim == 2 and _IN_LAYER.search(name)]


def _optimizers(trainable: Sequence[tuple[str, nn.Parameter]], settings: LoopSettings) -> list[torch.optim.Optimizer]:
    """AdamW for all weights, or Muon for the matrices of the layers and AdamW for the rest.

    Muon's updates are scaled to the size of AdamW's (Liu et al. 2025, section 2.2), so both share a learning rate.
    """
    inner = muon_weights(trainable) if settings.muon else []
    chosen = {id(weight) for weight in inner}
    rest = [weight for _, weight in trainable if id(weight) not in chosen]
    groups = [
        {"params": [weight for weight in rest if weight.ndim >= 2], "weight_decay": settings.weight_decay},
        {"params": [weight for weight in rest if weight.ndim < 2], "weight_decay": 0.0},
    ]
    optimizers: list[torch.optim.Optimizer] = []
    if rest:
        optimizers.append(
            torch.optim.AdamW([group for group in groups if group["params"]], betas=(0.9, 0.98), fused=True)
        )
    if inner:
        group = {"params": inner, "weight_decay": settings.weight_decay}
        optimizers.append(torch.optim.Muon([group], momentum=0.95, adjust_lr_fn="match_rms_adamw"))
    return optimizers


def _some_values(weight: Tensor) -> Tensor:
    """A copy of values spread over a weight."""
    return weight.detach().flatten()[:: math.ceil(weight.numel() / COMPARED_VALUES) or 1].clone()


def _check_movement(before: Sequence[Tensor], after: Sequence[Tensor]) -> None:
    if all(torch.equal(old, new) for old, new in zip(before, after, strict=True)):
        raise ModelNotUsableError(
            "the trained weights did not change in the first steps; raise the learning rate or use precision: fp32"
        )


def _trained_state(model: nn.Module) -> dict[str, Tensor]:
    names = {name for name, weight in model.named_parameters() if weight.requires_grad}
    return {name: value for name, value in model.state_dict().items() if name in names}


def _save(
    folder: Path,
    step: int,
    model: nn.Module,
    optimizers: Sequence[torch.optim.Optimizer],
    memory: dict[str, Any] | None,
) -> None:
    state = {
        "step": step,
        "weights": _trained_state(model),
        "optimizers": [optimizer.state_dict() for optimizer in optimizers],
        "random": torch.get_rng_state(),
        "memory": memory or {},
    }
    if torch.cuda.is_available():
        state["random_cuda"] = torch.cuda.get_rng_state_all()
    # Through a stream of ours: writing a path itself, torch would hide what the system said of a full disk.
    with whole_file(folder / CHECKPOINT) as temporary, temporary.open("wb") as stream:
        torch.save(state, stream)


def _restore(
    folder: Path, model: nn.Module, optimizers: Sequence[torch.optim.Optimizer], memory: dict[str, Any] | None
) -> int:
    state = torch.load(folder / CHECKPOINT, map_location="cpu", weights_only=True)
    model.load_state_dict(state["weights"], strict=False)
    for optimizer, values in zip(optimizers, state["optimizers"], strict=True):
        optimizer.load_state_dict(values)
    torch.set_rng_state(state["random"])
    if "random_cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state_all(state["random_cuda"][: torch.cuda.device_count()])
    if memory is not None:
        memory.clear()
        memory.update(state["memory"])
    return int(state["step"])
