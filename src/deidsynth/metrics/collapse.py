"""Signs that a tagger learned next to nothing: too few entities found, or a loss that stayed flat."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

LEAST_SHARE = 0.1
"""A tagger that finds less than this share of the entities to be expected finds next to nothing."""
LEAST_EXPECTED = 10
"""Entities to be expected at least, so that finding none is no accident."""
FLAT_SHARE = 0.9
"""A loss above this share of that of a constant prediction is flat."""
FEW_STEPS = 500


def training_warning(facts: Mapping[str, Any]) -> str | None:
    """A sentence on a tagger that does not even find what it was trained on, and what to do; None if it does.

    Args:
        facts: of the training: ``n_entities_checked`` in training documents that it then annotated,
            ``n_entities_found`` in them, the last ``training_loss``, the ``constant_loss`` of guessing by how often
            each tag occurs, both in nats, and the number of optimizer steps, ``n_steps``.
    """
    known = ("n_entities_checked", "n_entities_found", "training_loss", "constant_loss", "n_steps")
    if any(facts.get(name) is None for name in known):
        return None
    checked, found, loss, constant, n_steps = (facts[name] for name in known)
    is_flat = loss >= FLAT_SHARE * constant > 0
    if found >= LEAST_SHARE * checked and not is_flat:
        return None
    told = f"it finds {found} entities in training documents that have {checked}"
    if is_flat:
        told += f", and its loss stayed at {loss:.2g}, where a constant prediction has {constant:.2g}"
    remedy = "lower train.learning_rate, or raise train.epochs"
    if n_steps < FEW_STEPS:
        remedy = f"it took only {n_steps} optimizer steps: set train.min_steps, say to 600, or raise train.epochs"
    return f"the tagger learned next to nothing: {told}; {remedy}"


def annotation_warning(facts: Mapping[str, Any]) -> str | None:
    """A sentence on a tagger that finds next to nothing in the given documents, and what to do; None if it finds more.

    Args:
        facts: of the annotation: ``n_documents``, ``n_entities``, and ``n_entities_expected`` in as much text of the
            tagger's training; None if that is not known.
    """
    expected, found = facts.get("n_entities_expected"), facts.get("n_entities")
    if expected is None or found is None or expected < LEAST_EXPECTED or found >= LEAST_SHARE * expected:
        return None
    return (
        f"the tagger finds next to nothing: {found} entities in {facts['n_documents']} documents, where as much text "
        f"of its training has {expected}; evaluate it on annotated documents like these, and if it misses "
        "entities, train it on such documents, with more steps (train.min_steps, train.epochs) or another "
        "train.learning_rate"
    )
