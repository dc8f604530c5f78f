"""Kill -9 while inputs are de-identified: the same command goes on, and what it writes is what nobody stopped."""

from __future__ import annotations

import json
import multiprocessing
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from deidentification.killing import Stop, run
from deidsynth.config import TrainConfig
from deidsynth.documents import LabelScheme
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.tagging import TagSet
from tiny_models import save_tiny

Call = Callable[..., tuple[int, str]]


@pytest.fixture(scope="module")
def call(tmp_path_factory: pytest.TempPathFactory) -> Call:
    """A call of the command in a process of its own: exit code, and what it said."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["deidentification.killing", "deidsynth.deidentification.writing"])
    logs = tmp_path_factory.mktemp("logs")

    def made(
        *arguments: str | Path, hook: str = "", count: int = 0, kills: bool = True, scope: bool = False
    ) -> tuple[int, str]:
        log = logs / "log"
        process = context.Process(target=run, args=([*map(str, arguments)], log, Stop(hook, count, kills=kills), scope))
        process.start()
        process.join()
        assert process.exitcode is not None
        return process.exitcode, log.read_text(encoding="utf-8")

    return made


def content(path: Path) -> dict[str, bytes]:
    """The bytes of a file, or of every file below a folder, and of the manifest beside it."""
    files = path.rglob("*") if path.is_dir() else [path]
    found = {file.relative_to(path).as_posix(): file.read_bytes() for file in files if file.is_file()}
    return {**found, "manifest": path.with_name(f"{path.name}.manifest.json").read_bytes()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model's folder, a folder of notes, and a table of three patients."""
    home = tmp_path_factory.mktemp("home")
    (home / "model").mkdir()
    (home / "model" / "config.json").write_text(
        '{"id2label": {"0": "O", "1": "B-NAME", "2": "I-NAME"}}', encoding="utf-8"
    )
    (home / "notes").mkdir()
    rows = ["patient,note"]
    for number in range(300):
        text = f"Namn{number} kom, \u00e5t {'BRÖD' * (number % 3)}.\r\n"
        (home / "notes" / f"{number:03}.txt").write_bytes(text.encode())
        rows.append(f'p{number % 3},"{text}"')
    (home / "notes" / "150.txt").write_bytes(b"\xff")
    (home / "table.csv").write_text("\n".join(rows), encoding="utf-8", newline="")
    return home


@pytest.mark.parametrize(("hook", "count"), [("predict", 1), ("put", 250), ("publish", 1)])
def test_a_killed_folder_goes_on(call: Call, home: Path, tmp_path: Path, hook: str, count: int) -> None:
    command = [home / "model", home / "notes", "--mode", "number", "--private"]
    assert call(*command, tmp_path / "map", "--output", tmp_path / "clean")[0] == 1  # of one note that is no text
    (tmp_path / "again").mkdir()
    again = [*command, tmp_path / "again" / "map", "--output", tmp_path / "again" / "clean"]
    assert call(*again, hook=hook, count=count)[0] == -9
    left = tmp_path / "again" / ".clean.partial"
    assert (left.stat().st_mode & 0o777, (tmp_path / "again" / "clean").exists()) == (0o700, False)
    code, told = call(*again)
    assert code == 1, told
    assert ("continuing" in told) == ((hook, count) != ("predict", 1) and hook != "publish")
    assert "150.txt" in told
    assert content(tmp_path / "again" / "clean") == content(tmp_path / "clean")
    maps = [(each / "map" / "map.jsonl").read_bytes() for each in (tmp_path, tmp_path / "again")]
    assert maps[0] == maps[1]
    assert sorted(path.name for path in (tmp_path / "again").iterdir()) == ["clean", "clean.manifest.json", "map"]


@pytest.mark.parametrize(("scope", "hook", "count"), [("patient", "predict", 3), ("corpus", "replace", 200)])
def test_a_wider_scope_knows_all_of_it_first(
    call: Call, home: Path, tmp_path: Path, scope: str, hook: str, count: int
) -> None:
    policy = tmp_path / "policy.yaml"
    policy.write_text(f"scope: {scope}\nlanguage: sv\n", encoding="utf-8")
    command = [
        home / "model",
        home / "table.csv",
        "--column",
        "note",
        "--patient-column",
        "patient",
        "--policy",
        policy,
    ]
    code, told = call(*command, "--output", tmp_path / "out.csv", scope=True)
    assert code == 0, told
    n_avoided = {"patient": 100, "corpus": 300}[scope]
    assert f"\np1,{n_avoided}/p1 kom, " in (tmp_path / "out.csv").read_text(encoding="utf-8").replace('"', "")
    (tmp_path / "again").mkdir()
    again = tmp_path / "again" / "out.csv"
    assert call(*command, "--output", again, scope=True, hook=hook, count=count)[0] == -9
    code, told = call(*command, "--output", again, scope=True)
    assert code == 0, told
    assert "continuing" in told
    assert content(again) == content(tmp_path / "out.csv")


