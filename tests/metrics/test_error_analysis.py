from itertools import pairwise

import pytest
from hypothesis import given, strategies as st

from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics import score
from deidsynth.metrics.error_analysis import (
    GOLD_CLASSES,
    NO_ENTITY,
    OTHER_SHAPES,
    PREDICTED_CLASSES,
    analyze,
    matches,
    shape,
)

TEXT = "0123456789abcdefghij"


def document(*entities, text=TEXT, doc_id="a"):
    return Document(doc_id, text, tuple(Entity(start, end, label) for start, end, label in entities))


def classes(gold, predicted):
    """Classes that occur, of gold and of predicted entities."""
    result = analyze([document(*gold)], [document(*predicted)])
    return tuple(
        {name: count for name, count in counts.items() if count}
        for counts in (result.gold_counts, result.predicted_counts)
    )


@pytest.mark.parametrize(
    ("predicted", "expected"),
    [
        ((4, 8, "A"), "right"),
        ((4, 8, "B"), "label"),
        ((3, 8, "A"), "boundary_longer"),
        ((4, 9, "A"), "boundary_longer"),
        ((3, 9, "A"), "boundary_longer"),
        ((5, 8, "A"), "boundary_shorter"),
        ((5, 6, "A"), "boundary_shorter"),
        ((2, 5, "A"), "boundary_shifted"),
        ((7, 12, "A"), "boundary_shifted"),
        ((3, 9, "B"), "boundary_and_label"),
        ((5, 6, "B"), "boundary_and_label"),
        ((2, 5, "B"), "boundary_and_label"),
    ],
)
def test_two_entities_that_overlap_have_one_class(predicted, expected):
    assert classes([(4, 8, "A")], [predicted]) == ({expected: 1}, {expected: 1})


@pytest.mark.parametrize("predicted", [(0, 4, "A"), (8, 12, "A"), (15, 17, "B")])
def test_entities_that_share_no_character_are_missed_and_false_alarms(predicted):
    assert classes([(4, 8, "A")], [predicted]) == ({"missed": 1}, {"false_alarm": 1})


def test_a_gold_entity_met_by_several_is_split():
    assert classes([(0, 8, "A")], [(0, 3, "A"), (4, 8, "A")]) == ({"boundary_split": 1}, {"boundary_split": 2})


def test_several_gold_entities_met_by_one_are_merged():
    assert classes([(0, 3, "A"), (4, 8, "A")], [(0, 8, "A")]) == ({"boundary_merged": 2}, {"boundary_merged": 1})


def test_the_largest_overlap_makes_partners():
    # 4:8 B shares four characters, 0:3 A three: the gold entity goes with B, and 0:3 A is still part of a split.
    gold, predicted = [(0, 8, "A")], [(0, 3, "A"), (4, 8, "B")]
    assert classes(gold, predicted) == (
        {"boundary_and_label": 1},
        {"boundary_split": 1, "boundary_and_label": 1},
    )


def test_of_equal_overlaps_the_one_with_the_same_label_makes_partners():
    gold, predicted = [(0, 6, "A")], [(0, 3, "B"), (3, 6, "A")]
    assert classes(gold, predicted)[0] == {"boundary_split": 1}


def test_of_overlaps_equal_in_length_and_label_the_earliest_makes_partners():
    # Overlaps of two characters: gold 0 - predicted 0, gold 0 - predicted 1, gold 1 - predicted 1; no label agrees.
    # Partners are 0-0 and 1-1.
    result = analyze([document((0, 4, "A"), (6, 8, "B"))], [document((0, 2, "C"), (2, 8, "D"))])
    assert result.gold == {
        "A": {**dict.fromkeys(GOLD_CLASSES, 0), "boundary_and_label": 1},
        "B": {**dict.fromkeys(GOLD_CLASSES, 0), "boundary_and_label": 1},
    }
    assert result.confusion == {"A": {"C": 1, "D": 1}, "B": {"D": 1}}


def test_a_chain_of_overlaps_by_hand():
    # gold       0:4        5:10
    # predicted     3:6       9:12
    # Overlaps: 0-0 one character, 1-0 one, 1-1 one, all same label. Partners: 0-0, then 1-1.
    # 0-0: predicted 0 meets two gold entities, merged; 1-1: gold 1 meets two predicted ones, split.
    gold, predicted = [(0, 4, "A"), (5, 10, "A")], [(3, 6, "A"), (9, 12, "A")]
    both = {"boundary_merged": 1, "boundary_split": 1}
    assert classes(gold, predicted) == (both, both)


