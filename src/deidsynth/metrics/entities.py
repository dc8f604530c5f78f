"""Scores of predicted entities against gold ones, micro-averaged over a corpus.

Precision is tp / (tp + fp), recall tp / (tp + fn), F1 2 tp / (2 tp + fp + fn); 0/0 is None, never 0 or 1.
`deidsynth.metrics.measures` defines tp, fp and fn; measures are not comparable with one another. ``leak`` is the number
of strict false negatives per sentence, as in MEDDOCAN.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self, TypeVar

import numpy as np
from numpy.typing import NDArray

from deidsynth.documents import Document
from deidsynth.errors import InputError
from deidsynth.metrics.counts import Counts, ratio
from deidsynth.metrics.measures import MEASURES, compare, keys, labeled_tokens
from deidsynth.metrics.privacy import Exposure, exposure, exposure_by_document
from deidsynth.metrics.tokens import token_spans

Labeled = TypeVar("Labeled", tuple[int, str], tuple[int, int, str])
Pairs = Sequence[tuple[Document, Document]]

N_LENGTHS = 4


@dataclass(frozen=True, slots=True)
class LengthBand:
    """Scores of documents of similar length.

    Args:
        shortest: tokens of the shortest document.
        longest: tokens of the longest.
        n_documents: in the band.
        strict: counts of entities.
        token: counts of tokens.
    """

    shortest: int
    longest: int
    n_documents: int
    strict: Counts
    token: Counts

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return {
            "shortest_tokens": self.shortest,
            "longest_tokens": self.longest,
            "n_documents": self.n_documents,
            "strict": self.strict.to_dict(),
            "token": self.token.to_dict(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The band of what `to_dict` gave."""
        strict, token = Counts.from_dict(data["strict"]), Counts.from_dict(data["token"])
        return cls(data["shortest_tokens"], data["longest_tokens"], data["n_documents"], strict, token)


