"""Precision, recall and F1 of predicted entities against gold ones, micro-averaged over a corpus.

=========  =============================================================================================
strict     an entity is right when start, end and label are
span       an entity is right when start and end are
merged     MEDDOCAN's ``SubTrack 2 [merged]``: neighboring entities are joined, in gold and in predicted
           separately, when nothing alphanumeric lies between them. Right are the spans that agree as they are and
           the joined spans that agree; wrong or missed is a span that agrees in neither way and lies in no
           joined span that agrees. A joined span counts beside its parts, so tp + fn is not the number of entities
token      a token (`deidsynth.metrics.tokens`) has the label of the entity that overlaps it, the first where
           several do; tokens outside of every entity on both sides do not count; no B-/I-
leak       strict false negatives per sentence (MEDDOCAN's)
=========  =============================================================================================

Precision is tp / (tp + fp), recall tp / (tp + fn), F1 2 tp / (2 tp + fp + fn); 0/0 is None, never 0 or 1.
The four measures are not comparable with one another.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics.tokens import token_spans

Labeled = TypeVar("Labeled", tuple[int, str], tuple[int, int, str])


@dataclass(frozen=True, slots=True)
class Counts:
    """True positives, false positives and false negatives, and the ratios they give.

    >>> Counts(tp=6, fp=2, fn=6).f1
    0.6
    """

    tp: int = 0
    fp: int = 0
    fn: int = 0

    def __add__(self, other: Counts) -> Counts:
        return Counts(self.tp + other.tp, self.fp + other.fp, self.fn + other.fn)

    @property
    def precision(self) -> float | None:
        """Share of what was predicted that is right; None where nothing was predicted."""
        return _ratio(self.tp, self.tp + self.fp)

    @property
    def recall(self) -> float | None:
        """Share of what is gold that was found; None where nothing is gold."""
        return _ratio(self.tp, self.tp + self.fn)

    @property
    def f1(self) -> float | None:
        """Harmonic mean of precision and recall; None where nothing is gold or predicted."""
        return _ratio(2 * self.tp, 2 * self.tp + self.fp + self.fn)

    @property
    def support(self) -> int:
        """How many there are in gold."""
        return self.tp + self.fn

    def to_dict(self) -> dict[str, float | int | None]:
        """Plain data: ratios and counts."""
        return {
            "precision": self.precision,
            "recall": self.recall,
            "f1": self.f1,
            "tp": self.tp,
            "fp": self.fp,
            "fn": self.fn,
        }


@dataclass(frozen=True, slots=True)
class Scores:
    """How well predicted entities match gold ones; the module says what each measure means.

    Args:
        per_label: strict counts by label, for every label in gold or predicted.
        token_per_label: token counts by label.
        leak: strict false negatives per sentence, where the number of sentences is known.
    """

    strict: Counts
    span: Counts
    merged: Counts
    token: Counts
    per_label: Mapping[str, Counts] = field(default_factory=dict)
    token_per_label: Mapping[str, Counts] = field(default_factory=dict)
    leak: float | None = None
    n_documents: int = 0

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: what ``evaluate --json`` prints."""
        return {
            "strict": self.strict.to_dict(),
            "span": self.span.to_dict(),
            "merged": self.merged.to_dict(),
            "token": self.token.to_dict(),
            "per_label": {label: counts.to_dict() for label, counts in self.per_label.items()},
            "token_per_label": {label: counts.to_dict() for label, counts in self.token_per_label.items()},
            "leak": self.leak,
            "n_documents": self.n_documents,
        }


