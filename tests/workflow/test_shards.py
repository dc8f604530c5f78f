"""Divided nodes: the same artifact for any number of parts, whoever runs them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from deidsynth.workflow.executors.workers import Workers
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.scheduler import execute
from deidsynth.workflow.store import Artifact, Store
from fake_specs import spec_of
from pieces import N_PIECES, Pieces, source

PLAN = Plan((Node("in", "import", source_digest="sha256:0"), Node("out", "pieces", inputs={"text": "in"})))


def go(root: Path, stage: Pieces, shards: int, **options: Any) -> Any:
    store = Store(root)
    stages = {"pieces": spec_of(stage)}
    return store, execute(PLAN, store, stages, sources={"in": source}, shards=shards, attempts=2, **options)


def made_at_once(root: Path) -> Artifact:
    stages = {"pieces": spec_of(Pieces())}
    return execute(PLAN, Store(root), stages, sources={"in": source}).results["out"].artifact


@pytest.mark.parametrize("shards", [1, 2, 3, 9])
def test_any_number_of_parts_gives_one_artifact(tmp_path, shards) -> None:
    plain = made_at_once(tmp_path / "plain")
    heard: list[str] = []
    stage = Pieces()
    store, outcome = go(tmp_path / "parts", stage, shards, on_result=lambda result: heard.append(result.name))
    made = outcome.results["out"].artifact
    assert (made.key, made.content_digest) == (plain.key, plain.content_digest)
    assert sorted(stage.made) == list(range(N_PIECES)), "the whole made no piece again"
    assert sorted(outcome.results) == sorted(heard) == ["in", "out"]
    assert len(store.artifacts()) == 2, "parts go when their whole is there"


def test_what_is_there_is_not_divided(tmp_path) -> None:
    go(tmp_path, Pieces(), 1)
    stage = Pieces()
    _, outcome = go(tmp_path, stage, 4)
    assert (outcome.results["out"].status, stage.made) == ("cached", [])


def test_a_part_that_fails_keeps_its_whole_back_and_the_others_stay(tmp_path) -> None:
    broken = Pieces(fail_part=1)
    store, outcome = go(tmp_path, broken, 3)
    assert list(outcome.results) == ["in"]
    assert [failure.name for failure in outcome.failures.values()] == ["out 2 of 3"]
    assert "Alva" not in outcome.failures["out 2 of 3"].message
    mended = Pieces()
    _, outcome = go(tmp_path, mended, 3)
    assert sorted(mended.made) == [1, 4]
    assert not store.verify(outcome.results["out"].artifact)


def test_worker_processes_make_parts_too(tmp_path) -> None:
    plain = made_at_once(tmp_path / "plain")
    stage = Pieces()
    _, outcome = go(tmp_path / "parts", stage, 3, run_pass=Workers(2, start_method="fork"))
    assert outcome.results["out"].artifact.content_digest == plain.content_digest
    assert stage.made == []
