"""Domain adaptation: causal language modeling on the private text."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import nn

from deidsynth.config import ResolvedAdaptConfig
from deidsynth.corpora import hold_out
from deidsynth.documents import Document
from deidsynth.errors import CorpusError, InputError
from deidsynth.models.devices import Compute, autocast
from deidsynth.models.language_model.causal_lm import Adaptable, context_length, load_causal_lm, loss_sum
from deidsynth.models.language_model.memory import fitting_tokens
from deidsynth.models.language_model.packing import MICRO_BATCH_TOKENS, Packed, SpecialTokenIds, pack
from deidsynth.models.training.loop import LoopSettings, Objective, TrainingPoint, training_steps
from deidsynth.models.training.processes import processes_on

BEST = "best.safetensors"


def split_documents(
    documents: Sequence[Document], share: float, seed: int
) -> tuple[tuple[Document, ...], tuple[Document, ...]]:
    """Training documents, and validation documents of other groups.

    Args:
        documents: the stage's own input.
        share: of the documents, for validation; with none, or fewer than two groups, there is none.
        seed: of the choice.
    """
    if not share or len({document.unit for document in documents}) < 2:
        return tuple(documents), ()
    train, validation = hold_out(documents, share, seed)
    return tuple(train), tuple(validation)


@dataclass(frozen=True, slots=True)
class TokenSplit:
    """Documents as token ids, without BOS and EOS.

    Args:
        train: training documents.
        validation: validation documents.
        n_validation_characters: of the texts of ``validation``.
        copies: the training documents again, each time with other values; the epochs take ``train`` and these in turn.
    """

    train: Sequence[Sequence[int]]
    validation: Sequence[Sequence[int]]
    n_validation_characters: int
    copies: Sequence[Sequence[Sequence[int]]] = ()


def adapt_to_tokens(
    adaptable: Adaptable,
    tokens: TokenSplit,
    config: ResolvedAdaptConfig,
    compute: Compute,
    memory: dict[str, Any],
    tell: Callable[[str], None] = lambda _: None,
) -> Generator[TrainingPoint, None, None]:
    """Adapt a model in place, yielding a point for every step; at the end the model has the final weights.

    Args:
        adaptable: model, tokenizer, method.
        tokens: of the training and validation documents.
        config: of the adaptation.
        compute: seed, device, precision, folder for checkpoints.
        memory: plain values of the caller, saved with the checkpoints; ``best`` and ``micro_batch_tokens`` are used
            here.
        tell: told if the memory of the device changes or forbids micro-batches.

    Raises:
        CorpusError: the training texts are empty.
        InputError: a step has fewer rows than there are processes, or the memory is too small for a single row.
    """
    special = SpecialTokenIds.of(adaptable.tokenizer)
    length = min(config.sequence_length, context_length(adaptable.model.config))
    if not any(tokens.train):
        raise CorpusError("the training documents have no text to adapt to")
    rows_per_step, processes = max(1, config.batch_tokens // length), processes_on(compute.device)
    n_processes = processes.num_processes
    if n_processes > rows_per_step:
        raise InputError(
            f"adapt.batch_tokens: a step of {config.batch_tokens} tokens has {rows_per_step} rows for "
            f"{n_processes} processes; set it to at least {n_processes * length}, or launch fewer"
        )
    copies = [tokens.train, *tokens.copies]
    epochs = _Epochs(copies, special, length, rows_per_step, compute.seed, n_processes)
    most_rows = min(
        max(1, (config.micro_batch_tokens or MICRO_BATCH_TOKENS) // length), math.ceil(rows_per_step / n_processes)
    )
    fitting = fitting_tokens(adaptable.model, epochs.rows, most_rows, config, compute, tell)
    n_steps = max(1, round(config.epochs * epochs.n_steps), config.min_steps)
    settings = LoopSettings.of(
        config,
        compute,
        n_steps=n_steps,
        learning_rate=config.learning_rate,
    )
    n_characters = tokens.n_validation_characters
    validation = pack(tokens.validation, special, length) if n_characters else None
    measured = {round(n_steps * (number + 1) / config.evaluations) for number in range(config.evaluations)}
    memory.setdefault("best", None)
    memory.setdefault("micro_batch_tokens", fitting)
    torch.manual_seed(compute.seed)

    def max_tokens() -> int:  # a resumed training divides its steps as before, if it can
        return min(fitting, memory["micro_batch_tokens"])

    objective = Objective(lambda step: epochs.batches(step, max_tokens()), loss_sum, lambda rows: rows.n_targets)
    for step in training_steps(adaptable.model, objective, settings, compute.scratch, memory):
        seen: dict[str, float] = {}
        if validation is not None and step.number in measured:
            loss, bits = validation_loss(
                adaptable.model,
                validation,
                n_characters,
                max_tokens(),
                compute.device,
                compute.precision,
            )
            seen = {"validation_loss": loss, "bits_per_character": bits}
            if config.keep == "best" and (memory["best"] is None or loss < memory["best"]):
                memory["best"] = loss
                if processes.is_main_process:
                    save_file(_trained(adaptable.model), compute.scratch / BEST)
        yield TrainingPoint(step.number, n_steps, step.number / epochs.n_steps, step.loss, step.n_targets, seen)
    if memory["best"] is not None and processes.is_main_process:
        adaptable.model.load_state_dict(load_file(compute.scratch / BEST), strict=False)


class _Epochs:
    """Packed rows of the training documents, reshuffled in every epoch.

    Args:
        copies: of the documents, one for each epoch in turn; token ids of each document.
        special: BOS, EOS and padding.
        length: positions per row.
        rows_per_step: rows per optimizer step.
        seed: of the shuffling.
        n_processes: processes that share a step.
    """

    def __init__(
        self,
        copies: Sequence[Sequence[Sequence[int]]],
        special: SpecialTokenIds,
        length: int,
        rows_per_step: int,
        seed: int,
        n_processes: int,
    ) -> None:
        # Packing works best with the longest first.
        self._rows = [pack(sorted(documents, key=len, reverse=True), special, length) for documents in copies]
        self._rows_per_step, self._seed, self._n_processes = rows_per_step, seed, n_processes
        self._order: tuple[int, list[int]] | None = None
        self._n_steps = [math.ceil(len(rows) / rows_per_step) for rows in self._rows]
        self.n_steps = sum(self._n_steps) / len(self._n_steps)
        """Optimizer steps of an epoch, on average over the copies."""

    @property
    def rows(self) -> Packed:
        """The rows of the first copy."""
        return self._rows[0]

    def batches(self, step: int, max_tokens: int) -> list[Packed]:
        """The micro-batches of an optimizer step.

        Args:
            step: zero-based.
            max_tokens: positions of a forward pass, at most; a single row may have more.
        """
        turn, place = divmod(step, sum(self._n_steps))
        copy = 0
        while place >= self._n_steps[copy]:
            place -= self._n_steps[copy]
            copy += 1
        first = place * self._rows_per_step
        order = self._shuffled(turn * len(self._rows) + copy)
        rows = self._rows[copy].rows(order[first : first + self._rows_per_step])
        return _micro_batches(rows, max_tokens, self._n_processes)

    def _shuffled(self, epoch: int) -> list[int]:
        """The numbers of the rows in the order of an epoch, kept until the next one."""
        if self._order is None or self._order[0] != epoch:
            rows = list(range(len(self._rows[epoch % len(self._rows)])))
            random.Random(f"{self._seed}/{epoch}").shuffle(rows)
            self._order = epoch, rows
        return self._order[1]


def validation_loss(
    model: nn.Module, rows: Packed, n_characters: int, max_tokens: int, device: str, precision: str
) -> tuple[float, float]:
    """Loss on packed texts.

    Args:
        model: a causal language model.
        rows: the packed texts.
        n_characters: of the texts.
        max_tokens: positions of a forward pass, at most.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.

    Returns:
        Nats per token, and bits per character (EOS counts in the nats, not in the characters).
    """
    model.eval()
    total = 0.0
    with torch.inference_mode(), autocast(device, precision):
        for batch in _micro_batches(rows, max_tokens):
            total += float(loss_sum(model, batch))
    return total / rows.n_targets, total / n_characters / math.log(2)


def merged_validation_loss(
    folder: Path, tokens: TokenSplit, config: ResolvedAdaptConfig, compute: Compute, max_tokens: int
) -> tuple[float, float]:
    """Loss on the validation documents of an adapter that is merged into its base, as it is for sampling.

    The base of QLoRA is quantized in training and whole when it writes, so that the two losses may differ.

    Args:
        folder: of the adapter.
        tokens: with validation documents.
        config: of the adaptation.
        compute: device and precision.
        max_tokens: positions of a forward pass, at most.

    Returns:
        As ``validation_loss``.
    """
    model, tokenizer = load_causal_lm(str(folder), compute.device, compute.precision)
    length = min(config.sequence_length, context_length(model.config))
    rows = pack(tokens.validation, SpecialTokenIds.of(tokenizer), length)
    n_characters = tokens.n_validation_characters
    return validation_loss(model, rows, n_characters, max_tokens, compute.device, compute.precision)


def _micro_batches(rows: Packed, max_tokens: int, n_processes: int = 1) -> list[Packed]:
    per_batch = min(max(1, max_tokens // rows.ids.shape[1]), math.ceil(len(rows) / n_processes))
    return [rows.rows(range(at, min(at + per_batch, len(rows)))).trimmed() for at in range(0, len(rows), per_batch)]


def _trained(model: nn.Module) -> dict[str, torch.Tensor]:
    return {
        name: weight.detach().contiguous().clone() for name, weight in model.named_parameters() if weight.requires_grad
    }
