"""The benchmark of planted leaks does what it says, on little; its figures are in docs/planted-leaks.md."""

from __future__ import annotations

import json
from collections.abc import Callable
from types import ModuleType

import pytest

Benchmark = Callable[[str], ModuleType]
SMALL = ["--seeds", "2", "--train", "60", "--held-out", "30", "--world", "clean", "--world", "memorized"]


def test_verdicts_and_limits_of_tolerances_by_world(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark("planted_leaks").main([*SMALL, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert (list(result["worlds"]), result["n_notes"], result["seeds"]) == (["clean", "memorized"], 120, [1, 2])
    leaked = result["worlds"]["memorized"]["linkage"]
    assert leaked["verdicts"] == {"pass": 0, "fail": 2, "no-verdict": 0}
    assert leaked["excludes_0"] == {"above": 2, "below": 0}
    assert leaked["fails_below"] > 0.05 > result["worlds"]["clean"]["linkage"]["fails_below"]


def test_tables_are_printed(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark("planted_leaks").main(SMALL) == 0
    printed = capsys.readouterr().out
    assert "| memorized | " in printed
    assert "### clean" in printed


def test_a_wrong_option_is_named(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark("planted_leaks").main(["--held-out", "0"]) == 2
    assert "--held-out 0: expected at least 1" in capsys.readouterr().err
