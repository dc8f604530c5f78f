import doctest
import math

import pytest

from deidsynth.metrics import entities, tokens
from deidsynth.report import figures, formats, tables


@pytest.mark.parametrize("module", [formats, tables, figures, entities, tokens])
def test_examples_in_docstrings_are_true(module):
    result = doctest.testmod(module)
    assert result.attempted > 0 and result.failed == 0


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0.04, "0.0 s"), (9.96, "10 s"), (59.6, "1 min"), (3599.7, "1 h"), (5400, "1 h 30 min")],
)
def test_durations(seconds, shown):
    assert formats.duration(seconds) == shown


@pytest.mark.parametrize("value", [None, math.nan, math.inf, "x", True])
def test_what_is_no_number_is_a_dash(value):
    assert formats.score(value) == formats.count(value) == formats.percent(value) == formats.difference(value) == "–"


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (3.0, 3.0), (0.001, 0.0042), (-2.0, 5.0), (0.0, 1e6)])
def test_ticks_are_even_and_few(low, high):
    found = figures.ticks(low, high, 5)
    assert 1 <= len(found) <= 7
    assert found[0] <= low + 1e-9 and found[-1] <= high + 1e-9
