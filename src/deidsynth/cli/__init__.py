"""The command line: one thin file per verb, which parses, calls and prints."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import suppress
from types import FrameType


def end_at_once(_number: int, _frame: FrameType | None) -> None:
    """End the process on Ctrl-C while no command is at work, without the traceback of whatever is being imported."""
    with suppress(Exception):
        sys.stdout.flush()
    os.write(2, b"interrupted\n")
    os._exit(130)


def main() -> None:
    """Run the command line on ``sys.argv`` and exit with a code.

    0: success. 1: a check failed. 2: the user's input is at fault. 3: any other error. 130: interrupted.
    """
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where a caller ignores it
        signal.signal(signal.SIGINT, end_at_once)
    # Quiet and offline-friendly libraries, unless the user sets otherwise; before any of them is imported.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")
    # Threads that wait for each other sleep. Those that spin take the processor from the one that they wait for: on a
    # busy machine small steps took eight times as long (docs/results.md).
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")

    from deidsynth.cli.app import app  # after the environment is set

    app(prog_name="deidsynth")
