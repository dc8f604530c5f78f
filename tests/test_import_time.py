from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
HEAVY = ("torch", "transformers", "peft", "accelerate", "matplotlib")


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    "statement",
    [
        "import deidsynth",
        "from deidsynth import Corpus, Document, Entity, LabelScheme, RunConfig, load_corpus, score",
        "import deidsynth.cli.app",
        "import deidsynth.workflow.pipeline",
    ],
)
def test_importing_brings_no_deep_learning_library(statement: str) -> None:
    printed = python(f"import sys; {statement}; print([name for name in {HEAVY!r} if name in sys.modules])")
    assert printed.strip() == "[]"


def test_help_takes_less_than_a_second() -> None:
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    durations = []
    for _ in range(3):
        started = time.perf_counter()
        done = subprocess.run(
            [sys.executable, "-m", "deidsynth", "--help"], env=environment, capture_output=True, check=False, timeout=60
        )
        durations.append(time.perf_counter() - started)
        assert done.returncode == 0
    assert min(durations) < 1.0
