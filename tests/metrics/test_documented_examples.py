"""The numbers of the worked examples in docs/metrics.md, except that of runs, which is in test_repeated_runs.py."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from deidsynth.documents import Document, Entity
from deidsynth.metrics import (
    Counts,
    bootstrap,
    calibration,
    non_inferiority,
    outside_threshold,
    paired_bootstrap,
    randomization_test,
    score,
    variance_split,
)
from deidsynth.metrics.measures import MEASURES
from deidsynth.metrics.resampling import Interval
from deidsynth.privacy import VerbatimIndex, ngram_recall

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
TWO, ALL = [[1, 0, 0], [1, 0, 0], [0, 0, 1]], [[1, 0, 0]] * 3


def says(words: str) -> bool:
    return words in " ".join(PAGE.split())


def document(*entities: tuple[int, int, str], text: str = "Ana Ruiz, 54, visto en Lugo.") -> Document:
    return Document("a", text, tuple(Entity(*each) for each in entities))


def test_the_running_example() -> None:
    gold = document((0, 3, "FIRST"), (4, 8, "LAST"), (10, 12, "AGE"), (23, 27, "PLACE"))
    found = document((0, 8, "FIRST"), (10, 12, "PLACE"), (20, 22, "PLACE"))
    scores = score([gold], [found], sentence_count=8)

    def row(name: str, counts: Counts) -> str:
        return f"| {name} | {counts.tp:g} | {counts.fp:g} | {counts.fn:g} |"

    assert [name for name in MEASURES if not says(row(name, scores.measures[name]))] == []
    assert says(row("PLACE of `per_label`", scores.per_label["PLACE"]))
    assert says(row("FIRST of `token_per_label`", scores.token_per_label["FIRST"]))
    assert scores.leak == 0.5
    assert says("four missed entities in eight sentences give .5")
    hidden = scores.exposure
    assert (hidden.n_private_found, hidden.n_private, hidden.n_other_redacted, hidden.n_other) == (9, 13, 2, 10)
    assert (hidden.n_documents_without_miss, hidden.n_documents) == (0, 1)
    assert (hidden.n_entities_without_miss, hidden.n_entities) == (3, 4)
    assert says("In the example above: 9/13, 2/10, 0/1, 3/4.")


def test_macro_and_bands_of_length() -> None:
    gold, found = document((0, 3, "A"), (4, 8, "A"), (10, 12, "B")), document((0, 3, "A"), (23, 27, "C"))
    assert score([gold], [found]).macro == pytest.approx({"precision": 1 / 3, "recall": 1 / 6, "f1": 2 / 9})
    assert says("F1 2/3, 0, 0: mean 2/9")
    eight = [Document(str(n), "a " * n) for n in range(1, 9)]
    bands = score(eight, eight).by_length
    assert [(band.shortest, band.longest) for band in bands] == [(1, 2), (3, 4), (5, 6), (7, 8)]
    assert says("bands of 1 to 2, 3 to 4, 5 to 6 and 7 to 8")


def test_interval_of_three_documents() -> None:
    assert bootstrap(TWO)["recall"] == Interval(0.0, 1.0, 0.95)
    assert says("the interval of 2/3 is [0, 1]")


def test_difference_of_three_documents() -> None:
    found = paired_bootstrap(TWO, ALL)["recall"]
    assert found is not None
    assert found.point == pytest.approx(1 / 3)
    assert found.share_not_positive == pytest.approx(8 / 27, abs=0.015)
    assert says("(2/3)³ = 8/27 of the resamples")


def test_non_inferiority_of_three_documents() -> None:
    found = non_inferiority(ALL, TWO, margin=0.3)
    assert (found.drop, found.upper) == (pytest.approx(0.2), pytest.approx(0.5))
    assert not found.non_inferior
    assert says("the 95 % quantile is .5, so non-inferiority with a margin of .3 is not shown")


def test_randomization_of_the_maize() -> None:
    darwin = [49, -67, 8, 16, 6, 23, 28, 41, 14, 29, 56, 24, 75, 60, -48]
    second = [[100 + d, 0, 100 - d] for d in darwin]
    p = randomization_test([[100, 0, 100]] * 15, second, statistic="recall", n_permutations=20_000)
    assert p == pytest.approx(0.0527, abs=0.006)
    assert says("p = .0527")


def test_variance_of_two_folds_with_two_seeds() -> None:
    split = variance_split({("a", 1): 1.0, ("a", 2): 3.0, ("b", 1): 5.0, ("b", 2): 7.0})
    assert (split.between_seeds, split.between_folds) == (2.0, 7.0)
    assert says("seeds 2, folds (16 - 2) / 2 = 7")


def test_calibration_of_five_scores() -> None:
    scored = [(0.2, "B"), (0.4, "A"), (0.8, "A"), (0.9, "B"), (1.0, "A")]
    gold = Document("a", "x" * 10, tuple(Entity(2 * n, 2 * n + 1, label) for n, (_, label) in enumerate(scored)))
    found = gold.with_entities([Entity(2 * n, 2 * n + 1, "A", score) for n, (score, _) in enumerate(scored)])
    result = calibration([gold], [found], n_bins=2)
    assert result.expected_calibration_error == pytest.approx(0.22)
    assert result.brier == pytest.approx(0.25)
    assert says("= .22, and (.04 + .36 + .04 + .81 + 0) / 5 = .25")


def test_threshold_of_eight_tokens() -> None:
    outside, private = [0.05, 0.1, 0.3, 0.8, 0.3, 0.6, 0.9, 0.95], [True] * 4 + [False] * 4
    found = outside_threshold(np.array(outside), np.array(private), 0.75)
    assert (found.threshold, found.recall, found.precision) == (0.3, 0.75, 0.75)
    assert says("the threshold .3, which flags four tokens: recall 3/4, precision 3/4")


def test_recall_of_bigrams() -> None:
    found = ngram_recall(["A b, c a b"], ["c a", "a B"], n=2)
    assert (found["recall"], found["recall_occurrences"]) == (2 / 3, 3 / 4)
    assert says("recall 2/3, by occurrences 3/4")


def test_runs_of_twelve_and_thirteen_words() -> None:
    words = [f"w{number}" for number in range(40)]
    twelve, thirteen = " ".join(words[5:17]), " ".join(words[5:18])
    one = VerbatimIndex([" ".join(words)], ["p1"])
    assert one.passes(twelve)
    assert not one.passes(thirteen)
    three = VerbatimIndex([" ".join(words)] * 3, ["p1", "p2", "p3"])
    assert three.passes(twelve)
    assert three.passes(thirteen)
    assert says("w5 ... w17 has 13 and fails")
