"""Honest text passes and planted leaks fail at the tolerances that audits have by default."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

from deidsynth.privacy.audit.gate import Tolerances

Benchmark = Callable[[str], ModuleType]


def test_nineteen_of_twenty_are_judged_rightly_with_475_and_235_groups(benchmark: Benchmark) -> None:
    random = np.random.default_rng(1)
    rows = benchmark("operating_curve").all_together((475, 235), 300, Tolerances.default(), random)
    honest, leaks = rows[:2], rows[2:]
    assert len(leaks) == 6
    for row in honest:
        assert row["pass"] >= 0.95
        assert row["fail"] == 0
    for row in leaks:
        assert row["fail"] >= 0.95
        assert row["exactly_the_expected_fail"] >= 0.95


def test_rates_are_printed_for_each_number_of_groups(
    benchmark: Benchmark, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    gate = tmp_path / "gate.yaml"
    gate.write_text("rare_values: {lower: -1, upper: 1, source: a test}\n", encoding="utf-8")
    options = ["--groups", "20,10", "40,20", "--trials", "3", "--gate", str(gate)]
    assert benchmark("operating_curve").main([*options, "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert [each["n"] for each in found["groups"]] == [{"train": 20, "held_out": 10}, {"train": 40, "held_out": 20}]
    for row in found["groups"][0]["one_measure"]:
        assert row["pass"] + row["fail"] + row["no-verdict"] == pytest.approx(1)
        assert row["measure"] != "rare_values" or row["pass"] == 1
    assert benchmark("operating_curve").main(options) == 0
    printed = capsys.readouterr().out
    assert "40 training groups, 20 held-out groups" in printed
    assert "| rare_values | 0.05 |  | 100 / 0 |" in printed
    assert printed.rstrip().endswith("3 trials of everything, seed 1.")


@pytest.mark.parametrize(
    ("options", "said"), [(["--groups", "20"], "475,235"), (["--groups", "0,10"], "475,235"), (["--trials", "0"], "1")]
)
def test_options_out_of_bounds(benchmark: Benchmark, capsys: pytest.CaptureFixture[str], options, said) -> None:
    assert benchmark("operating_curve").main(options) == 2
    assert said in capsys.readouterr().err
