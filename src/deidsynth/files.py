"""Writing that is whole or not at all and, where asked, for its owner only; what to say when a disk refuses.

What is being written lies beside its target under one kind of name, ``.NAME.PROCESS.tmp``: hidden, of one process
alone, and removed by the next attempt where that process was killed.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from deidsynth.errors import DeidsynthError, InputError, StorageError

FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
"""What the system answers when there is no room, or none for a file of this size."""

_FULL_WORDS = tuple(map(os.strerror, sorted(FULL)))
_NO_FOLDER_SYNC = frozenset({errno.EACCES, errno.EINVAL, errno.ENOTSUP})
_SUFFIX = ".tmp"
_PRIVATE_FILE, _PRIVATE_FOLDER = 0o600, 0o700
_FILE, _FOLDER = 0o666, 0o777
_OTHERS = 0o077


MANIFEST = "manifest.json"
"""The file in an artifact, or behind the name of what was taken out of one, that says how it was made."""


def manifest_beside(output: Path) -> Path:
    """Where the manifest is of a file or folder that was taken out of its artifact."""
    return output.with_name(f"{output.name}.{MANIFEST}")


@contextmanager
def storage_errors(path: Path, *, refusals: bool = True) -> Iterator[None]:
    """A context in which a disk that is full or refuses raises a StorageError that names the remedy.

    Args:
        path: what is being written, for the message.
        refusals: whether every error of the system counts. Off where the code inside also reads elsewhere: then a full
            or read-only disk counts, and what happened to a temporary file.

    Raises:
        StorageError: the disk is full, over quota, read-only or not ours to write.
    """
    try:
        yield
    except DeidsynthError:
        raise
    except OSError as error:
        if _tells_full(error):
            raise disk_full(path) from error
        named = Path(error.filename) if isinstance(error.filename, str) else None
        unfinished = named is not None and any(map(is_temporary, named.parts))
        if refusals or unfinished or error.errno == errno.EROFS:
            place = path if named is None or unfinished else named
            reason = error.strerror or type(error).__name__
            raise StorageError(
                f"{place}: cannot be written ({reason}); make it writable, or choose another place for the output"
            ) from error
        raise
    except Exception as error:
        if _tells_full(error):
            raise disk_full(path) from error
        raise


def _tells_full(error: BaseException) -> bool:
    """Whether an exception comes from a disk without room.

    Libraries that write in native code report it in exceptions of their own: safetensors and tokenizers in words, torch
    in one that hides the answer of the system, which is still its context.
    """
    chain: list[BaseException] = [error]
    while (before := chain[-1].__cause__ or chain[-1].__context__) is not None and before not in chain:
        chain.append(before)
    numbers = {each.errno for each in chain if isinstance(each, OSError)}
    return bool(numbers & FULL) or any(words in str(error) for words in _FULL_WORDS)


def disk_full(path: Path) -> StorageError:
    """The error of a disk without room for ``path``."""
    return StorageError(
        f"{path}: the disk is full or over quota; free some space and run the same command again: what was finished "
        "is kept"
    )


def is_temporary(name: str) -> bool:
    """Whether a file or folder of this name is a write under way, or what a killed one left."""
    return name.startswith(".") and name.endswith(_SUFFIX)


def temporary_beside(target: Path) -> Path:
    """Where this process writes what will be moved to ``target``; nothing is there.

    What killed processes left of the same target is removed.
    """
    own = target.with_name(f".{target.name}.{os.getpid()}{_SUFFIX}")
    for left in (own, *left_of(target)):
        remove_tree(left)
    return own


def left_of(target: Path) -> list[Path]:
    """What killed processes left of writing ``target``, sorted; the next write of it removes them."""
    return [left for left in left_in(target.parent) if _writing(left)[0] == target.name]


def left_in(folder: Path) -> list[Path]:
    """What killed processes left of writing anything right in a folder, sorted."""
    found = ((path, _writing(path)[1]) for path in sorted(folder.glob(f".*{_SUFFIX}")))
    return [path for path, process in found if process.isdigit() and not _is_running(int(process))]


def _writing(temporary: Path) -> tuple[str, str]:
    """The name of the target of a temporary file or folder, and the process that writes it."""
    target, _, process = temporary.name[1 : -len(_SUFFIX)].rpartition(".")
    return target, process


def _is_running(process: int) -> bool:
    """Whether a process is there; where the system cannot be asked without harm, it is taken to be."""
    if os.name != "posix":
        return True
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True


def make_private_folder(folder: Path) -> None:
    """Make sure that a folder is there and for its owner only (0700); missing ones above it are created."""
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=_PRIVATE_FOLDER, exist_ok=True)
        make_private(folder, below=False)


def make_private(path: Path, *, below: bool = True) -> None:
    """Take a file or a folder, and by default all below it, from everybody but its owner (0600, 0700).

    Links are not followed. What is private already is left alone, so that it may be on a read-only disk.

    Raises:
        StorageError: it belongs to somebody else.
    """
    for each in (path, *(path.rglob("*") if below else ())):
        mode = each.lstat().st_mode
        if each.is_symlink() or not mode & _OTHERS or os.name != "posix":
            continue
        try:
            each.chmod(mode & (_PRIVATE_FOLDER if each.is_dir() else _PRIVATE_FILE))
        except PermissionError:
            raise StorageError(
                f"{each}: belongs to another user and can be read by others; choose another place for the output"
            ) from None


def refuse_special(path: Path) -> None:
    """Refuse to write in place of what is neither a file nor a folder.

    Raises:
        InputError: it is a device, a pipe or a socket.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise InputError(f"{path}: is a device or a pipe, not a file; give the name of a file or folder")


