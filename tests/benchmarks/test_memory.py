"""The benchmark of memory measures each command, and memory stays within its bounds on little."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

Benchmark = Callable[[str], ModuleType]


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc").is_dir(), reason="peaks are compared where pages are counted as on Linux")
def test_memory_of_corpora(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--megabytes", "0.3", "1.5", "--texts-megabytes", "--json"]
    assert benchmark("memory").main(options) == 0
    found = json.loads(capsys.readouterr().out)
    grown = found["megabytes_for_each_megabyte"]
    assert len(found["peaks"]) == 2 * len(grown) == 8
    assert grown["corpus check"] < 20  # sets of Python took 50
    assert max(grown.values()) < 20


def test_a_failing_command_is_told(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--megabytes", "--texts-megabytes", "--run", "/nowhere/corpus"]
    assert benchmark("memory").main(options) == 2
    assert "deidsynth run ended with 2" in capsys.readouterr().err
