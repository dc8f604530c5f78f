"""``deidsynth audit --halves``: two runs with roles swapped, resumed after a kill, and judged together."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import Result

from deidsynth.cli.app import app
from deidsynth.corpora import read_jsonl
from fake_stages import FakeStage
from made_audits import MadeAudit

Halves = Callable[..., Result]


@pytest.fixture
def config(corpus, tmp_path) -> Path:
    """A configuration that names another run folder, as a finished run's does."""
    path = tmp_path / "run.yaml"
    data = {"corpus": {"path": str(corpus), "language": "sv"}, "output": str(tmp_path / "runs" / "one")}
    path.write_text(yaml.safe_dump({**data, "precision": "fp32"}), encoding="utf-8")
    return path


@pytest.fixture
def halves(deidsynth, stages, config, tmp_path) -> Halves:
    """A call of the verb, with fakes in place of stages."""

    def call(*more: str | Path) -> Result:
        return deidsynth("audit", "--halves", config, "--output", tmp_path / "halves", "--device", "cpu", *more)

    return call


def texts(run: Path, name: str) -> set[str]:
    """The texts that a step of a run was given, or made, by the folder of its artifact."""
    record = json.loads((run / "run.json").read_text(encoding="utf-8"))
    entry = record["artifacts"][name]
    folder = next(Path(record["store"]).glob(f"artifacts/{entry['stage']}-{entry['key'].split(':')[1][:16]}*"))
    return {document.text for document in read_jsonl(folder / "corpus.jsonl")}


