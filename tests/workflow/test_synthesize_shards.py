"""Sampling in parts, with tiny models of random weights: the bytes of sampling at once, rejected texts and all."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from deidsynth.config import SynthesizeConfig, merge, parse
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus
from deidsynth.sampling.local import LocalEngine
from deidsynth.stages import STAGES
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work import synthesize
from deidsynth.stages.work.synthesize import Synthesize
from deidsynth.workflow.executors.workers import Workers
from deidsynth.workflow.external import external_digests
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.scheduler import execute
from deidsynth.workflow.shards import place_parts
from deidsynth.workflow.store import Store
from tiny_models import NOTES, one_thread, save_tiny
from tiny_synthesis import SETTINGS

__all__ = ["one_thread"]

FILES = ("corpus.jsonl", "samples.jsonl")
N_FIRST_BATCHES = 6  # 24 notes, four at once


@pytest.fixture(autouse=True)
def strict(monkeypatch: pytest.MonkeyPatch) -> None:
    """Random weights seldom write the same four tokens again."""
    monkeypatch.setattr("deidsynth.sampling.filters.LOOP_TOKENS", 1)


@pytest.fixture
def inputs(tmp_path: Path) -> Callable[[str], Mapping[str, Path]]:
    """The folders of the stage's inputs, with a model of a kind."""

    def folders(kind: str) -> Mapping[str, Path]:
        found = {role: tmp_path / "inputs" / role for role in ("model", "prompts", "train")}
        for role, folder in found.items():
            folder.mkdir(parents=True)
            if role == "model":
                save_tiny(kind, folder / "model")
            else:
                write_jsonl(Corpus(NOTES, origin="invented"), folder / "corpus.jsonl")
        return found

    return folders


def config(**changes: Any) -> SynthesizeConfig:
    return parse(SynthesizeConfig, merge(SETTINGS, changes))


def whole(settings: SynthesizeConfig, folders: Mapping[str, Path], place: Path, *parts: Path) -> Any:
    """The facts, and the bytes of every file."""
    for name in ("output", "scratch"):
        (place / name).mkdir(parents=True)
    place_parts(parts, place / "scratch")
    facts = Synthesize().run(settings, folders, place / "output", StageContext(place / "scratch", seed=3))
    return {**facts, "tokens_per_second": 0}, [(place / "output" / file).read_bytes() for file in FILES]


def run_part(settings: SynthesizeConfig, folders: Mapping[str, Path], place: Path, number: int, n_parts: int) -> int:
    """How many documents a part drew; its run is of the same seed as the whole."""
    place.mkdir(exist_ok=True)
    context = StageContext(place, seed=3)
    return int(Synthesize().run_part(settings, folders, place, context, number, n_parts)["n_sampled"])


@pytest.mark.parametrize(("kind", "n_parts"), [("llama", 1), ("llama", 2), ("llama", 9), ("gpt2", 3)])
def test_parts_give_the_bytes_of_the_whole(inputs, tmp_path, monkeypatch, kind, n_parts) -> None:
    folders, settings = inputs(kind), config(filters={"max_repeated": 0.25})
    facts, texts = whole(settings, folders, tmp_path / "whole")
    assert facts["n_rejected"] > 3, "some are sampled anew, in batches that no part makes"
    parts = [tmp_path / f"part-{number}" for number in range(n_parts)]
    counts = [run_part(settings, folders, place, number, n_parts) for number, place in enumerate(parts)]
    assert sum(counts) == facts["n_asked"]
    files = [file.name for place in parts for file in place.iterdir()]
    assert sorted(files) == [f"batch-{number:06d}.jsonl" for number in range(N_FIRST_BATCHES)]
    drawn: list[int] = []
    sample_batch = LocalEngine.sample_batch

    def counting(self: LocalEngine, requests: Any, *rest: Any) -> Any:
        drawn.append(len(requests))
        return sample_batch(self, requests, *rest)

    monkeypatch.setattr(LocalEngine, "sample_batch", counting)
    assert whole(settings, folders, tmp_path / "joined", *parts) == (facts, texts)
    assert sum(drawn) == facts["n_sampled"] - facts["n_asked"], "what was there is not drawn again"


