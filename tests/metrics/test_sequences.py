import json
import warnings

import pytest
from hypothesis import given, strategies as st
from nervaluate import Evaluator
from seqeval.metrics import classification_report
from seqeval.metrics.v1 import precision_recall_fscore_support
from seqeval.scheme import IOB2, Entities

from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError, OverlappingEntitiesError
from deidsynth.metrics import Counts, score
from deidsynth.metrics.sequences import TagScores, score_tags

TAGS = ["O", "O", "O", "B-X", "I-X", "B-Y", "I-Y", "B-Z", "B", "I", "I-X-Y", "B-X-Y", "B-X-", "I--X"]


@st.composite
def pairs(draw, tags=TAGS):
    lengths = draw(st.lists(st.integers(0, 8), max_size=8))
    return tuple([[draw(st.sampled_from(tags)) for _ in range(length)] for length in lengths] for _ in range(2))


@st.composite
def well_formed_pairs(draw):
    def sentence(length):
        tags = []
        while len(tags) < length:
            label, size = draw(st.sampled_from([None, "X", "Y"])), draw(st.integers(1, 3))
            tags += ["O"] if label is None else [f"B-{label}"] + [f"I-{label}"] * (size - 1)
        return tags[:length]

    lengths = draw(st.lists(st.integers(1, 8), min_size=1, max_size=6))
    return tuple([sentence(length) for length in lengths] for _ in range(2))


def seqeval_counts(gold, predicted):
    """The counts behind seqeval's ratios, by label."""
    right, found = Entities(gold, IOB2), Entities(predicted, IOB2)
    counts = {}
    for label in sorted(right.unique_tags | found.unique_tags):
        a, b = right.filter(label), found.filter(label)
        counts[label] = Counts(len(a & b), len(b - a), len(a - b))
    return counts


def or_zero(values):
    return [0.0 if value is None else value for value in values]


def test_counts_by_hand():
    gold = [["B-NAME", "I-NAME", "O", "B-AGE"], [], ["B-CITY", "I-CITY"]]
    predicted = [["B-NAME", "I-NAME", "O", "B-CITY"], [], ["B-CITY", "O"]]
    scores = score_tags(gold, predicted)
    assert scores.per_label == {"AGE": Counts(0, 0, 1), "CITY": Counts(0, 2, 1), "NAME": Counts(1, 0, 0)}
    assert scores == TagScores(Counts(1, 2, 2), scores.per_label, n_sentences=3, n_tokens=6)
    # AGE: recall 0, nothing predicted; CITY: 0 and 0; NAME: 1 and 1
    assert scores.average("macro") == {"precision": 1 / 2, "recall": 1 / 3, "f1": 1 / 3}
    assert scores.average("macro", undefined=0.0) == {"precision": 1 / 3, "recall": 1 / 3, "f1": 1 / 3}
    assert json.loads(json.dumps(scores.to_dict()))["per_label"]["CITY"]["fp"] == 2


