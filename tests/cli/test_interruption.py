"""Ctrl-C before a command is at work: no traceback, exit code 130."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"
COMMAND = [sys.executable, "-X", "importtime", "-m", "deidsynth", "version"]


@pytest.mark.parametrize("imported", ["typer", "deidsynth.cli.guard", "deidsynth.cli.app"])
def test_an_interruption_while_libraries_are_imported_is_no_fault(imported: str) -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    with subprocess.Popen(
        COMMAND, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if line.rstrip().rsplit("| ", 1)[-1].strip() == imported:
                break
        else:
            pytest.fail(f"{imported} was not imported")
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
    assert "Traceback" not in rest
    assert process.returncode in (0, 130), rest
    assert process.returncode == 0 or "interrupted" in rest
