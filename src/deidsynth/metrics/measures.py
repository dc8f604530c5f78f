"""What counts as right, for one document: each measure compares gold and predicted entities in its own way.

=========  =============================================================================================
strict     an entity is right when start, end and label are
span       an entity is right when start and end are
merged     MEDDOCAN's ``SubTrack 2 [merged]``: neighboring entities are joined, in gold and in predicted
           separately, when nothing alphanumeric lies between them. Right are the spans that agree as they are and
           the joined spans that agree; wrong or missed is a span that agrees in neither way and lies in no
           joined span that agrees. A joined span counts beside its parts, so tp + fn is not the number of entities
overlap    an entity is right when one of its label shares a character with it; entities are paired one to one
partial    SemEval-2013's: entities are paired one to one whatever their labels; a pair counts 1 where the
           spans agree and 1/2 where they do not, for precision and recall alike
token      a token (`deidsynth.metrics.tokens`) has the label of the entity that overlaps it, the first where
           several do; tokens outside of every entity on both sides do not count; no B-/I-
character  a character that is no white space is right when it lies in an entity on both sides, whatever the label
=========  =============================================================================================

Pairs for ``overlap`` and ``partial`` are made greedily: most shared characters first, then the earliest gold entity,
then the earliest predicted one; nobody is in two pairs.

Sources: strict, span, merged: Marimon et al. 2019 and its script; partial: Segura-Bedmar et al. 2013, section 5.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from deidsynth.documents import Document, Entity
from deidsynth.metrics.counts import Counts
from deidsynth.metrics.tokens import token_spans

Pair = tuple[Entity, Entity]


def compare(gold: set[Any], predicted: set[Any]) -> Counts:
    """Counts of two sets of which equal members agree."""
    tp = len(gold & predicted)
    return Counts(tp, len(predicted) - tp, len(gold) - tp)


def strict(gold: Document, predicted: Document) -> Counts:
    """Entities by start, end and label."""
    return compare(keys(gold), keys(predicted))


def span(gold: Document, predicted: Document) -> Counts:
    """Entities by start and end."""
    return compare(_spans(gold), _spans(predicted))


def merged(gold: Document, predicted: Document) -> Counts:
    """Spans as they are, or joined with their neighbors."""
    gold_spans, predicted_spans = _spans(gold), _spans(predicted)
    joined = _merged_spans(gold) & _merged_spans(predicted)
    right = (gold_spans & predicted_spans) | joined
    fp = sum(not _inside(each, joined) for each in predicted_spans - gold_spans)
    fn = sum(not _inside(each, joined) for each in gold_spans - predicted_spans)
    return Counts(len(right), fp, fn)


def overlap(gold: Document, predicted: Document) -> Counts:
    """Entities that share a character with one of the same label."""
    tp = len(pairs(gold.entities, predicted.entities, same_label=True))
    return Counts(tp, len(predicted.entities) - tp, len(gold.entities) - tp)


def partial(gold: Document, predicted: Document) -> Counts:
    """Half a point for a wrong boundary; labels do not count."""
    found = pairs(gold.entities, predicted.entities, same_label=False)
    exact = sum((one.start, one.end) == (other.start, other.end) for one, other in found)
    tp = exact + 0.5 * (len(found) - exact)
    return Counts(tp, len(predicted.entities) - tp, len(gold.entities) - tp)


def token(gold: Document, predicted: Document) -> Counts:
    """Tokens by place and label."""
    return compare(*labeled_tokens(gold, predicted))


def character(gold: Document, predicted: Document) -> Counts:
    """Characters that are no white space, by place."""
    return compare(_characters(gold), _characters(predicted))


MEASURES: Mapping[str, Callable[[Document, Document], Counts]] = MappingProxyType(
    {
        "strict": strict,
        "span": span,
        "merged": merged,
        "overlap": overlap,
        "partial": partial,
        "token": token,
        "character": character,
    }
)


def keys(document: Document) -> set[tuple[int, int, str]]:
    """Start, end and label of every entity."""
    return {entity.key for entity in document.entities}


def labeled_tokens(gold: Document, predicted: Document) -> tuple[set[tuple[int, str]], set[tuple[int, str]]]:
    """Number and label of every token inside an entity, on both sides."""
    tokens = token_spans(gold.text)
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    one, other = (_token_labels(starts, ends, each.entities) for each in (gold, predicted))
    return set(one.items()), set(other.items())


def pairs(gold: Sequence[Entity], predicted: Sequence[Entity], *, same_label: bool) -> list[Pair]:
    """Gold and predicted entities that share characters, one to one.

    Args:
        gold: sorted, not overlapping.
        predicted: sorted, not overlapping.
        same_label: whether only entities of one label make a pair.
    """
    candidates: list[tuple[int, int, int]] = []
    first = 0
    for place, right in enumerate(gold):
        while first < len(predicted) and predicted[first].end <= right.start:
            first += 1
        for other in range(first, len(predicted)):
            found = predicted[other]
            if found.start >= right.end:
                break
            if not same_label or found.label == right.label:
                shared = min(right.end, found.end) - max(right.start, found.start)
                candidates.append((-shared, place, other))
    taken_gold, taken_predicted = set[int](), set[int]()
    made: list[Pair] = []
    for _, place, other in sorted(candidates):
        if place not in taken_gold and other not in taken_predicted:
            taken_gold.add(place)
            taken_predicted.add(other)
            made.append((gold[place], predicted[other]))
    return made


def covered(document: Document) -> set[int]:
    """Places of the characters inside entities."""
    return {place for entity in document.entities for place in range(entity.start, entity.end)}


def _characters(document: Document) -> set[int]:
    text = document.text
    return {place for place in covered(document) if not text[place].isspace()}


def _spans(document: Document) -> set[tuple[int, int]]:
    return {(entity.start, entity.end) for entity in document.entities}


def _inside(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _merged_spans(document: Document) -> set[tuple[int, int]]:
    """Spans of the entities, neighbors joined when nothing alphanumeric lies between."""
    spans: list[tuple[int, int]] = []
    for entity in document.entities:
        if spans and not any(each.isalnum() for each in document.text[spans[-1][1] : entity.start]):
            spans[-1] = (spans[-1][0], entity.end)
        else:
            spans.append((entity.start, entity.end))
    return set(spans)


def _token_labels(starts: Sequence[int], ends: Sequence[int], entities: Iterable[Entity]) -> dict[int, str]:
    """The label of every token that an entity overlaps, by the token's number."""
    labels: dict[int, str] = {}
    for entity in entities:
        for number in range(bisect_right(ends, entity.start), bisect_left(starts, entity.end)):
            labels.setdefault(number, entity.label)
    return labels
