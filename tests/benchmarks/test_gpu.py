"""The benchmark of a GPU runs on any machine with tiny models; what it measures is not tested."""

from __future__ import annotations

import json
from argparse import Namespace
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


@pytest.mark.slow
def test_sections_write_what_they_measured(
    benchmark: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = benchmark("gpu")
    monkeypatch.setattr(gpu, "N_SAMPLES", 4)
    monkeypatch.setattr(gpu, "SAMPLE_TOKENS", 8)
    monkeypatch.setattr(gpu, "TAGGER_STEPS", 12)
    options = Namespace(output=tmp_path, device="cpu", tiny=True)
    for section, n_rows in (("adaptation", 6), ("sampling", 6)):
        gpu.measured(section, options)
        written = json.loads((tmp_path / f"{section}.json").read_text(encoding="utf-8"))
        assert written["whole"] and len(written["rows"]) == n_rows
        assert not [row for row in written["rows"] if "error" in row]


def test_a_measurement_that_fails_costs_no_other(benchmark: Callable[[str], ModuleType]) -> None:
    def fails() -> dict[str, object]:
        raise ValueError("no")

    assert benchmark("gpu").guarded(fails) == {"error": "ValueError: no"}
