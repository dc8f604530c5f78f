"""How a command fails: one line on standard error and an exit code."""

from __future__ import annotations

import errno
import functools
import os
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import ParamSpec, TypeVar

import typer

from deidsynth.cli import end_at_once
from deidsynth.errors import DeidsynthError, type_and_place

P = ParamSpec("P")
R = TypeVar("R")

INTERRUPTED = 130
TERMINATED = 143
UNEXPECTED = 3

_DISK = {
    errno.ENOSPC: "the disk is full",
    errno.EDQUOT: "the disk quota is used up",
    errno.EFBIG: "the file is larger than the disk or the system allows",
    errno.EROFS: "the disk is read-only",
}

_debug = False


def set_debug(on: bool) -> None:
    """Whether failures show a traceback."""
    global _debug
    _debug = on


class _TerminatedError(KeyboardInterrupt):
    """The system asked the process to end; handled like Ctrl-C."""


@contextmanager
def _signals_interrupt() -> Iterator[None]:
    """A context in which Ctrl-C and SIGTERM unwind this process; processes forked from it die at once of SIGTERM."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    owner = os.getpid()

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if os.getpid() == owner:
            raise _TerminatedError
        signal.signal(number, signal.SIG_DFL)
        os.kill(os.getpid(), number)

    before = signal.signal(signal.SIGTERM, interrupt)
    ends_at_once = signal.getsignal(signal.SIGINT) is end_at_once
    if ends_at_once:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
        if ends_at_once:
            signal.signal(signal.SIGINT, end_at_once)


def guarded(command: Callable[P, R]) -> Callable[P, R]:
    """The command, with every exception turned into a message and an exit code."""

    @functools.wraps(command)
    def wrapper(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            with _signals_interrupt():
                return command(*args, **kwargs)
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise  # BrokenPipeError: the reader of standard output has gone, and typer handles that
        except KeyboardInterrupt as interruption:
            _say("interrupted: finished work is kept; run the same command again to continue")
            raise typer.Exit(TERMINATED if isinstance(interruption, _TerminatedError) else INTERRUPTED) from None
        except DeidsynthError as error:
            _trace()
            _say(f"error: {error}")
            raise typer.Exit(error.exit_code) from None
        except Exception as error:
            _trace()
            _say(f"error: {_describe(error)}")
            raise typer.Exit(UNEXPECTED) from None

    return wrapper


def _describe(error: Exception) -> str:
    """What went wrong, without the message of an unexpected exception, which could quote a document."""
    if isinstance(error, OSError) and error.errno in _DISK:
        place = f" ({error.filename})" if error.filename else ""
        return f"{_DISK[error.errno]}{place}; free some space or choose another output, then run the same command again"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":  # torch's, which is not imported
        return "memory is used up; close other programs, or use a machine with more, then run the same command again"
    if isinstance(error, OSError) and error.filename:
        return f"{error.filename}: {error.strerror or type(error).__name__}"
    hint = "" if _debug else "; for a traceback, put --debug first: deidsynth --debug ..."
    return f"unexpected {type_and_place(error)}{hint}"


def _trace() -> None:
    if _debug:
        traceback.print_exc(file=sys.stderr)


def _say(text: str) -> None:
    from deidsynth.cli.terminal import tell  # brings rich, 40 ms that only a failure needs

    tell(text, style="red")
