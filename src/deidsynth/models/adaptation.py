"""Domain adaptation: plain causal language modelling on the private text."""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from deidsynth.config import AdaptConfig
from deidsynth.documents import Document
from deidsynth.errors import CorpusError
from deidsynth.models.causal_lm import Adaptable, context_length, loss_sum
from deidsynth.models.devices import autocast
from deidsynth.models.loading import SCRATCH
from deidsynth.models.loop import LoopSettings, Objective, TrainingPoint, training_steps
from deidsynth.models.packing import Frame, Packed, pack, token_ids

BEST = "best.safetensors"


@dataclass(frozen=True, slots=True)
class TextSplit:
    """Texts to learn from, and texts of other groups to measure the loss on."""

    train: tuple[str, ...]
    validation: tuple[str, ...]


def split_texts(documents: Sequence[Document], share: float, seed: int) -> TextSplit:
    """Texts parted by group.

    Args:
        documents: the stage's own input.
        share: of the documents, for validation; with fewer than two groups there is none.
        seed: of the choice.
    """
    units = sorted({document.unit for document in documents})
    random.Random(seed).shuffle(units)
    wanted, held = share * len(documents), set[str]()
    for unit in units[:-1]:
        if sum(document.unit in held for document in documents) >= wanted:
            break
        held.add(unit)
    return TextSplit(
        tuple(document.text for document in documents if document.unit not in held),
        tuple(document.text for document in documents if document.unit in held),
    )


def adapt(
    adaptable: Adaptable,
    texts: TextSplit,
    config: AdaptConfig,
    *,
    seed: int,
    device: str,
    precision: str,
    scratch: Path,
    memory: dict[str, Any],
) -> Iterator[TrainingPoint]:
    """Adapt a model in place, yielding a point for every step; at the end it holds the weights to keep.

    Args:
        adaptable: model, tokenizer, learning rate.
        texts: training and validation texts.
        config: lengths, epochs, what to keep.
        seed: of order and dropout.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.
        scratch: folder for checkpoints, which survives a killed run.
        memory: plain values of the caller, kept with the checkpoints; ``best`` is used here.

    Raises:
        CorpusError: the training texts are empty.
    """
    frame = Frame.of(adaptable.tokenizer)
    length = min(config.sequence_length, context_length(adaptable.model))
    documents = [token_ids(adaptable.tokenizer, text) for text in texts.train]
    if not any(documents):
        raise CorpusError("the training documents hold no text to adapt to")
    batch_tokens = config.batch_tokens or (2048 if config.base == SCRATCH else 8192)
    rows_per_step = max(1, batch_tokens // length)
    rows_per_epoch = len(pack(documents, frame, length))
    steps_per_epoch = math.ceil(rows_per_epoch / rows_per_step)
    n_steps = max(1, round(config.epochs * steps_per_epoch))
    validation = [token_ids(adaptable.tokenizer, text) for text in texts.validation]
    n_characters = sum(len(text) for text in texts.validation)
    packed_validation = pack(validation, frame, length) if n_characters else None

    epochs: dict[int, Packed] = {}

    def batches(step: int) -> list[Packed]:
        epoch, place = divmod(step, steps_per_epoch)
        if epoch not in epochs:
            epochs.clear()
            order = list(range(len(documents)))
            random.Random(f"{seed}/{epoch}").shuffle(order)
            epochs[epoch] = pack([documents[number] for number in order], frame, length)
        rows = epochs[epoch]
        numbers = list(range(len(rows)))
        random.Random(f"{seed}/{epoch}/rows").shuffle(numbers)
        return _micro_batches(rows.rows(numbers[place * rows_per_step : (place + 1) * rows_per_step]))

    settings = LoopSettings(
        n_steps=n_steps,
        learning_rate=adaptable.learning_rate,
        warmup=config.warmup,
        weight_decay=config.weight_decay,
        max_grad_norm=config.max_grad_norm,
        checkpoint_seconds=config.checkpoint_seconds,
        device=device,
        precision=precision,
        muon=config.optimizer == "muon" or (config.optimizer == "auto" and config.base == SCRATCH),
    )
    measured = {round(n_steps * (number + 1) / config.evaluations) for number in range(config.evaluations)}
    memory.setdefault("best", None)
    torch.manual_seed(seed)
    objective = Objective(batches, loss_sum, lambda rows: rows.n_targets)
    for step in training_steps(adaptable.model, objective, settings, scratch, memory):
        seen: dict[str, float] = {}
        if packed_validation is not None and step.number in measured:
            loss, bits = validation_loss(adaptable.model, packed_validation, n_characters, device, precision)
            seen = {"validation_loss": loss, "bits_per_character": bits}
            if config.keep == "best" and (memory["best"] is None or loss < memory["best"]):
                memory["best"] = loss
                save_file(_trained(adaptable.model), scratch / BEST)
        epoch = step.number / steps_per_epoch
        yield TrainingPoint(step.number, n_steps, epoch, step.loss, step.n_targets, seen)
    if memory["best"] is not None:
        adaptable.model.load_state_dict(load_file(scratch / BEST), strict=False)


def validation_loss(
    model: nn.Module, rows: Packed, n_characters: int, device: str, precision: str
) -> tuple[float, float]:
    """Loss on packed texts.

    Returns:
        Nats a token, and bits a character (EOS included in the nats, not in the characters).
    """
    model.eval()
    total = 0.0
    with torch.inference_mode(), autocast(device, precision):
        for batch in _micro_batches(rows):
            total += float(loss_sum(model, batch))
    return total / rows.n_targets, total / n_characters / math.log(2)


def _micro_batches(rows: Packed, max_tokens: int = 8192) -> list[Packed]:
    per_batch = max(1, max_tokens // rows.ids.shape[1])
    return [rows.rows(range(at, min(at + per_batch, len(rows)))) for at in range(0, len(rows), per_batch)]


def _trained(model: nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: weight.detach().contiguous().clone() for name, weight in model.named_parameters() if weight.requires_grad
    }
