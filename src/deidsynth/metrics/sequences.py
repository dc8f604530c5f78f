"""Entity scores of tag sequences: the counts of seqeval, ``mode="strict", scheme=IOB2``.

A tag is ``O``, or ``B-`` or ``I-`` with a label. ``B-X`` begins an entity. ``I-X`` continues one if the previous
tag in the sentence belongs to an entity of X; otherwise it begins nothing, and an ``I-X`` after it continues nothing.
An entity is correct if its sentence, first token, last token and label are. As in seqeval, hyphens around a label are
ignored and a bare ``B`` or ``I`` has the label ``_``. Unlike in seqeval, any other text (``BX``, ``O-X``) is refused
instead of being read by its first letter, and 0/0 is None instead of 0.

nervaluate 1.2.1 counts differently; on well-formed tags the ratios of its ``strict`` are the same:

=====================  =================================  ===========================================================
case                   here                               nervaluate
=====================  =================================  ===========================================================
``O I-X``              no entity                          an entity: its loader begins one at every label change
``B-X I-Y``            X                                  X and Y
overlap, not equal     one false positive, one missed     one ``incorrect``; the sums over all predicted, all gold agree
ends                   half-open                          inclusive: 0:3 and 3:6 overlap
matching               sets, no order                     greedy: the first prediction that overlaps a gold entity uses
                                                          it up, so a later correct one is ``spurious``
overlapping entities   `Document` refuses them            counted, and their order changes the figures
other labels           counted                            dropped unless named in ``tags``
one label              rows add up to the whole           ``incorrect`` of the whole may be ``missed`` and ``spurious``
0/0                    None                               0
=====================  =================================  ===========================================================

Source: Tjong Kim Sang and Veenstra, Representing Text Chunks (EACL 1999), section 2.1 (IOB2); seqeval 1.2.2,
``seqeval/scheme.py``, class ``IOB2`` and ``Tokens.entities``.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import chain, count
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from deidsynth.errors import InputError
from deidsynth.metrics.counts import Counts

Integers = NDArray[np.int64]
Tags = Sequence[Sequence[str]]

_TAG = re.compile(r"O|([BI])(?:-(.*))?", re.DOTALL)
_OUTSIDE, _UNREADABLE = -1, -2


@dataclass(frozen=True, slots=True)
class TagScores:
    """Strict entity counts of tag sequences.

    Args:
        micro: counts over all labels.
        per_label: counts by label, for every label of an entity in gold or predicted; sorted.
        n_sentences: sentences compared, empty ones included.
        n_tokens: tokens compared.
    """

    micro: Counts
    per_label: Mapping[str, Counts] = field(default_factory=dict)
    n_sentences: int = 0
    n_tokens: int = 0

    def average(self, kind: Literal["macro", "weighted"], undefined: float | None = None) -> dict[str, float | None]:
        """Precision, recall and F1 averaged over labels.

        Args:
            kind: ``macro`` counts every label alike, ``weighted`` by its gold entities.
            undefined: the value of 0/0. None excludes labels whose ratio is 0/0 from the mean, and gives None if none
                is left or all weights are 0; 0.0 gives the figures of seqeval.

        Raises:
            InputError: ``kind`` is neither of the two.

        >>> scores = score_tags([["B-A", "B-A", "B-B"]], [["B-A", "B-A", "O"]])
        >>> scores.average("macro")
        {'precision': 1.0, 'recall': 0.5, 'f1': 0.5}
        >>> scores.average("macro", undefined=0.0)["precision"]
        0.5
        """
        if kind not in ("macro", "weighted"):
            raise InputError(f"an average is 'macro' or 'weighted', got {kind!r}; micro is an attribute of its own")
        labels = self.per_label.values()
        weights = [1 if kind == "macro" else counts.support for counts in labels]
        ratios = {
            "precision": [counts.precision for counts in labels],
            "recall": [counts.recall for counts in labels],
            "f1": [counts.f1 for counts in labels],
        }
        return {name: _mean(each, weights, undefined) for name, each in ratios.items()}

    def to_dict(self) -> dict[str, Any]:
        """Plain data: ratios, counts and averages."""
        return {
            "micro": self.micro.to_dict(),
            "macro": self.average("macro"),
            "weighted": self.average("weighted"),
            "per_label": {label: counts.to_dict() for label, counts in self.per_label.items()},
            "n_sentences": self.n_sentences,
            "n_tokens": self.n_tokens,
        }


def score_tags(gold: Tags, predicted: Tags) -> TagScores:
    """Counts of the entities in predicted tags against gold tags; the module defines what an entity is.

    Args:
        gold: gold tags of each sentence.
        predicted: predicted tags of each sentence, in the same order and number.

    Raises:
        InputError: the numbers of sentences, or of tags in a sentence, differ, or a tag is invalid; the message counts
            sentences and tokens from 1 and quotes no tag, which may be a word from the wrong column.

    >>> score_tags([["B-NAME", "I-NAME", "O"], ["B-AGE"]], [["B-NAME", "O", "I-NAME"], ["B-AGE"]]).micro
    Counts(tp=1, fp=1, fn=1)
    """
    lengths = _lengths(gold, predicted)
    n_tokens = int(lengths.sum())
    numbers: defaultdict[object, int] = defaultdict(count().__next__)
    right, found = (
        np.fromiter(map(numbers.__getitem__, chain.from_iterable(tags)), dtype=np.int64, count=n_tokens)
        for tags in (gold, predicted)
    )
    vocabulary = _read(numbers)
    for role, tags in (("gold", right), ("predicted", found)):
        _refuse_unreadable(role, vocabulary.labels[tags], lengths)
    offsets = np.cumsum(lengths) - lengths
    first = np.zeros(n_tokens, dtype=bool)
    first[offsets[offsets < n_tokens]] = True  # an empty sentence at the end begins after the last token
    per_label = _compare(_entities(right, vocabulary, first), _entities(found, vocabulary, first), vocabulary.names)
    return TagScores(sum(per_label.values(), Counts()), per_label, len(lengths), n_tokens)


@dataclass(frozen=True, slots=True)
class _Vocabulary:
    """The meaning of each tag number.

    Args:
        labels: number of the label, ``_OUTSIDE`` or ``_UNREADABLE``; shape (n_tags,).
        begins: whether the tag is a ``B``; shape (n_tags,).
        names: the labels, by their numbers.
    """

    labels: Integers
    begins: NDArray[np.bool_]
    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Entities:
    """Entities in order: first token, one past the last, number of the label; each of shape (n_entities,)."""

    starts: Integers
    ends: Integers
    labels: Integers


def _lengths(gold: Tags, predicted: Tags) -> Integers:
    """Number of tags of each sentence, shape (n_sentences,), the same in gold and predicted."""
    for role, tags in (("gold", gold), ("predicted", predicted)):
        if isinstance(tags, str) or str in set(map(type, tags)):
            raise InputError(f"{role} is a flat list of tags; give a list of sentences, each a list of tags")
    if len(gold) != len(predicted):
        raise InputError(
            f"gold has {len(gold)} sentences and predicted {len(predicted)}; "
            "give the tags of the same sentences, an empty list for an empty sentence"
        )
    right, found = (np.fromiter(map(len, tags), dtype=np.int64, count=len(tags)) for tags in (gold, predicted))
    unlike = np.flatnonzero(right != found)
    if len(unlike):
        at = int(unlike[0])
        raise InputError(
            f"{len(unlike)} sentences have different numbers of tags in gold and predicted, the first is sentence "
            f"{at + 1}: {right[at]} against {found[at]}; predict one tag for each gold token"
        )
    return right


def _read(numbers: Mapping[object, int]) -> _Vocabulary:
    names: defaultdict[str, int] = defaultdict(count().__next__)
    labels, begins = np.full(len(numbers), _UNREADABLE, dtype=np.int64), np.zeros(len(numbers), dtype=bool)
    for tag, number in numbers.items():
        match = _TAG.fullmatch(tag) if isinstance(tag, str) else None
        if match:
            prefix, label = match.groups()
            labels[number] = names[(label or "").strip("-") or "_"] if prefix else _OUTSIDE
            begins[number] = prefix == "B"
    return _Vocabulary(labels, begins, tuple(names))


def _refuse_unreadable(role: str, labels: Integers, lengths: Integers) -> None:
    if labels.min(initial=_OUTSIDE) != _UNREADABLE:
        return
    unreadable = np.flatnonzero(labels == _UNREADABLE)
    ends = np.cumsum(lengths)
    sentence = int(np.searchsorted(ends, unreadable[0], side="right"))
    token = int(unreadable[0] - ends[sentence] + lengths[sentence])
    raise InputError(
        f"{len(unreadable)} tags in {role} are not O, B-LABEL or I-LABEL, the first is that of token {token + 1} of "
        f"sentence {sentence + 1}; convert other schemes to IOB2, and numbers to their tags, first"
    )


def _entities(tags: Integers, vocabulary: _Vocabulary, first: NDArray[np.bool_]) -> _Entities:
    """The entities of tags; ``first`` marks where sentences begin.

    Few tokens are tagged, so all steps but one only look at those. A token that continues has the same label as the one
    before it, which is therefore tagged too: the tokens between two breaks are adjacent.
    """
    labels = vocabulary.labels[tags]
    tagged = np.flatnonzero(labels != _OUTSIDE)
    begins = vocabulary.begins[tags[tagged]]
    continues = ~begins & ~first[tagged] & (labels[tagged] == labels[tagged - 1])
    breaks = np.flatnonzero(~continues)
    lasts = np.append(breaks[1:], len(tagged))[: len(breaks)] - 1
    kept = begins[breaks]  # a run that begins with an I is not an entity
    starts = tagged[breaks[kept]]
    return _Entities(starts, tagged[lasts[kept]] + 1, labels[starts])


def _compare(gold: _Entities, predicted: _Entities, names: Sequence[str]) -> dict[str, Counts]:
    """Counts of every label that has an entity."""
    _, left, right = np.intersect1d(gold.starts, predicted.starts, assume_unique=True, return_indices=True)
    same = (gold.ends[left] == predicted.ends[right]) & (gold.labels[left] == predicted.labels[right])
    tp, n_predicted, n_gold = (
        np.bincount(labels, minlength=len(names)).tolist()
        for labels in (gold.labels[left[same]], predicted.labels, gold.labels)
    )
    counts = zip(names, tp, n_predicted, n_gold, strict=True)
    return {name: Counts(hit, said - hit, true - hit) for name, hit, said, true in sorted(counts) if said or true}


def _mean(values: Sequence[float | None], weights: Sequence[float], undefined: float | None) -> float | None:
    filled = [undefined if value is None else value for value in values]
    known = [(value, weight) for value, weight in zip(filled, weights, strict=True) if value is not None]
    whole = sum(weight for _, weight in known)
    return sum(value * weight for value, weight in known) / whole if whole else undefined
