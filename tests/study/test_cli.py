"""``deidsynth study`` as a user meets it."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from deidsynth.cli.app import app
from deidsynth.config import RunConfig, parse
from deidsynth.study import load_study, plan_study, run_study
from deidsynth.workflow.pipeline import preview
from deidsynth.workflow.preparation import store_folder
from deidsynth.workflow.store import Store
from fake_specs import specs_of
from tiny_runs import SETTINGS, write_notes

KEYS = ["cells", "stages_asked_for", "stages_distinct", "stages_to_run", "estimated_seconds"]
AXES = {"annotator_fraction": [0.1, 1.0], "seed": [1, 2]}


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, fakes: Any) -> Any:
    """The command line with fake stages."""
    import deidsynth.stages

    monkeypatch.setattr(deidsynth.stages, "STAGES", specs_of(fakes))
    monkeypatch.setenv("NO_COLOR", "1")
    return lambda *arguments: CliRunner().invoke(app, ["study", *(str(each) for each in arguments)])


def test_a_dry_run_prints_the_contract_and_does_nothing(call, write_study, home) -> None:
    result = call("run", write_study(axes=AXES), "--dry-run", "--json", "--device", "cpu")
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert list(shown) == KEYS
    assert (shown["cells"], shown["stages_to_run"], shown["estimated_seconds"]) == (4, shown["stages_distinct"], None)
    assert not (home / "runs").exists()


def test_run_and_report(call, write_study, home) -> None:
    path = write_study(axes=AXES, name="both")
    done = call("run", path, "--device", "cpu", "--json")
    assert done.exit_code == 0
    assert len(json.loads(done.stdout)["finished"]) == 4
    again = call("run", path, "--device", "cpu", "--dry-run", "--json")
    assert json.loads(again.stdout)["stages_to_run"] == 0
    folder = home / "runs" / "study"
    assert yaml.safe_load((folder / "study.yaml").read_text())["name"] == "both"
    report = call("report", folder, "--json")
    assert [study["study"] for study in json.loads(report.stdout)["studies"]] == ["both"]
    assert (folder / "study.html").is_file()
    shown = call("report", folder)
    assert "token F1" in shown.stdout


def test_settings_and_corpus_go_over_the_file(call, write_study, home) -> None:
    path = write_study(axes=AXES)
    (home / "notes").rename(home / "moved")
    assert call("run", path, "--dry-run", "--device", "cpu").exit_code == 2
    moved = ("--corpus", home / "moved", "--set", "axes.seed=[1,2,3]")
    assert json.loads(call("run", path, "--dry-run", "--json", "--device", "cpu", *moved).stdout)["cells"] == 6


def test_a_folder_of_studies_shares_its_work(call, write_study, home) -> None:
    folder = home / "several"
    folder.mkdir()
    base = yaml.safe_load(write_study().read_text())["base"]
    (folder / "base.yaml").write_text(yaml.safe_dump(base))
    for name, axis in (("one", "annotator_fraction"), ("two", "synthetic_volume")):
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"base": "base.yaml", "axes": {axis: [0.5, 1.0]}}))
    result = call("run", folder, "--output", home / "runs" / "all", "--device", "cpu", "--json")
    assert result.exit_code == 0
    shown = json.loads(result.stdout)
    assert shown["stages_run"] == shown["stages_distinct"] < shown["stages_asked_for"]
    report = call("report", home / "runs" / "all", "--json")
    assert [study["study"] for study in json.loads(report.stdout)["studies"]] == ["one", "two"]


def test_failed_cells_are_named_and_exit_with_their_code(call, write_study, fakes) -> None:
    fakes["synthesize"].failures["left"] = 2
    result = call("run", write_study(axes={"seed": [1, 2]}), "--device", "cpu")
    assert result.exit_code == 0, "each of two cells failed once"
    fakes["synthesize"].failures["left"] = 9
    result = call("run", write_study(axes={"seed": [3]}), "--device", "cpu")
    assert result.exit_code == 2
    assert "1 cell failed: seed-3" in result.stderr


@pytest.mark.parametrize("content", ["axes: {seeds: 1}", "axes: {arm: gold}", "axes: [", "- 1", "base: nowhere.yaml"])
def test_faults_exit_with_two_and_name_the_file(call, home, content) -> None:
    path = home / "broken.yaml"
    path.write_text(content)
    result = call("run", path, "--dry-run")
    assert result.exit_code == 2
    assert "broken.yaml" in result.stderr or "nowhere.yaml" in result.stderr


def test_a_study_shares_its_artifacts_with_an_ordinary_run(write_study, fakes, home) -> None:
    study = load_study(write_study(axes={"annotator_fraction": [0.5, 1.0]}))
    plan = plan_study(study, stages=specs_of(fakes), device="cpu")
    store = Store(store_folder(study.base))
    run_study(plan, home / "runs" / "study", store)
    data = yaml.safe_load((home / "study.yaml").read_text())["base"]
    assert study.base.adapt.control_codes == []
    data |= {"adapt": {**data.get("adapt", {}), "control_codes": []}, "audit": {"enabled": False}}
    nodes = preview(
        parse(RunConfig, {**data, "output": str(home / "runs" / "one")}), stages=specs_of(fakes), device="cpu"
    )
    assert all(node["present"] for node in nodes)


def test_a_study_that_was_killed_goes_on(write_study, fakes, home) -> None:
    study = load_study(write_study(axes={"seed": [1, 2]}))
    folder, store = home / "runs" / "study", Store(home / "runs" / ".deidsynth")
    run = fakes["synthesize"].run

    def die(config: Any, inputs: Any, output: Path, context: Any) -> Any:
        if context.seed == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(config, inputs, output, context)

    fakes["synthesize"].run = die
    plan = plan_study(study, stages=specs_of(fakes), device="cpu")
    victim = multiprocessing.get_context("fork").Process(target=run_study, args=(plan, folder, store))
    victim.start()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    kept = folder / "cells" / "seed-1.json"
    before = kept.read_text()
    n_there = len(store.artifacts())
    fakes["synthesize"].run = run
    result = run_study(plan, folder, store)
    assert not result.failed
    assert kept.read_text() == before
    assert result.stages_run == result.stages_distinct - n_there


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--ray-address", "auto"), "--ray-address: only with --executor ray"),
        (("--cpus-per-task", "2"), "--cpus-per-task: only with --executor ray"),
        (("--executor", "ray", "--workers", "2"), "--workers: only with --executor local"),
        (("--executor", "ray", "--cpus-per-task", "tune=2"), "no stage named tune"),
        (("--executor", "ray"), "pip install 'deidsynth[ray]'"),
    ],
)
def test_executor_options_that_cannot_be(call, write_study, monkeypatch, options, message) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    result = call("run", write_study(axes=AXES), "--device", "cpu", *options)
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


@pytest.mark.slow
def test_workers_with_real_models_give_the_scores_of_one_process(tmp_path) -> None:
    notes = write_notes(tmp_path / "notes")
    base = {**SETTINGS, "adapt": {**SETTINGS["adapt"], "epochs": 5}, "corpus": {"path": str(notes), "language": "sv"}}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({"base": base, "axes": {"annotator_fraction": [0.5, 1.0]}}))
    scores = []
    for workers in (1, 2):
        folder = tmp_path / f"workers-{workers}"
        plan = plan_study(load_study(path), device="cpu")
        result = run_study(plan, folder, Store(folder / "store"), workers=workers)
        assert not result.failed
        files = sorted((folder / "cells").iterdir())
        scores.append([json.loads(file.read_text())["statistics"] for file in files])
    assert scores[0] == scores[1]
