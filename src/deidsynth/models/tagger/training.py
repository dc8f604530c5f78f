"""Training of a tagger."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from deidsynth.config import ResolvedTrainConfig
from deidsynth.corpora import hold_out
from deidsynth.documents import Document
from deidsynth.errors import CorpusError
from deidsynth.models.devices import Compute
from deidsynth.models.tagger.masking import padded
from deidsynth.models.tagger.token_classifier import Tagger
from deidsynth.models.tagger.token_data import Example, TrainingChunks, batch_plan
from deidsynth.models.training.loop import LoopSettings, Objective, TrainingPoint, training_steps
from deidsynth.tagging import IGNORED

BEST = "best.safetensors"
MICRO_BATCH_TOKENS = 16_384
SMALLEST_BATCH = 4
"""Chunks in a batch that is made smaller for more steps."""


@dataclass(frozen=True, slots=True)
class TaggedBatch:
    """Chunks of one batch.

    Args:
        ids: token ids. Shape (n_chunks, width).
        mask: 1 for tokens, 0 for padding. Shape (n_chunks, width).
        tags: tag numbers, ``IGNORED`` elsewhere. Shape (n_chunks, width).
    """

    ids: Tensor
    mask: Tensor
    tags: Tensor

    @classmethod
    def of(cls, examples: Sequence[Example], pad: int) -> TaggedBatch:
        """Chunks padded to the longest one."""
        ids = padded([example.ids for example in examples], pad)
        mask = padded([[1] * len(example.ids) for example in examples], 0)
        return cls(ids, mask, padded([example.tags for example in examples], IGNORED))

    @property
    def n_targets(self) -> int:
        """Number of tagged tokens."""
        return int((self.tags != IGNORED).sum())


def carve_validation(documents: Sequence[Document], share: float, seed: int) -> tuple[list[Document], list[Document]]:
    """Documents to train on and to validate on; see ``hold_out``.

    Raises:
        CorpusError: there is only one group.
    """
    if len({document.unit for document in documents}) < 2:
        raise CorpusError(
            "train.keep: best and train.target_recall need at least two documents of different groups; "
            "use keep: last and no target"
        )
    return hold_out(documents, share, seed)


def train_tagger(
    tagger: Tagger,
    chunks: TrainingChunks,
    config: ResolvedTrainConfig,
    compute: Compute,
    memory: dict[str, Any],
    *,
    validate: Callable[[Tagger], float] | None = None,
) -> Iterator[TrainingPoint]:
    """Train a tagger in place, yielding a point for every step; at the end the model has the final weights.

    Args:
        tagger: model, tokenizer, tags.
        chunks: training chunks.
        config: of the training.
        compute: seed, device, precision, folder for checkpoints.
        memory: values of the caller, saved with the checkpoints; ``best`` and ``average`` are used here.
        validate: gives the strict F1 on validation documents to keep the best epoch; without it, weights are averaged.
    """
    examples = chunks.examples
    if not examples:
        raise CorpusError("the training documents have no text to train on")
    n_chunks = len(examples) / chunks.n_copies
    batch_size = _batch_size(n_chunks, config)
    steps_per_epoch = math.ceil(n_chunks / batch_size)
    n_steps = max(1, round(config.epochs * steps_per_epoch), config.min_steps)
    plan = batch_plan([len(example.ids) for example in examples], batch_size, n_steps, compute.seed)
    pad = tagger.tokenizer.pad_token_id if tagger.tokenizer.pad_token_id is not None else 0
    settings = LoopSettings.of(config, compute, n_steps=n_steps, learning_rate=config.learning_rate)
    memory.setdefault("best", None)
    averaged = 0 if validate is not None else round(config.weight_averaging * n_steps)
    torch.manual_seed(compute.seed)
    objective = Objective(
        lambda step: _micro_batches([examples[number] for number in plan[step]], pad),
        tag_loss_sum,
        lambda batch: batch.n_targets,
    )
    for step in training_steps(tagger.model, objective, settings, compute.scratch, memory):
        if step.number > n_steps - averaged:
            _average(tagger.model, memory)
        seen: dict[str, float] = {}
        if validate is not None and (step.number % steps_per_epoch == 0 or step.number == n_steps):
            f1 = validate(tagger)
            seen = {"validation_f1": f1}
            if memory["best"] is None or f1 > memory["best"]:
                memory["best"] = f1
                save_file({name: value.contiguous() for name, value in _weights(tagger.model)}, compute.scratch / BEST)
        yield TrainingPoint(step.number, n_steps, step.number / steps_per_epoch, step.loss, step.n_targets, seen)
    if memory["best"] is not None:
        tagger.model.load_state_dict(load_file(compute.scratch / BEST), strict=False)
    elif averaged:
        tagger.model.load_state_dict(memory.pop("average")["weights"], strict=False)
    tagger.model.eval()


def _batch_size(n_chunks: float, config: ResolvedTrainConfig) -> int:
    """The chunks of a batch: fewer than configured where the epochs would not give the minimum number of steps.

    Source: Mosbach et al. 2021, "On the Stability of Fine-tuning BERT", section 6: small data sets need as many steps.
    """
    if not config.min_steps:
        return config.batch_size
    fitting = math.floor(config.epochs * n_chunks / config.min_steps)
    return min(config.batch_size, max(SMALLEST_BATCH, fitting))


def _average(model: nn.Module, memory: dict[str, Any]) -> None:
    """Add the weights to their running average, which is saved with the checkpoints.

    Source: Izmailov et al. 2018, "Averaging Weights Leads to Wider Optima and Better Generalization", though here
    with the usual learning-rate schedule.
    """
    mean = memory.setdefault("average", {"n": 0, "weights": dict(_weights(model))})
    mean["n"] += 1
    for name, weight in model.named_parameters():
        kept = mean["weights"][name]
        kept.lerp_(weight.detach().to(kept.device), 1.0 / mean["n"])  # an average from a checkpoint is on the CPU


def tag_loss_sum(model: nn.Module, batch: TaggedBatch) -> Tensor:
    """Cross-entropy of the tags, in nats, summed over the tagged tokens."""
    device = next(model.parameters()).device
    logits = model(input_ids=batch.ids.to(device), attention_mask=batch.mask.to(device)).logits
    return nn.functional.cross_entropy(
        logits.float().flatten(0, 1), batch.tags.to(device).flatten(), ignore_index=IGNORED, reduction="sum"
    )


def _micro_batches(examples: Sequence[Example], pad: int) -> list[TaggedBatch]:
    width = max(len(example.ids) for example in examples)
    size = max(1, MICRO_BATCH_TOKENS // width)
    return [TaggedBatch.of(examples[at : at + size], pad) for at in range(0, len(examples), size)]


def _weights(model: nn.Module) -> Iterator[tuple[str, Tensor]]:
    for name, weight in model.named_parameters():
        yield name, weight.detach().clone()
