"""The twin of an adaptation that is trained with canaries, scored, and thrown away: it is never released.

Its weights stay in memory, so that nothing of it can be published by mistake.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch

from deidsynth.config import ResolvedAdaptConfig
from deidsynth.documents import Document
from deidsynth.models.devices import Compute, autocast
from deidsynth.models.language_model.adaptation import TokenSplit, adapt_to_tokens
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.language_model.causal_lm import Adaptable, adaptable_model, context_length
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.language_model.packing import IGNORED, SpecialTokenIds
from deidsynth.models.private.accounting import budget_of
from deidsynth.models.private.adapter import private_adapter, public_tokens
from deidsynth.models.private.poisson import by_group
from deidsynth.models.private.training import Secrets, padded, private_steps, row_losses
from deidsynth.privacy.audit.canaries import Canary, canaries
from deidsynth.privacy.audit.figures import Measured

_BATCH = 64


@dataclass(frozen=True, slots=True)
class CanaryLosses:
    """Losses of the canaries' endings after training, less those before, in nats per token.

    Args:
        inserted: of those that were trained on.
        left_out: of the others.
        epsilon: what the training claims; None if nothing.
        delta: of the claim.
    """

    inserted: tuple[float, ...]
    left_out: tuple[float, ...]
    epsilon: float | None
    delta: float

    def measured(self, *, guessed: float = 0.5, of: str = "lm") -> Measured:
        """The measure of the audit; see :func:`canaries`."""
        return canaries(self.inserted, self.left_out, self.epsilon, delta=self.delta, guessed=guessed, of=of)


def canary_run(
    documents: Sequence[Document],
    inserted: Sequence[Canary],
    config: ResolvedAdaptConfig,
    compute: Compute,
    seeds: Secrets | None = None,
) -> CanaryLosses:
    """Adapt a twin to documents and inserted canaries, and score all canaries.

    Each canary is a group of its own, so that the claim is about it.

    Args:
        documents: of the training.
        inserted: all canaries, of which those are inserted whose coin says so.
        config: of the adaptation that is audited; private or not.
        compute: seed, device, precision, folder for checkpoints.
        seeds: of a private adaptation; by default drawn.
    """
    added_documents = [each.document(number) for number, each in enumerate(inserted) if each.is_inserted]
    everything = [*documents, *added_documents]
    torch.manual_seed(compute.seed)
    is_private = config.private.is_on
    added = public_tokens(config) if is_private else AddedTokens.of(config, documents)
    adaptable = (
        private_adapter(config, added, compute.device)
        if is_private
        else adaptable_model(config, [each.text for each in everything], compute.device, list(added.tokens))
    )
    before = _losses(adaptable, inserted, config, compute)
    codec = Codec(adaptable.tokenizer, added)
    tokens = [codec.encode(document) for document in everything]
    epsilon = None
    if is_private:
        budget = budget_of(config.private)
        epsilon, special = budget.epsilon, SpecialTokenIds.of(adaptable.tokenizer)
        groups = by_group(everything, tokens)
        steps = private_steps(adaptable.model, groups, special, config, budget.noise_multiplier, compute, seeds)
    else:
        steps = adapt_to_tokens(adaptable, TokenSplit(tokens, (), 0), config, compute, {})
    for _ in steps:
        pass
    after = _losses(adaptable, inserted, config, compute)
    changes = [last - first for last, first in zip(after, before, strict=True)]
    said = [each.is_inserted for each in inserted]
    return CanaryLosses(
        tuple(change for change, is_in in zip(changes, said, strict=True) if is_in),
        tuple(change for change, is_in in zip(changes, said, strict=True) if not is_in),
        epsilon,
        config.private.delta if is_private else 0.0,
    )


def _losses(
    adaptable: Adaptable, scored: Sequence[Canary], config: ResolvedAdaptConfig, compute: Compute
) -> list[float]:
    """The mean loss of each canary's ending after its beginning, in nats per token."""
    model: Any = adaptable.model.to(compute.device).eval()
    special, length = SpecialTokenIds.of(adaptable.tokenizer), min(config.sequence_length, context_length(model.config))
    codec = Codec(adaptable.tokenizer)
    found: list[float] = []
    for first in range(0, len(scored), _BATCH):
        part = scored[first : first + _BATCH]
        ids, labels = padded([codec.encode_start(each.text) for each in part], special, length)
        for row, each in zip(labels, part, strict=True):
            row[: len(codec.encode_start(each.beginning))] = IGNORED
        with torch.inference_mode(), autocast(compute.device, compute.precision):
            found += row_losses(model, ids.to(compute.device), labels.to(compute.device)).tolist()
    return found
