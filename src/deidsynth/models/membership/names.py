"""Rare names of both sides in invented sentences: a tagger that memorized names is surer of those it has seen."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from statistics import fmean

import numpy as np
import yaml

from deidsynth.config.surrogates import NAME_KINDS, Kind
from deidsynth.documents import Document, Entity
from deidsynth.metrics.tokens import words
from deidsynth.models.tagger.prediction import gold_scores
from deidsynth.models.tagger.token_classifier import Tagger
from deidsynth.surrogates.labels import kind_of
from deidsynth.surrogates.words import words_of

LEAST_LETTERS = 4
"""Of a name: initials are shared by many."""
LIMIT = 15.0
"""Largest log-odds: beyond it, 32-bit numbers say nothing."""
TINY = 1e-12


@dataclass(frozen=True, slots=True)
class RareName:
    """A name that occurs in one group of both sides.

    Args:
        document: number of a document that it occurs in.
        value: as it stands there, without line breaks.
        label: of the entity.
    """

    document: int
    value: str
    label: str


def rare_names(documents: Sequence[Document], labels: Mapping[str, Kind] | None = None) -> list[RareName]:
    """The names that occur in only one group of the documents, one for each distinct value.

    Args:
        documents: of both sides.
        labels: kind of value for labels, beside those that the package knows.
    """
    found: dict[tuple[str, ...], RareName] = {}
    groups: defaultdict[tuple[str, ...], set[str]] = defaultdict(set)
    is_name = {label: kind_of(label, labels) in NAME_KINDS for each in documents for label in _labels(each)}
    for number, document in enumerate(documents):
        for entity in document.entities:
            value = " ".join(document.surface(entity).split())
            key = tuple(words(value))
            if is_name[entity.label] and sum(map(str.isalpha, value)) >= LEAST_LETTERS:
                found.setdefault(key, RareName(number, value, entity.label))
                groups[key].add(document.unit)
    return [name for key, name in found.items() if len(groups[key]) == 1]


def name_scores(
    tagger: Tagger, names: Sequence[RareName], language: str | None, *, device: str = "cpu", precision: str = "fp32"
) -> list[float]:
    """How sure a tagger is that each name is an entity, in sentences that are the same for all names.

    A score is the mean log-odds, over sentences and tokens of the name, of any tag but O. Log-odds tell .99999 from
    .999, as probabilities hardly do.

    Args:
        tagger: to attack.
        names: rare names.
        language: of the sentences.
        device: such as ``cpu``.
        precision: ``fp32`` or ``bf16``.
    """
    sentences, outside = carriers(language), tagger.tag_set.outside
    probes = (_probe(sentence, name.value, tagger) for name in names for sentence in sentences)
    scores: list[float] = []
    for log_probs, tags in gold_scores(tagger, probes, device=device, precision=precision):
        of_name = log_probs[tags != outside, outside].astype(np.float64)
        odds = np.log(-np.expm1(np.minimum(of_name, -TINY))) - of_name
        scores.append(float(np.clip(odds, -LIMIT, LIMIT).mean()) if len(odds) else float("nan"))
    return [fmean(scores[at : at + len(sentences)]) for at in range(0, len(scores), len(sentences))]


@cache
def carriers(language: str | None) -> tuple[str, ...]:
    """The sentences of a language, each with ``{name}`` in it; without words for one that has none."""
    file = resources.files("deidsynth.models.membership") / "carriers.yaml"
    by_language: dict[str, list[str]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tuple(by_language.get(words_of(language or ""), by_language["other"]))


def _probe(sentence: str, value: str, tagger: Tagger) -> Document:
    """A sentence with a value, marked with any label of the tagger: only its place matters."""
    before, after = sentence.split("{name}")
    label = next(iter(tagger.tag_set.begin))
    return Document("probe", before + value + after, (Entity(len(before), len(before) + len(value), label),))


def _labels(document: Document) -> set[str]:
    return {entity.label for entity in document.entities}
