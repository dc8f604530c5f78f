"""Intervals and comparisons of what would be hidden, the leak, macro averages and labels, beside exact ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest

from deidsynth.documents import Document, Entity
from deidsynth.metrics import Resampling, Scores, compare, evaluate, score

TEXT = "Ana kom och Bo gick till Ana i Lund"  # nine tokens in every document
ANA, BO, AGAIN, LUND = (0, 3, "NAME"), (12, 14, "NAME"), (25, 28, "NAME"), (31, 35, "PLACE")
GOLD = [(ANA, BO, AGAIN, LUND), (ANA, LUND), (ANA, BO, LUND)]
GOOD = [(ANA, BO, LUND), (ANA, LUND), (ANA, (12, 19, "NAME"), LUND)]
POOR = [(ANA, LUND), ((0, 7, "PLACE"),), (ANA, BO, (29, 35, "PLACE"))]
MANY = Resampling(n_resamples=20_000, level=0.74)
N_SENTENCES = 6
SHARES = ("characters_found", "characters_overredacted", "documents_without_miss", "entities_without_miss")


def documents(rows, drawn=(0, 1, 2)):
    """The drawn rows as documents; one that is drawn twice is two documents."""
    return [Document(f"d{n}", TEXT, tuple(Entity(*each) for each in rows[row])) for n, row in enumerate(drawn)]


def figures(scores: Scores) -> dict[tuple[str, ...], float | None]:
    found = scores.to_dict()
    return {
        **{("exposure", name): found["exposure"][name] for name in SHARES},
        ("leak",): found["leak"],
        ("macro", "f1"): found["macro"]["f1"],
        ("macro", "recall"): found["macro"]["recall"],
        ("per_label", "NAME", "f1"): found["per_label"]["NAME"]["f1"],
        ("per_label", "PLACE", "precision"): found["per_label"]["PLACE"]["precision"],
    }


def drawn_scores(rows, drawn):
    return score(documents(GOLD, drawn), documents(rows, drawn), sentence_count=N_SENTENCES)


def at(found, path):
    for name in path:
        found = found[name]
    return found


def test_ends_are_those_of_all_27_resamples_of_three_documents() -> None:
    # The 27 are equally likely; 0.13 and 0.87 lie between the 27ths, so inside a step of every distribution.
    result = evaluate(
        documents(GOOD),
        documents(GOLD),
        resamples=MANY.n_resamples,
        level=MANY.level,
        sentence_count=N_SENTENCES,
    )
    found, scores = result.to_dict(), result.scores
    every = [figures(drawn_scores(GOOD, drawn)) for drawn in product(range(3), repeat=3)]
    for path in figures(scores):
        ends = np.quantile([each[path] for each in every], [0.13, 0.87], method="inverted_cdf")
        assert at(found["intervals"], path) == pytest.approx(ends.tolist()), path


def test_differences_are_those_of_the_same_27_resamples_of_both_systems() -> None:
    poor, good = drawn_scores(POOR, (0, 1, 2)), drawn_scores(GOOD, (0, 1, 2))
    found = compare(poor, good, resampling=MANY).to_dict()
    first, second = figures(poor), figures(good)
    every = [(figures(drawn_scores(POOR, d)), figures(drawn_scores(GOOD, d))) for d in product(range(3), repeat=3)]
    for path in first:
        if path[0] == "per_label":
            continue
        row = found["macro"]["difference"][path[1]] if path[0] == "macro" else at(found, path)["difference"]
        gaps = np.array([other[path] - one[path] for one, other in every])
        assert row["point"] == pytest.approx(second[path] - first[path])
        assert row["interval"] == pytest.approx(np.quantile(gaps, [0.13, 0.87], method="inverted_cdf").tolist())
        assert row["share_not_positive"] == pytest.approx((gaps <= 1e-12).mean(), abs=0.02), path


def test_p_counts_the_eight_exchanges_of_three_documents() -> None:
    found = compare(drawn_scores(POOR, (0, 1, 2)), drawn_scores(GOOD, (0, 1, 2)), resampling=MANY).to_dict()
    row = found["exposure"]["documents_without_miss"]
    # GOOD hides all of documents 2 and 3, POOR all of document 3: 2/3 - 1/3. Whoever has document 2, the gap is 1/3.
    assert (row["reference"], row["candidate"], row["randomization_p"]) == (1 / 3, 2 / 3, 1.0)
    # Characters found: GOOD misses 3 of 28, POOR 5 of document 1 and 4 of document 2; exchanging either of the two
    # alone gives a smaller gap, both or none the same: one half.
    assert found["exposure"]["characters_found"]["randomization_p"] == pytest.approx(0.5, abs=0.02)


def test_a_margin_is_judged_only_where_higher_is_better() -> None:
    good = score(documents(GOLD), documents(GOOD), sentence_count=N_SENTENCES)
    same = compare(good, good, margin=0.05, resampling=MANY).to_dict()
    judged = {name for name, row in same["exposure"].items() if "non_inferiority" in row}
    assert judged == {"characters_found", "documents_without_miss", "entities_without_miss"}
    assert "non_inferiority" not in same["leak"]
    for row in (same["macro"], same["overlap"], same["partial"], *(same["exposure"][name] for name in judged)):
        assert row["non_inferiority"]["non_inferior"]
        assert row["randomization_p"] == 1.0
    without = score(documents(GOLD), documents(GOOD))
    assert "leak" not in compare(without, good, resampling=MANY).to_dict()


def test_a_label_that_is_not_drawn_keeps_its_figure() -> None:
    gold = documents([(ANA, LUND), (BO,), (BO,)])
    found = documents([(ANA,), (BO,), (BO,)])
    # Of the 27 resamples 8 lack PLACE, whose F1 is 0: the average of NAME's 1 and its 0 is always one half.
    macro = evaluate(found, gold, resamples=500).to_dict()["intervals"]["macro"]
    assert macro["f1"] == [0.5, 0.5]


def test_an_entity_of_two_documents_is_drawn_with_its_group() -> None:
    one = Document("a", "Ana kom", (Entity(0, 3, "NAME"),), "p")
    two = Document("b", "Ana gick", (Entity(0, 3, "NAME"),), "p")
    other = Document("c", "Bo kom", (Entity(0, 2, "NAME"),), "q")
    found = evaluate([one, two.with_entities(()), other], [one, two, other], resamples=500).to_dict()
    # Patient p is never without a miss, patient q always: half, with resamples of 0, 1/2 and 1.
    assert found["exposure"]["entities_without_miss"] == 0.5
    assert found["intervals"]["exposure"]["entities_without_miss"] == [0.0, 1.0]


def test_what_is_undefined_has_no_interval() -> None:
    nothing = documents([(), (), ()])
    result = evaluate(documents(GOOD), nothing, resamples=50)
    found, scores = result.to_dict(), result.scores
    assert found["intervals"]["exposure"]["documents_without_miss"] is None
    assert found["intervals"]["leak"] is None
    assert compare(scores, scores, margin=0.1).to_dict()["exposure"]["characters_found"] == {
        "reference": None,
        "candidate": None,
        "difference": None,
        "randomization_p": None,
        "non_inferiority": {"drop": None, "upper": None, "margin": 0.1, "level": 0.95, "non_inferior": False},
    }
