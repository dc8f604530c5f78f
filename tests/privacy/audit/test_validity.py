from __future__ import annotations

import doctest
from dataclasses import replace
from math import sqrt

import numpy as np
import pytest

from deidsynth.documents import Document
from deidsynth.privacy.audit import validity as module
from deidsynth.privacy.audit.figures import Measured
from deidsynth.privacy.audit.gate import Tolerances, judge
from deidsynth.privacy.audit.sides import Groups, Sides
from deidsynth.privacy.audit.statistics import POWER
from deidsynth.privacy.audit.validity import LEAST_GROUPS, LEVEL, validity

VOCABULARY = [f"{first}{second}" for first in "bdfgklmnprstv" for second in ("ara", "ulo", "ona", "esta", "oka", "ade")]


def groups(source: np.random.Generator, n: int, tilt: float = 0.0, n_words: int = 40) -> Groups:
    """Groups of one or two documents; each has words of its own, and a tilt makes some words more frequent."""
    made = []
    for number in range(n):
        weights = source.gamma(0.5, size=len(VOCABULARY)) * np.exp(tilt * (np.arange(len(VOCABULARY)) % 4 == 0))
        texts = [
            " ".join(source.choice(VOCABULARY, n_words, p=weights / weights.sum()))
            for _ in range(source.integers(1, 3))
        ]
        made.append(tuple(Document(f"{number}-{turn}", text, (), str(number)) for turn, text in enumerate(texts)))
    return tuple(made)


def sides(seed: int, n: tuple[int, int], tilt: float = 0.0) -> Sides:
    source = np.random.default_rng(seed)
    return Sides(groups(source, n[0], tilt), groups(source, n[1]), {})


def covers(measured: Measured) -> bool:
    assert measured.interval is not None
    return measured.interval[0] <= 0 <= measured.interval[1]


@pytest.mark.parametrize("n", [(12, 10), (40, 20)])
def test_the_interval_covers_chance_where_the_sides_are_alike(n) -> None:
    n_trials = 200
    found = np.mean([covers(validity(sides(seed, n), seed=seed)) for seed in range(n_trials)])
    assert found >= max(0.94, LEVEL - 3 * sqrt(LEVEL * (1 - LEVEL) / n_trials))


def test_sides_with_other_words_are_told_apart_and_refused() -> None:
    found = validity(sides(1, (60, 30), tilt=1.5))
    assert found.train is not None
    assert found.train > 0.9
    assert not covers(found)
    assert judge(found, Tolerances.default()).verdict == "no-verdict"


def test_sides_that_share_patients_are_more_alike_than_chance_allows() -> None:
    source = np.random.default_rng(1)
    train = groups(source, 60)
    shared = tuple(tuple(replace(each, group=f"x{each.group}") for each in group) for group in train[:40])
    found = validity(Sides(train, shared, {}))
    assert found.train is not None
    assert found.train < 0.4
    assert not covers(found)


def test_the_detectable_excess_is_about_where_the_sides_are_told_apart() -> None:
    n, n_trials = (40, 20), 60
    detectable = validity(sides(1, n)).detectable
    assert detectable is not None
    at = {}
    for tilt in (1.1, 1.3):
        found = [validity(sides(seed, n, tilt)) for seed in range(n_trials)]
        mean = np.mean([each.difference for each in found])
        at[float(mean)] = np.mean([not covers(each) for each in found])
    power = np.interp(detectable, sorted(at), [at[mean] for mean in sorted(at)])
    assert power == pytest.approx(POWER, abs=0.1)


def test_the_same_seed_gives_the_same_figures() -> None:
    both = sides(3, (20, 15))
    assert validity(both, seed=4) == validity(both, seed=4)
    assert validity(both, seed=4) != validity(both, seed=5)


@pytest.mark.parametrize("n", [(LEAST_GROUPS - 1, 30), (30, LEAST_GROUPS - 1), (0, 0)])
def test_too_few_groups_give_no_figure_but_a_reason(n) -> None:
    found = validity(sides(1, n))
    assert (found.train, found.interval, found.n) == (None, None, n)
    assert "give more documents" in found.reason
    assert judge(found, Tolerances.default()).verdict == "no-verdict"


def test_of_very_many_groups_a_choice_is_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST_GROUPS", 12)
    assert validity(sides(1, (30, 11))).n == (12, 11)


def test_figures_are_plain_and_without_text() -> None:
    found = validity(sides(1, (20, 15)))
    assert found.level == LEVEL
    assert not any(word in repr(found) for word in VOCABULARY)


def test_examples_in_docstrings() -> None:
    assert doctest.testmod(module).failed == 0
