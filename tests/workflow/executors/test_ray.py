"""The Ray executor against a stand-in for Ray that runs tasks here, and the tasks that it gives."""

from __future__ import annotations

import os
import pickle
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from deidsynth.errors import InputError, MissingExtraError
from deidsynth.progress import SilentProgress
from deidsynth.stages import STAGES
from deidsynth.workflow.executors import ray as executor
from deidsynth.workflow.executors.ray import RayPass, ray_cluster
from deidsynth.workflow.executors.remote import make_task, run_task, wait_for
from deidsynth.workflow.executors.resources import Resources, parse_resources
from deidsynth.workflow.making import Job
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.results import Surroundings
from deidsynth.workflow.scheduler import execute
from deidsynth.workflow.shards import with_parts
from deidsynth.workflow.store import Store
from fake_specs import spec_of
from pieces import Pieces, source

PLAN = Plan(
    (
        Node("in", "import", source_digest="sha256:0"),
        Node("out", "pieces", inputs={"text": "in"}),
        Node("other", "pieces", inputs={"text": "in"}, seed=2),
        Node("after", "pieces", inputs={"text": "out"}),
    )
)


class RayError(Exception):
    pass


class RayTaskError(RayError):
    pass


class FakeRay(types.ModuleType):
    """Runs a task when its answer is asked for; loses the workers of named nodes."""

    def __init__(self, lose: dict[str, int] | None = None) -> None:
        super().__init__("ray")
        self.lose = lose or {}
        self.exceptions = types.SimpleNamespace(RayError=RayError, RayTaskError=RayTaskError)
        self.options_given: dict[str, dict[str, Any]] = {}
        self.payloads: list[bytes] = []
        self.machines = [{"Alive": True, "Resources": {"CPU": 4.0}}]
        self.begun: dict[str, Any] | None = None
        self.ended = False
        self.fail_starts = 0

    def is_initialized(self) -> bool:
        return False

    def init(self, **options: Any) -> None:
        if self.fail_starts:
            self.fail_starts -= 1
            raise RuntimeError("slow")
        self.begun = options

    def shutdown(self) -> None:
        self.ended = True

    def nodes(self) -> list[dict[str, Any]]:
        return self.machines

    def remote(self, function: Any) -> Any:
        def options(name: str, **given: Any) -> Any:
            def remote(task: Any) -> tuple[str, Any]:
                self.options_given[name] = given
                payload = pickle.dumps(task)
                self.payloads.append(payload)
                return name, lambda: pickle.loads(pickle.dumps(function(pickle.loads(payload))))

            return types.SimpleNamespace(remote=remote)

        return types.SimpleNamespace(options=options)

    def wait(self, references: list[Any], num_returns: int, timeout: float) -> tuple[list[Any], list[Any]]:
        return references[-1:], references[:-1]

    def get(self, reference: Any) -> Any:
        name, call = reference
        if self.lose.get(name, 0) > 0:
            self.lose[name] -= 1
            raise RayError("Note 7 of Alva today")
        return call()


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeRay:
    fake = FakeRay()
    monkeypatch.setitem(sys.modules, "ray", fake)
    monkeypatch.chdir(tmp_path)
    for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
    return fake


