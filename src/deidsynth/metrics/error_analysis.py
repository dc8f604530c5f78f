"""The kinds of errors a tagger makes: every gold and every predicted entity is in exactly one class.

====================  ==================================================================================
right                 same span, same label
label                 same span, other label
boundary_longer       overlap, same label, the predicted entity contains the gold one and more
boundary_shorter      overlap, same label, the gold entity contains the predicted one and more
boundary_shifted      overlap, same label, each has characters that the other lacks
boundary_split        overlap, same label, several predicted entities overlap the gold one
boundary_merged       overlap, same label, several gold entities overlap the predicted one, and not split
boundary_and_label    overlap, other label
missed                a gold entity that no predicted one overlaps
false_alarm           a predicted entity that no gold one overlaps
====================  ==================================================================================

The class of an entity depends on its partner. Overlapping pairs are ranked by overlap (most characters first), then
same label before other label, then earliest gold entity, then earliest predicted one. In this order, a pair whose
entities are both free become partners. The partner of an entity that overlaps others but is left over is the entity of
its highest-ranked pair, which keeps its own partner. An entity has the class of the pair it forms with its partner;
"several" in split and merged means all overlapping entities of any label, not only partners.

So ``right`` counts the strict true positives in gold and in predicted; the other classes of gold entities add up to the
strict false negatives, those of predicted entities to the strict false positives.

Source: a refinement of correct, incorrect, partial, missing and spurious in Chinchor and Sundheim 1993 (MUC-5
evaluation metrics).
"""

from __future__ import annotations

import string
import unicodedata
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics.entities import paired_documents
from deidsynth.metrics.measures import n_shared, overlaps

BOUNDARY_CLASSES = ("boundary_longer", "boundary_shorter", "boundary_shifted", "boundary_split", "boundary_merged")
OVERLAP_CLASSES = ("right", "label", *BOUNDARY_CLASSES, "boundary_and_label")
GOLD_CLASSES = (*OVERLAP_CLASSES, "missed")
PREDICTED_CLASSES = (*OVERLAP_CLASSES, "false_alarm")
# No label contains white space and no shape contains an "o", so neither name can be mistaken for one.
NO_ENTITY = "no entity"
OTHER_SHAPES = "other"
SHAPE_LENGTH = 20

