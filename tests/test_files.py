"""Whole or not at all, private where asked, and a full disk told in one way."""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from deidsynth.errors import InputError, StorageError
from deidsynth.files import (
    fsync_path,
    is_temporary,
    left_in,
    left_of,
    make_private,
    make_private_folder,
    read_lines,
    refuse_special,
    remove_tree,
    replace_tree,
    storage_errors,
    temporary_beside,
    whole_file,
    whole_folder,
    write_atomically,
    write_json,
    write_lines,
)

NO_PROCESS = 2**30
Whole = Callable[..., AbstractContextManager[Path]]


@pytest.fixture
def open_umask() -> Iterator[None]:
    """Whatever is created may be read and written by all, unless somebody sees to it."""
    before = os.umask(0o000)
    yield
    os.umask(before)


def mode(path: Path) -> int:
    return path.stat().st_mode & 0o777


def begin(whole: Whole, temporary: Path, content: str) -> None:
    """Write into what ``whole`` gave."""
    if whole is whole_folder:
        (temporary / "deep").mkdir()
        temporary = temporary / "deep" / "a"
    temporary.write_text(content)


def test_a_file_is_seen_old_or_new_and_never_in_part(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "a.txt"
    write_atomically(path, "old\r\n")
    with whole_file(path) as temporary:
        temporary.write_text("ne")
        assert path.read_bytes() == b"old\r\n"
        assert is_temporary(temporary.name)
        assert not is_temporary(path.name)
        temporary.write_text("new")
    assert path.read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


def test_a_folder_appears_at_once(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "corpus"
    with whole_folder(path) as temporary:
        begin(whole_folder, temporary, "new")
        assert not path.exists()
    assert (path / "deep" / "a").read_text() == "new"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_an_exception_leaves_what_was_there(tmp_path: Path, whole: Whole, error: type[BaseException]) -> None:
    path = tmp_path / "a"
    if whole is whole_file:
        path.write_text("old")
    with pytest.raises(error), whole(path) as temporary:
        begin(whole, temporary, "new")
        raise error
    assert [each.read_text() for each in tmp_path.iterdir()] == (["old"] if whole is whole_file else [])


def test_rows_that_fail_leave_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    write_lines(path, [{"a": 1}])

    def rows() -> Iterator[dict[str, int]]:
        yield {"a": 2}
        raise ValueError

    with pytest.raises(ValueError):
        write_lines(path, rows())
    assert read_lines(path) == [{"a": 1}]
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_with_something_in_it_is_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "taken").mkdir()
    (tmp_path / "taken" / "a").write_text("old")
    with pytest.raises(StorageError, match="taken: cannot be written"), whole_folder(tmp_path / "taken"):
        pass
    assert [path.name for path in tmp_path.rglob("*")] == ["taken", "a"]
    with whole_folder(tmp_path / "empty") as temporary:
        (tmp_path / "empty").mkdir()
        begin(whole_folder, temporary, "new")
    assert (tmp_path / "empty" / "deep" / "a").exists()


@pytest.mark.usefixtures("open_umask")
def test_what_is_private_is_for_its_owner_only_whatever_the_umask(tmp_path: Path) -> None:
    with whole_file(tmp_path / "file", private=True) as temporary:
        assert mode(temporary) == 0o600
        temporary.unlink()
        temporary.write_text("as a library does that replaces the file")
    write_atomically(tmp_path / "text", "", private=True)
    write_json(tmp_path / "json", {}, private=True)
    write_lines(tmp_path / "lines", [], private=True)
    assert {mode(path) for path in tmp_path.iterdir()} == {0o600}
    with whole_folder(tmp_path / "folder", private=True) as temporary:
        assert mode(temporary) == 0o700
        begin(whole_folder, temporary, "")
    folder = tmp_path / "folder"
    assert [mode(path) for path in (folder, folder / "deep", folder / "deep" / "a")] == [0o700, 0o700, 0o600]
    make_private_folder(tmp_path / "above" / "own")
    assert (mode(tmp_path / "above"), mode(tmp_path / "above" / "own")) == (0o777, 0o700)


@pytest.mark.usefixtures("open_umask")
def test_a_folder_that_is_there_becomes_private_and_a_private_one_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "open").mkdir(mode=0o755)
    (tmp_path / "closed").mkdir(mode=0o500)
    before = (tmp_path / "closed").stat().st_ctime_ns
    for name in ("open", "closed"):
        make_private_folder(tmp_path / name)
    assert [mode(tmp_path / name) for name in ("open", "closed")] == [0o700, 0o500]
    assert (tmp_path / "closed").stat().st_ctime_ns == before


