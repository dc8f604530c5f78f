"""A study on a real Ray cluster on this machine, one of whose two workers is killed on the way."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from deidsynth.progress import SilentProgress
from deidsynth.study import load_study, plan_study, run_study
from deidsynth.workflow.executors.ray import ray_cluster
from deidsynth.workflow.store import Store
from tiny_runs import SETTINGS, write_notes

pytestmark = pytest.mark.slow

N_STARTS = 12  # on a busy machine Ray's own processes may come too late for one another
SEEN_BY_SHARDS = ("Namn:", "Datum:", "Sökte för", "Alvedina", "Kvistlund", "Vindheim")


class Listener(SilentProgress):
    def __init__(self) -> None:
        self.lines: list[str] = []

    def message(self, text: str) -> None:
        self.lines.append(text)


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A head without processors and two machines with one each, every one a raylet of its own."""
    folder = tempfile.mkdtemp(prefix="r-", dir="/tmp")  # sockets' paths have to be short
    Path(folder, "ray").mkdir()
    monkeypatch.setenv("RAY_TMPDIR", folder)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    ray = pytest.importorskip("ray")
    from ray.cluster_utils import Cluster

    head = {"num_cpus": 0, "include_dashboard": False}
    found = _tried(lambda: Cluster(initialize_head=True, head_node_args=head))
    try:
        machines = [_tried(lambda: found.add_node(num_cpus=1)) for _ in range(2)]
        ray.init(address=found.address, log_to_driver=False)
        yield found, machines, Path(folder)
    finally:
        ray.shutdown()
        found.shutdown()
        shutil.rmtree(folder, ignore_errors=True)


def _tried(start: Any) -> Any:
    for attempt in range(N_STARTS):
        try:
            return start()
        except Exception:
            if attempt == N_STARTS - 1:
                raise
    return None


def scores(folder: Path) -> dict[str, Any]:
    files = sorted((folder / "cells").iterdir())
    return {file.name: json.loads(file.read_text())["statistics"] for file in files}


def test_a_study_that_loses_a_machine_has_the_scores_of_one_process(cluster, tmp_path) -> None:
    found, machines, logs = cluster
    notes = write_notes(tmp_path / "notes")
    base = {**SETTINGS, "adapt": {**SETTINGS["adapt"], "epochs": 8}, "corpus": {"path": str(notes), "language": "sv"}}
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump({"base": base, "axes": {"annotator_fraction": [0.5, 1.0]}}))
    plan = plan_study(load_study(path), device="cpu")
    alone = run_study(plan, tmp_path / "alone", Store(tmp_path / "alone" / "store"))
    store = Store(tmp_path / "ray" / "store")
    killed = threading.Event()

    def kill_one() -> None:
        """End one machine at once, when both are at work: two stages that take seconds have been begun."""
        while not killed.is_set():
            begun = [place for stage in ("adapt", "train") for place in store.root.glob(f"work/{stage}-*/attempt.json")]
            if len(begun) >= 2:
                time.sleep(0.2)
                found.remove_node(machines[0], allow_graceful=False)
                killed.set()
            time.sleep(0.02)

    listener = Listener()
    killer = threading.Thread(target=kill_one, daemon=True)
    killer.start()
    with ray_cluster("auto") as run_pass:
        result = run_study(plan, tmp_path / "ray", store, progress=listener, run_pass=run_pass, shards=2)
    was_killed = killed.is_set()
    killed.set()
    killer.join()
    assert was_killed, "no machine was lost while the study ran"
    assert not result.failed, result.failures
    assert scores(tmp_path / "ray") == scores(tmp_path / "alone")
    keys = {(artifact.key, artifact.content_digest) for artifact in Store(tmp_path / "alone" / "store").artifacts()}
    assert {(artifact.key, artifact.content_digest) for artifact in store.artifacts()} == keys
    assert alone.stages_run == result.stages_run
    attempts = [artifact.manifest.attempts for artifact in store.artifacts()]
    assert max(attempts) > 1, "what the lost machine had begun was gone on with"
    _nothing_in(logs)


def _nothing_in(folder: Path) -> None:
    """Check that no log of Ray holds a word of a note."""
    looked = 0
    for place, _, names in os.walk(folder):
        for name in names:
            path = Path(place) / name
            if path.is_file() and not path.is_symlink():
                looked += 1
                content = path.read_bytes()
                assert not any(word.encode() in content for word in SEEN_BY_SHARDS), name
    assert looked > 5
