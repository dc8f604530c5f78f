"""DP-SGD: gradients clipped by group, Gaussian noise, and a divisor that no data decides.

Source: Abadi et al. 2016, algorithm 1, with AdamW after the noise.
"""

from __future__ import annotations

import secrets
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from deidsynth.config import PrivateConfig, ResolvedAdaptConfig
from deidsynth.models.devices import Compute, autocast
from deidsynth.models.language_model.causal_lm import context_length
from deidsynth.models.language_model.packing import IGNORED, MICRO_BATCH_TOKENS, SpecialTokenIds
from deidsynth.models.private.extra import private_library
from deidsynth.models.private.poisson import poisson_batches
from deidsynth.models.training.loop import LoopSettings, TrainingPoint

TokenIds = Sequence[int]


@dataclass(frozen=True, slots=True)
class Secrets:
    """Seeds that nobody may know: who knows the noise can subtract it.

    Args:
        groups: of which groups take part in a step.
        noise: of the noise.
    """

    groups: int
    noise: int

    @classmethod
    def drawn(cls) -> Secrets:
        """Seeds from the operating system; they are stored nowhere."""
        return cls(secrets.randbits(63), secrets.randbits(63))

    def __repr__(self) -> str:
        return "Secrets()"


def private_steps(
    model: Any,
    groups: Sequence[Sequence[TokenIds]],
    special: SpecialTokenIds,
    config: ResolvedAdaptConfig,
    noise_multiplier: float,
    compute: Compute,
    seeds: Secrets | None = None,
) -> Iterator[TrainingPoint]:
    """Adapt a model in place, yielding a point for every step; losses are for its owner, not part of the guarantee.

    There are no checkpoints, which would hold the state of the noise: a run that was killed begins anew.

    Args:
        model: with an adapter, from ``private_adapter``.
        groups: token ids of the documents of each group, without BOS and EOS.
        special: tokens.
        config: of the adaptation.
        noise_multiplier: standard deviation of the noise over ``max_gradient_norm``.
        compute: device and precision.
        seeds: by default drawn; given in tests.
    """
    seeds = seeds or Secrets.drawn()
    private = config.private
    length = min(config.sequence_length, context_length(model.config))
    settings = LoopSettings.of(config, compute, n_steps=private.steps, learning_rate=config.learning_rate)
    model.to(compute.device).train()
    sampling = torch.Generator().manual_seed(seeds.groups)
    batches = poisson_batches(groups, private.sampling_rate, private.steps, sampling)
    with _gradients_by_row(model):
        optimizer = _optimizer(model, settings, private, noise_multiplier, seeds.noise)
        loss = 0.0
        for step, batch in enumerate(batches):
            for group in optimizer.param_groups:
                group["lr"] = settings.rate(step)
            rows = _micro_batches(batch, special, length, config.micro_batch_tokens or MICRO_BATCH_TOKENS)
            total = 0.0
            for number, (ids, labels) in enumerate(rows):
                with autocast(compute.device, compute.precision):
                    losses = row_losses(model, ids.to(compute.device), labels.to(compute.device))
                losses.sum().backward()
                total += float(losses.detach().sum())
                optimizer.signal_skip_step(number + 1 < len(rows))
                _step(optimizer)
            if not rows:
                _step(optimizer, empty=True)
            loss = total / len(batch) if batch else loss
            n_targets = sum(int((labels != IGNORED).sum()) for _, labels in rows)
            yield TrainingPoint(step + 1, private.steps, (step + 1) * private.sampling_rate, loss, max(1, n_targets))


@contextmanager
def _gradients_by_row(model: Any) -> Iterator[None]:
    """A context in which every backward pass leaves the gradient of each row beside the weights.

    Hooks without a wrapper: the names of the weights stay as they are, so that the adapter is saved as usual.
    """
    hooks = private_library("opacus.grad_sample").GradSampleHooks(model, loss_reduction="sum")
    try:
        with warnings.catch_warnings():
            # Below the first adapted layer nothing is trained, so that its input needs no gradient.
            warnings.filterwarnings("ignore", message="Full backward hook is firing", category=UserWarning)
            yield
    finally:
        hooks.cleanup()


def _optimizer(model: nn.Module, settings: LoopSettings, private: PrivateConfig, noise: float, seed: int) -> Any:
    """AdamW that sees only noisy sums of clipped gradients, divided by a public constant."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    inner = torch.optim.AdamW(weights, lr=settings.learning_rate, betas=(0.9, 0.98), weight_decay=settings.weight_decay)
    return private_library("opacus.optimizers").DPOptimizer(
        inner,
        noise_multiplier=noise,
        max_grad_norm=private.max_gradient_norm,
        expected_batch_size=private.expected_batch,
        loss_reduction="mean",
        generator=torch.Generator(weights[0].device).manual_seed(seed),
        secure_mode=True,  # four draws for each, against attacks on the low bits of floating-point noise
    )


def _step(optimizer: Any, *, empty: bool = False) -> None:
    """Add the clipped gradients to those of the step and, at its last micro-batch, take it.

    Args:
        optimizer: with gradients by row.
        empty: whether no group takes part in the step, which then has noise alone.
    """
    for weight in optimizer.params:
        # Norms are those of float32, so that rounding lets no gradient exceed the clipping norm.
        weight.grad_sample = weight.new_zeros((0, *weight.shape)) if empty else weight.grad_sample.float()
    optimizer.step()
    optimizer.zero_grad(set_to_none=True)


def row_losses(model: Any, ids: Tensor, labels: Tensor) -> Tensor:
    """The mean loss of each row over its own targets, in nats. Shape (n_rows,).

    Args:
        model: a causal language model.
        ids: rows, padded on the right, which no earlier position attends to. Shape (n_rows, length).
        labels: the id to predict at each position, ``IGNORED`` where there is none. Shape (n_rows, length).
    """
    logits = model(input_ids=ids, use_cache=False).logits
    losses = nn.functional.cross_entropy(logits.float().transpose(1, 2), labels, ignore_index=IGNORED, reduction="none")
    return losses.sum(1) / (labels != IGNORED).sum(1).clamp(min=1)


def padded(documents: Sequence[TokenIds], special: SpecialTokenIds, length: int) -> tuple[Tensor, Tensor]:
    """Ids and labels of documents, one in each row, cut to a length. Shape (n_rows, longest) each."""
    whole = [torch.tensor([special.bos, *document, special.eos][: length + 1]) for document in documents]
    ids = nn.utils.rnn.pad_sequence([row[:-1] for row in whole], batch_first=True, padding_value=special.pad)
    labels = nn.utils.rnn.pad_sequence([row[1:] for row in whole], batch_first=True, padding_value=IGNORED)
    return ids, labels


def _micro_batches(
    documents: Sequence[TokenIds], special: SpecialTokenIds, length: int, max_tokens: int
) -> list[tuple[Tensor, Tensor]]:
    """The rows of a step in batches of similar length, each with at most so many positions or one row."""
    batches: list[list[TokenIds]] = []
    for document in sorted(documents, key=len, reverse=True):
        longest = min(len(batches[-1][0]) + 1, length) if batches else 0
        if not batches or (len(batches[-1]) + 1) * longest > max_tokens:
            batches.append([])
        batches[-1].append(document)
    return [padded(batch, special, length) for batch in batches]
