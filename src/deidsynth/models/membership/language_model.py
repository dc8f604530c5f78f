"""Language model membership: whether an adapted causal language model tells which documents it was adapted to."""

from __future__ import annotations

from math import nan
from pathlib import Path
from random import Random

import numpy as np

from deidsynth.documents import Document
from deidsynth.models.membership.likelihood import Floats, Reader, per_character, usual_among_others
from deidsynth.normalization import normalized
from deidsynth.privacy.audit.figures import Measured
from deidsynth.privacy.audit.membership import combined, documents_of, membership, sampled
from deidsynth.privacy.audit.sides import Sides
from deidsynth.starters import SCRATCH, resolve

MOST_GROUPS = 1000
"""Groups of a side that are read, at most."""
PREFIX_CHARACTERS = 800
"""Of the text that stands before a document in the second pass."""


def language_model_membership(
    sides: Sides,
    model: Path | str,
    base: Path | str | None,
    *,
    of: str = "language model",
    seed: int = 1,
    device: str = "cpu",
    precision: str = "fp32",
) -> Measured:
    """How well training groups are told from held-out groups by who has an adapted language model.

    Three attacks, each with a score for every document, of which a group has the mean:

    - ``base_loss``: the log-likelihood of the document's text for each character, minus that of the base model, which
      has seen public text only. Left out for a model from scratch.
    - ``reference_loss``: the same, minus that of an n-gram model of all documents of both sides but those of the group
      itself. It stands for an attacker who has other texts of the kind.
    - ``recall``: a text that the model has learned gains little from what stands before it. The log-likelihood after a
      held-out note, divided by that without it. The group of that note does not count.

    A document is read as it was in adaptation, with its control codes and inline entity tags, which are not scored.
    The figure is that of the strongest attack, with an interval that holds for all (``strongest``); the details
    have all.

    Args:
        sides: training groups and held-out groups.
        model: folder or hub id of the adapted model or adapter.
        base: name, folder or hub id of the model that was adapted; None or ``scratch`` if there is none.
        of: what the figure is called.
        seed: decides which groups are taken if there are more than ``MOST_GROUPS`` of a side, and the note of
            ``recall``.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.

    Raises:
        ModelNotFoundError: no such model.
        ModelNotUsableError: it is not a causal language model.

    Source: Mireshghallah et al. 2022, "Quantifying Privacy Risks of Masked Language Models Using Membership Inference
    Attacks", for the base as a reference; Xie et al. 2024, "ReCaLL: Membership Inference via Relative Conditional
    Log-Likelihoods".
    """
    some = sampled(sides, MOST_GROUPS, seed)
    documents = documents_of(some)
    reader = Reader.load(str(model), device, precision)
    own = reader.read(documents)
    likely = per_character(documents, own)
    scores = {"reference_loss": likely - usual_among_others(some)}
    if base is not None and str(base) != SCRATCH:
        unadapted = Reader.load(resolve(str(base), "causal"), device, precision)
        scores["base_loss"] = likely - per_character(documents, unadapted.read(documents))
    before = _note(some, seed)
    if before is not None:
        after = reader.read(documents, before=normalized(before).text[:PREFIX_CHARACTERS] + "\n\n")
        ratios = [_ratio(*each) for each in zip(own, after, strict=True)]
        scores["recall"] = np.array(
            [nan if each.unit == before.unit else ratio for each, ratio in zip(documents, ratios, strict=True)]
        )
    return combined(
        "language_model_membership",
        {name: membership(some, values.tolist()) for name, values in scores.items()},
        missing="a side has no documents with text",
        of=of,
        details={"n_documents": len(documents)},
    )


def _note(sides: Sides, seed: int) -> Document | None:
    """A document of the held-out side, which may leave its group out; None if there would be no other."""
    if len(sides.held_out) < 2:
        return None
    return Random(f"recall-{seed}").choice(sides.held_out)[0]


def _ratio(alone: Floats, after: Floats) -> float:
    """The log-likelihood after another text, divided by that without it, over the tokens that both have read."""
    n_tokens = min(len(alone), len(after))
    total = float(alone[:n_tokens].sum())
    return float(after[:n_tokens].sum()) / total if total else nan
