"""One process at a time; whoever waits knows for whom, and may refuse to."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from deidsynth.errors import OutputInUseError, StorageError
from deidsynth.locks import hold_lock, hold_output

HOLDER = """
import sys
from pathlib import Path
from deidsynth.locks import hold_lock, hold_output
with hold_lock(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.readline()
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "a.lock"


@pytest.fixture
def holder(path: Path) -> Iterator[subprocess.Popen[str]]:
    """A process that holds the lock until it is given a line."""
    command = [sys.executable, "-c", HOLDER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


def test_waiting_is_told_with_the_holder_and_ends_with_it(path: Path, holder: subprocess.Popen[str]) -> None:
    waited_for: list[str] = []
    entered = threading.Event()

    def wait() -> None:
        with hold_lock(path, waited_for.append):
            assert path.read_text() == f"{os.getpid()}\n"
            entered.set()

    waiter = threading.Thread(target=wait)
    waiter.start()
    assert not entered.wait(0.3)
    assert waited_for == [str(holder.pid)]
    assert path.read_text() == f"{holder.pid}\n"
    assert holder.stdin is not None
    holder.stdin.write("\n")
    holder.stdin.flush()
    assert entered.wait(5)
    waiter.join()


def test_waiting_may_be_refused(path: Path, holder: subprocess.Popen[str]) -> None:
    def refuse(process: str) -> None:
        raise OutputInUseError(f"process {process}")

    for _ in range(2):
        with pytest.raises(OutputInUseError, match=f"process {holder.pid}"), hold_lock(path, refuse):
            pass


def test_the_lock_goes_with_its_process(path: Path, holder: subprocess.Popen[str]) -> None:
    holder.kill()
    holder.wait()
    waited_for: list[str] = []
    with hold_lock(path, waited_for.append):
        pass
    assert waited_for == []


def test_a_holder_that_did_not_say_who_it_is(path: Path, holder: subprocess.Popen[str]) -> None:
    path.write_bytes(b"\xff")
    seen: list[str] = []

    def refuse(process: str) -> None:
        seen.append(process)
        raise OutputInUseError(process)

    with pytest.raises(OutputInUseError), hold_lock(path, refuse):
        pass
    assert seen == ["unknown"]


def test_the_lock_is_let_go_after_an_error(path: Path) -> None:
    with pytest.raises(ValueError), hold_lock(path, pytest.fail):
        raise ValueError
    with hold_lock(path, pytest.fail):
        pass


def test_a_lock_file_that_cannot_be_made_is_a_storage_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="cannot be written"), hold_lock(tmp_path / "file" / "a.lock", pytest.fail):
        pass


OUTPUT_HOLDER = """
import sys
from pathlib import Path
from deidsynth.locks import hold_output
with hold_output(Path(sys.argv[1]), print):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_an_output_is_for_one_command_under_any_name(tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").symlink_to("here")
    output = tmp_path / "here" / ("long" * 50)
    command = [sys.executable, "-c", OUTPUT_HOLDER, str(output)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        for name in (output, tmp_path / "there" / output.name):
            message = (
                rf"another command \(process {holder.pid}\) is writing to it; wait until it ends, or choose another"
            )
            with pytest.raises(OutputInUseError, match=message), hold_output(name, pytest.fail):
                pass
        with hold_output(output.with_name("other"), pytest.fail):
            pass
        holder.kill()
    with hold_output(output, pytest.fail):
        pass
    assert list((tmp_path / "here").iterdir()) == []


def test_what_killed_commands_left_of_an_output_is_removed_and_told(tmp_path: Path) -> None:
    own, others = tmp_path / f".a.{2**30}.tmp", tmp_path / f".b.{2**30}.tmp"
    for left in (own, others):
        left.mkdir()
        (left / "note.txt").write_text("text")
    told: list[str] = []
    with hold_output(tmp_path / "a", told.append):
        assert not own.exists()
    assert others.exists()
    assert told == [
        f"removed {own}: a killed command had left it, unfinished and perhaps with text in it",
        f"{others}: a killed command left it, perhaps with text in it; the same command removes it, or remove it",
    ]
