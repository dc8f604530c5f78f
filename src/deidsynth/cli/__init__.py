"""The command line: one thin file for every verb, which parses, calls and prints."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command line on ``sys.argv``; leaves with an exit code.

    0: done. 1: a check said no. 2: the user's input is at fault. 3: anything else. 130: interrupted.
    """
    # Quiet and offline-friendly libraries, unless the user says otherwise. Before any of them is imported.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

    from deidsynth.cli.app import app  # after the environment is set

    app(prog_name="deidsynth")
