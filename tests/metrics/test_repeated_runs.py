"""Runs and folds: means, spread and variance worked by hand, and beside all resamples."""

from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest

from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics import Resampling, RunsResult, evaluate, evaluate_several, score

TEXT = "Ana kom och Bo gick"
ANA, BO = Entity(0, 3, "NAME"), Entity(12, 14, "NAME")
GOLD = [(ANA, BO), (ANA, BO), (ANA,)]
# Of five entities the runs find 4, 3 and 2, and no other.
RUNS = [[(ANA, BO), (ANA,), (ANA,)], [(ANA, BO), (), (ANA,)], [(ANA,), (BO,), ()]]


def corpus(rows, drawn=(0, 1, 2), names="abc"):
    return [Document(f"{names[row]}{n}", TEXT, rows[row]) for n, row in enumerate(drawn)]


def named(*systems):
    return [(f"p{number}", documents) for number, documents in enumerate(systems)]


def test_mean_spread_and_variance_of_runs() -> None:
    many = Resampling(n_resamples=20_000, level=0.74)
    result = evaluate_several(corpus(GOLD), named(*map(corpus, RUNS)), sentence_count=2, resampling=many)
    assert isinstance(result, RunsResult)
    found = result.to_dict()
    assert [run["predicted"] for run in found["runs"]] == ["p0", "p1", "p2"]
    assert [run["strict"]["recall"] for run in found["runs"]] == [0.8, 0.6, 0.4]
    recall = found["over_runs"]["strict"]["recall"]
    assert (recall["mean"], recall["sd"], recall["lowest"], recall["highest"]) == pytest.approx((0.6, 0.2, 0.4, 0.8))
    assert recall["variance"]["training"] == pytest.approx(0.04)
    # Misses a sentence: 1/2, 2/2, 3/2.
    assert found["over_runs"]["leak"]["mean"] == 1.0
    # The same by scoring each of the 27 resamples anew: three documents are drawn for all runs together.
    means = [
        np.mean([score(corpus(GOLD, drawn), corpus(run, drawn)).strict.recall for run in RUNS])
        for drawn in product(range(3), repeat=3)
    ]
    assert np.var(means) == pytest.approx(0.0189, abs=5e-5)  # as docs/metrics.md has it
    assert recall["variance"]["documents"] == pytest.approx(np.var(means), rel=0.03)
    assert recall["interval"] == pytest.approx(np.quantile(means, [0.13, 0.87], method="inverted_cdf").tolist())


def test_a_figure_that_some_runs_lack_has_the_mean_of_the_others() -> None:
    silent = corpus([(), (), ()])
    found = evaluate_several(
        corpus(GOLD), named(corpus(RUNS[0]), silent, corpus(RUNS[1])), resampling=Resampling(n_resamples=200)
    ).to_dict()
    precision = found["over_runs"]["strict"]["precision"]
    assert (precision["mean"], precision["interval"], precision["variance"]["documents"]) == (1.0, None, None)
    assert found["over_runs"]["strict"]["recall"]["mean"] == pytest.approx((0.8 + 0 + 0.6) / 3)


def test_runs_without_resampling_and_two_alike() -> None:
    found = evaluate_several(corpus(GOLD), named(corpus(RUNS[0]), corpus(RUNS[0]))).to_dict()
    assert found["over_runs"]["strict"]["f1"]["variance"] == {"documents": None, "training": 0.0}
    assert "resampling" not in found


def test_folds_are_scored_together_and_each_alone() -> None:
    gold, whole = corpus(GOLD), corpus(RUNS[0])
    result = evaluate_several(
        gold,
        named(whole[2:], whole[:2]),
        sentence_count=2,
        resampling=Resampling(n_resamples=200),
        errors=True,
    )
    alone = evaluate(whole, gold, resamples=200, sentence_count=2, errors=True)
    assert replace(result, folds=None) == alone
    found = result.to_dict()
    assert {name: found[name] for name in alone.to_dict()} == alone.to_dict()
    # One of one, and three of four.
    assert [fold["strict"]["recall"] for fold in found["folds"]] == [1.0, 0.75]
    recall = found["over_folds"]["strict"]["recall"]
    assert recall == {"mean": 0.875, "sd": pytest.approx(0.125 * 2**0.5), "lowest": 0.75, "highest": 1.0}


def test_one_alone_is_evaluated_as_it_is() -> None:
    gold, one = corpus(GOLD), corpus(RUNS[1])
    assert evaluate_several(gold, named(one)) == evaluate(one, gold, resamples=0)


@pytest.mark.parametrize(
    ("parts", "message"),
    [
        (
            (slice(0, 2), slice(1, 3)),
            "p0: has 2 of 3 gold documents, 1 of which are also in another .* the first is 'b1'",
        ),
        (
            (slice(0, 3), slice(0, 1)),
            "p1: has 1 of 3 gold documents, 1 of which are also in another .* the first is 'a0'",
        ),
        ((slice(0, 1), slice(1, 2)), "p0, p1: together lack 1 of 3 gold documents, the first is 'c2'"),
    ],
)
def test_what_is_neither_runs_nor_folds_is_refused(parts, message) -> None:
    documents = corpus(RUNS[0])
    with pytest.raises(InputError, match=f"{message}; expected either runs .* all gold documents, or folds"):
        evaluate_several(corpus(GOLD), named(*(documents[part] for part in parts)))


def test_documents_that_gold_lacks_and_errors_of_runs_are_refused() -> None:
    documents = corpus(RUNS[0])
    other = [Document("z", TEXT)]
    with pytest.raises(InputError, match="p1: has 1 documents that gold lacks, the first is 'z'; expected either runs"):
        evaluate_several(corpus(GOLD), named(documents, other))
    with pytest.raises(InputError, match="error analysis needs one prediction.*give a single run"):
        evaluate_several(corpus(GOLD), named(documents, documents), errors=True)
