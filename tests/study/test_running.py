"""Studies from file to cell files, with fake stages."""

from __future__ import annotations

import json
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from deidsynth.errors import ConfigError
from deidsynth.progress import SilentProgress
from deidsynth.study import load_study, plan_study, preview_cells, run_study, study_folders, study_store, unfinished
from deidsynth.study.records import read_records
from deidsynth.workflow.executors.workers import Workers, threads_for
from deidsynth.workflow.store import Store
from fake_specs import specs_of

BOTH = {"adaptation_fraction": [0.1, 0.5, 1.0], "annotator_fraction": [0.1, 0.5, 1.0]}
ZIP = [["adaptation_fraction", "annotator_fraction"]]


class Listener(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def folder_of(study: Any) -> Path:
    return study_folders([study], Path("study.yaml"))[0]


def store_of(study: Any) -> Store:
    return Store(study_store([study], Path("study.yaml")))


def go(path: Path, fakes: Any, listener: Listener | None = None, **options: Any) -> Any:
    study = load_study(path)
    plan = plan_study(study, stages=specs_of(fakes), device="cpu")
    result = run_study(plan, folder_of(study), store_of(study), progress=listener, **options)
    return plan, result


def n_runs(fakes: Any) -> int:
    return sum(len(fake.runs) for fake in fakes.values())


def test_equal_stages_run_once_and_every_cell_has_its_file(write_study, fakes) -> None:
    path = write_study(axes=BOTH | {"seed": [1, 2]}, zip=ZIP)
    plan, result = go(path, fakes)
    preview = preview_cells(plan.cells, plan.cells, Store(result.folder.parent / "nowhere"))
    assert preview["cells"] == 6
    assert preview["stages_asked_for"] == result.stages_asked_for > result.stages_distinct
    assert preview["stages_distinct"] == preview["stages_to_run"] == result.stages_distinct == result.stages_run
    assert n_runs(fakes) == result.stages_run - 1, "all but the import are stages"
    assert not result.failed
    names = sorted(file.stem for file in (result.folder / "cells").iterdir())
    assert names == sorted(
        f"adaptation-{share}_annotator-{share}_seed-{s}" for share in ("0.1", "0.5", "1") for s in (1, 2)
    )


def test_a_cell_file_has_scores_and_counts_and_no_text(write_study, fakes) -> None:
    _, result = go(write_study(axes=BOTH, zip=ZIP), fakes)
    record = json.loads((result.folder / "cells" / "adaptation-0.1_annotator-0.1.json").read_text())
    assert record["axes"]["annotator_fraction"] == 0.1
    assert record["documents"] == {
        "train": 38, "prompts": 2, "test": 20, "adaptation": 4, "annotator": 4, "synthetic": 38,
    }  # fmt: skip
    gold = record["statistics"]["strict"]["gold"]
    assert len(gold) == 10
    assert [sum(column) for column in zip(*gold, strict=True)] == [5, 0, 15]
    assert record["models"]["gold"]["strict"]["tp"] == 5
    text = json.dumps(record)
    assert not any(word in text for word in ("Alva", "test-", "Note "))
    assert {"torch", "deidsynth"} <= set(record["versions"])


def test_a_second_run_does_nothing_even_without_the_store(write_study, fakes) -> None:
    path = write_study(axes=BOTH, zip=ZIP)
    plan, first = go(path, fakes)
    before = n_runs(fakes)
    files = {file: file.read_text() for file in (first.folder / "cells").iterdir()}
    other = Store(first.folder.parent / "elsewhere")
    again = run_study(plan, first.folder, other)
    assert (n_runs(fakes), again.stages_run, again.failed) == (before, 0, ())
    assert {file: file.read_text() for file in (first.folder / "cells").iterdir()} == files
    left = unfinished(plan, first.folder)
    assert preview_cells(plan.cells, left, other)["stages_to_run"] == 0
    assert preview_cells(plan.cells, left, other)["estimated_seconds"] == 0.0


def test_the_time_expected_comes_from_past_runs(write_study, fakes) -> None:
    path = write_study(axes=BOTH, zip=ZIP)
    plan = plan_study(load_study(path), stages=specs_of(fakes), device="cpu")
    store = store_of(plan.study)
    assert preview_cells(plan.cells, plan.cells, store)["estimated_seconds"] is None
    go(path, fakes)
    longer = plan_study(load_study(path, ["train.epochs=9"]), stages=specs_of(fakes), device="cpu")
    assert preview_cells(longer.cells, longer.cells, store)["estimated_seconds"] >= 0.0


def test_a_failed_cell_stops_no_other_and_is_tried_again(write_study, fakes) -> None:
    fakes["synthesize"].failures["left"] = 1
    listener = Listener()
    _, result = go(write_study(axes=BOTH, zip=ZIP), fakes, listener)
    assert not result.failed
    assert any("retrying 1 failed step" in line for line in listener.lines)
    order = [line.split(":")[0] for line in listener.lines if "finished, token F1" in line]
    assert order == [f"adaptation-{share}_annotator-{share}" for share in ("0.5", "1", "0.1")]


def test_a_cell_that_fails_twice_is_reported_and_made_later(write_study, fakes) -> None:
    path = write_study(axes={"annotator_fraction": [0.1, 1.0], "seed": [1, 2]})
    fakes["synthesize"].failures["left"] = 3
    _, result = go(path, fakes)
    assert len(result.failures) == 1, "cells of one seed share their texts"
    assert (len(result.failed), len(result.finished)) == (2, 2)
    assert "every sampled text is empty" in result.failures[0].message
    _, later = go(path, fakes)
    assert not later.failed


def test_an_unexpected_error_is_told_without_its_message(write_study, fakes) -> None:
    def fail(*_: Any) -> None:
        raise ValueError("Note 7 of Alva today")

    fakes["memorization"].run = fail
    listener = Listener()
    _, result = go(write_study(axes={"seed": [1]}), fakes, listener)
    assert result.failed == ("seed-1",)
    assert "unexpected ValueError" in result.failures[0].message
    assert not any("Alva" in line for line in listener.lines)


@pytest.mark.parametrize("number", [2, 3])
def test_worker_processes_give_the_same_cells(write_study, fakes, number) -> None:
    path = write_study(axes=BOTH | {"seed": [1, 2]}, zip=ZIP)
    _, result = go(path, fakes, run_pass=Workers(number, start_method="fork"))
    assert not result.failed
    alone = go(write_study(axes=BOTH | {"seed": [1, 2]}, zip=ZIP, name="alone"), fakes)[0]
    records = read_records(result.folder)
    assert {record["cell"] for record in records} == {cell.name for cell in alone.cells}
    assert n_runs(fakes) == 0, "stages ran in the workers"


def test_a_worker_that_dies_fails_its_cell_alone(write_study, fakes) -> None:
    run = fakes["synthesize"].run

    def die(config: Any, inputs: Any, output: Path, context: Any) -> Any:
        if context.seed == 2:
            os.kill(os.getpid(), signal.SIGKILL)
        return run(config, inputs, output, context)

    fakes["synthesize"].run = die
    _, result = go(write_study(axes={"seed": [1, 2, 3]}), fakes, run_pass=Workers(2, start_method="fork"))
    assert result.failed == ("seed-2",)
    assert "ended with code -9" in result.failures[0].message


def test_threads_are_divided(monkeypatch) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "8")
    assert [threads_for(number) for number in (1, 2, 3, 16)] == [8, 4, 2, 1]


def test_an_unadapted_model_sees_no_document(write_study, fakes) -> None:
    path = write_study(axes={"adaptation_fraction": [0, 1]})
    with pytest.raises(ConfigError, match="scratch is not pretrained"):
        plan_study(load_study(path), stages=specs_of(fakes), device="cpu")
    plan = plan_study(load_study(path, ["adapt.base=starter"]), stages=specs_of(fakes), device="cpu")
    none, whole = plan.cells
    assert none.plan["adapt"].stage == "base"
    assert not none.plan["adapt"].inputs
    assert none.plan["synthesize"].inputs["train"] == "select-validation"
    assert round(none.config.synthesize.volume_ratio * none.counts["prompts"]) == 38
    assert none.keys["gold"] == whole.keys["gold"]


def test_folds_share_nothing_but_the_import_and_test_every_document_once(write_study, fakes) -> None:
    plan, result = go(write_study(folds=3, axes={"annotator_fraction": [0.5, 1.0]}), fakes)
    assert len(plan.cells) == 6
    assert not result.failed
    records = read_records(result.folder)
    tested = {record["axes"]["fold"]: record["documents"]["test"] for record in records}
    assert sum(tested.values()) == 60
    assert len({record["test"] for record in records}) == 3
