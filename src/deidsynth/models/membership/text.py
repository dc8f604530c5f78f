"""Text-only membership by a small language model that learns the synthetic text and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

import torch

from deidsynth.config import AdaptConfig, resolve_adapt
from deidsynth.documents import Document
from deidsynth.models.devices import Compute
from deidsynth.models.language_model.adaptation import TokenSplit, adapt_to_tokens
from deidsynth.models.language_model.causal_lm import adaptable_model
from deidsynth.models.language_model.packing import MICRO_BATCH_TOKENS
from deidsynth.models.membership.likelihood import Reader, per_character, usual_among_others
from deidsynth.normalization import normalized
from deidsynth.privacy.audit.figures import Measured
from deidsynth.privacy.audit.membership import combined, documents_of, membership, sampled
from deidsynth.privacy.audit.sides import Sides

STARTER = "starter-xs"
MOST_GROUPS = 300
"""Groups of a side that are read, at most."""
MOST_CHARACTERS = 500_000
"""Of the synthetic text that is learned, at most."""


def small_model_membership(
    sides: Sides,
    synthetic: Sequence[Document],
    *,
    base: str = STARTER,
    seed: int = 1,
    device: str = "cpu",
    precision: str = "fp32",
) -> Measured:
    """How well training groups are told from held-out groups by a small language model of the synthetic text.

    The model is adapted to the synthetic text alone. Two attacks score each document, of which a group has the mean:
    its log-likelihood for each character, minus that of the model before adaptation, which has seen public text only
    (``base_loss``), or minus that of an n-gram model of all groups but its own (``reference_loss``). The figure is that
    of the stronger one, with an interval that holds for both. It asks what ``text_membership`` of
    `deidsynth.privacy.audit` asks with n-grams, and takes minutes where that takes seconds.

    Args:
        sides: training groups and held-out groups.
        synthetic: the synthetic documents.
        base: a public model, by name, folder or hub id.
        seed: of the adaptation, and of what is taken if there are more than ``MOST_GROUPS`` groups of a side and
            ``MOST_CHARACTERS`` of synthetic text.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.
    """
    of = "small language model"
    some = sampled(sides, MOST_GROUPS, seed)
    documents, learned = documents_of(some), _learned(synthetic, seed)
    if not learned:
        return Measured.missing("text_membership", "auc", "the synthetic text is empty", of=of)
    asked = AdaptConfig(
        base=base,
        method="full",
        annotations="none",
        control_codes=[],
        validation=0.0,
        micro_batch_tokens=MICRO_BATCH_TOKENS,  # whoever audits has no adaptation to change
    )
    config = resolve_adapt(asked)
    torch.manual_seed(seed)
    made = adaptable_model(config, [], device)
    reader = Reader.of(made.model.to(device).eval(), made.tokenizer, precision=precision)
    before = per_character(documents, reader.read(documents))
    tokens = TokenSplit([reader.codec.encode(document) for document in learned], (), 0)
    with TemporaryDirectory() as scratch:
        compute = Compute(seed, device, precision, Path(scratch))
        n_steps = sum(1 for _ in adapt_to_tokens(made, tokens, config, compute, {}))
    made.model.eval()
    after = per_character(documents, reader.read(documents))
    scores = {"base_loss": after - before, "reference_loss": after - usual_among_others(some)}
    attacks = {name: membership(some, values.tolist()) for name, values in scores.items()}
    details = {
        "n_documents": len(documents),
        "n_synthetic_documents": len(learned),
        "n_steps": n_steps,
    }
    return combined("text_membership", attacks, missing="a side has no documents with text", of=of, details=details)


def _learned(synthetic: Sequence[Document], seed: int) -> list[Document]:
    """Synthetic documents in an order of chance, up to ``MOST_CHARACTERS``; at least one, if there is one with text."""
    order = [each for each in synthetic if each.text.strip()]
    Random(f"small-model-{seed}").shuffle(order)
    taken: list[Document] = []
    length = 0
    for each in order:
        length += len(each.text)
        if taken and length > MOST_CHARACTERS:
            break
        taken.append(normalized(each))
    return taken
