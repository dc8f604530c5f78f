"""The benchmark of sampling on the processor, with a tiny model and made-up runs."""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

FILE = Path(__file__).resolve().parents[1] / "benchmarks" / "generation.py"


@pytest.fixture(scope="module")
def benchmark() -> ModuleType:
    """The script as a module."""
    spec = importlib.util.spec_from_file_location("generation", FILE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


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


@pytest.mark.slow
def test_a_small_run(benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    prompts = tmp_path / "prompts.jsonl"
    prompts.write_text('{"text": "La paciente llega cansada."}\n{"text": "El carpintero"}\n', encoding="utf-8")
    given = ["--model", "starter-xs", "--documents", "3", "--batch-size", "2", "--generate-batch-sizes", "2"]
    given += ["--prompts", str(prompts), "--max-length-tokens", "24", "--repetitions", "1", "--json"]
    assert benchmark.main(given) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["systems"]) == {"ours", "generate", "stretches"}
    for name, system in result["systems"].items():
        assert system["batch_size"] == 2
        assert 1 <= system["tokens_per_document"] <= 24
        assert 0 < system["seconds_to_first"] <= system["seconds"]
        assert system["peak_mib"] >= system["loaded_mib"] > 0
        if name != "ours":
            speed = result["systems"]["ours"]["tokens_per_second"] / system["tokens_per_second"]
            assert result[f"ratio_to_{name}"] == pytest.approx(speed)
    assert result["ratio_to_floor"] > 1
    assert benchmark.table(result).count("\n") == 7
