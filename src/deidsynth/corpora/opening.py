"""Opening the files of a corpus: regular ones only, and what they unpack to up to a limit."""

from __future__ import annotations

import errno
import os
import stat
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO

from deidsynth.errors import InputError, Problem, TooLargeError

LIMIT_VARIABLE = "DEIDSYNTH_MAX_UNPACKED_MB"
LIMIT_MB = 1024
LONGEST_LINE = 1 << 28
"""Bytes of a line of a compressed file, at most."""

_CHUNK_BYTES = 1 << 12  # a member of a zip unpacks to a few thousand times as much at most
_KINDS = {stat.S_IFIFO: "a pipe", stat.S_IFSOCK: "a socket", stat.S_IFCHR: "a device", stat.S_IFBLK: "a device"}


def opened(path: Path) -> IO[bytes]:
    """The file at a path, open for reading bytes.

    Raises:
        OSError: it cannot be opened, or is a pipe or a device, which may never end.
    """
    return open(path, "rb", opener=_regular)


def _regular(path: str, flags: int) -> int:
    handle = os.open(path, flags | getattr(os, "O_NONBLOCK", 0))  # a pipe would wait for somebody who writes
    kind = _KINDS.get(stat.S_IFMT(os.fstat(handle).st_mode))
    if kind is not None:
        os.close(handle)
        raise OSError(errno.ESPIPE, f"it is {kind}, not a file; write its content into a file and give that", path)
    return handle


def is_readable(path: Path) -> bool:
    """Whether a file can be opened for reading."""
    try:
        opened(path).close()
    except OSError:
        return False
    return True


def why_not(error: OSError) -> str:
    """Why a file cannot be read, and what to do, as a message."""
    reason = error.strerror or type(error).__name__
    return f"cannot be read ({reason})" + ("" if error.errno == errno.ESPIPE else "; check its permissions")


class Allowance:
    """How many bytes a compressed file may still unpack to: a few bytes can unpack to more than memory holds.

    Args:
        path: of the file.

    Raises:
        InputError: the limit that the environment states is no number.
    """

    def __init__(self, path: str) -> None:
        self.path = path
        self._megabytes = _limit_mb()
        self.left = self._megabytes << 20

    def __repr__(self) -> str:
        return f"Allowance(path={self.path!r}, left={self.left})"

    def take(self, n_bytes: int) -> None:
        """Count some bytes.

        Raises:
            TooLargeError: they are more than may still come.
        """
        self.require(n_bytes)
        self.left -= n_bytes

    def require(self, n_bytes: int) -> None:
        """Refuse if more bytes are announced than may still come.

        Raises:
            TooLargeError: they are.
        """
        if n_bytes > self.left:
            message = (
                f"unpacks to more than {self._megabytes:,} MB; if it should, unpack it yourself, or raise the limit: "
                f"{LIMIT_VARIABLE}={4 * self._megabytes}"
            )
            raise TooLargeError(Problem(self.path, message, code="too-large"))


def lines_of(stream: IO[bytes], allowance: Allowance) -> Iterator[bytes]:
    """The lines of a stream that unpacks something.

    Raises:
        TooLargeError: there is more than the allowance.
    """
    while line := stream.readline(min(allowance.left, LONGEST_LINE) + 1):
        allowance.take(len(line))
        if len(line) > LONGEST_LINE:
            message = f"has a line of more than {LONGEST_LINE >> 20} MB; divide the file into more lines"
            raise TooLargeError(Problem(allowance.path, message, code="too-large"))
        yield line


def member(archive: zipfile.ZipFile, name: str, allowance: Allowance) -> bytes:
    """The content of a file in a zip.

    Raises:
        TooLargeError: it is more than the allowance.
    """
    allowance.require(archive.getinfo(name).file_size)  # may be wrong, so what comes is counted too
    with archive.open(name) as stream:
        return b"".join(_counted(iter(lambda: stream.read(_CHUNK_BYTES), b""), allowance))


def _counted(chunks: Iterable[bytes], allowance: Allowance) -> Iterator[bytes]:
    for chunk in chunks:
        allowance.take(len(chunk))
        yield chunk


def _limit_mb() -> int:
    stated = os.environ.get(LIMIT_VARIABLE, str(LIMIT_MB))
    if not (stated.isdecimal() and stated.isascii() and 0 < len(stated) < 10 and int(stated) > 0):
        raise InputError(f"{LIMIT_VARIABLE}: expected a number of megabytes, such as {LIMIT_MB}; correct or unset it")
    return int(stated)
