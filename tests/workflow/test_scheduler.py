import errno
import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from deidsynth.config import StageConfig
from deidsynth.digests import digest
from deidsynth.errors import ConfigError, InputError, StorageError
from deidsynth.progress import SilentProgress, Task
from deidsynth.stages.specification import StageContext
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.results import NodeResult, Surroundings
from deidsynth.workflow.scheduler import execute
from deidsynth.workflow.store import Store
from fake_specs import spec_of


class CountConfig(StageConfig):
    times: int = 1


@dataclass
class Repeat:
    """Writes the text of its input ``times`` times; counts its runs."""

    name: str = "repeat"
    version: int = 1
    config_type: type[StageConfig] = CountConfig
    fail: Exception | None = None
    prefix: str = ""
    contexts: list[StageContext] = field(default_factory=list)

    def run(
        self, config: CountConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        self.contexts.append(context)
        text = (inputs["text"] / "text").read_text() * config.times
        if self.fail is not None:
            raise self.fail
        (output / "text").write_text(self.prefix + text)
        return {"n_chars": len(text)}


class Listener(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def plan_of(times: int = 2) -> Plan:
    return Plan(
        (
            Node("corpus", "import", source_digest=digest("abc")),
            Node("first", "repeat", CountConfig(times=times), {"text": "corpus"}, seed=7, precision="bf16"),
            Node("second", "repeat", CountConfig(times=3), {"text": "first"}),
            Node("beside", "repeat", CountConfig(times=5), {"text": "corpus"}),
        )
    )


def write_source(output: Path) -> dict[str, int]:
    (output / "text").write_text("abc")
    return {"n_documents": 1}


def go(store: Store, stage: Repeat, plan: Plan | None = None, **where: Any) -> dict[str, NodeResult]:
    return execute(
        plan or plan_of(),
        store,
        {"repeat": spec_of(stage)},
        sources={"corpus": write_source},
        surroundings=Surroundings(**where),
    ).results


def statuses(results: Mapping[str, NodeResult]) -> dict[str, str]:
    return {name: result.status for name, result in results.items()}


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_every_node_becomes_an_artifact_with_its_history(store: Store) -> None:
    stage = Repeat()
    results = go(store, stage, device="cuda:1")
    assert statuses(results) == dict.fromkeys(("corpus", "first", "second", "beside"), "done")
    assert (results["second"].artifact.path / "text").read_text() == "abc" * 6
    manifest = results["first"].artifact.manifest
    assert (manifest.name, manifest.seed, manifest.precision, manifest.device) == ("first", 7, "bf16", "cuda:1")
    assert manifest.facts == {"n_chars": 6}
    assert manifest.inputs["text"].content_digest == results["corpus"].artifact.content_digest
    assert manifest.lineage["real_data"][0]["source"] == results["corpus"].key
    assert manifest.versions["python"] == sys.version.split()[0]
    assert manifest.created.endswith("+00:00")
    assert manifest.attempts == 1
    assert results["corpus"].artifact.manifest.facts == {"n_documents": 1}
    assert [(context.seed, context.precision, context.device) for context in stage.contexts[:1]] == [
        (7, "bf16", "cuda:1")
    ]
    assert all(store.verify(artifact) == [] for artifact in store.artifacts())


def test_a_second_run_computes_nothing(store: Store) -> None:
    first = go(store, Repeat())
    stage, listener = Repeat(), Listener()
    again = go(store, stage, progress=listener, device="cuda")
    assert set(statuses(again).values()) == {"cached"}
    assert stage.contexts == []
    assert [again[name].duration_seconds for name in again] == [first[name].duration_seconds for name in again]
    assert listener.lines[0] == "[1/4] corpus: already in the store"


def test_a_cached_run_needs_no_right_to_write(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    go(store, Repeat())
    monkeypatch.setattr(Store, "reserve", None)
    assert set(statuses(go(store, Repeat())).values()) == {"cached"}


def test_a_change_recomputes_what_depends_on_it(store: Store) -> None:
    go(store, Repeat())
    results = go(store, Repeat(), plan_of(times=4))
    assert statuses(results) == {"corpus": "cached", "first": "done", "second": "done", "beside": "cached"}
    assert set(statuses(go(store, Repeat())).values()) == {"cached"}


def test_a_new_version_of_a_stage_recomputes(store: Store) -> None:
    go(store, Repeat())
    results = go(store, Repeat(version=2))
    assert [name for name, status in statuses(results).items() if status == "cached"] == ["corpus"]


def test_other_content_under_the_same_key_makes_descendants_stale(store: Store) -> None:
    first = go(store, Repeat())["first"].artifact
    store.remove(first)
    same = go(store, Repeat())
    assert statuses(same) == {"corpus": "cached", "first": "done", "second": "cached", "beside": "cached"}
    store.remove(first)
    other = go(store, Repeat(prefix=">"))
    assert statuses(other) == {"corpus": "cached", "first": "done", "second": "done", "beside": "cached"}
    assert (other["second"].artifact.path / "text").read_text() == ">" + ">abcabc" * 3
    assert other["second"].key == same["second"].key
    assert set(statuses(go(store, Repeat())).values()) == {"cached"}


def test_equal_nodes_are_computed_once(store: Store) -> None:
    twice = Plan((*plan_of().nodes, Node("same as beside", "repeat", CountConfig(times=5), {"text": "corpus"})))
    results = go(store, Repeat(), twice)
    assert results["same as beside"].artifact == results["beside"].artifact
    assert sorted(statuses(results)[name] for name in ("beside", "same as beside")) == ["cached", "done"]


def test_a_failing_stage_leaves_the_others_whole(store: Store) -> None:
    with pytest.raises(RuntimeError, match="broken"):
        go(store, Repeat(fail=RuntimeError("broken")))
    assert [artifact.manifest.name for artifact in store.artifacts()] == ["corpus"]
    results = go(store, Repeat())
    assert statuses(results)["corpus"] == "cached"
    attempts = {name: result.artifact.manifest.attempts for name, result in results.items()}
    assert sorted(attempts.values()) == [1, 1, 1, 2]


def test_a_full_disk_in_a_stage_names_the_remedy_and_keeps_earlier_artifacts(store: Store) -> None:
    with pytest.raises(StorageError, match="disk is full"):
        go(store, Repeat(fail=OSError(errno.ENOSPC, "No space left on device")))
    assert [store.verify(artifact) for artifact in store.artifacts()] == [[]]
    assert statuses(go(store, Repeat()))["corpus"] == "cached"


def test_a_missing_file_of_a_stage_is_no_fault_of_the_disk(store: Store) -> None:
    with pytest.raises(PermissionError):
        go(store, Repeat(fail=PermissionError(errno.EACCES, "Permission denied", "/somebody/elses/model")))


class Talking(Repeat):
    def run(self, *args: Any) -> Mapping[str, Any]:
        context: StageContext = args[3]
        with context.progress.task("repeat", 4, "steps") as task:
            task.advance(4)
        context.progress.task("warm up", 2)
        context.progress.message("half way")
        return super().run(*args)


class Tasks(Listener):
    def task(self, name: str, total: float | None, unit: str = "") -> Task:
        self.lines.append(f"task {name} {total}")
        return super().task(name, total, unit)


def test_every_node_is_told_once_and_its_work_under_its_name(store: Store) -> None:
    listener = Tasks()
    go(store, Talking(), Plan(plan_of().nodes[:3]), progress=listener)
    assert listener.lines[:7] == [
        "task [1/3] corpus None",
        "[1/3] corpus: done in 0.0 s",
        "task [2/3] first None",
        "task [2/3] first 4",
        "task [2/3] first: warm up 2",
        "[2/3] first: half way",
        "[2/3] first: done in 0.0 s",
    ]


def test_the_only_node_that_is_computed_is_told_without_a_number(store: Store) -> None:
    listener = Tasks()
    go(store, Talking(), Plan(plan_of().nodes[:2]), progress=listener)
    assert listener.lines == [
        "task first None",
        "task first 4",
        "task first: warm up 2",
        "first: half way",
        "first: done in 0.0 s",
    ]


def test_an_interrupted_attempt_is_told_to_be_taken_up(store: Store) -> None:
    with pytest.raises(RuntimeError):
        go(store, Repeat(fail=RuntimeError()))
    listener = Listener()
    go(store, Repeat(), progress=listener)
    assert sum(line.endswith(": resuming an interrupted attempt") for line in listener.lines) == 1


def test_an_interrupt_says_how_to_go_on(store: Store) -> None:
    def interrupted(output: Path) -> dict[str, int]:
        raise KeyboardInterrupt

    listener = Listener()
    with pytest.raises(KeyboardInterrupt):
        execute(
            plan_of(),
            store,
            {"repeat": spec_of(Repeat())},
            sources={"corpus": interrupted},
            surroundings=Surroundings(progress=listener),
        )
    assert listener.lines[-1] == "[1/4] corpus: interrupted; the same command resumes it"
    go(store, Repeat())


def test_a_source_that_is_not_given_is_named(store: Store) -> None:
    with pytest.raises(InputError, match="corpus: its artifact is not in the store and no source was given"):
        execute(plan_of(), store, {"repeat": spec_of(Repeat())})


def test_a_stage_that_is_not_given_is_named_before_anything_runs(store: Store) -> None:
    with pytest.raises(InputError, match="no stage named repeat"):
        execute(plan_of(), store, {}, sources={"corpus": write_source})
    assert not store.root.exists()


def test_a_configuration_that_does_not_fit_its_stage_is_refused(store: Store) -> None:
    nodes = tuple(replace(node, config=StageConfig()) if node.name == "first" else node for node in plan_of())
    with pytest.raises(ConfigError, match=r"first: 1 problem\n  expected CountConfig, got StageConfig"):
        go(store, Repeat(), Plan(nodes))


def test_who_comes_second_waits_and_takes_what_the_first_made(store: Store) -> None:
    begun, waiting = threading.Event(), threading.Event()

    class Patient(Repeat):
        def run(self, *args: Any) -> Mapping[str, Any]:
            begun.set()
            assert waiting.wait(10)
            return super().run(*args)

    class Second(Listener):
        def message(self, text: str) -> None:
            super().message(text)
            if "waiting for it" in text:
                waiting.set()

    first = threading.Thread(target=go, args=(store, Patient()))
    first.start()
    assert begun.wait(10)
    stage, listener = Repeat(), Second()
    one_node = Plan(tuple(node for node in plan_of() if node.name in ("corpus", "first")))
    results = go(store, stage, one_node, progress=listener)
    first.join()
    assert statuses(results) == {"corpus": "cached", "first": "cached"}
    assert stage.contexts == []
    assert f"first: process {os.getpid()} is computing the same artifact; waiting for it" in listener.lines


@dataclass
class Steps:
    """Counts to ten with a checkpoint a step, and is killed at one of them."""

    die_at: int
    name: str = "repeat"
    version: int = 1
    config_type: type[StageConfig] = CountConfig

    def run(
        self, config: CountConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        checkpoint = context.scratch / "step"
        begun = int(checkpoint.read_text()) if checkpoint.exists() else 0
        for step in range(begun + 1, 11):
            with (output / "steps").open("a") as stream:
                stream.write(f"{step}\n")
            checkpoint.write_text(str(step))
            if step == self.die_at:
                os.kill(os.getpid(), signal.SIGKILL)
        return {"resumed_at": begun}


def test_a_stage_that_was_killed_goes_on_where_it_was(store: Store) -> None:
    plan = Plan(plan_of().nodes[:2])
    for step in (4, 8):
        arguments = (plan, store, {"repeat": spec_of(Steps(step))})
        victim = multiprocessing.get_context("fork").Process(
            target=execute, args=arguments, kwargs={"sources": {"corpus": write_source}}
        )
        victim.start()
        victim.join()
        assert victim.exitcode == -signal.SIGKILL
    corpus, count = execute(plan, store, {"repeat": spec_of(Steps(0))}).results.values()
    assert (corpus.status, count.status) == ("cached", "done")
    assert count.artifact.manifest.facts == {"resumed_at": 8}
    assert count.artifact.manifest.attempts == 3
    assert (count.artifact.path / "steps").read_text().split() == [str(step) for step in range(1, 11)]
    assert store.verify(count.artifact) == []
