"""``deidsynth audit``: figures, verdict, page, and the gate."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus
from deidsynth.privacy.audit.figures import MeasureName
from privacy.audit.planted_worlds import synthetic, world

KEYS = {"name", "train", "held_out", "difference", "interval", "n", "detectable", "verdict"}


class Given:
    """A world of few patients on disk, whose synthetic text copies whole notes of training patients."""

    def __init__(self, home: Path) -> None:
        made = world(1, 60, 40)
        self.synthetic, self.train, self.held_out = (home / f"{name}.jsonl" for name in ("synthetic", "train", "test"))
        clean = synthetic(made, "clean", 1)
        copies = [document.with_entities(()) for document in made.train_corpus][:30]
        notes = [*clean, *copies]
        write_jsonl(
            Corpus(
                tuple(type(each)(f"s{number}", each.text) for number, each in enumerate(notes)),
                origin="synthetic",
                annotation="silver",
            ),
            self.synthetic,
        )
        write_jsonl(made.train_corpus, self.train)
        write_jsonl(made.held_out_corpus, self.held_out)

    def audit(self, *more: str | Path) -> Result:
        arguments = [
            "audit",
            self.synthetic,
            "--train",
            self.train,
            "--held-out",
            self.held_out,
            "--language",
            "sv",
            *more,
        ]
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="deidsynth")


@pytest.fixture(scope="module")
def given(tmp_path_factory: pytest.TempPathFactory) -> Given:
    return Given(tmp_path_factory.mktemp("world"))


@pytest.fixture(scope="module")
def found(given: Given, tmp_path_factory: pytest.TempPathFactory) -> tuple[Result, Path]:
    output = tmp_path_factory.mktemp("made") / "audit"
    return given.audit("--json", "--quiet", "--gate", "--output", output), output


def test_the_json_keeps_its_contract_and_the_gate_says_no(found: tuple[Result, Path]) -> None:
    result, output = found
    assert result.exit_code == 1, "the gate alone takes the tolerances of the package"
    told: dict[str, Any] = json.loads(result.stdout)
    assert (told["schema_version"], told["verdict"]) == (1, "fail")
    assert "verdict is fail" in result.stderr
    assert all(set(each) >= KEYS for each in told["measures"])
    names = {each["name"] for each in told["measures"]}
    assert names | set(told["not_run"]) == set(get_args(MeasureName))
    failed = {each["name"] for each in told["measures"] if each["verdict"] == "fail"}
    assert {"verbatim_20", "verbatim_50", "linkage"} <= failed
    assert json.loads((output / "audit.json").read_text(encoding="utf-8")) == told


def test_the_page_and_the_figures_hold_no_text(found: tuple[Result, Path], given: Given) -> None:
    _, output = found
    lines = given.train.read_text(encoding="utf-8").splitlines()
    documents = [json.loads(line) for line in lines]
    told = (output / "audit.html").read_text(encoding="utf-8") + (output / "audit.json").read_text(encoding="utf-8")
    for document in documents:
        assert document["doc_id"] not in told
        for entity in document["entities"]:
            value = document["text"][entity["start"] : entity["end"]]
            assert len(value) < 6 or value not in told


def test_without_a_gate_a_verdict_is_no_failure(given: Given) -> None:
    result = given.audit("--quiet")
    assert result.exit_code == 0, result.stderr
    assert "Verdict: fail" in result.stdout
    assert "verbatim 50" in result.stdout


def test_a_gate_file_that_cannot_be_is_refused(given: Given, tmp_path: Path) -> None:
    gate = tmp_path / "gate.yaml"
    gate.write_text("verbatim_9: {lower: 0, upper: 0.1, source: judgement}\n", encoding="utf-8")
    result = given.audit("--gate", gate)
    assert result.exit_code == 2
    assert "verbatim_9" in result.stderr and str(gate) in result.stderr
