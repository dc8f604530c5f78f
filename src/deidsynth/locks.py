"""Locks between processes that the system lets go when their process ends, however it ends."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from deidsynth.digests import digest, hex_of
from deidsynth.errors import OutputInUseError
from deidsynth.files import left_in, left_of, remove_tree, storage_errors

_POLL_SECONDS = 0.1
_DIGITS = 12


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


@contextmanager
def hold_output(output: Path, tell: Callable[[str], None]) -> Iterator[None]:
    """A context in which no other command writes to an output; what killed ones left of it is removed before.

    The lock is a hidden file beside the output, which is gone afterwards; after a kill it stays and locks nothing.

    Args:
        output: a file or folder that need not exist; missing folders above are created.
        tell: called with a line about what killed commands left of this output, and about each thing that they left of
            others in the same folder.

    Raises:
        OutputInUseError: another command is writing to it.
        StorageError: the folder above cannot be written.
    """

    def refuse(process: str) -> None:
        raise OutputInUseError(
            f"{output}: another command (process {process}) is writing to it; wait until it ends, or choose another "
            "output"
        )

    place = output.resolve()
    with storage_errors(output):
        place.parent.mkdir(parents=True, exist_ok=True)
    path = place.with_name(f".deidsynth-{hex_of(digest(place.name))[:_DIGITS]}.lock")
    with hold_lock(path, refuse):
        try:
            _remove_left(place, tell)
            yield
        finally:
            with suppress(OSError):  # while it is held: who opened it meanwhile finds it gone, and makes another
                path.unlink()


def _remove_left(output: Path, tell: Callable[[str], None]) -> None:
    for left in left_of(output):
        remove_tree(left)
        tell(f"removed {left}: a killed command had left it, unfinished and perhaps with text in it")
    for left in left_in(output.parent):
        tell(f"{left}: a killed command left it, perhaps with text in it; the same command removes it, or remove it")


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
