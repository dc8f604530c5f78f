"""The benchmark of the audit does what it says, on little; what it measures is not tested."""

from __future__ import annotations

import json
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError
from types import ModuleType

import pytest

Benchmark = Callable[[str], ModuleType]
SMALL = ["--real-mb", "0.1", "--synthetic-mb", "0.2", "--rouge-mb", "0.01"]


def test_the_audit_beside_pairwise_rouge(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rouge_score", reason="pip install rouge-score")
    assert benchmark("audit").main([*SMALL, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["measures"]) == {"rare values", "rare values, normalized, and linkage", "verbatim"}
    assert result["synthetic_mb"] > result["real_mb"] > 0.1
    assert result["ratio_to_pairwise_rouge"] > result["pairwise_rouge"]["ratio_measured"] > 0
    assert result["peak_mb"] >= result["corpora_mb"] > 0
    assert result["seconds"] == pytest.approx(sum(each["seconds"] for each in result["measures"].values()))


def test_a_table_is_printed(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rouge_score", reason="pip install rouge-score")
    assert benchmark("audit").main(SMALL) == 0
    assert "Pairwise ROUGE-5 of" in capsys.readouterr().out


def test_a_missing_package_and_a_wrong_option_are_named(
    benchmark: Benchmark, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    module = benchmark("audit")
    assert module.main(["--real-mb", "0"]) == 2
    assert "--real-mb 0: expected more than 0" in capsys.readouterr().err

    def missing(name: str) -> str:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(module, "version", missing)
    assert module.main(SMALL) == 2
    assert "pip install rouge-score" in capsys.readouterr().err


def test_copies_are_planted_in_notes_that_are_invented(benchmark: Benchmark) -> None:
    module = benchmark("audit")
    sides, synthetic = module.corpora(0.1, 0.6, 1)
    assert len(sides.train) > len(sides.held_out) > 0
    found = module.verbatim(sides, synthetic)[1]
    assert found.train > 0
    assert found.held_out == 0
