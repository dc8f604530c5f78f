"""What counts as correct in one document: each measure compares gold and predicted entities in its own way.

=========  =============================================================================================
strict     an entity is correct if start, end and label are
span       an entity is correct if start and end are
merged     MEDDOCAN's ``SubTrack 2 [merged]``: neighboring entities are merged, in gold and in predicted
           separately, if nothing alphanumeric is between them. Matching spans and matching merged spans are
           correct; a span is wrong or missed if it matches in neither way and is not inside a matching merged
           span. A merged span counts in addition to its parts, so tp + fn is not the number of entities
overlap    an entity is correct if it shares a character with one of its label; entities are paired one to one
partial    as in SemEval-2013: entities are paired one to one regardless of label; a pair counts 1 if the spans
           match and 1/2 if they do not, for both precision and recall
token      a token (`deidsynth.metrics.tokens`) has the label of the (first) entity that overlaps it; tokens
           outside all entities in both gold and predicted do not count; no B-/I-
character  a character that is not white space is correct if it is in an entity in both gold and predicted,
           regardless of label
=========  =============================================================================================

Pairs for ``overlap`` and ``partial`` are made greedily: most shared characters first, then the earliest gold entity,
then the earliest predicted one; no entity is in two pairs.

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
    """Counts from two sets, whose common members are correct."""
    tp = len(gold & predicted)
    return Counts(tp, len(predicted) - tp, len(gold) - tp)


def strict(gold: Document, predicted: Document) -> Counts:
    """Entities by start, end and label."""
    return compare(keys(gold), keys(predicted))


def span(gold: Document, predicted: Document) -> Counts:
    """Entities by start and end."""
    return compare(_spans(gold), _spans(predicted))


def merged(gold: Document, predicted: Document) -> Counts:
    """Spans as they are, or merged with their neighbors."""
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
    """Half credit for a wrong boundary, regardless of label."""
    found = pairs(gold.entities, predicted.entities, same_label=False)
    exact = sum((one.start, one.end) == (other.start, other.end) for one, other in found)
    tp = exact + 0.5 * (len(found) - exact)
    return Counts(tp, len(predicted.entities) - tp, len(gold.entities) - tp)


def token(gold: Document, predicted: Document) -> Counts:
    """Tokens by position and label."""
    return compare(*labeled_tokens(gold, predicted))


def character(gold: Document, predicted: Document) -> Counts:
    """Characters that are not white space, by position."""
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
    """Index and label of every token inside an entity, in gold and in predicted."""
    tokens = token_spans(gold.text)
    starts, ends = [start for start, _ in tokens], [end for _, end in tokens]
    one, other = (_token_labels(starts, ends, each.entities) for each in (gold, predicted))
    return set(one.items()), set(other.items())


def pairs(gold: Sequence[Entity], predicted: Sequence[Entity], *, same_label: bool) -> list[Pair]:
    """Gold and predicted entities that share characters, one to one.

    Args:
        gold: sorted, not overlapping.
        predicted: sorted, not overlapping.
        same_label: whether only entities with the same label are paired.
    """
    candidates = [
        (-n_shared(gold[place], predicted[other]), place, other)
        for place, other in overlaps(gold, predicted)
        if not same_label or gold[place].label == predicted[other].label
    ]
    taken_gold, taken_predicted = set[int](), set[int]()
    made: list[Pair] = []
    for _, place, other in sorted(candidates):
        if place not in taken_gold and other not in taken_predicted:
            taken_gold.add(place)
            taken_predicted.add(other)
            made.append((gold[place], predicted[other]))
    return made


def overlaps(gold: Sequence[Entity], predicted: Sequence[Entity]) -> list[tuple[int, int]]:
    """Indices of the gold and the predicted entity of every pair that shares characters.

    Within gold, and within predicted, entities are sorted and do not overlap, so one pass over both finds all pairs.
    """
    found: list[tuple[int, int]] = []
    left, other = 0, 0
    while left < len(gold) and other < len(predicted):
        if n_shared(gold[left], predicted[other]) > 0:
            found.append((left, other))
        if gold[left].end <= predicted[other].end:
            left += 1
        else:
            other += 1
    return found


def n_shared(left: Entity, other: Entity) -> int:
    """Number of characters that two entities share; at most 0 if they share none."""
    return min(left.end, other.end) - max(left.start, other.start)


def covered(document: Document) -> set[int]:
    """Positions of the characters inside entities."""
    return {place for entity in document.entities for place in range(entity.start, entity.end)}


def _characters(document: Document) -> set[int]:
    text = document.text
    return {place for place in covered(document) if not text[place].isspace()}


def _spans(document: Document) -> set[tuple[int, int]]:
    return {(entity.start, entity.end) for entity in document.entities}


def _inside(span: tuple[int, int], others: Iterable[tuple[int, int]]) -> bool:
    return any(start <= span[0] and span[1] <= end for start, end in others)


def _merged_spans(document: Document) -> set[tuple[int, int]]:
    """Spans of the entities, with neighbors merged if nothing alphanumeric is between them."""
    spans: list[tuple[int, int]] = []
    for entity in document.entities:
        if spans and not any(each.isalnum() for each in document.text[spans[-1][1] : entity.start]):
            spans[-1] = (spans[-1][0], entity.end)
        else:
            spans.append((entity.start, entity.end))
    return set(spans)


def _token_labels(starts: Sequence[int], ends: Sequence[int], entities: Iterable[Entity]) -> dict[int, str]:
    """The label of every token that overlaps an entity, by token index."""
    labels: dict[int, str] = {}
    for entity in entities:
        for number in range(bisect_right(ends, entity.start), bisect_left(starts, entity.end)):
            labels.setdefault(number, entity.label)
    return labels
