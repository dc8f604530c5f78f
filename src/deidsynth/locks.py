"""Locks between processes that the system lets go when their process ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from deidsynth.files import storage_errors

_POLL_SECONDS = 0.1


@contextmanager
def hold_lock(path: Path, on_wait: Callable[[str], None]) -> Iterator[None]:
    """A context that one process at a time is in.

    Args:
        path: the lock file; it may stay behind, and holds the process id of its last owner.
        on_wait: called with that process id (or "unknown") before waiting; by raising, it refuses to wait.

    Raises:
        StorageError: the lock file cannot be written, or the file system has no locks that end with their process.
    """
    lock = FileLock(
        path, thread_local=False, poll_interval=_POLL_SECONDS, fallback_to_soft=False, on_acquired=_write_own_id
    )
    if not _acquire(lock, path, blocking=False):
        on_wait(_holder(path))
        _acquire(lock, path, blocking=True)
    try:
        yield
    finally:
        lock.release()


def _acquire(lock: FileLock, path: Path, *, blocking: bool) -> bool:
    """Whether the lock is held now."""
    with storage_errors(path):
        try:
            lock.acquire(blocking=blocking)
        except Timeout:
            return False
    return True


def _write_own_id(handle: int) -> None:
    os.lseek(handle, 0, os.SEEK_SET)
    os.ftruncate(handle, 0)
    os.write(handle, f"{os.getpid()}\n".encode())


def _holder(path: Path) -> str:
    """The process id in a lock file, where the system lets it be read while the lock is held."""
    try:
        return path.read_text(encoding="utf-8").strip() or "unknown"
    except (OSError, UnicodeDecodeError):
        return "unknown"