@pytest.mark.usefixtures("open_umask")
def test_making_private_goes_below_and_not_through_links(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "b" / "c").write_text("")
    (tmp_path / "a" / "link").symlink_to(tmp_path / "other")
    make_private(tmp_path / "a")
    assert [mode(tmp_path / name) for name in ("a", "a/b", "a/b/c", "other")] == [0o700, 0o700, 0o600, 0o666]


def test_what_belongs_to_another_user_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, os.strerror(errno.EPERM))

    (tmp_path / "a").mkdir()
    (tmp_path / "a").chmod(0o755)
    monkeypatch.setattr(Path, "chmod", refuse)
    with pytest.raises(StorageError, match="a: belongs to another user and can be read by others; choose another"):
        make_private_folder(tmp_path / "a")


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
def test_a_pipe_or_device_is_never_replaced(tmp_path: Path, whole: Whole) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "link").symlink_to("pipe")
    for name in ("pipe", "link"):
        with pytest.raises(InputError, match=f"{name}: is a device or a pipe, not a file"), whole(tmp_path / name):
            pass
    assert (tmp_path / "pipe").is_fifo()
    with pytest.raises(InputError):
        refuse_special(Path(os.devnull))
    for fine in (tmp_path, tmp_path / "absent", Path(__file__)):
        refuse_special(fine)


@pytest.mark.usefixtures("open_umask")
def test_what_is_not_private_follows_the_umask(tmp_path: Path) -> None:
    write_atomically(tmp_path / "text", "")
    with whole_folder(tmp_path / "folder"):
        pass
    assert (mode(tmp_path / "text"), mode(tmp_path / "folder")) == (0o666, 0o777)


def test_json_is_for_people_and_lines_are_for_programs(tmp_path: Path) -> None:
    write_json(tmp_path / "a", {"å": [1]})
    assert (tmp_path / "a").read_bytes() == '{\n "å": [\n  1\n ]\n}\n'.encode()
    write_lines(tmp_path / "b", [{"å": "\u2028"}, {}])
    assert (tmp_path / "b").read_bytes() == '{"å": "\u2028"}\n{}\n'.encode()
    assert read_lines(tmp_path / "b") == [{"å": "\u2028"}, {}]


