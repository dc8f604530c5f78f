"""The benchmark of sampling on the processor, with a tiny model and made-up runs."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest


@pytest.fixture(scope="module")
def benchmark(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    """The script as a module."""
    return benchmark("generation")


def test_the_floor_counts_every_place_once(benchmark: ModuleType) -> None:
    # Two batches, prompts of 3 and 1 tokens: 4 new tokens see 3 + 4 + 5 + 6 places, 2 new ones 1 + 2.
    done = {"lengths": [[4], [2]]}
    cost = {"flops_per_token": 1000.0, "flops_per_place": 10.0, "bytes_per_step": 100.0, "bytes_per_place": 1.0}
    bound = benchmark.floor(done, [[1, 7, 7], [1]], cost, {"flops_per_second": 1000.0, "bytes_per_second": 7.0})
    assert bound["flops"] == (4 + 2 + 2) * 1000 + (18 + 3) * 10
    assert bound["bytes"] == (4 + 2) * 100 + (18 + 3)
    assert bound["seconds_by"] == {"arithmetic": 8210 / 1000, "memory": 621 / 7}
    assert bound["seconds"] == 621 / 7


@pytest.mark.parametrize(
    "given",
    [
        ("--documents", "0"),
        ("--slow-documents", "0"),
        ("--top-p", "0"),
        ("--generate-batch-sizes", "16,x"),
        ("--prompts", "no-such-file.jsonl"),
        ("--max-length-tokens", "1"),
    ],
)
def test_faults_are_told_before_anything_is_timed(
    benchmark: ModuleType, given: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    assert benchmark.main(given) == 2
    out, err = capsys.readouterr()
    assert not out
    assert given[0] in err


def sampled(given: dict[str, Any], system: str, size: int = 0, seed: int = 0, python: str = "") -> dict[str, Any]:
    """A made-up run; larger batches are faster."""
    if system == "rates":
        return {"flops_per_second": 1.0, "bytes_per_second": 1.0}
    return {"system": system, "prompts": given["prompts"], "seed": seed, "python": python, "tokens_per_second": size}


def test_slow_systems_sample_fewer_documents_in_fewer_runs(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "run", sampled)
    given = ["--openvino-python", "there", "--repetitions", "3", "--slow-documents", "2", "--slow-repetitions", "1"]
    options = benchmark.arguments().parse_args(given)
    runs: dict[str, list[dict[str, Any]]] = {"ours": [], "generate": [], "openvino": []}
    measured = benchmark.in_turns({"prompts": [[1], [2], [3]]}, dict.fromkeys(runs, 64), options, runs)
    assert len(measured) == 3
    assert {name: len(each) for name, each in runs.items()} == {"ours": 3, "generate": 1, "openvino": 3}
    assert [len(runs[name][0]["prompts"]) for name in runs] == [3, 2, 3]
    assert {each["python"] for each in runs["openvino"]} == {"there"}
    assert len({each["seed"] for each in runs["ours"]}) == 3


def test_the_trial_of_the_best_batch_size_is_its_first_run(
    benchmark: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(benchmark, "run", sampled)
    best, tried = benchmark.best_batch_size({"prompts": [[1]]}, [16, 64], 1)
    assert best == 64
    assert sorted(tried) == [16, 64]
    assert benchmark.best_batch_size({"prompts": [[1]]}, [16], 1) == (16, {})
    options = benchmark.arguments().parse_args(["--repetitions", "1"])
    runs = {"generate": [tried[best]]}
    benchmark.in_turns({"prompts": [[1]]}, {"generate": best}, options, runs)
    assert runs == {"generate": [tried[64]]}


@pytest.mark.slow
def test_a_small_run(benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"text": "La paciente llega cansada."}\n{"text": "El carpintero"}\n', encoding="utf-8")
    given = ["--model", "starter-xs", "--documents", "3", "--batch-size", "2", "--generate-batch-sizes", "2"]
    given += ["--prompts", str(prompts), "--max-length-tokens", "24", "--repetitions", "2", "--json"]
    given += ["--slow-documents", "2"]
    assert benchmark.main(given) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["systems"]) == {"ours", "generate", "stretches"}
    for name, system in result["systems"].items():
        assert system["batch_size"] == 2
        assert (system["n_documents"], system["n_runs"]) == ((3, 2) if name == "ours" else (2, 1))
        assert 1 <= system["tokens_per_document"] <= 24
        assert 0 < system["seconds_to_first"] <= system["seconds"]
        assert system["peak_mib"] >= system["loaded_mib"] > 0
        if name != "ours":
            speed = result["systems"]["ours"]["tokens_per_second"] / system["tokens_per_second"]
            assert result[f"ratio_to_{name}"] == pytest.approx(speed)
    assert result["not_measured"] == ["ctranslate2", "openvino"]
    assert result["ratio_to_floor"] > 1
    assert benchmark.table(result).count("\n") == 7
