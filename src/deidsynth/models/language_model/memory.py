"""Memory of an adaptation: micro-batches that fit the device, or an error before the first step."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from deidsynth.config import ResolvedAdaptConfig
from deidsynth.errors import InputError
from deidsynth.models.devices import Compute, autocast
from deidsynth.models.language_model.causal_lm import (
    chunk_size,
    decoder,
    forward_passes,
    is_checkpointed,
    training_attention,
)
from deidsynth.models.language_model.packing import Packed
from deidsynth.models.training.memory import available_bytes, saved_bytes, state_bytes, weight_bytes
from deidsynth.models.training.processes import least_of
from deidsynth.starters import SCRATCH

BYTES_PER_LOGIT = 12
"""Logits, their logarithms and their gradients, in fp32."""
HELD = {"cpu": 1.4}
"""Bytes that the allocator of a device holds for each byte in use (measured: 1.2 to 1.6), by kind of device."""
HELD_ELSEWHERE = 1.15
SHARE = 0.9
"""Of the available memory: what a training may be predicted to take, as others use the machine too."""
FEW_PLACES = 8


@dataclass(frozen=True, slots=True)
class PredictedMemory:
    """Bytes that an adaptation takes at its peak, beside what the process has when it is predicted.

    Args:
        model: weights that are not on the device yet, gradients and optimizer states.
        fixed: what a forward pass keeps whatever its rows, such as weights in another precision.
        rows: what each row keeps for the backward pass, the largest first.
        layers: number of layers; the gradients of one layer's rows are in memory at once.
        is_checkpointed: whether only each layer's inputs are kept.
        inputs: bytes of the inputs of all layers of a row.
        logits: for a number of rows, the bytes of their logits and what is made of these.
        held: bytes that the allocator holds for each byte in use.
    """

    model: int
    fixed: int
    rows: tuple[int, ...]
    layers: int
    is_checkpointed: bool
    inputs: int
    logits: Callable[[int], int]
    held: float

    def peak(self, n_rows: int) -> int:
        """Bytes with micro-batches of so many rows."""
        kept = sum(self.rows[:n_rows])
        one_layer = kept // self.layers
        kept = n_rows * self.inputs + one_layer if self.is_checkpointed else kept
        return self.model + self.fixed + int(self.held * (kept + max(one_layer, self.logits(n_rows))))


def fitting_tokens(
    model: Any,
    rows: Packed,
    most_rows: int,
    config: ResolvedAdaptConfig,
    compute: Compute,
    tell: Callable[[str], None],
) -> int:
    """Positions of a forward pass, as many as are predicted to fit the memory, and at most those of so many rows.

    What a user set is obeyed, with a warning if it is predicted not to fit.

    Args:
        model: prepared for adaptation; moved to the device.
        rows: all rows of the training documents.
        most_rows: rows of a forward pass, at most.
        config: of the adaptation.
        compute: device and precision.
        tell: told what is changed or will not fit.

    Raises:
        InputError: not even one row fits.
    """
    length = rows.ids.shape[1]
    is_given = config.micro_batch_tokens is not None
    has = available_bytes(compute.device)
    if has is None:
        return most_rows * length
    room = int(SHARE * has)
    moved = weight_bytes(model) if next(model.parameters()).device.type != torch.device(compute.device).type else 0
    states = moved + state_bytes(model, muon=config.optimizer == "muon")
    fits, needed = 0, states
    if states <= room or is_given:
        predicted = predict(model.to(compute.device), rows, most_rows, states, compute)
        has_room = itertools.takewhile(lambda number: predicted.peak(number) <= room, range(1, most_rows + 1))
        fits, needed = sum(1 for _ in has_room), predicted.peak(most_rows if is_given else 1)
    fits = least_of(fits, compute.device)  # of all processes, which have to divide a step alike
    if is_given and fits < most_rows:
        tell(
            f"warning: adapt.micro_batch_tokens: {config.micro_batch_tokens}: {_gigabytes(needed)} more are predicted "
            f"to be needed, and {_gigabytes(has)} are available on {compute.device}; {_remedies(config, compute)}"
        )
    if is_given or fits == most_rows:
        return most_rows * length
    if not fits:
        raise InputError(
            f"adapt: {_gigabytes(needed)} of memory are predicted to be needed beside what is in use, at least "
            f"{_gigabytes(states)} of them for the weights that are trained, and {_gigabytes(has)} are available on "
            f"{compute.device}; {_remedies(config, compute)}. To try it all the same, set adapt.micro_batch_tokens"
        )
    tell(
        f"adapt: forward passes of {fits * length} tokens instead of {most_rows * length}, so that they are predicted "
        f"to fit the {_gigabytes(has)} available on {compute.device}"
    )
    return fits * length


def predict(model: Any, rows: Packed, most_rows: int, states: int, compute: Compute) -> PredictedMemory:
    """The memory of an adaptation, from a few forward passes that keep nothing.

    Two rows are tried, the one with the longest documents and the one with the shortest; what the others keep follows
    from the number of pairs of tokens in their documents.

    Args:
        model: on its device.
        rows: of the training documents.
        most_rows: rows of a forward pass, at most.
        states: bytes of weights to be moved, gradients and optimizer states.
        compute: device and precision.
    """
    rows = rows.trimmed()
    pairs, order = rows.positions.sum(1).sort(descending=True)
    longest, shortest = (rows.rows([int(order[at])]) for at in (0, -1))
    few = Packed(*(each[:, :FEW_PLACES] for each in (longest.ids, longest.labels, longest.positions)))
    fixed, most = (_kept(model, each, compute) for each in (few, longest))
    fixed = max(0, fixed - most * few.ids.numel() // longest.ids.numel())
    most -= fixed
    least = _kept(model, shortest, compute) - fixed if pairs[0] > pairs[-1] else most
    slope = max(0.0, (most - least) / max(1, int(pairs[0] - pairs[-1])))
    taken = pairs[:most_rows].tolist()
    width, layers = rows.ids.shape[1], max(1, int(getattr(model.config, "num_hidden_layers", 1)))
    embedding, output = model.get_input_embeddings(), model.get_output_embeddings()
    width_bytes = int(getattr(model.config, "hidden_size", 0)) * embedding.weight.element_size()
    n_logits = 0 if output is None else output.weight.shape[0]

    def logits(n_rows: int) -> int:
        n_places = n_rows * width
        return (chunk_size(model, n_places) or n_places) * n_logits * BYTES_PER_LOGIT

    return PredictedMemory(
        states,
        fixed,
        tuple(int(most - slope * (int(pairs[0]) - each)) for each in taken),
        layers,
        is_checkpointed(model),
        layers * width * width_bytes,
        logits,
        HELD.get(compute.device.partition(":")[0], HELD_ELSEWHERE),
    )


def _kept(model: Any, rows: Packed, compute: Compute) -> int:
    """Bytes that the layers keep of a forward pass, all of them, below the output layer."""

    def forward() -> None:
        with attention, autocast(compute.device, compute.precision):
            for _, inputs in forward_passes(model, rows):
                decoder(model)(**inputs)

    attention = training_attention(model)
    training = model.training
    model.train()
    with _whole_layers(model):
        kept = saved_bytes(model, forward)
    model.train(training)
    return kept


@contextmanager
def _whole_layers(model: nn.Module) -> Iterator[None]:
    """A context in which no layer is computed again."""
    checkpointed = [module for module in model.modules() if getattr(module, "gradient_checkpointing", False)]
    for module in checkpointed:
        module.gradient_checkpointing = False
    try:
        yield
    finally:
        for module in checkpointed:
            module.gradient_checkpointing = True


def _remedies(config: ResolvedAdaptConfig, compute: Compute) -> str:
    """What a user can change to need less memory."""
    ways = ["use a smaller base model"]
    if config.method == "full" and config.base != SCRATCH:
        ways.insert(0, "adapt.method: lora")
    elif config.method == "lora" and compute.device.startswith("cuda"):
        ways.insert(0, "adapt.method: qlora")
    ways.insert(0, "lower adapt.sequence_length")
    if not config.gradient_checkpointing:
        ways.insert(0, "set adapt.gradient_checkpointing: true")
    return f"{', '.join(ways[:-1])} or {ways[-1]}"


def _gigabytes(n_bytes: int) -> str:
    return f"{n_bytes / 1e9:.1f} GB"