@dataclass(frozen=True, slots=True)
class Scores:
    """How well predicted entities match gold ones.

    Args:
        measures: counts by measure, in the order of ``MEASURES``.
        per_label: strict counts by label, for every label in gold or predicted.
        token_per_label: token counts by label.
        exposure: what would remain readable.
        by_length: scores in four length bands.
        leak: strict false negatives per sentence, if the number of sentences is known.
        n_documents: number of scored documents.
        by_document: for every measure tp, fp and fn of each document, in the order of gold. Shape (n_documents, 3).
        labels_by_document: the strict ones by label, in the order of ``per_label``. Shape (n_documents, n_labels, 3).
        shares_by_document: numerator and denominator of every share of ``exposure``, and of ``leak`` if known. Shape
            (n_documents, 2). The sentences of ``leak`` are distributed in proportion to tokens.
        units: group of each document, or its id if it has none.
    """

    measures: Mapping[str, Counts]
    per_label: Mapping[str, Counts]
    token_per_label: Mapping[str, Counts]
    exposure: Exposure
    by_length: Sequence[LengthBand] = ()
    leak: float | None = None
    n_documents: int = 0
    by_document: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)
    labels_by_document: NDArray[np.float64] = field(
        default_factory=lambda: np.zeros((0, 0, 3)), repr=False, compare=False
    )
    shares_by_document: Mapping[str, NDArray[np.float64]] = field(default_factory=dict, repr=False, compare=False)
    units: Sequence[str] = field(default=(), repr=False, compare=False)

    @property
    def strict(self) -> Counts:
        """Entities by start, end and label."""
        return self.measures["strict"]

    @property
    def span(self) -> Counts:
        """Entities by start and end."""
        return self.measures["span"]

    @property
    def merged(self) -> Counts:
        """Spans as they are, or merged with their neighbors."""
        return self.measures["merged"]

    @property
    def token(self) -> Counts:
        """Tokens by position and label."""
        return self.measures["token"]

    @property
    def macro(self) -> dict[str, float | None]:
        """Strict precision, recall and F1, each averaged over the labels; 0/0 counts as 0."""
        return macro_average(self.per_label)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: what ``evaluate --json`` prints."""
        return {
            **{name: counts.to_dict() for name, counts in self.measures.items()},
            "macro": self.macro,
            "per_label": {label: counts.to_dict() for label, counts in self.per_label.items()},
            "token_per_label": {label: counts.to_dict() for label, counts in self.token_per_label.items()},
            "exposure": self.exposure.to_dict(),
            "by_length": [band.to_dict() for band in self.by_length],
            "leak": self.leak,
            "n_documents": self.n_documents,
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """The scores of what `to_dict` gave, without the numbers of single documents.

        Raises:
            ValueError: it is nothing that `to_dict` gives, or its figures do not follow from its counts.
        """
        try:
            scores = cls(
                {name: Counts.from_dict(data[name]) for name in MEASURES},
                per_label={label: Counts.from_dict(counts) for label, counts in data["per_label"].items()},
                token_per_label={label: Counts.from_dict(counts) for label, counts in data["token_per_label"].items()},
                exposure=Exposure.from_dict(data["exposure"]),
                by_length=[LengthBand.from_dict(band) for band in data["by_length"]],
                leak=None if data["leak"] is None else float(data["leak"]),
                n_documents=int(data["n_documents"]),
            )
            agrees = scores.to_dict() == data
        except (KeyError, TypeError, ValueError, AttributeError):
            agrees = False
        if not agrees:
            raise ValueError("not the scores of an evaluation")
        return scores

    def official(self) -> dict[str, float]:
        """The official MEDDOCAN scores under the names of its script, to the last digit; leak only if known.

        The script prints 0.0 for 0/0 and computes F1 from the rounded precision and recall, 2 (P R) / (P + R), which
        may differ from `Counts.f1` in the last digit.
        """
        names = {"Subtask1": "strict", "Subtask2Strict": "span", "Subtask2Merged": "merged"}
        found = {} if self.leak is None else {"Subtask1_Leak": self.leak}
        for name, measure in names.items():
            counts = self.measures[measure]
            precision, recall = counts.precision or 0.0, counts.recall or 0.0
            found[f"{name}_Precision"] = precision
            found[f"{name}_Recall"] = recall
            found[f"{name}_F1"] = 2 * (precision * recall) / (precision + recall) if precision + recall else 0.0
        return found


def macro_average(per_label: Mapping[str, Counts]) -> dict[str, float | None]:
    """Precision, recall and F1, each averaged over the labels in gold or predicted; 0/0 counts as 0, as in seqeval.

    >>> macro_average({"A": Counts(1, 0, 1), "B": Counts(0, 0, 2)})["precision"]
    0.5
    """
    labels = per_label.values()

    def mean(of: Callable[[Counts], float | None]) -> float | None:
        return ratio(sum(of(counts) or 0.0 for counts in labels), len(labels))

    return {
        "precision": mean(lambda counts: counts.precision),
        "recall": mean(lambda counts: counts.recall),
        "f1": mean(lambda counts: counts.f1),
    }


def score(gold: Sequence[Document], predicted: Sequence[Document], *, sentence_count: int | None = None) -> Scores:
    """Scores of predicted entities against gold ones; documents are matched by id.

    Args:
        gold: documents with gold entities.
        predicted: the same texts with predicted entities, in any order.
        sentence_count: sentences in the gold documents, for ``leak``.

    Raises:
        InputError: an id is not unique, a document is only in gold or only in predicted, the texts of a document
            differ, or ``sentence_count`` is not positive.
    """
    if sentence_count is not None and sentence_count < 1:
        raise InputError(f"the sentence count must be at least 1, got {sentence_count}")
    pairs = paired_documents(gold, predicted)
    rows: dict[str, list[Counts]] = {name: [] for name in MEASURES}
    label_rows: list[dict[str, Counts]] = []
    token_rows: list[dict[str, Counts]] = []
    for right, found in pairs:
        tokens = labeled_tokens(right, found)
        for name, measure in MEASURES.items():
            rows[name].append(compare(*tokens) if name == "token" else measure(right, found))
        label_rows.append(_label_counts(keys(right), keys(found)))
        token_rows.append(_label_counts(*tokens))
    measures = {name: sum(each, Counts()) for name, each in rows.items()}
    per_label = _total(label_rows)
    lengths = [len(token_spans(document.text)) for document in gold]
    hidden = exposure_by_document(pairs)
    shares = {name: each.astype(np.float64) for name, each in hidden.items()}
    if sentence_count is not None:
        shares["leak"] = _leak_rows(rows["strict"], lengths, sentence_count)
    return Scores(
        measures,
        per_label=per_label,
        token_per_label=_total(token_rows),
        exposure=exposure(hidden),
        by_length=_by_length(lengths, rows),
        leak=None if sentence_count is None else measures["strict"].fn / sentence_count,
        n_documents=len(gold),
        by_document={name: _array(each) for name, each in rows.items()},
        labels_by_document=_label_array(label_rows, list(per_label)),
        shares_by_document=shares,
        units=[document.unit for document in gold],
    )


def paired_documents(gold: Sequence[Document], predicted: Sequence[Document]) -> Pairs:
    """Pairs of gold and predicted documents, in gold order.

    Raises:
        InputError: an id is not unique, a document is only in gold or only in predicted, or the texts of a document
            differ.
    """
    by_id = _by_id(predicted, "predicted")
    _by_id(gold, "gold")
    missing = [document.doc_id for document in gold if document.doc_id not in by_id]
    if missing:
        raise InputError(
            f"predicted lacks {len(missing)} of {len(gold)} gold documents, the first is {missing[0]!r}; "
            "predict every gold document, including those without entities"
        )
    extra = sorted(by_id.keys() - {document.doc_id for document in gold})
    if extra:
        raise InputError(
            f"predicted has {len(extra)} documents that gold lacks, the first is {extra[0]!r}; leave them out"
        )
    pairs = [(document, by_id[document.doc_id]) for document in gold]
    unlike = [right.doc_id for right, found in pairs if right.text != found.text]
    if unlike:
        raise InputError(
            f"the texts of {len(unlike)} documents differ between gold and predicted, the first is {unlike[0]!r}; "
            "offsets can only be compared on identical texts: predict on exactly the gold text"
        )
    return pairs


def _by_id(documents: Sequence[Document], role: str) -> dict[str, Document]:
    by_id = {document.doc_id: document for document in documents}
    if len(by_id) < len(documents):
        raise InputError(f"{len(documents) - len(by_id)} duplicate document ids in {role}; make them unique")
    return by_id


def _label_counts(gold: set[Labeled], predicted: set[Labeled]) -> dict[str, Counts]:
    """Counts by label, which is the last element of an item."""
    right = Counter(str(item[-1]) for item in gold & predicted)
    wrong = Counter(str(item[-1]) for item in predicted - gold)
    missed = Counter(str(item[-1]) for item in gold - predicted)
    labels = right.keys() | wrong.keys() | missed.keys()
    return {label: Counts(right[label], wrong[label], missed[label]) for label in labels}


def _total(rows: Iterable[Mapping[str, Counts]]) -> dict[str, Counts]:
    """Counts by label summed over documents, labels sorted."""
    totals: dict[str, Counts] = {}
    for row in rows:
        for label, counts in row.items():
            totals[label] = totals.get(label, Counts()) + counts
    return dict(sorted(totals.items()))


def _label_array(rows: Sequence[Mapping[str, Counts]], labels: Sequence[str]) -> NDArray[np.float64]:
    """Counts of each document by label, shape (n_documents, n_labels, 3)."""
    places = {label: place for place, label in enumerate(labels)}
    array = np.zeros((len(rows), len(labels), 3))
    for number, row in enumerate(rows):
        for label, counts in row.items():
            array[number, places[label]] = counts.tp, counts.fp, counts.fn
    return array


def _leak_rows(strict: Sequence[Counts], lengths: Sequence[int], n_sentences: int) -> NDArray[np.float64]:
    """Missed entities and sentences of each document, shape (n_documents, 2)."""
    tokens = np.array(lengths, dtype=np.float64)
    share = tokens / tokens.sum() if tokens.any() else np.full(len(tokens), 1 / max(1, len(tokens)))
    return np.column_stack([[counts.fn for counts in strict], n_sentences * share])


def _by_length(lengths: Sequence[int], rows: Mapping[str, Sequence[Counts]]) -> list[LengthBand]:
    """Bands with about the same number of documents, shortest first; equally long documents share a band."""
    ordered = sorted(lengths)
    edges = sorted({ordered[len(ordered) * number // N_LENGTHS] for number in range(1, N_LENGTHS)}) if ordered else []
    bands: dict[int, list[int]] = {}
    for place, length in enumerate(lengths):
        bands.setdefault(sum(length >= edge for edge in edges), []).append(place)

    def total(name: str, places: Iterable[int]) -> Counts:
        return sum((rows[name][place] for place in places), Counts())

    return [
        LengthBand(
            min(lengths[place] for place in places),
            max(lengths[place] for place in places),
            len(places),
            total("strict", places),
            total("token", places),
        )
        for _, places in sorted(bands.items())
    ]


def _array(rows: Sequence[Counts]) -> NDArray[np.float64]:
    return np.array([(counts.tp, counts.fp, counts.fn) for counts in rows], dtype=np.float64).reshape(-1, 3)
