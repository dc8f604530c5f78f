"""Damaged inputs of every kind: refused or read, in time, within memory, and without a word of what they hold.

What an input is and what must hold is said in ``targets/`` and ``judging.py``. For more inputs, see
docs/architecture.md.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from deidsynth.corpora import FORMATS
from fuzz import runner, targets
from fuzz.__main__ import FAILURES
from fuzz.bases import CORPORA, SECRET
from fuzz.campaign import Campaign
from fuzz.case import Case
from fuzz.judging import Fault, faults_of
from fuzz.reducing import reduced
from fuzz.runner import Worker
from fuzz.targets.corpora import format_of
from fuzz.worker import Outcome

N_INPUTS = {"corpora": 200, "configurations": 120, "models": 50, "artifacts": 50, "endpoints": 50}
REGRESSIONS = sorted(Path(__file__).with_name("regressions").glob("*.json"))
CHECK = Case("corpora", (("corpus", "check", "notes.jsonl"),), {"notes.jsonl": b'{"text": 1}\n'})


@pytest.fixture(scope="session")
def worker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Worker]:
    """One process for all tests: most of its time goes into loading libraries."""
    with Worker(tmp_path_factory.mktemp("fuzz")) as started:
        yield started


@pytest.mark.parametrize("kind", N_INPUTS)
def test_whatever_the_input_every_property_holds(kind: str, worker: Worker) -> None:
    campaign = Campaign(worker, FAILURES)
    campaign.run(kind, seed=1, numbers=range(N_INPUTS[kind]))
    told = [f"{fault}; PYTHONPATH=src:tests python -m fuzz --replay {at}" for fault, at in campaign.saved.items()]
    assert not told, "\n".join(told)


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_broke_a_property_does_so_no_more(path: Path, worker: Worker) -> None:
    assert worker.faults(Case.from_json(path.read_text(encoding="utf-8"))) == []


@pytest.mark.parametrize("kind", targets.TARGETS)
def test_undamaged_inputs_are_read(kind: str, worker: Worker) -> None:
    for case in targets.valid(kind, worker.bases):
        outcomes, ended = worker.outcomes(case)
        assert ended is None
        assert [each.exit_code for each in outcomes] == [0] * len(case.commands), outcomes


def test_every_format_is_fuzzed() -> None:
    assert {format_of(name) for name in CORPORA} == set(FORMATS)


def test_a_number_gives_the_same_case_each_time(worker: Worker) -> None:
    for kind in targets.TARGETS:
        cases = [targets.draw(kind, 1, number, worker.bases) for number in range(20)]
        assert cases == [targets.draw(kind, 1, number, worker.bases) for number in range(20)]
        assert cases == [Case.from_json(case.to_json()) for case in cases]
        assert len({case.name for case in cases}) > 10


# The fuzzer itself


def outcome(code: int = 0, out: str = "", err: str = "", **changes: object) -> Outcome:
    return replace(Outcome(("corpus", "describe", "x"), code, "", (out, err), 0.1, 1), **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("seen", "fault"),
    [
        (outcome(3, err="error: unexpected KeyError at deidsynth/a.py:7"), "exit code 3: KeyError at deidsynth/a.py:7"),
        (outcome(1, err="error: no"), "exit code 1: error: no"),
        (outcome(1, raised="PanicException at deidsynth/a.py:7"), "traceback: PanicException at deidsynth/a.py:7"),
        (outcome(seconds=11.0), "more than 10 s"),
        (outcome(2, err=f"error: {SECRET} is no label"), "a planted token was printed"),
        (outcome(out=json.dumps({"labels": {}, "file": SECRET})), "a planted token was printed"),
        (outcome(out="NAME \x1b[31m"), "control characters were printed"),
    ],
)
def test_a_broken_property_is_named(seen: Outcome, fault: str) -> None:
    assert [str(each) for each in faults_of(CHECK, seen)] == [f"corpus describe: {fault}"]


def test_what_is_right_is_no_fault() -> None:
    right = [outcome(), outcome(2, err="error: no such file"), outcome(out=json.dumps({"labels": {SECRET: 1}}))]
    right.append(outcome(1, command=("corpus", "check", "x")))
    assert [faults_of(CHECK, each) for each in right] == [[], [], [], []]
    at_fault = outcome(3, err="error: prompt 1: no answer from the endpoint")
    assert faults_of(replace(CHECK, kind="endpoints"), at_fault) == [] != faults_of(CHECK, at_fault)


def test_a_process_that_hangs_is_replaced(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "HANGS_AFTER_SECONDS", 0.0)
    assert worker.faults(CHECK) == [Fault("no answer in 0 s", "corpus check")]
    monkeypatch.undo()
    assert worker.faults(CHECK) == []


def test_a_failing_case_is_made_smaller() -> None:
    case = replace(CHECK, files={"a": b"x" * 1000 + b"!" + b"y" * 1000, "b": b"z"}, commands=CHECK.commands * 3)
    small = reduced(case, lambda each: b"!" in each.files.get("a", b""), seconds=10.0)
    assert (len(small.commands), list(small.files)) == (1, ["a"])
    assert b"!" in small.files["a"] and small.size < 64
