"""A disk that is full at any moment: the storage error with its remedy, and the same command goes on with more room."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import deidsynth
from deidsynth.workflow.run_folder import show_run
from deidsynth.workflow.run_verification import check_run
from tiny_runs import SETTINGS, write_config, write_notes

pytestmark = pytest.mark.slow

QUICK = {
    "adapt": {**SETTINGS["adapt"], "epochs": 4},
    "train": {**SETTINGS["train"], "task_adaptive_pretraining": {"epochs": 1}},
}
FILE_KILOBYTES = (2, 8, 32, 96, 300, 500)
DISK_KILOBYTES = (16, 64, 160, 300, 500, 800, 1_100, 1_400, 1_700, 2_000)


def run(config: Path, before: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "PYTHONPATH": str(Path(deidsynth.__file__).parents[1])}
    command = [sys.executable, "-m", "deidsynth", "run", str(config), "--device", "cpu", "--quiet"]
    return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, preexec_fn=before)


def files_of(folder: Path) -> dict[str, Any]:
    """Digest of every file of every artifact of a run."""
    places = {each["name"]: Path(each["path"]) / "manifest.json" for each in show_run(folder)["artifacts"]}
    return {name: json.loads(place.read_text(encoding="utf-8"))["files"] for name, place in places.items()}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The home of an undisturbed run in ``run``, and of its notes."""
    home = tmp_path_factory.mktemp("undisturbed")
    done = run(write_config(home / "tiny.yaml", write_notes(home / "notes"), home / "run", **QUICK))
    assert done.returncode == 0, done.stderr
    return home


def told(result: subprocess.CompletedProcess[str]) -> None:
    """Check that a run ended with the storage error and its remedy."""
    assert result.returncode == 3, result.stderr
    assert "unexpected" not in result.stderr
    assert "the disk is full or over quota; free some space and run the same command again" in result.stderr


@pytest.mark.parametrize("kilobytes", FILE_KILOBYTES)
def test_a_file_that_may_not_grow_is_told_and_the_run_goes_on(home: Path, tmp_path: Path, kilobytes: int) -> None:
    config = write_config(tmp_path / "tiny.yaml", home / "notes", tmp_path / "run", **QUICK)

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (kilobytes * 1024, resource.RLIM_INFINITY))

    told(run(config, limit))
    if (tmp_path / "run" / "run.json").is_file():
        assert check_run(tmp_path / "run").status == "unfinished"
    again = run(config)
    assert again.returncode == 0, again.stderr
    assert files_of(tmp_path / "run") == files_of(home / "run")
    assert check_run(tmp_path / "run").status == "whole"


@pytest.mark.parametrize("kilobytes", DISK_KILOBYTES)
def test_a_disk_that_is_full_is_told_and_the_run_goes_on(home: Path, tmp_path: Path, kilobytes: int) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={kilobytes}k", "tmpfs", disk]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("this user cannot mount a small disk")
    try:
        config = write_config(tmp_path / "tiny.yaml", home / "notes", disk / "run", **QUICK)
        told(run(config))
        if (disk / "run" / "run.json").is_file():
            assert check_run(disk / "run").status == "unfinished"
        subprocess.run(["mount", "-o", "remount,size=200m", disk], check=True)
        again = run(config)
        assert again.returncode == 0, again.stderr
        assert files_of(disk / "run") == files_of(home / "run")
        assert check_run(disk / "run").status == "whole"
    finally:
        subprocess.run(["umount", disk], check=True)