def test_a_left_over_entity_goes_with_its_largest_overlap_which_keeps_its_partner():
    # gold       0:5  5:8 B   predicted 1:7 A: partners 0-0 (four characters); 5:8 B (two) is left over.
    result = analyze([document((0, 5, "A"), (5, 8, "B"))], [document((1, 7, "A"))])
    assert result.gold["A"]["boundary_merged"] == 1
    assert result.gold["B"]["boundary_and_label"] == 1
    assert result.predicted["A"]["boundary_merged"] == 1


def test_confusion_and_shapes_by_hand():
    text = "Ana 12 Ana 34 Eva 56 Ruiz-Mar"
    gold = document((0, 3, "FIRST"), (4, 6, "AGE"), (7, 10, "FIRST"), (14, 17, "FIRST"), (21, 29, "FIRST"), text=text)
    predicted = document((4, 6, "ID"), (11, 13, "AGE"), (18, 20, "AGE"), (21, 25, "AGE"), text=text)
    result = analyze([gold], [predicted])
    assert result.to_dict() == {
        "gold": {
            "counts": {**dict.fromkeys(GOLD_CLASSES, 0), "label": 1, "boundary_and_label": 1, "missed": 3},
            "per_label": {
                "AGE": {**dict.fromkeys(GOLD_CLASSES, 0), "label": 1},
                "FIRST": {**dict.fromkeys(GOLD_CLASSES, 0), "boundary_and_label": 1, "missed": 3},
            },
        },
        "predicted": {
            "counts": {**dict.fromkeys(PREDICTED_CLASSES, 0), "label": 1, "boundary_and_label": 1, "false_alarm": 2},
            "per_label": {
                "AGE": {**dict.fromkeys(PREDICTED_CLASSES, 0), "boundary_and_label": 1, "false_alarm": 2},
                "ID": {**dict.fromkeys(PREDICTED_CLASSES, 0), "label": 1},
            },
        },
        "confusion": {"AGE": {"ID": 1}, "FIRST": {"AGE": 1, NO_ENTITY: 3}, NO_ENTITY: {"AGE": 2}},
        "missed_shapes": {"FIRST": {"Xx": 3}},
        "false_alarm_shapes": {"AGE": {OTHER_SHAPES: 2}},
        "min_count": 3,
        "n_documents": 1,
    }


def test_rare_shapes_are_one_row_at_the_end():
    text = "12 34 AB a1 Xy"
    entities = [(0, 2, "A"), (3, 5, "A"), (6, 8, "A"), (9, 11, "A"), (12, 14, "B")]
    result = analyze([document(*entities, text=text)], [document(text=text)], min_count=2)
    assert list(result.missed_shapes["A"].items()) == [("9", 2), (OTHER_SHAPES, 2)]
    # Rare per label, though another label has it as well.
    assert result.missed_shapes["B"] == {OTHER_SHAPES: 1}
    named = analyze([document(*entities, text=text)], [document(text=text)], min_count=1)
    assert list(named.missed_shapes["A"].items()) == [("9", 2), ("X", 1), ("x9", 1)]


@pytest.mark.parametrize(
    ("surface", "expected"),
    [
        ("Ana 12-B", "Xx 9-X"),
        ("ÅSA Öst", "X Xx"),
        ("1977-07-07", "9-9-9"),
        ("A\u0301lvaro", "Xx"),
        ("ana@lugo.example", "x@x.x"),
        ("+46 (0)70", "+9 (9)9"),
        ("«Ruiz»", "«Xx»"),
        ("a \n\t b", "x x"),
        ("№7 東京 ½", "?9 ?? ?"),
        ("--..", "--.."),
        ("\u0301", "?"),
        ("a1" * 30, "x9" * 10),
        ("e" * 500, "x"),
    ],
)
def test_shapes_by_hand(surface, expected):
    assert shape(surface) == expected


@given(st.text(min_size=1, max_size=60))
def test_a_shape_holds_no_letter_or_digit_of_its_own(surface):
    result = shape(surface)
    assert 1 <= len(result) <= 20
    assert {character for character in result if character.isalnum()} <= {"X", "x", "9"}
    assert not any(mark * 2 in result for mark in ("X", "x", "9", " "))