def score(gold: Sequence[Document], predicted: Sequence[Document], *, sentence_count: int | None = None) -> Scores:
    """Scores of predicted entities against gold ones; documents are matched by id.

    Args:
        gold: documents with the entities that are right.
        predicted: the same texts with the entities that were found; any order.
        sentence_count: sentences in the gold documents, for ``leak``.

    Raises:
        InputError: an id occurs twice, a document is on one side only, the texts of a document differ, or
            ``sentence_count`` is not positive.
    """
    if sentence_count is not None and sentence_count < 1:
        raise InputError(f"the sentence count must be at least 1, got {sentence_count}")
    strict, span, merged, token = Counts(), Counts(), Counts(), Counts()
    by_label: dict[str, Counts] = {}
    token_by_label: dict[str, Counts] = {}
    for right, found in _pairs(gold, predicted):
        gold_keys = {entity.key for entity in right.entities}
        predicted_keys = {entity.key for entity in found.entities}
        strict += _compare(gold_keys, predicted_keys)
        _count_labels(by_label, gold_keys, predicted_keys)
        span += _compare(_spans(right), _spans(found))
        merged += _compare_merged(right, found)
        tokens = token_spans(right.text)
        gold_tokens = set(_token_labels(tokens, right.entities).items())
        predicted_tokens = set(_token_labels(tokens, found.entities).items())
        token += _compare(gold_tokens, predicted_tokens)
        _count_labels(token_by_label, gold_tokens, predicted_tokens)
    return Scores(
        strict,
        span,
        merged,
        token,
        per_label=dict(sorted(by_label.items())),
        token_per_label=dict(sorted(token_by_label.items())),
        leak=None if sentence_count is None else strict.fn / sentence_count,
        n_documents=len(gold),
    )


def _pairs(gold: Sequence[Document], predicted: Sequence[Document]) -> list[tuple[Document, Document]]:
    """Gold and predicted documents side by side, in the order of gold."""
    by_id = _by_id(predicted, "predicted")
    _by_id(gold, "gold")
    missing = [document.doc_id for document in gold if document.doc_id not in by_id]
    if missing:
        raise InputError(
            f"predicted lacks {len(missing)} of {len(gold)} gold documents, the first is {missing[0]!r}; "
            "predict every gold document, also those without entities"
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
            "offsets only compare over the same text: predict on exactly the gold text"
        )
    return pairs


def _by_id(documents: Sequence[Document], side: str) -> dict[str, Document]:
    by_id = {document.doc_id: document for document in documents}
    if len(by_id) < len(documents):
        raise InputError(f"{len(documents) - len(by_id)} document ids occur twice in {side}; make them unique")
    return by_id


def _compare(gold: set[Any], predicted: set[Any]) -> Counts:
    tp = len(gold & predicted)
    return Counts(tp, len(predicted) - tp, len(gold) - tp)


def _count_labels(totals: dict[str, Counts], gold: set[Labeled], predicted: set[Labeled]) -> None:
    """Add the comparison to the totals of every label; the label is the last part of an item."""
    right = Counter(str(item[-1]) for item in gold & predicted)
    wrong = Counter(str(item[-1]) for item in predicted - gold)
    missed = Counter(str(item[-1]) for item in gold - predicted)
    for label in right.keys() | wrong.keys() | missed.keys():
        totals[label] = totals.get(label, Counts()) + Counts(right[label], wrong[label], missed[label])


def _compare_merged(gold: Document, predicted: Document) -> Counts:
    gold_spans, predicted_spans = _spans(gold), _spans(predicted)
    joined = _merged_spans(gold) & _merged_spans(predicted)
    right = (gold_spans & predicted_spans) | joined
    fp = sum(not _inside(span, joined) for span in predicted_spans - gold_spans)
    fn = sum(not _inside(span, joined) for span in gold_spans - predicted_spans)
    return Counts(len(right), fp, fn)


def _spans(document: Document) -> set[tuple[int, int]]:
    return {(entity.start, entity.end) for entity in document.entities}


def _inside(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _merged_spans(document: Document) -> set[tuple[int, int]]:
    """Spans of the entities, neighbors joined when nothing alphanumeric lies between."""
    spans: list[tuple[int, int]] = []
    for entity in document.entities:
        if spans and not any(character.isalnum() for character in document.text[spans[-1][1] : entity.start]):
            spans[-1] = (spans[-1][0], entity.end)
        else:
            spans.append((entity.start, entity.end))
    return set(spans)


def _token_labels(tokens: Sequence[tuple[int, int]], entities: Iterable[Entity]) -> dict[int, str]:
    """The label of every token that an entity overlaps, by the token's number."""
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    labels: dict[int, str] = {}
    for entity in entities:
        for number in range(bisect_right(ends, entity.start), bisect_left(starts, entity.end)):
            labels.setdefault(number, entity.label)
    return labels


def _ratio(part: int, whole: int) -> float | None:
    return part / whole if whole else None