def fsync_path(path: Path) -> None:
    """Wait until a file or folder is on the disk; of a folder, only where the system can do so."""
    try:
        handle = os.open(path, os.O_RDONLY if os.name == "posix" else os.O_RDWR)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
    except OSError as error:
        if error.errno not in _NO_FOLDER_SYNC or not path.is_dir():
            raise


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A temporary file that becomes ``path`` when the block ends well, and vanishes otherwise.

    Args:
        path: an earlier file is replaced; missing folders above are created.
        private: whether only its owner may read it (0600).

    Raises:
        InputError: the path is a device or a pipe.
        StorageError: the disk is full or cannot be written; an earlier file is as it was.
    """
    target = path.resolve()
    refuse_special(path)
    with storage_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(target)
    try:
        with storage_errors(path):
            temporary.touch(mode=_PRIVATE_FILE if private else _FILE)
        with storage_errors(path, refusals=False):
            yield temporary
        with storage_errors(path):
            if private:
                make_private(temporary)
            fsync_path(temporary)
            temporary.replace(target)
            fsync_path(target.parent)
    finally:
        with suppress(OSError):
            temporary.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path, *, private: bool = False) -> Iterator[Path]:
    """A temporary folder that becomes ``path`` when the block ends well, and vanishes otherwise.

    When the files in it reach the disk is left to the system: a corpus may be ten thousand of them.

    Args:
        path: absent or an empty folder; missing folders above are created.
        private: whether only its owner may look into it (0700, files in it 0600).

    Raises:
        InputError: the path is a device or a pipe.
        StorageError: the disk is full or cannot be written.
    """
    target = path.resolve()
    refuse_special(path)
    with storage_errors(path):
        target.parent.mkdir(parents=True, exist_ok=True)
        temporary = temporary_beside(target)
    try:
        with storage_errors(path):
            temporary.mkdir(mode=_PRIVATE_FOLDER if private else _FOLDER)
        with storage_errors(path, refusals=False):
            yield temporary
        with storage_errors(path):
            if private:
                make_private(temporary)
            with suppress(FileNotFoundError):
                target.rmdir()
            temporary.replace(target)
            fsync_path(target.parent)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def write_atomically(path: Path, text: str, *, private: bool = False) -> None:
    """Write a text file so that a reader sees the old content or the new, never a part.

    Args:
        path: see ``whole_file``, also for what is raised.
        text: written as it is, line ends included.
        private: see there.
    """
    with whole_file(path, private=private) as temporary, temporary.open("w", encoding="utf-8", newline="") as stream:
        stream.write(text)


def write_json(path: Path, data: Mapping[str, Any], *, private: bool = False) -> None:
    """Write one object, readable for people, and the file at once; see ``write_atomically``."""
    write_atomically(path, json.dumps(data, ensure_ascii=False, indent=1) + "\n", private=private)


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]], *, private: bool = False) -> None:
    """Write one object a line, and the file at once; see ``write_atomically``."""
    with whole_file(path, private=private) as temporary, temporary.open("w", encoding="utf-8", newline="\n") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file with one a line."""
    with path.open(encoding="utf-8", newline="\n") as stream:
        return [json.loads(line) for line in stream]


def remove_tree(path: Path) -> None:
    """Remove a file or folder; nothing happens where there is none."""
    with storage_errors(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def replace_tree(source: Path, target: Path) -> None:
    """Move a file or folder to ``target``, in place of what is there; both on one file system."""
    with storage_errors(target):
        old = temporary_beside(target.with_name(f"{target.name}.old"))
        if target.exists():
            target.replace(old)
        source.replace(target)
        fsync_path(target.parent)
        remove_tree(old)
