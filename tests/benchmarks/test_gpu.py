"""The benchmark of a GPU runs on any machine with tiny models; what it measures is not tested."""

from __future__ import annotations

import json
import sys
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
    for section, n_rows in (("adaptation", 6), ("sampling", 6), ("continuous", 2), ("tagging", 4)):
        gpu.measured(section, options)
        written = json.loads((tmp_path / f"{section}.json").read_text(encoding="utf-8"))
        assert written["whole"] and len(written["rows"]) == n_rows
        assert not [row for row in written["rows"] if "error" in row]
        drawn = [row["n_tokens"] for row in written["rows"] if "deidsynth" in row.get("engine", "")]
        assert len(drawn) == (2 if section in ("sampling", "continuous") else 0)
        assert all(0 < n_tokens <= 4 * 8 for n_tokens in drawn)


def test_the_section_on_a_corpus_goes_on_where_it_was_stopped(
    benchmark: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = benchmark("gpu")
    options = Namespace(output=tmp_path, device="cpu", tiny=True)
    corpus = sys.modules["_gpu_corpus"]

    def stopped(*given: object, **settings: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(corpus.ds, "synthesize", stopped)
        with pytest.raises(KeyboardInterrupt):
            gpu.measured("corpus", options)
    written = json.loads((tmp_path / "corpus.json").read_text(encoding="utf-8"))
    assert not written["whole"] and [row["measured"] for row in written["rows"]] == ["adaptation"]

    monkeypatch.setattr(corpus.ds, "adapt", stopped)  # planned and adapted once
    gpu.measured("corpus", options)
    again = json.loads((tmp_path / "corpus.json").read_text(encoding="utf-8"))
    assert again["whole"] and again["rows"][0] == written["rows"][0]
    adaptation, sampling = again["rows"]
    assert adaptation["bits_per_character"] > 0 and adaptation["n_trained_parameters"] < adaptation["n_parameters"]
    assert sampling["n_documents"] == 4 and sampling["tokens_per_second"] > 0
    assert (tmp_path / "corpus").stat().st_mode & 0o077 == 0  # its notes go back to real ones


def test_passes_are_as_many_as_fit(
    benchmark: Callable[[str], ModuleType], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    benchmark("gpu")
    corpus = sys.modules["_gpu_corpus"]
    asked: list[float] = []

    def adapt(corpus: object, *, output: Path, epochs: float, **settings: object) -> None:
        asked.append(epochs)
        facts = {"n_tokens_seen": 1000 * epochs, "tokens_per_second": 50.0}
        output.mkdir()
        (output / "manifest.json").write_text(json.dumps({"facts": facts}), encoding="utf-8")

    monkeypatch.setattr(corpus.ds, "adapt", adapt)
    for seconds, epochs in ((100.0, 2.0), (1e6, 5.0), (0.0, 0.1)):
        (tmp_path / str(seconds)).mkdir()
        pace = corpus.Pace(seconds)
        assert corpus.adapted("base", None, tmp_path / str(seconds), pace, "cpu", 1)["epochs"] == epochs
    assert asked == [0.1, 2.0, 0.1, 5.0, 0.1, 0.1]


def test_without_base_and_corpus_the_section_is_left_out(
    benchmark: Callable[[str], ModuleType],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gpu = benchmark("gpu")
    monkeypatch.setattr(sys, "argv", ["gpu.py", "--output", str(tmp_path), "--only", "corpus"])
    gpu.main()
    printed = capsys.readouterr()
    assert json.loads(printed.out) == {} and "give --base and --corpus" in printed.err
    assert sum(gpu.LIMITS.values()) <= 600 and gpu.LIMITS.keys() == gpu.SECTIONS.keys()


def test_a_measurement_that_fails_costs_no_other(benchmark: Callable[[str], ModuleType]) -> None:
    def fails() -> dict[str, object]:
        raise ValueError("no")

    assert benchmark("gpu").guarded(fails) == {"error": "ValueError: no"}