def audit_of(tmp_path: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((tmp_path / "halves" / "audit.json").read_text(encoding="utf-8"))
    return found


def test_every_group_is_trained_on_once_and_held_out_once(halves, tmp_path) -> None:
    result = halves()
    assert result.exit_code == 0, result.stderr
    first, second = (tmp_path / "halves" / name for name in ("half-1", "half-2"))
    train, held_out, prompts = (texts(first, f"select-{part}") for part in ("train", "test", "validation"))
    assert train and held_out and prompts
    assert not train & held_out and not (train | held_out) & prompts
    assert (texts(second, "select-train"), texts(second, "select-test")) == (held_out, train)
    assert texts(second, "select-validation") == prompts
    assert not (tmp_path / "runs").exists()


def test_what_stays_the_same_and_what_is_trained_on(halves, stages, tmp_path) -> None:
    assert halves("--set", "adapt.epochs=3", "--quiet").exit_code == 0
    assert [seen["config"].epochs for seen in stages["adapt"].seen] == [3, 3]
    assert [seen["context"].seed for seen in stages["adapt"].seen] == [1, 1]
    first, second = (tmp_path / "halves" / name for name in ("half-1", "half-2"))
    for name, seen in zip((first, second), stages["audit"].seen, strict=True):
        assert {each.text for each in seen["corpora"]["train"]} == texts(name, "select-train")
        assert {each.text for each in seen["corpora"]["held_out"]} == texts(name, "select-test")


def test_another_seed_of_the_split_makes_other_halves_and_the_same_one_the_same(
    deidsynth, stages, config, tmp_path
) -> None:
    found = []
    for name, seed in (("a", 1), ("b", 1), ("c", 5)):
        output = tmp_path / name
        done = deidsynth("audit", "--halves", config, "--output", output, "--set", f"split.seed={seed}", "--quiet")
        assert done.exit_code == 0, done.stderr
        found.append(texts(output / "half-1", "select-train"))
    assert found[0] == found[1] != found[2]
    assert [(tmp_path / name / "audit.json").read_text() for name in "ab"] == 2 * [
        (tmp_path / "a" / "audit.json").read_text()
    ]


def test_the_figures_of_both_are_pooled_and_say_so(halves, tmp_path) -> None:
    result = halves("--json", "--quiet")
    told = json.loads(result.stdout)
    assert told == audit_of(tmp_path)
    assert (told["verdict"], told["design"], told["n_groups"]) == ("pass", "halves", {"train": 950, "held_out": 470})
    assert told["removed"] == {"groups": 30}
    assert told["fidelity"]["n_documents"]["synthetic"] > 0
    assert "audited" not in told
    found = {each["name"]: each for each in told["measures"]}
    # 11 % of 475 groups is 52, and 10 % of 235 is 24 (23.5, to the even number).
    assert (found["rare_values"]["train"], found["rare_values"]["held_out"]) == (104 / 950, 48 / 470)
    assert set(found["linkage"]["details"]["halves"]) == {"half_1", "half_2"}
    page = (tmp_path / "halves" / "audit.html").read_text(encoding="utf-8")
    assert "the notes of every patient were used in one run and held out in the other" in page


def test_the_gate_says_no_with_exit_code_1(halves, stages, tmp_path, monkeypatch) -> None:
    def run(self: FakeStage, *given: Any) -> Any:
        verdicts = MadeAudit({"text_membership": "fail"})
        return verdicts.run(*given) if self.name == "audit" else plain(self, *given)

    plain = FakeStage.run
    monkeypatch.setattr(FakeStage, "run", run)
    assert halves("--quiet").exit_code == 0
    result = halves("--gate", "--quiet")
    assert result.exit_code == 1
    assert "the audit's verdict is fail: 1 of 9 measures beyond the tolerance: text_membership" in result.stderr
    lenient = tmp_path / "gate.yaml"
    lenient.write_text("text_membership: {lower: -0.5, upper: 0.5, source: judgement}\n", encoding="utf-8")
    assert halves("--gate", lenient, "--quiet").exit_code == 0


def test_nothing_is_computed_twice(halves, stages, tmp_path) -> None:
    assert halves().exit_code == 0
    before = (tmp_path / "halves" / "audit.json").read_text()
    counts = {name: len(each.seen) for name, each in stages.items()}
    assert halves().exit_code == 0
    assert (tmp_path / "halves" / "audit.json").read_text() == before
    assert {name: len(each.seen) for name, each in stages.items()} == counts
    assert counts["adapt"] == 2


def test_a_killed_audit_goes_on_where_it_was(halves, stages, config, tmp_path) -> None:
    def run_and_die() -> None:
        plain = FakeStage.run

        def run(self: FakeStage, *given: Any) -> Any:
            if self.name == "annotate" and (tmp_path / "halves" / "half-2").exists():
                os.kill(os.getpid(), signal.SIGKILL)
            return plain(self, *given)

        FakeStage.run = run  # type: ignore[method-assign]
        app(["audit", "--halves", str(config), "--output", str(tmp_path / "halves"), "--device", "cpu", "--quiet"])

    victim = multiprocessing.get_context("fork").Process(target=run_and_die)
    victim.start()
    victim.join(120)
    assert victim.exitcode == -signal.SIGKILL
    assert not (tmp_path / "halves" / "audit.json").exists()
    assert halves("--quiet").exit_code == 0
    assert audit_of(tmp_path)["verdict"] == "pass"
    computed = {name: len(each.seen) for name, each in stages.items() if each.seen}
    assert computed == {"annotate": 1, "train": 1, "evaluate": 1, "memorization": 1, "audit": 1}


def test_a_release_refuses_it(deidsynth, stages, halves, config, tmp_path) -> None:
    assert halves().exit_code == 0
    assert deidsynth("run", config, "--device", "cpu", "--quiet").exit_code == 0
    run, audit = tmp_path / "runs" / "one", tmp_path / "halves" / "audit.json"
    for more in ([], ["--accept", "we know"]):
        result = deidsynth("release", run, "--output", tmp_path / "bundle", "--audit", audit, *more)
        assert result.exit_code == 1
        assert "is of a recipe that was run on halves" in " ".join(result.stderr.split())
    assert not (tmp_path / "bundle").exists()


@pytest.mark.parametrize(
    "more",
    [["corpus.jsonl"], *([name, "made"] for name in ("--train", "--held-out", "--tagger", "--language-model"))],
    ids=lambda more: more[0],
)
def test_a_recipe_and_something_made_are_not_audited_at_once(halves, tmp_path, more) -> None:
    result = halves(*more)
    assert result.exit_code == 2
    assert "--halves: runs a recipe and audits what comes out" in result.stderr
    assert ("SYNTHETIC" if more[0] == "corpus.jsonl" else more[0]) in result.stderr
    assert not (tmp_path / "halves").exists()


@pytest.mark.parametrize("more", [[], ["CORPUS"], ["CORPUS", "--train", "CORPUS"], ["--train", "CORPUS"]])
def test_one_of_both_ways_is_needed(deidsynth, stages, corpus, more) -> None:
    result = deidsynth("audit", *(corpus if each == "CORPUS" else each for each in more))
    assert result.exit_code == 2
    assert "give SYNTHETIC with --train and --held-out, or --halves or --canaries" in result.stderr


def test_halves_need_a_folder_that_has_nothing_else_in_it(deidsynth, halves, stages, config, tmp_path) -> None:
    result = deidsynth("audit", "--halves", config)
    assert (result.exit_code, "needs --output DIR" in result.stderr) == (2, True)
    (tmp_path / "halves").mkdir()
    (tmp_path / "halves" / "notes.txt").write_text("mine", encoding="utf-8")
    result = halves()
    assert (result.exit_code, "is not empty" in result.stderr) == (2, True)
    assert not any(stage.seen for stage in stages.values())


def test_a_gate_that_cannot_be_read_is_told_before_anything_runs(halves, stages, tmp_path) -> None:
    result = halves("--gate", tmp_path / "missing.yaml")
    assert result.exit_code == 2
    assert "missing.yaml" in result.stderr
    assert not any(stage.seen for stage in stages.values())


def test_texts_without_entities_that_are_held_out_are_not_learned_from(halves, stages, corpus, tmp_path) -> None:
    unlabeled = tmp_path / "unlabeled.jsonl"
    known = [document.text for document in read_jsonl(corpus)]
    unlabeled.write_text("".join(json.dumps({"text": text}) + "\n" for text in [*known, "Ny"]), encoding="utf-8")
    result = halves("--set", f"corpus.unlabeled={unlabeled}")
    assert result.exit_code == 0, result.stderr
    for name in ("half-1", "half-2"):
        run = tmp_path / "halves" / name
        record = json.loads((run / "run.json").read_text(encoding="utf-8"))
        key = record["artifacts"]["unlabeled"]["key"].split(":")[1]
        folder = next(Path(record["store"]).glob(f"artifacts/import-{key[:16]}*"))
        kept = {document.text for document in read_jsonl(folder / "documents.jsonl")}
        assert kept == {"Ny"} | texts(run, "select-train") | texts(run, "select-validation")
