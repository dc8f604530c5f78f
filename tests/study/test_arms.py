"""Studies over arms: whose entities the synthetic model learns from."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from deidsynth.cli.app import app
from deidsynth.config import RunConfig, parse
from deidsynth.errors import ConfigError
from deidsynth.study import load_study, plan_study, run_study
from deidsynth.study.advisor import advise
from deidsynth.study.comparison import compare_studies
from deidsynth.study.curves import draw_curves
from deidsynth.study.noise import estimate_noise
from deidsynth.study.page import report_study
from deidsynth.study.records import read_records
from deidsynth.study.reported import reported_row, reported_table
from deidsynth.workflow.pipeline import preview
from deidsynth.workflow.store import Store
from fake_specs import specs_of
from tiny_models import one_thread
from tiny_runs import SETTINGS, write_notes

__all__ = ["one_thread"]

ARMS = ["machine", "inline", "agreement"]


@pytest.fixture
def study(write_study: Any, fakes: Any, home: Path) -> Any:
    """A function that runs a study of all arms; plan and folder."""

    def run(**axes: Any) -> tuple[Any, Path]:
        path = write_study(axes={"arm": ARMS, **axes}, name="arms", reported={"table": 2, "language": "es"})
        plan = plan_study(load_study(path), stages=specs_of(fakes), device="cpu")
        result = run_study(plan, home / "runs" / "arms", Store(home / "runs" / ".deidsynth"))
        assert not result.failed
        return plan, result.folder

    return run


def test_arms_share_what_is_equal(study, fakes) -> None:
    plan, _ = study()
    machine, inline, agreement = (cell.keys for cell in plan.cells)
    for shared in ("import", "select-train", "select-test", "gold", "evaluate-gold"):
        assert machine[shared] == inline[shared] == agreement[shared]
    for of_both in ("adapt", "synthesize"):
        assert machine[of_both] != inline[of_both] == agreement[of_both]
    assert len({keys["annotate"] for keys in (machine, inline, agreement)}) == 3
    runs = {name: len(fake.runs) for name, fake in fakes.items()}
    assert (runs["adapt"], runs["synthesize"], runs["train"]) == (2, 2, 1 + 3)
    assert (runs["annotate"], runs["annotate-inline"]) == (2, 2)
    assert [config.annotations for config in fakes["adapt"].runs] == ["none", "inline"]


def test_an_arm_is_an_ordinary_run_with_these_annotations(study, fakes, home) -> None:
    study()
    data = yaml.safe_load((home / "study.yaml").read_text())["base"] | {"output": str(home / "runs" / "one")}
    data["audit"] = {"enabled": False}
    for arm in ARMS:
        adapt = {**data.get("adapt", {}), "control_codes": []}
        config = parse(RunConfig, {**data, "adapt": adapt, "synthesize": {"volume_ratio": 1, "annotations": arm}})
        assert all(node["present"] for node in preview(config, stages=specs_of(fakes), device="cpu"))


def test_a_study_of_a_run_with_other_annotations_is_of_that_arm(write_study, fakes) -> None:
    path = write_study(axes={"seed": [1, 2]})
    plan = plan_study(load_study(path, ["synthesize.annotations=inline"]), stages=specs_of(fakes), device="cpu")
    assert {cell.cell.arm for cell in plan.cells} == {"inline"}
    assert {cell.config.synthesize.annotations for cell in plan.cells} == {"inline"}


def test_tables_and_curves_show_arms(study) -> None:
    _, folder = study(adaptation_fraction=[0.5, 1.0])
    comparison = compare_studies(read_records(folder))[0]
    assert comparison.varied == ("adaptation_fraction", "arm")
    report_study(folder)
    text = (folder / "tables.md").read_text()
    assert "| 50 % (18) | agreement (19 documents) | 1 |" in text
    assert "| 100 % (38) | machine (38 documents) | 1 |" in text
    rows = list(csv.DictReader(io.StringIO((folder / "tables.csv").read_text())))
    assert [row["arm"] for row in rows if row["measure"] == "token"] == ["agreement", "inline", "machine"] * 2
    drawn = draw_curves(comparison)[0].svg
    assert all(drawn.count(f"synthetic, arm {arm}") == 1 for arm in ARMS)
    assert "gold, arm" not in drawn, "one annotator stands beside all arms"


def test_arms_alone_stand_side_by_side(study) -> None:
    _, folder = study()
    comparison = compare_studies(read_records(folder))[0]
    assert [arm.axes["arm"] for arm in comparison.arms][comparison.reference] == "machine"
    assert "F1 over arm. Bars:" in draw_curves(comparison)[0].caption


def test_published_figures_are_of_the_papers_arm(study) -> None:
    table = reported_table({"table": 2, "language": "es"})
    axes = {"adaptation_fraction": 1.0, "annotator_fraction": 1.0}
    assert reported_row(table, {**axes, "arm": "machine"}) == reported_row(table, axes) == {"synthetic": 0.973}
    assert reported_row(table, {**axes, "arm": "inline"}) is None


def test_what_the_annotator_does_not_decide_is_not_put_down_to_it(study) -> None:
    _, folder = study(annotator_fraction=[0.1, 0.25, 0.5, 1.0])
    records = read_records(folder)
    assert [each.setting.count("arm machine") for each in estimate_noise(records)] == [1]
    sizes = {
        each.setting.split("arm ")[1].split(",")[0]: each.sizes
        for each in advise(records)
        if "annotator alone" in each.resource
    }
    assert sizes["inline"] == ()
    assert len(sizes["machine"]) == len(sizes["agreement"]) == 4


@pytest.mark.parametrize(
    ("axes", "settings", "message"),
    [
        ({"adaptation_fraction": [0, 1]}, ["adapt.base=starter"], "axes.arm: inline needs a language model"),
        ({}, ["budget=steps"], "axes.arm: agreement drops an unknown number of documents"),
        ({}, ["adapt.annotations=none"], "arm inline: 1 problem"),
        (
            {},
            ["synthesize.endpoint.base_url=http://127.0.0.1:8000/v1", "synthesize.endpoint.model=lm"],
            "a server returns plain text",
        ),
    ],
)
def test_arms_that_cannot_be(write_study, fakes, axes, settings, message) -> None:
    path = write_study(axes={"arm": ARMS, **axes})
    with pytest.raises(ConfigError) as error:
        plan_study(load_study(path, settings), stages=specs_of(fakes), device="cpu")
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (["adapt.base=starter-xs", "adapt.method=qlora"], "qlora may not train the new embeddings"),
        (["adapt.method=lora"], "use full with scratch"),
    ],
)
def test_methods_are_checked_as_the_arm_needs_them_before_the_first_step(write_study, fakes, settings, message) -> None:
    with pytest.raises(ConfigError, match=message):
        plan_study(load_study(write_study(axes={"arm": "inline"}), settings), stages=specs_of(fakes), device="cpu")


def test_all_arms_with_real_models(tmp_path: Path) -> None:
    notes = write_notes(tmp_path / "notes")
    base = {
        **SETTINGS,
        "corpus": {"path": str(notes), "language": "sv"},
        "synthesize": {**SETTINGS["synthesize"], "volume_ratio": 1, "max_length_tokens": 120, "agreement": 0.2},
        "train": {**SETTINGS["train"], "epochs": 4, "task_adaptive_pretraining": {"epochs": 1}},
        "output": str(tmp_path / "arms"),
    }
    (tmp_path / "arms.yaml").write_text(yaml.safe_dump({"base": base, "axes": {"arm": ARMS}}))
    done = CliRunner().invoke(app, ["study", "run", str(tmp_path / "arms.yaml"), "--device", "cpu", "--json"])
    assert done.exit_code == 0, done.stderr
    shown = json.loads(done.stdout)
    assert shown["finished"] == ["arm-machine", "arm-inline", "arm-agreement"]
    cells = {record["axes"]["arm"]: record for record in read_records(tmp_path / "arms")}
    kept = {arm: cells[arm]["documents"]["synthetic"] for arm in ARMS}
    left_out = cells["agreement"]["stages"]["annotate"]["facts"]["n_disagreeing"]
    assert kept["agreement"] == kept["inline"] - left_out > 0
    assert len({json.dumps(cell["models"]["gold"]) for cell in cells.values()}) == 1
    assert CliRunner().invoke(app, ["study", "report", str(tmp_path / "arms")]).exit_code == 0