def test_the_next_attempt_removes_what_a_killed_one_left_and_nothing_else(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as other:
        kept = {f".a[1].{other.pid}.tmp", f".a[1].b.{NO_PROCESS}.tmp", f".c.{NO_PROCESS}.tmp", f"a[1].{NO_PROCESS}.tmp"}
        for name in (*kept, f".a[1].{NO_PROCESS}.tmp", f".a[1].{os.getpid()}.tmp"):
            (tmp_path / name).mkdir()
            (tmp_path / name / "half").write_text("")
        write_atomically(tmp_path / "a[1]", "")
        assert {path.name for path in tmp_path.iterdir()} == {"a[1]", *kept}
        other.communicate(b"\n")
    assert temporary_beside(tmp_path / "a[1]").name == f".a[1].{os.getpid()}.tmp"
    assert not (tmp_path / f".a[1].{other.pid}.tmp").exists()


def test_what_killed_writers_left_is_found_by_target_and_by_folder(tmp_path: Path) -> None:
    names = (f".a.{NO_PROCESS}.tmp", f".a.b.{NO_PROCESS}.tmp", f".a.{os.getpid()}.tmp", ".a.tmp", "a")
    for name in names:
        (tmp_path / name).write_text("")
    assert [path.name for path in left_of(tmp_path / "a")] == [names[0]]
    assert [path.name for path in left_in(tmp_path)] == [names[0], names[1]]


KILLED = """
import os, signal, sys
from pathlib import Path
from deidsynth.files import whole_file
with whole_file(Path(sys.argv[1])) as temporary:
    temporary.write_text("half")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_a_killed_process_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "a"
    path.write_text("old")
    subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert path.read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    write_atomically(path, "new")
    assert [each.read_text() for each in tmp_path.iterdir()] == ["new"]


MANY_TIMES = """
import sys
from pathlib import Path
from deidsynth.files import write_atomically
for _ in range(100):
    write_atomically(Path(sys.argv[1]), sys.argv[2] * 50_000)
"""


def test_processes_that_write_the_same_file_do_not_mix(tmp_path: Path) -> None:
    path = tmp_path / "a"
    writers = [subprocess.Popen([sys.executable, "-c", MANY_TIMES, str(path), letter]) for letter in "ab"]
    seen = set()
    while any(writer.poll() is None for writer in writers):
        if path.exists():
            seen.add(path.read_text())
    assert [writer.returncode for writer in writers] == [0, 0]
    assert seen | {"a" * 50_000, "b" * 50_000} == {"a" * 50_000, "b" * 50_000}
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("whole", [whole_file, whole_folder])
@pytest.mark.parametrize("fails", ["os.replace", "content"])
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_told_with_the_remedy_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: Whole, fails: str, number: int
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    if fails != "content":
        monkeypatch.setattr(fails, full)
    with (
        pytest.raises(StorageError, match=r"/a: the disk is full.*free some space"),
        whole(tmp_path / "a") as temporary,
    ):
        begin(whole, temporary, "new")
        if fails == "content":
            full()
    assert list(tmp_path.iterdir()) == []


def test_a_temporary_file_is_not_named_to_people(tmp_path: Path) -> None:
    with pytest.raises(StorageError) as caught, whole_folder(tmp_path / "a") as temporary:
        (temporary / ("x" * 300)).write_text("")
    assert str(caught.value).startswith(f"{tmp_path / 'a'}: cannot be written (File name too long); make it writable")


def test_errors_of_what_is_read_inside_pass_through(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), whole_file(tmp_path / "a"):
        (tmp_path / "model").read_text()
    assert list(tmp_path.iterdir()) == []


def test_a_place_that_cannot_be_written_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="make it writable, or choose another place"), storage_errors(tmp_path):
        raise OSError(errno.EACCES, "Permission denied", "somewhere")
    with pytest.raises(StorageError, match="Read-only"), storage_errors(tmp_path, refusals=False):
        raise OSError(errno.EROFS, "Read-only file system", "somewhere")
    with pytest.raises(PermissionError), storage_errors(tmp_path, refusals=False):
        raise OSError(errno.EACCES, "Permission denied", "somewhere")
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="file: cannot be written"):
        make_private_folder(tmp_path / "file" / "below")


def test_a_full_disk_is_told_apart_in_the_words_of_native_libraries(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="disk is full"), storage_errors(tmp_path):
        raise RuntimeError("Error while serializing: I/O error: No space left on device (os error 28)")
    with pytest.raises(RuntimeError, match="something else"), storage_errors(tmp_path):
        raise RuntimeError("something else")


def test_a_folder_that_cannot_be_synced_is_left_to_the_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a").write_text("")

    def refuse(handle: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", refuse)
    fsync_path(tmp_path)
    with pytest.raises(OSError, match="Invalid argument"):
        fsync_path(tmp_path / "a")


def test_trees_are_replaced_and_removed(tmp_path: Path) -> None:
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
        (tmp_path / name / name).write_text(json.dumps(name))
    (tmp_path / f".old.old.{NO_PROCESS}.tmp").mkdir()
    replace_tree(tmp_path / "new", tmp_path / "old")
    assert [path.name for path in tmp_path.rglob("*")] == ["old", "new"]
    (tmp_path / "link").symlink_to(tmp_path / "old")
    remove_tree(tmp_path / "link")
    remove_tree(tmp_path / "nowhere")
    assert (tmp_path / "old" / "new").exists()
    remove_tree(tmp_path / "old")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
@pytest.mark.parametrize("wrapped", ["context", "words"])
def test_a_full_disk_is_known_behind_the_exception_of_a_library(tmp_path: Path, number: int, wrapped: str) -> None:
    def library() -> None:
        if wrapped == "words":
            raise RuntimeError(f"I/O error: {os.strerror(number)} (os error {number})")
        try:
            raise OSError(number, os.strerror(number))
        finally:
            raise RuntimeError("[enforce fail at inline_container.cc:672] . unexpected pos 64 vs 0")

    with pytest.raises(StorageError, match="disk is full"), storage_errors(tmp_path, refusals=False):
        library()
    with pytest.raises(RuntimeError, match="unexpected pos"), storage_errors(tmp_path, refusals=False):
        raise RuntimeError("unexpected pos 64 vs 0")