Table = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True, slots=True)
class ErrorAnalysis:
    """Errors by class, label and shape; the module defines the classes.

    Args:
        gold: gold label -> class of `GOLD_CLASSES` -> gold entities.
        predicted: predicted label -> class of `PREDICTED_CLASSES` -> predicted entities.
        confusion: gold label -> predicted label -> overlapping pairs, every pair once. Column `NO_ENTITY` has the
            missed entities, row `NO_ENTITY` the false alarms. A row adds up to the gold entities of its label if no
            gold entity overlaps several predicted ones.
        missed_shapes: gold label -> shape -> missed entities, most frequent first.
        false_alarm_shapes: predicted label -> shape -> false alarms, most frequent first.
        min_count: a shape with fewer misses (or false alarms) of a label is counted under `OTHER_SHAPES`.
    """

    gold: Table
    predicted: Table
    confusion: Table
    missed_shapes: Table
    false_alarm_shapes: Table
    min_count: int
    n_documents: int

    @property
    def gold_counts(self) -> dict[str, int]:
        """Gold entities by class, of all labels."""
        return _column_sums(self.gold, GOLD_CLASSES)

    @property
    def predicted_counts(self) -> dict[str, int]:
        """Predicted entities by class, of all labels."""
        return _column_sums(self.predicted, PREDICTED_CLASSES)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON: counts, labels and shapes, no text."""
        return {
            "gold": {"counts": self.gold_counts, "per_label": _plain(self.gold)},
            "predicted": {"counts": self.predicted_counts, "per_label": _plain(self.predicted)},
            "confusion": _plain(self.confusion),
            "missed_shapes": _plain(self.missed_shapes),
            "false_alarm_shapes": _plain(self.false_alarm_shapes),
            "min_count": self.min_count,
            "n_documents": self.n_documents,
        }


class Match(NamedTuple):
    """A gold and a predicted entity that are partners, or one that is alone.

    Args:
        kind: of `GOLD_CLASSES` or `PREDICTED_CLASSES`.
        gold: None for a false alarm.
        predicted: None for a missed entity.
    """

    kind: str
    gold: Entity | None
    predicted: Entity | None


def matches(right: Document, found: Document) -> list[Match]:
    """Every gold entity with its partner, and every predicted one that is not the partner of any, in text order.

    Args:
        right: a document with gold entities.
        found: the same text with predicted entities.
    """
    gold, predicted = right.entities, found.entities
    met = overlaps(gold, predicted)
    gold_partner, predicted_partner = _partners(gold, predicted, met)
    classify = _classifier(gold, predicted, met)
    pairs = dict.fromkeys([*gold_partner.items(), *((left, other) for other, left in predicted_partner.items())])
    made = [Match(classify(left, other), gold[left], predicted[other]) for left, other in pairs]
    made += [Match("missed", each, None) for number, each in enumerate(gold) if number not in gold_partner]
    made += [
        Match("false_alarm", None, each) for number, each in enumerate(predicted) if number not in predicted_partner
    ]
    return sorted(made, key=_place)


def _place(match: Match) -> tuple[int, int]:
    entities = [each for each in (match.gold, match.predicted) if each is not None]
    return min(each.start for each in entities), min(each.end for each in entities)


@dataclass(slots=True)
class _Tally:
    """Running counts; the keys of every counter begin with a label."""

    gold: Counter[tuple[str, str]] = field(default_factory=Counter)
    predicted: Counter[tuple[str, str]] = field(default_factory=Counter)
    confusion: Counter[tuple[str, str]] = field(default_factory=Counter)
    missed_shapes: Counter[tuple[str, str]] = field(default_factory=Counter)
    false_alarm_shapes: Counter[tuple[str, str]] = field(default_factory=Counter)


def analyze(gold: Sequence[Document], predicted: Sequence[Document], *, min_count: int = 3) -> ErrorAnalysis:
    """Errors of predicted entities by class, label and shape; documents are matched by id.

    Args:
        gold: documents with gold entities.
        predicted: the same texts with predicted entities, in any order.
        min_count: least number of misses (or false alarms) of a label for a shape to be listed.

    Raises:
        InputError: an id is not unique, a document is only in gold or only in predicted, the texts of a document
            differ, or ``min_count`` is less than 1.
    """
    if min_count < 1:
        raise InputError(f"min_count must be at least 1, got {min_count}")
    tally = _Tally()
    for right, found in paired_documents(gold, predicted):
        _add_document(tally, right, found)
    return ErrorAnalysis(
        gold=_by_class(tally.gold, GOLD_CLASSES),
        predicted=_by_class(tally.predicted, PREDICTED_CLASSES),
        confusion=_nested(tally.confusion),
        missed_shapes=_named_shapes(tally.missed_shapes, min_count),
        false_alarm_shapes=_named_shapes(tally.false_alarm_shapes, min_count),
        min_count=min_count,
        n_documents=len(gold),
    )


def shape(surface: str) -> str:
    """The shape of a surface form, which hides letters and digits; at most 20 characters.

    A run of uppercase letters becomes ``X``, of lowercase letters ``x``, of digits ``9``, of white space one blank.
    Punctuation (Unicode category P, and all of ASCII's) is kept. A combining mark belongs to the letter before it.
    Every other character, such as a letter without case, becomes ``?``.

    >>> shape("Ana 12-B")
    'Xx 9-X'
    """
    parts: list[str] = []
    for character in surface:
        part = _shape_part(character)
        if part and not (part in "Xx9 " and parts and parts[-1] == part):
            parts.append(part)
            # Later characters cannot change the shape so far.
            if len(parts) == SHAPE_LENGTH:
                break
    return "".join(parts) or "?"


def _shape_part(character: str) -> str:
    category = unicodedata.category(character)
    if category in ("Lu", "Lt"):
        return "X"
    if category == "Ll":
        return "x"
    if category == "Nd":
        return "9"
    if character.isspace():
        return " "
    if category.startswith("M"):
        return ""
    return character if category.startswith("P") or character in string.punctuation else "?"


def _add_document(tally: _Tally, right: Document, found: Document) -> None:
    """Count every entity of one document in its class."""
    gold, predicted = right.entities, found.entities
    met = overlaps(gold, predicted)
    gold_partner, predicted_partner = _partners(gold, predicted, met)
    classify = _classifier(gold, predicted, met)
    for left, other in met:
        tally.confusion[gold[left].label, predicted[other].label] += 1
    for number, entity in enumerate(gold):
        if number in gold_partner:
            tally.gold[entity.label, classify(number, gold_partner[number])] += 1
        else:
            tally.gold[entity.label, "missed"] += 1
            tally.confusion[entity.label, NO_ENTITY] += 1
            tally.missed_shapes[entity.label, shape(right.surface(entity))] += 1
    for number, entity in enumerate(predicted):
        if number in predicted_partner:
            tally.predicted[entity.label, classify(predicted_partner[number], number)] += 1
        else:
            tally.predicted[entity.label, "false_alarm"] += 1
            tally.confusion[NO_ENTITY, entity.label] += 1
            tally.false_alarm_shapes[entity.label, shape(found.surface(entity))] += 1


def _partners(
    gold: Sequence[Entity], predicted: Sequence[Entity], met: Sequence[tuple[int, int]]
) -> tuple[dict[int, int], dict[int, int]]:
    """The partner of every overlapping gold and predicted entity, as defined by the module."""

    def rank(pair: tuple[int, int]) -> tuple[int, bool, int, int]:
        left, other = gold[pair[0]], predicted[pair[1]]
        return -n_shared(left, other), left.label != other.label, *pair

    ranked = sorted(met, key=rank)
    gold_partner: dict[int, int] = {}
    predicted_partner: dict[int, int] = {}
    for left, other in ranked:
        if left not in gold_partner and other not in predicted_partner:
            gold_partner[left], predicted_partner[other] = other, left
    for left, other in ranked:
        gold_partner.setdefault(left, other)
        predicted_partner.setdefault(other, left)
    return gold_partner, predicted_partner


def _classifier(
    gold: Sequence[Entity], predicted: Sequence[Entity], met: Sequence[tuple[int, int]]
) -> Callable[[int, int], str]:
    """A function that gives the class of a gold and a predicted entity that overlap, by their numbers."""
    n_met_by_gold = Counter(number for number, _ in met)
    n_met_by_predicted = Counter(number for _, number in met)

    def classify(left: int, other: int) -> str:
        return _class_of(gold[left], predicted[other], n_met_by_gold[left] > 1, n_met_by_predicted[other] > 1)

    return classify


def _class_of(left: Entity, other: Entity, is_split: bool, is_merged: bool) -> str:
    """The class of a gold and a predicted entity that overlap."""
    same_label = left.label == other.label
    if (left.start, left.end) == (other.start, other.end):
        return "right" if same_label else "label"
    if not same_label:
        return "boundary_and_label"
    if is_split:
        return "boundary_split"
    if is_merged:
        return "boundary_merged"
    if other.start <= left.start and left.end <= other.end:
        return "boundary_longer"
    if left.start <= other.start and other.end <= left.end:
        return "boundary_shorter"
    return "boundary_shifted"


def _nested(counts: Counter[tuple[str, str]]) -> dict[str, dict[str, int]]:
    table: dict[str, dict[str, int]] = {}
    for (first, second), count in sorted(counts.items()):
        table.setdefault(first, {})[second] = count
    return table


def _by_class(counts: Counter[tuple[str, str]], classes: Sequence[str]) -> dict[str, dict[str, int]]:
    """Label -> class -> count, with all classes, including those with 0."""
    return {label: {name: counts[label, name] for name in classes} for label in sorted({label for label, _ in counts})}


def _named_shapes(counts: Counter[tuple[str, str]], min_count: int) -> dict[str, dict[str, int]]:
    """Label -> shape -> count, most frequent first, then the sum of the shapes that are too rare to be listed."""
    table: dict[str, dict[str, int]] = {}
    for label, shapes in _nested(counts).items():
        frequent = {name: count for name, count in shapes.items() if count >= min_count}
        table[label] = dict(sorted(frequent.items(), key=lambda item: (-item[1], item[0])))
        rest = sum(shapes.values()) - sum(frequent.values())
        if rest:
            table[label][OTHER_SHAPES] = rest
    return table


def _column_sums(table: Table, columns: Sequence[str]) -> dict[str, int]:
    return {column: sum(row[column] for row in table.values()) for column in columns}


def _plain(table: Table) -> dict[str, dict[str, int]]:
    return {name: dict(row) for name, row in table.items()}