def test_figures_that_seqeval_publishes():
    """The example of seqeval's README and docstrings: one of two entities."""
    gold = [["O", "O", "O", "B-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    predicted = [["O", "O", "B-MISC", "I-MISC", "I-MISC", "I-MISC", "O"], ["B-PER", "I-PER", "O"]]
    scores = score_tags(gold, predicted)
    assert (scores.micro.precision, scores.micro.recall, scores.micro.f1) == (0.5, 0.5, 0.5)
    assert scores.per_label == {"MISC": Counts(0, 1, 1), "PER": Counts(1, 0, 0)}
    assert scores.average("macro") == scores.average("weighted") == {"precision": 0.5, "recall": 0.5, "f1": 0.5}


@pytest.mark.parametrize(
    ("tags", "n_entities"),
    [
        (["I-X", "I-X"], 0),
        (["B-X", "I-Y", "I-X"], 1),
        (["B-X", "I-Y", "I-Y", "B-Y"], 2),
        (["B-X", "B-X"], 2),
        (["B-X", "O", "I-X"], 1),
        (["B", "I", "I-_"], 1),
        ([], 0),
    ],
)
def test_an_inside_tag_begins_nothing(tags, n_entities):
    assert score_tags([tags], [["O"] * len(tags)]).micro == Counts(0, 0, n_entities)


def test_an_entity_does_not_reach_into_the_next_sentence():
    scores = score_tags([["B-X"], [], ["I-X"], []], [["B-X"], [], ["O"], []])
    assert scores.micro == Counts(1, 0, 0)


@given(pairs())
def test_counts_are_those_of_seqeval(both):
    """On any tags, malformed ones and empty sentences among them."""
    gold, predicted = both
    scores, expected = score_tags(gold, predicted), seqeval_counts(gold, predicted)
    assert dict(scores.per_label) == expected
    assert list(scores.per_label) == list(expected)
    assert scores.micro == sum(expected.values(), Counts())


@given(pairs())
def test_ratios_are_those_of_seqeval_but_for_zero_over_zero(both):
    scores = score_tags(*both)
    if not scores.per_label:
        return  # seqeval divides by zero
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        report = classification_report(*both, mode="strict", scheme=IOB2, output_dict=True, zero_division=0)
    labels = {label: counts.to_dict() for label, counts in scores.per_label.items()}
    ours = {"micro avg": scores.micro.to_dict(), **labels}
    ours |= {f"{kind} avg": scores.average(kind, undefined=0.0) for kind in ("macro", "weighted")}
    assert ours.keys() == report.keys()
    for name, each in ours.items():
        theirs = [float(report[name][key]) for key in ("precision", "recall", "f1-score")]
        assert or_zero(each[key] for key in ("precision", "recall", "f1")) == pytest.approx(theirs, abs=1e-12)


def test_zero_over_zero_is_none_where_seqeval_has_zero():
    gold, predicted = [["B-X", "O"]], [["O", "O"]]
    scores = score_tags(gold, predicted)
    assert (scores.micro.precision, scores.micro.recall, scores.micro.f1) == (None, 0.0, 0.0)
    theirs = precision_recall_fscore_support(gold, predicted, average="micro", scheme=IOB2, zero_division=0)
    assert theirs[:3] == (0.0, 0.0, 0.0)
    nothing = {"precision": None, "recall": None, "f1": None}
    for empty in (score_tags([], []), score_tags([[]], [[]]), score_tags([["O", "I-X"]], [["O", "O"]])):
        assert (empty.micro, empty.per_label) == (Counts(), {})
        assert empty.average("macro") == empty.average("weighted") == nothing
    # no gold entity: no weight
    assert score_tags(predicted, gold).average("weighted") == nothing
    assert score_tags(predicted, gold).average("macro") == {"precision": 0.0, "recall": None, "f1": 0.0}


@given(pairs(), st.randoms(use_true_random=False))
def test_order_of_sentences_and_containers_play_no_part(both, random):
    order = list(range(len(both[0])))
    random.shuffle(order)
    there, back = score_tags(*both), score_tags(*(tuple(tuple(side[i]) for i in order) for side in both))
    assert there == back


@given(well_formed_pairs())
def test_documents_with_the_same_entities_have_the_same_strict_counts(both):
    def document(tags):
        entities = []
        for i, tag in enumerate(tags):
            if tag.startswith("B-"):
                last = i
                while last + 1 < len(tags) and tags[last + 1] == f"I-{tag[2:]}":
                    last += 1
                entities.append(Entity(2 * i, 2 * last + 1, tag[2:]))
        return "a " * len(tags), tuple(entities)

    gold, predicted = ([Document(str(i), *document(tags)) for i, tags in enumerate(side)] for side in both)
    scores, expected = score_tags(*both), score(gold, predicted)
    assert (scores.micro, dict(scores.per_label)) == (expected.strict, dict(expected.per_label))


@pytest.mark.parametrize(
    ("gold", "predicted", "message"),
    [
        ([["O"]], [], "gold has 1 sentences and predicted 0"),
        ([["O"], ["O", "O"]], [["O"], ["O"]], "1 sentences have .* the first is sentence 2: 2 against 1"),
        (["B-X", "O"], ["B-X", "O"], "gold is a flat list of tags"),
        ([["O"]], "O", "predicted is a flat list of tags"),
        ([["O"], [], ["O", "Ruiz"]], [["O"], [], ["O", "O"]], "1 tags in gold .* token 2 of sentence 3"),
        ([["O", "O"]], [["E-Ruiz", "S-Ruiz"]], "2 tags in predicted .* token 1 of sentence 1"),
        ([["O"]], [["BRuiz"]], "1 tags in predicted"),
        ([["O"]], [["O-Ruiz"]], "1 tags in predicted"),
        ([[0, 1]], [[0, 0]], "2 tags in gold .* numbers to their tags"),
    ],
)
def test_what_is_no_pair_of_tag_sequences_is_refused(gold, predicted, message):
    with pytest.raises(InputError, match=message) as error:
        score_tags(gold, predicted)
    assert "Ruiz" not in str(error.value)


def test_an_average_has_one_of_two_kinds():
    with pytest.raises(InputError, match="'macro' or 'weighted', got 'micro'"):
        score_tags([], []).average("micro")


# What nervaluate does otherwise.


def nervaluate_tags(gold, predicted, tags=("X", "Y")):
    """Strict results of nervaluate on tags: the whole and by label."""
    results = Evaluator(gold, predicted, tags=list(tags), loader="list").evaluate()
    return results["overall"]["strict"], {label: each["strict"] for label, each in results["entities"].items()}


def nervaluate_spans(gold, predicted):
    """Strict results of nervaluate on spans, handed over as they are."""
    sides = [[[{"start": a, "end": b, "label": c} for a, b, c in side]] for side in (gold, predicted)]
    return Evaluator(*sides, tags=["X", "Y"], loader="dict").evaluate()["overall"]["strict"]


def five(result):
    return result.correct, result.incorrect, result.partial, result.missed, result.spurious


def spans(*entities):
    return [Document("a", "a" * 10, tuple(Entity(*entity) for entity in entities))]


@given(well_formed_pairs())
def test_nervaluate_agrees_on_well_formed_tags(both):
    ours, theirs = score_tags(*both).micro, nervaluate_tags(*both)[0]
    assert (ours.tp, ours.tp + ours.fp, ours.support) == (theirs.correct, theirs.actual, theirs.possible)
    assert or_zero([ours.precision, ours.recall, ours.f1]) == pytest.approx(
        [theirs.precision, theirs.recall, theirs.f1]
    )


def test_nervaluate_begins_an_entity_at_any_inside_tag():
    """``O I-X``: no gold entity here, one there. ``B-X I-Y`` against ``B-X O``: F1 1 here, 2/3 there."""
    assert score_tags([["O", "I-X"]], [["O", "O"]]).micro == Counts(0, 0, 0)
    assert five(nervaluate_tags([["O", "I-X"]], [["O", "O"]])[0]) == (0, 0, 0, 1, 0)
    gold, predicted = [["B-X", "I-Y"]], [["B-X", "O"]]
    assert score_tags(gold, predicted).micro.f1 == 1
    assert five(nervaluate_tags(gold, predicted)[0]) == (1, 0, 0, 1, 0)
    assert nervaluate_tags(gold, predicted)[0].f1 == pytest.approx(2 / 3)


def test_nervaluate_counts_an_overlap_once_as_incorrect():
    """One entity cut short: fp 1 and fn 1 here; incorrect 1, missed 0, spurious 0 there; P = R = 0 in both."""
    gold, predicted = [["B-X", "I-X"]], [["B-X", "O"]]
    assert score_tags(gold, predicted).micro == Counts(0, 1, 1)
    assert five(nervaluate_tags(gold, predicted)[0]) == (0, 1, 0, 0, 0)


def test_labels_of_nervaluate_do_not_add_up_to_the_whole():
    """X taken for Y: the whole has incorrect 1, the labels missed 1 (X) and spurious 1 (Y). Here fp 1, fn 1 in both."""
    whole, labels = nervaluate_tags([["B-X"]], [["B-Y"]])
    assert five(whole) == (0, 1, 0, 0, 0)
    assert {label: five(each) for label, each in labels.items()} == {"X": (0, 0, 0, 1, 0), "Y": (0, 0, 0, 0, 1)}
    scores = score_tags([["B-X"]], [["B-Y"]])
    assert scores.per_label == {"X": Counts(0, 0, 1), "Y": Counts(0, 1, 0)}
    assert scores.micro == Counts(0, 1, 1)


def test_nervaluate_drops_labels_that_it_was_not_told():
    """A missed Z: recall 1/2 here, 1 there with ``tags=["X", "Y"]``."""
    gold, predicted = [["B-X", "B-Z"]], [["B-X", "O"]]
    assert score_tags(gold, predicted).micro.recall == 1 / 2
    assert nervaluate_tags(gold, predicted)[0].recall == 1


def test_ends_of_nervaluate_are_inclusive_and_its_matching_is_greedy():
    """Gold 3:6, predicted 0:3 and 3:6, half-open: tp 1, fp 1 here, in any order.

    There 0:3 overlaps 3:6 at 3 and uses it up: correct 0, incorrect 1, spurious 1. The other order, or the inclusive
    ends 0:2 and 3:5, give correct 1, spurious 1.
    """
    for predicted in ([(0, 3, "X"), (3, 6, "X")], [(3, 6, "X"), (0, 3, "X")]):
        assert score(spans((3, 6, "X")), spans(*predicted)).strict == Counts(1, 1, 0)
    assert five(nervaluate_spans([(3, 6, "X")], [(0, 3, "X"), (3, 6, "X")])) == (0, 1, 0, 0, 1)
    assert five(nervaluate_spans([(3, 6, "X")], [(3, 6, "X"), (0, 3, "X")])) == (1, 0, 0, 0, 1)
    assert five(nervaluate_spans([(3, 5, "X")], [(0, 2, "X"), (3, 5, "X")])) == (1, 0, 0, 0, 1)


def test_nervaluate_scores_overlapping_predictions_by_their_order():
    """Gold 0:3, predicted 0:8 and 0:3: refused here; there correct 0 in this order and 1 in the other."""
    with pytest.raises(OverlappingEntitiesError):
        spans((0, 8, "X"), (0, 3, "X"))
    assert five(nervaluate_spans([(0, 2, "X")], [(0, 7, "X"), (0, 2, "X")])) == (0, 1, 0, 0, 1)
    assert five(nervaluate_spans([(0, 2, "X")], [(0, 2, "X"), (0, 7, "X")])) == (1, 0, 0, 0, 1)


def test_nervaluate_gives_zero_for_zero_over_zero():
    """Nothing to find and nothing found: None here, F1 0 there."""
    assert score_tags([["O"]], [["O"]]).micro.f1 is None
    assert nervaluate_tags([["O"]], [["O"]])[0].f1 == 0