def test_another_command_does_not_go_on_with_what_is_left(call: Call, home: Path, tmp_path: Path) -> None:
    command = [home / "model", home / "notes", "--output", tmp_path / "clean"]
    assert call(*command, hook="predict", count=3)[0] == -9
    code, told = call(*command, "--mode", "tag")
    assert code == 1
    assert "removed" in told and "continuing" not in told
    assert "<NAME>Namn0</NAME>" in (tmp_path / "clean" / "000.txt").read_text(encoding="utf-8")


def test_an_interruption_keeps_what_is_done(call: Call, home: Path, tmp_path: Path) -> None:
    for count, is_kept in ((1, False), (3, True)):
        command = [home / "model", home / "notes", "--output", tmp_path / "clean"]
        code, told = call(*command, hook="predict", count=count, kills=False)
        assert code == 130, told
        assert ("to continue" in told, "to start over" in told) == (is_kept, not is_kept)
        assert (tmp_path / ".clean.partial").is_dir() == is_kept


@pytest.mark.slow
def test_two_thousand_notes_killed_at_any_moment(tmp_path: Path) -> None:
    torch.manual_seed(1)
    tags = TagSet.of(LabelScheme(("NAME", "CITY")))
    made = new_tagger(TrainConfig(encoder=str(save_tiny("modernbert", tmp_path / "base"))), tags, [])
    with torch.no_grad():
        made.model.classifier.weight.normal_(0, 2)
    made.save(tmp_path / "model")
    (tmp_path / "notes").mkdir()
    for number in range(2000):
        text = f"Not {number}: Alvedina Kvistlund, {number % 90} år, kom från Vindheim.\r\n" * (1 + number % 4)
        (tmp_path / "notes" / f"{number}.txt").write_bytes(text.encode())
    command = [
        sys.executable,
        "-m",
        "deidsynth",
        "deidentify",
        tmp_path / "model",
        tmp_path / "notes",
        "--device",
        "cpu",
    ]
    whole, again = tmp_path / "whole", tmp_path / "again"
    command += ["--from", "text"]  # lines of one pattern look like columns
    subprocess.run([*command, "--output", whole], check=True)
    n_killed = 0
    while n_killed < 3:
        running = subprocess.Popen([*command, "--output", again])
        state, goal = tmp_path / ".again.partial" / "state.json", 7 * (n_killed + 1)
        while running.poll() is None:
            time.sleep(0.02)
            if state.is_file() and json.loads(state.read_text()).get("n_written_shards", 0) >= goal:
                break
        assert running.poll() is None, "it ended before it was killed"
        os.kill(running.pid, 9)
        running.wait()
        n_killed += 1
        assert not again.exists()
    subprocess.run([*command, "--output", again], check=True)
    assert content(again) == content(whole)
    assert len(list(again.iterdir())) == 2000


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows_of_a_table(tmp_path: Path) -> None:
    made = new_tagger(
        TrainConfig(encoder=str(save_tiny("modernbert", tmp_path / "base"))), TagSet.of(LabelScheme(("NAME",))), []
    )
    made.save(tmp_path / "model")
    program = (
        "import resource, sys\nfrom deidsynth.cli.app import app\n"
        "try:\n    app(sys.argv[1:])\nexcept SystemExit as end:\n    assert not end.code\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)"
    )
    peaks = []
    for n_rows in (10_000, 100_000):
        table = tmp_path / f"{n_rows}.csv"
        with table.open("w", encoding="utf-8") as stream:
            stream.write("id,note\n")
            stream.writelines(f"{number},Alvedina kom {number} och gick.\n" for number in range(n_rows))
        arguments = ["deidentify", tmp_path / "model", table, "--output", tmp_path / f"out-{n_rows}.csv"]
        command = [sys.executable, "-c", program, *map(str, arguments), "--column", "note", "--device", "cpu", "-q"]
        peaks.append(int(subprocess.run(command, capture_output=True, text=True, check=True).stdout.split()[-1]))
        assert sum(1 for _ in (tmp_path / f"out-{n_rows}.csv").open(encoding="utf-8")) == n_rows + 1
    assert peaks[1] - peaks[0] < 50 * 1024
