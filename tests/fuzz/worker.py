"""The process that runs cases, one after another, through the command line; it may hang or die, its owner may not."""

from __future__ import annotations

import os
import resource
import shutil
import socket
import sys
import threading
import time
import traceback
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path

from fuzz.case import HOME, PORT, Case

MEMORY_BYTES = 2 << 30
"""That a case may take beyond what the process has once every library is loaded."""

ENVIRONMENT = {
    "OMP_NUM_THREADS": "1", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1", "TRANSFORMERS_VERBOSITY": "error",
    "HF_HUB_DISABLE_PROGRESS_BARS": "1", "NO_COLOR": "1", "COLUMNS": "160",
}  # fmt: skip


@dataclass(frozen=True)
class Outcome:
    """What became of one command.

    Args:
        command: its arguments.
        exit_code: as the shell would see it.
        raised: type and place of an exception that reached the interpreter, else empty.
        printed: standard output and standard error.
        seconds: of processor time.
        peak_bytes: the most memory that the process has held so far.
    """

    command: tuple[str, ...]
    exit_code: int
    raised: str
    printed: tuple[str, str]
    seconds: float
    peak_bytes: int


def serve(connection: Connection, folder: Path) -> None:
    """Build the bases if they are not there, say so, then answer every case with the outcome of each command in turn.

    Args:
        connection: to the owner.
        folder: gets the bases, in ``bases``; cases are run in ``home`` there.
    """
    os.environ.update(ENVIRONMENT)
    bases, home = folder / "bases", folder / "home"
    streams = [_redirected(folder / name, number) for name, number in (("out", 1), ("err", 2))]
    _load_libraries()
    from fuzz.bases import build

    if not bases.exists():
        build(bases, home)
    _limit_memory()
    server = _Server()
    connection.send("ready")
    while True:
        try:
            case = connection.recv()
        except EOFError:
            return
        shutil.rmtree(home, ignore_errors=True)  # of the last case, or of a process that died
        _lay(case, home, bases)
        server.answer = case.answer or b""
        os.chdir(home)
        for command in case.commands:
            connection.send(_run(command, home, server.port, streams))
        os.chdir(folder)


def _load_libraries() -> None:
    """Import what commands import when they first need it, so that no case pays for it."""
    import cassis  # noqa: F401
    import pyarrow.parquet  # noqa: F401

    import deidsynth.cli.app
    import deidsynth.deidentification
    import deidsynth.stages.work.synthesize
    import deidsynth.workflow.pipeline  # noqa: F401


def _limit_memory() -> None:
    """Let allocations fail beyond the limit, where the system tells how much is held."""
    status = Path("/proc/self/statm")
    if not status.is_file():
        return
    held = int(status.read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (held + MEMORY_BYTES, resource.RLIM_INFINITY))


def _redirected(path: Path, number: int) -> int:
    """A standard stream of this process, from now on in a file; panics and other native code write there as well."""
    stream = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND)
    os.dup2(stream, number)
    return stream


def _taken(stream: int) -> str:
    """What was written to a stream since the last call."""
    content = os.pread(stream, os.fstat(stream).st_size, 0)
    os.ftruncate(stream, 0)
    return content.decode("utf-8", "backslashreplace")


def _lay(case: Case, home: Path, bases: Path) -> None:
    home.mkdir()
    for base in case.bases:
        shutil.copytree(bases / base, home, dirs_exist_ok=True)
    for pattern, content in case.files.items():
        name = next(home.glob(pattern)).relative_to(home) if "*" in pattern else pattern
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_bytes(content.replace(HOME, bytes(home)))


def _run(command: tuple[str, ...], home: Path, port: int, streams: list[int]) -> Outcome:
    from deidsynth.cli.app import app

    raised, code, began = "", 0, time.process_time()
    try:
        app([each.replace(PORT, str(port)) for each in command], prog_name="deidsynth")
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    except BaseException as error:  # a panic of a library in Rust is one
        raised, code = f"{type(error).__name__} at {_place(error)}", 1
    seconds = time.process_time() - began
    sys.stdout.flush()
    sys.stderr.flush()
    printed = (_taken(streams[0]), _taken(streams[1]))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    return Outcome(command, code, raised, printed, seconds, peak)


def _place(error: BaseException) -> str:
    """Where the package was when an exception was raised."""
    ours = [each for each in traceback.extract_tb(error.__traceback__) if "/deidsynth/" in each.filename]
    return f"{ours[-1].filename.rpartition('/src/')[2]}:{ours[-1].lineno}" if ours else "?"


class _Server:
    """A local server that answers every request with the same bytes and closes the connection."""

    def __init__(self) -> None:
        self.answer = b""
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = self._socket.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            connection, _ = self._socket.accept()
            threading.Thread(target=self._respond, args=(connection,), daemon=True).start()

    def _respond(self, connection: socket.socket) -> None:
        with connection:
            try:
                connection.settimeout(5)
                connection.recv(1 << 16)
                connection.sendall(self.answer)
                connection.shutdown(socket.SHUT_WR)
                while connection.recv(1 << 16):
                    pass
            except OSError:
                pass  # a client that has gone
