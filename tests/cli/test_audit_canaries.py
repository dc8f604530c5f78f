"""``deidsynth audit --canaries``: a twin of a run's adaptation tells planted texts from others, or does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tiny_models import one_thread, tiny
from tiny_runs import write_notes

__all__ = ["one_thread", "tiny"]


@pytest.fixture
def given(tmp_path: Path, tiny) -> list[str | Path]:
    notes = write_notes(tmp_path / "notes")
    config = tmp_path / "run.yaml"
    chosen = {"corpus": {"path": str(notes), "language": "sv"}, "adapt": {"base": str(tiny("llama")), "epochs": 1}}
    config.write_text(json.dumps(chosen), encoding="utf-8")
    return ["audit", "--canaries", config, "--output", tmp_path / "twin", "--n-canaries", "40", "--device", "cpu"]


def test_a_twin_is_scored_and_thrown_away(deidsynth, given, tmp_path: Path) -> None:
    result = deidsynth(*given, "--json")
    assert result.exit_code == 0, result.stderr
    found = json.loads(result.stdout)
    assert found == json.loads((tmp_path / "twin" / "canaries.json").read_text(encoding="utf-8"))
    assert (found["name"], found["verdict"], found["details"]["n_canaries"]) == ("canaries", "no-verdict", 40)
    assert "claims no epsilon" in found["why"]
    assert not list((tmp_path / "twin").rglob("*.safetensors"))
    again = deidsynth(*given)
    assert again.exit_code == 0
    assert f"{found['details']['n_correct']} of 20" in again.stdout


def test_it_goes_with_nothing_that_is_there_already(deidsynth, given, tmp_path: Path) -> None:
    result = deidsynth(*given, "--train", tmp_path)
    assert result.exit_code == 2
    assert (
        "--canaries: runs a recipe and audits what comes out, so that it cannot be used with --train" in result.stderr
    )
    result = deidsynth(*given, "--halves", tmp_path / "run.yaml")
    assert result.exit_code == 2
    result = deidsynth("audit", "--canaries", tmp_path / "run.yaml")
    assert result.exit_code == 2
    assert "--canaries: needs --output DIR" in result.stderr
