"""The folder of what a command has done so far."""

from __future__ import annotations

from pathlib import Path

import pytest

import deidsynth.deidentification.partial as module
from deidsynth.deidentification.partial import STATE, Partial


def test_whole_files_are_on_the_disk_before_the_record_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    partial = Partial.new(tmp_path / "out", "identity", pytest.fail)
    done = list[str]()
    monkeypatch.setattr(module, "fsync_path", lambda path: done.append(path.name))
    monkeypatch.setattr(module, "write_json", lambda path, *_, **__: done.append(path.name))
    partial.put("output/a.txt", "a")
    partial.put("output/b.txt", "b")
    partial.put("output/a.txt", "again")
    partial.finish_shard({})
    assert done == ["a.txt", "b.txt", "output", STATE]
    done.clear()
    partial.finish_shard({})
    assert done == [STATE]