def test_nothing_to_find_and_nothing_found():
    result = analyze([document()], [document()]).to_dict()
    assert set(result["gold"]["counts"].values()) == set(result["predicted"]["counts"].values()) == {0}
    assert result["confusion"] == result["missed_shapes"] == result["false_alarm_shapes"] == {}
    assert analyze([], []).n_documents == 0


def test_what_cannot_be_analyzed_is_refused():
    with pytest.raises(InputError, match="predicted lacks 1 of 1 gold documents"):
        analyze([document()], [])
    with pytest.raises(InputError, match="min_count must be at least 1, got 0"):
        analyze([], [], min_count=0)


def test_no_text_in_the_result():
    text = "Kvistlund 12"
    result = analyze([document((0, 9, "LAST"), text=text)], [document(text=text)], min_count=1)
    assert "Kvistlund" not in repr(result)
    assert result.missed_shapes == {"LAST": {"Xx": 1}}


@st.composite
def annotations(draw):
    cuts = sorted(draw(st.sets(st.integers(0, len(TEXT)), max_size=10)))
    pairs = list(pairwise(cuts))[:: draw(st.sampled_from([1, 2]))]
    return document(*((start, end, draw(st.sampled_from("AB"))) for start, end in pairs))


@given(annotations(), annotations())
def test_classes_agree_with_strict_scores(gold, predicted):
    result, scores = analyze([gold], [predicted]), score([gold], [predicted])
    assert result.gold_counts["right"] == result.predicted_counts["right"] == scores.strict.tp
    assert result.gold_counts["label"] == result.predicted_counts["label"]
    assert scores.span.tp == result.gold_counts["right"] + result.gold_counts["label"]
    for label, counts in scores.per_label.items():
        assert sum(result.gold.get(label, {}).values()) == counts.tp + counts.fn
        assert sum(result.predicted.get(label, {}).values()) == counts.tp + counts.fp


@given(annotations(), annotations())
def test_matches_have_every_entity_in_the_classes_that_are_counted(gold, predicted):
    found, result = matches(gold, predicted), analyze([gold], [predicted])
    for entities, counts, sides in (
        (gold.entities, result.gold_counts, [(match.gold, match.kind) for match in found]),
        (predicted.entities, result.predicted_counts, [(match.predicted, match.kind) for match in found]),
    ):
        assert {each for each, _ in sides if each is not None} == set(entities)
        for kind in ("right", "label", "missed", "false_alarm"):
            assert sum(name == kind for each, name in sides if each is not None) == counts.get(kind, 0)
    starts = [min(each.start for each in (match.gold, match.predicted) if each is not None) for match in found]
    assert starts == sorted(starts)


@given(annotations(), annotations())
def test_missed_false_alarms_and_pairs_agree_with_a_search_of_all_pairs(gold, predicted):
    def overlap(left, right):
        return left.start < right.end and right.start < left.end

    result = analyze([gold], [predicted], min_count=1)
    pairs = [(g.label, p.label) for g in gold.entities for p in predicted.entities if overlap(g, p)]
    for first in "AB":
        for second in "AB":
            assert result.confusion.get(first, {}).get(second, 0) == pairs.count((first, second))
    missed = sum(not any(overlap(g, p) for p in predicted.entities) for g in gold.entities)
    alarms = sum(not any(overlap(g, p) for g in gold.entities) for p in predicted.entities)
    assert result.gold_counts["missed"] == missed == sum(sum(row.values()) for row in result.missed_shapes.values())
    assert result.predicted_counts["false_alarm"] == alarms == sum(result.confusion.get(NO_ENTITY, {}).values())


MIRROR = {
    "missed": "false_alarm",
    "boundary_longer": "boundary_shorter",
    "boundary_shorter": "boundary_longer",
}


@given(annotations(), annotations())
def test_swapping_gold_and_predicted_swaps_misses_and_false_alarms_longer_and_shorter(left, right):
    there, back = analyze([left], [right]), analyze([right], [left])
    for name in ("right", "label", "missed", "boundary_longer", "boundary_shorter", "boundary_shifted"):
        assert there.gold_counts[name] == back.predicted_counts[MIRROR.get(name, name)]
