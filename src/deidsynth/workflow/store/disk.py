"""Writing that is whole or not at all, locks that die with their process, and what to say when a disk refuses."""

from __future__ import annotations

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

from deidsynth.errors import StorageError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})
_REFUSED = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})
_NO_SPACE = "No space left on device"


@contextmanager
def storage_errors(folder: Path, *, refusals: bool = True) -> Iterator[None]:
    """A context in which a full or read-only disk raises a StorageError that names the remedy.

    Args:
        folder: what was being written, for the message.
        refusals: whether refused permissions count too; off where the code inside also reads elsewhere.

    Raises:
        StorageError: the disk is full, over quota, read-only or not ours to write.
    """
    try:
        yield
    except OSError as error:
        if error.errno in _FULL:
            raise _full(folder) from error
        if error.errno == errno.EROFS or (refusals and error.errno in _REFUSED):
            raise StorageError(
                f"{error.filename or folder}: cannot be written ({os.strerror(error.errno or 0)}); "
                "make it writable, or choose another place for the output"
            ) from error
        raise
    except Exception as error:
        # Libraries that write in native code (safetensors) report a full disk in an exception of their own.
        if _NO_SPACE in str(error):
            raise _full(folder) from error
        raise


def _full(folder: Path) -> StorageError:
    return StorageError(
        f"{folder}: the disk is full or over quota; free some space and run the same command again: what was finished "
        "is kept"
    )


def make_private_folder(folder: Path) -> None:
    """Create a folder and the missing ones above it; the folder itself is for its owner only (0700)."""
    with storage_errors(folder):
        folder.parent.mkdir(parents=True, exist_ok=True)
        folder.mkdir(mode=0o700, exist_ok=True)


def fsync_path(path: Path) -> None:
    """Wait until a file or folder is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_atomically(path: Path, text: str) -> None:
    """Write a text file so that a reader sees the old content or the new, never a part."""
    temporary = path.with_name(f".{path.name}.tmp")
    with storage_errors(path):
        with temporary.open("w", encoding="utf-8", newline="") as stream:
            stream.write(text)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.replace(path)
        fsync_path(path.parent)


def remove_tree(path: Path) -> None:
    """Remove a file or folder; nothing happens where there is none."""
    with storage_errors(path):
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def replace_tree(source: Path, target: Path) -> None:
    """Move a file or folder to ``target``, in place of what stands there; both on one file system."""
    old = target.with_name(f".{target.name}.old")
    with storage_errors(target):
        remove_tree(old)
        if target.exists():
            target.replace(old)
        source.replace(target)
        fsync_path(target.parent)
        remove_tree(old)


class FileLock:
    """An exclusive lock that the system lets go when the process ends, however it ends; a context manager.

    Args:
        path: the lock file; it stays behind and holds the process id of its last owner.
        on_wait: called with that process id (or "unknown") before waiting; by raising, it refuses to wait.
    """

    def __init__(self, path: Path, on_wait: Callable[[str], None]) -> None:
        self.path, self._on_wait = path, on_wait
        self._stream: IO[str] | None = None

    def __enter__(self) -> Self:
        with storage_errors(self.path):
            stream = self.path.open("a+", encoding="utf-8")
        try:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                stream.seek(0)
                self._on_wait(stream.read().strip() or "unknown")
                fcntl.flock(stream, fcntl.LOCK_EX)
            stream.seek(0)
            stream.truncate()
            stream.write(f"{os.getpid()}\n")
            stream.flush()
        except BaseException:
            stream.close()
            raise
        self._stream = stream
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._stream is not None:
            self._stream.close()
            self._stream = None