class Listener(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


def go(root: Path, stage: Pieces, **options: Any) -> Any:
    stages = {"pieces": spec_of(stage)}
    run_pass = RayPass(Resources(cpus=2), retries=2)
    return execute(PLAN, Store(root), stages, sources={"in": source}, run_pass=run_pass, attempts=2, **options)


def test_a_missing_extra_is_named_with_its_remedy(monkeypatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with (
        pytest.raises(MissingExtraError, match=r"--executor ray needs .* pip install 'deidsynth\[ray\]'"),
        ray_cluster(),
    ):
        pass


@pytest.mark.parametrize("shards", [1, 3])
def test_the_artifacts_are_those_of_the_local_executor(fake, tmp_path, shards) -> None:
    plain = execute(PLAN, Store(tmp_path / "plain"), {"pieces": spec_of(Pieces())}, sources={"in": source})
    outcome = go(tmp_path / "ray", Pieces(), shards=shards)
    digests = {name: result.artifact.content_digest for name, result in outcome.results.items()}
    assert digests == {name: each.artifact.content_digest for name, each in plain.results.items()}
    assert {result.status for result in outcome.results.values()} == {"done"}
    assert "in" not in fake.options_given, "sources are written where the study was started"
    again = go(tmp_path / "ray", Pieces(), shards=shards)
    assert {result.status for result in again.results.values()} == {"cached"}


def test_tasks_say_what_they_need_and_carry_no_text(fake, tmp_path) -> None:
    go(tmp_path, Pieces())
    needs = {"num_cpus": 2, "num_gpus": 0.0, "max_retries": 2, "retry_exceptions": False}
    assert fake.options_given == dict.fromkeys(("out", "other", "after"), needs)
    text = (Store(tmp_path).artifacts()[-1].path / "text").read_bytes()
    assert len(text) > 20
    assert not any(text in payload for payload in fake.payloads)


def test_a_lost_worker_is_tried_again_and_then_told_without_a_quotation(fake, tmp_path) -> None:
    fake.lose = {"out": 1}
    assert not go(tmp_path / "once", Pieces()).failures
    fake.lose = {"out": 2}
    listener = Listener()
    outcome = go(tmp_path / "twice", Pieces(), surroundings=Surroundings(progress=listener))
    assert sorted(outcome.results) == ["in", "other"]
    assert list(outcome.failures) == ["out"]
    assert "its worker was lost (RayError; started 3 times)" in outcome.failures["out"].message
    assert not any("Alva" in line for line in listener.lines)
    assert any("other: done in" in line for line in listener.lines), "workers' lines are passed on"


def test_an_error_of_a_stage_is_told_by_type_alone(fake, tmp_path) -> None:
    outcome = go(tmp_path, Pieces(fail_part=1), shards=2)
    assert "unexpected ValueError" in outcome.failures["out 2 of 2"].message
    assert "Alva" not in outcome.failures["out 2 of 2"].message


def test_a_machine_that_has_too_little_is_told_of_once(fake, tmp_path) -> None:
    fake.machines = [{"Alive": True, "Resources": {"CPU": 1.0}}, {"Alive": False, "Resources": {"CPU": 64.0}}]
    waits = iter([False, False, True, True, True])
    wait = fake.wait
    fake.wait = lambda references, **given: wait(references, **given) if next(waits) else ([], references)  # type: ignore[method-assign]
    listener = Listener()
    go(tmp_path, Pieces(), surroundings=Surroundings(progress=listener))
    assert len([line for line in listener.lines if "no machine of the cluster has 2 processors" in line]) == 1


def test_ray_is_started_for_this_machine_alone_and_ended(fake, capsys) -> None:
    fake.fail_starts = 2
    with ray_cluster():
        print("(raylet) a notice")
        assert fake.begun is not None
        assert fake.begun["_node_ip_address"] == "127.0.0.1"
        assert fake.begun["include_dashboard"] is False
        assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
        fake.ended = False
    assert fake.ended
    assert capsys.readouterr() == ("", "(raylet) a notice\n")


def test_an_address_without_a_cluster_is_an_input_error(fake) -> None:
    fake.fail_starts = 1
    with pytest.raises(InputError, match="--ray-address auto: no Ray cluster there"), ray_cluster("auto"):
        pass


def job_of(root: Path) -> Job:
    stages = {"pieces": spec_of(Pieces())}
    execute(PLAN, Store(root), stages, sources={"in": source})
    return Job(PLAN, PLAN.keys(stages), Store(root), stages, {}, Surroundings())


def test_a_task_holds_its_own_part_of_the_plan_only(fake, tmp_path) -> None:
    task = make_task(job_of(tmp_path), "after", threads=3)
    assert [node.name for node in task.plan] == ["in", "out", "after"]
    assert set(task.keys) == {"in", "out", "after"}
    assert Path(task.store).is_absolute()


def test_a_task_of_another_version_is_refused(fake, tmp_path) -> None:
    task = replace(make_task(job_of(tmp_path), "after", threads=1), version="9.9")
    answer = run_task(task)
    assert answer.failure is not None
    assert "install the same version on all machines" in answer.failure.message


def test_a_store_that_is_not_shared_is_named(fake, tmp_path) -> None:
    job = replace(job_of(tmp_path), store=Store(tmp_path / "elsewhere"))
    with pytest.raises(InputError, match="use a store that all machines of the cluster share"):
        wait_for(job, "out", patience_seconds=0.0)


def test_resources_by_stage() -> None:
    found = parse_resources(["2", "adapt=8"], ["synthesize=0.5"], ["adapt", "synthesize", "train"])
    stages = with_parts(STAGES)
    assert found.for_stage(stages["adapt"], "cuda:0") == (8, 1.0)
    assert found.for_stage(stages["synthesize-part"], "cuda") == (2, 0.5)
    assert found.for_stage(stages["train"], "cpu") == (2, 0.0)
    assert Resources().for_stage(stages["memorization"], "cuda") == (1, 0.0)


@pytest.mark.parametrize(
    ("cpus", "gpus", "message"),
    [
        (["0"], [], "expected a whole number from 1"),
        (["1.5"], [], "expected a whole number from 1"),
        ([], ["1.5"], "or a share below 1"),
        (["many"], [], "expected NUMBER or STAGE=NUMBER"),
        (["tune=2"], [], "no stage named tune; known: adapt"),
    ],
)
def test_resources_that_cannot_be(cpus, gpus, message) -> None:
    with pytest.raises(InputError, match=message):
        parse_resources(cpus, gpus, ["adapt"])


def test_the_name_of_the_module_hides_nothing() -> None:
    assert executor.__name__ == "deidsynth.workflow.executors.ray"
