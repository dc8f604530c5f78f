"""Tagger membership: whether a token classifier tells which documents and names it was trained on."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from math import nan
from pathlib import Path
from random import Random
from statistics import fmean

import numpy as np

from deidsynth.config.surrogates import Kind
from deidsynth.documents import Document
from deidsynth.models.membership.names import name_scores, rare_names
from deidsynth.models.tagger.prediction import gold_scores
from deidsynth.models.tagger.token_classifier import Tagger, load_tagger
from deidsynth.privacy.audit.figures import Measured
from deidsynth.privacy.audit.membership import combined, documents_of, membership, sampled
from deidsynth.privacy.audit.sides import Sides

MOST_GROUPS = 1000
"""Groups of a side that are read, at most."""
MOST_NAMES = 2000
"""Rare names of both sides, at most."""
FLOOR = -5.0
"""Least log-likelihood of a tag, in nats: a token that is annotated unlike all others should not decide."""


def tagger_membership(
    sides: Sides,
    model: Path | str,
    *,
    of: str = "synthetic",
    language: str | None = None,
    labels: Mapping[str, Kind] | None = None,
    seed: int = 1,
    device: str = "cpu",
    precision: str = "fp32",
) -> Measured:
    """How well training groups are told from held-out groups by who has a tagger.

    Two attacks, each with a score for every document, of which a group has the mean:

    - ``likelihood``: the attacker has the document with its entities. The mean log-likelihood of the gold tags of its
      tokens, each compared with the mean of all tokens with that tag, so that a document with many hard labels does not
      look like a held-out one.
    - ``names``: the attacker has names, and nothing else of a document. How sure the tagger is of the names that occur
      in one group only, in invented sentences, the same for all names.

    The figure is that of the stronger attack, with an interval that holds for both (``strongest``); the details have
    both.

    Args:
        sides: training groups and held-out groups, with gold entities.
        model: folder or hub id of a tagger, or of an ensemble.
        of: what the figure is called.
        language: of the text, for the invented sentences; None: sentences without words.
        labels: kind of value for labels, beside those that the package knows.
        seed: decides which groups and names are taken if there are more than ``MOST_GROUPS`` of a side and
            ``MOST_NAMES``.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.

    Raises:
        ModelNotFoundError: no such model.
        ModelNotUsableError: it is not a tagger.

    Source: Yeom et al. 2018, "Privacy Risk in Machine Learning", for the likelihood; Carlini et al. 2022, "Membership
    Inference Attacks From First Principles", for comparing it with what is usual for such an example.
    """
    tagger = load_tagger(str(model))
    some = sampled(sides, MOST_GROUPS, seed)
    read = documents_of(some)
    attacks = {"likelihood": membership(some, _likelihoods(tagger, read, device, precision))}
    documents = documents_of(sides)
    names = rare_names(documents, labels)
    if len(names) > MOST_NAMES:
        names = Random(f"names-{seed}").sample(names, MOST_NAMES)
    by_document: defaultdict[int, list[float]] = defaultdict(list)
    scores = name_scores(tagger, names, language, device=device, precision=precision)
    for rare, score in zip(names, scores, strict=True):
        by_document[rare.document].append(score)
    means = [fmean(by_document[at]) if at in by_document else nan for at in range(len(documents))]
    attacks["names"] = membership(sides, means)
    details = {
        "n_documents": len(read),
        "n_rare_names": len(names),
        "n_models": len(tagger.models),
    }
    missing = "a side has no documents with words"
    return combined("tagger_membership", attacks, missing=missing, of=of, details=details)


def _likelihoods(tagger: Tagger, documents: Sequence[Document], device: str, precision: str) -> list[float]:
    """The mean log-likelihood of the gold tags of each document, less what is usual for these tags.

    Entities whose labels the tagger does not know count as none.
    """
    known = tagger.tag_set.begin
    readable = (each.with_entities(entity for entity in each.entities if entity.label in known) for each in documents)
    values, tags = [], []
    for log_probs, gold in gold_scores(tagger, readable, device=device, precision=precision):
        values.append(np.maximum(log_probs[np.arange(len(gold)), gold].astype(np.float64), FLOOR))
        tags.append(gold)
    if not values:
        return []
    all_tags, size = np.concatenate(tags), len(tagger.tag_set)
    n_tokens = np.bincount(all_tags, minlength=size)
    usual = np.bincount(all_tags, np.concatenate(values), minlength=size) / np.maximum(n_tokens, 1)
    pairs = zip(values, tags, strict=True)
    return [float((each - usual[gold]).mean()) if len(gold) else nan for each, gold in pairs]
