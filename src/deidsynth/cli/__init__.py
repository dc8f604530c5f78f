"""The command line: one thin file per verb, which parses, calls and prints."""

from __future__ import annotations

import os


def main() -> None:
    """Run the command line on ``sys.argv`` and exit with a code.

    0: success. 1: a check failed. 2: the user's input is at fault. 3: any other error. 130: interrupted.
    """
    # Quiet and offline-friendly libraries, unless the user sets otherwise; before any of them is imported.
    os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
    os.environ.setdefault("HF_HUB_DISABLE_PROGRESS_BARS", "1")
    os.environ.setdefault("HF_HUB_DISABLE_TELEMETRY", "1")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "true")

    from deidsynth.cli.app import app  # after the environment is set

    app(prog_name="deidsynth")