def test_where_nothing_is_rejected_the_whole_loads_no_model(inputs, tmp_path, monkeypatch) -> None:
    folders, settings = inputs("llama"), config(filters={"mode": "count"})
    facts, texts = whole(settings, folders, tmp_path / "whole")
    parts = [tmp_path / f"part-{number}" for number in range(2)]
    for number, place in enumerate(parts):
        run_part(settings, folders, place, number, 2)

    def refuse(*_: Any) -> None:
        raise AssertionError("everything was there")

    monkeypatch.setattr(synthesize, "load_causal_lm", refuse)
    assert whole(settings, folders, tmp_path / "joined", *parts) == (facts, texts)


def test_a_part_that_is_missing_is_made_by_the_whole(inputs, tmp_path) -> None:
    folders, settings = inputs("llama"), config()
    made = whole(settings, folders, tmp_path / "whole")
    run_part(settings, folders, tmp_path / "second", 1, 3)
    assert whole(settings, folders, tmp_path / "joined", tmp_path / "second") == made


def test_a_part_that_was_killed_goes_on(inputs, tmp_path, monkeypatch) -> None:
    folders, settings = inputs("llama"), config()
    run_part(settings, folders, tmp_path / "first", 0, 2)
    before = {file.name: file.read_bytes() for file in (tmp_path / "first").iterdir()}
    (tmp_path / "first" / "batch-000001.jsonl").unlink()
    drawn: list[int] = []
    monkeypatch.setattr(
        synthesize, "sample", lambda *given, real=synthesize.sample: drawn.append(given[-1]) or real(*given)
    )
    run_part(settings, folders, tmp_path / "first", 0, 2)
    assert drawn == [1]
    assert {file.name: file.read_bytes() for file in (tmp_path / "first").iterdir()} == before


def test_a_server_is_left_to_the_whole(tmp_path) -> None:
    settings = config(endpoint={"base_url": "http://127.0.0.1:9/v1", "model": "lm"})
    assert run_part(settings, {}, tmp_path / "part", 0, 2) == 0
    assert not list((tmp_path / "part").iterdir())


def sampling_plan(**changes: Any) -> tuple[Plan, dict[str, Any]]:
    """A plan that samples, and the sources of its model and its notes."""

    def model(output: Path) -> dict[str, Any]:
        save_tiny("llama", output / "model")
        return {}

    def notes(output: Path) -> dict[str, Any]:
        write_jsonl(Corpus(NOTES, origin="invented"), output / "corpus.jsonl")
        return {}

    settings = config(**changes)
    external = external_digests(settings)
    nodes = (
        Node("model", "import", source_digest="sha256:0"),
        Node("notes", "import", source_digest="sha256:1"),
        Node(
            "out",
            "synthesize",
            settings,
            {"model": "model", "prompts": "notes", "train": "notes"},
            3,
            "fp32",
            external=external,
        ),
    )
    return Plan(nodes), {"model": model, "notes": notes}


@pytest.mark.parametrize("shards", [2, 5])
def test_divided_nodes_give_one_artifact(tmp_path, shards) -> None:
    plan, sources = sampling_plan()
    plain = execute(plan, Store(tmp_path / "plain"), STAGES, sources=sources).results["out"].artifact
    store = Store(tmp_path / "parts")
    made = execute(plan, store, STAGES, sources=sources, shards=shards, attempts=2).results["out"].artifact
    assert (made.key, made.content_digest) == (plain.key, plain.content_digest)
    assert len(store.artifacts()) == 3, "parts go when their whole is there"


def test_a_file_of_prompts_does_not_keep_a_node_from_being_divided(tmp_path) -> None:
    (tmp_path / "prompts.txt").write_text("Alvedina\nBrontus\n")
    plan, sources = sampling_plan(prompts={"source": "file", "file": str(tmp_path / "prompts.txt")})
    plain = execute(plan, Store(tmp_path / "plain"), STAGES, sources=sources).results["out"].artifact
    outcome = execute(plan, Store(tmp_path / "parts"), STAGES, sources=sources, shards=2, attempts=2)
    assert outcome.results["out"].artifact.content_digest == plain.content_digest


@pytest.mark.slow
def test_worker_processes_sample_side_by_side(tmp_path, monkeypatch) -> None:
    monkeypatch.undo()  # the processes know nothing of it
    plan, sources = sampling_plan()
    plain = execute(plan, Store(tmp_path / "plain"), STAGES, sources=sources).results["out"].artifact
    outcome = execute(
        plan, Store(tmp_path / "parts"), STAGES, sources=sources, shards=3, attempts=2, run_pass=Workers(2, threads=1)
    )
    assert not outcome.failures
    assert outcome.results["out"].artifact.content_digest == plain.content_digest
