"""A stage that one file defines is a stage like the others: run, gone on with, listed, verified, shown."""

from __future__ import annotations

import json
import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

from test_pipeline_fake import EVERYTHING, computed, config_of, fakes, home  # noqa: F401 - home is a fixture
from toy_stage import COUNT_WORDS, CountWordsConfig, with_count
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.progress import Progress
from deidsynth.stages import STAGES
from deidsynth.stages.artifacts import CORPUS
from deidsynth.stages.import_corpus import IMPORT, ImportConfig
from deidsynth.workflow.executors.workers import Workers
from deidsynth.workflow.pipeline import RunResult, run
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.scheduler import execute
from deidsynth.workflow.store import Store
from tiny_runs import Killer


def go(home: Path, progress: bool | Progress = False) -> RunResult:  # noqa: F811
    stages = {**fakes(), COUNT_WORDS.name: COUNT_WORDS}
    return run(config_of(home), stages=stages, device="cpu", extend=with_count, progress=progress)


def go_and_die(home: Path) -> None:  # noqa: F811
    os.setpgid(0, 0)
    go(home, Killer("count", 5))


def deidsynth(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="deidsynth")


def entry(report: dict[str, Any]) -> dict[str, Any]:
    [found] = [stage for stage in report["stages"] if stage["name"] == "count"]
    return found


def test_it_is_run_after_what_it_takes_and_told_in_the_report(home: Path) -> None:  # noqa: F811
    result = go(home)
    assert computed(result) == sorted([*EVERYTHING, "count"])
    corpus = read_jsonl(result.folder / "synthetic" / "corpus.jsonl")
    words = [sum(len(word) > 1 for word in document.text.split()) for document in corpus]
    assert json.loads((result.folder / "synthetic" / "counts.json").read_text()) == words
    told = entry(json.loads((result.folder / "report.json").read_text()))
    assert (told["stage"], told["status"]) == ("count-words", "done")
    assert told["facts"] == {"n_words": sum(words), "n_kept": 0}
    page = (result.folder / "report.html").read_text()
    for shown in ("count", "Count the words of the notes", "words of two letters or more", f"{sum(words)}"):
        assert f">{shown}<" in page
    again = go(home)
    assert again.unchanged
    assert computed(again) == []


def test_it_goes_on_after_a_kill(home: Path) -> None:  # noqa: F811
    victim = multiprocessing.get_context("fork").Process(target=go_and_die, args=(home,))
    victim.start()
    victim.join()
    assert victim.exitcode == -signal.SIGKILL
    result = go(home)
    assert "count" in computed(result)
    artifact = next(each.artifact for each in result.results if each.name == "count")
    assert (artifact.manifest.attempts, artifact.manifest.facts["n_kept"]) == (2, 5)
    assert len(json.loads((artifact.path / "counts.json").read_text())) == 38


def test_it_is_listed_and_verified(home: Path) -> None:  # noqa: F811
    folder = go(home).folder
    shown = json.loads(deidsynth("runs", "show", folder, "--json").stdout)
    [listed] = [each for each in shown["artifacts"] if each["name"] == "count"]
    assert (listed["stage"], listed["present"]) == ("count-words", True)
    assert [each["direct"] for each in listed["lineage"]["invented_data"]] == [False]
    assert "synthetic/counts.json" in shown["published"]
    assert deidsynth("runs", "verify", folder).exit_code == 0
    counts = Path(listed["path"]) / "counts.json"
    content = bytearray(counts.read_bytes())
    content[-1] ^= 1
    counts.write_bytes(content)
    result = deidsynth("runs", "verify", folder)
    assert result.exit_code == 1
    assert f"{counts.parent.name}/counts.json: changed" in result.stderr


def test_worker_processes_know_it(tmp_path: Path) -> None:
    def source(output: Path) -> dict[str, Any]:
        write_jsonl(Corpus((Document("1", "Anna kom i dag."),)), output / CORPUS)
        return {}

    plan = Plan(
        (
            Node("in", IMPORT.name, ImportConfig(), source_digest="sha256:0"),
            Node("count", COUNT_WORDS.name, CountWordsConfig(min_letters=2), {"texts": "in"}),
        )
    )
    stages = {**STAGES, COUNT_WORDS.name: COUNT_WORDS}
    outcome = execute(plan, Store(tmp_path), stages, sources={"in": source}, run_pass=Workers(2, threads=1))
    assert outcome.results["count"].artifact.manifest.facts["n_words"] == 3
