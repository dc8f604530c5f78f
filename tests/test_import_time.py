from __future__ import annotations

import ast
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[1] / "src"
HEAVY = ("torch", "transformers", "peft", "accelerate", "matplotlib", "pyarrow")
LATE = {
    "api.py": 2,  # torch
    "cli/__init__.py": 1,  # the libraries that follow read the environment that it sets
    "cli/audit_recipe.py": 2,  # scikit-learn, torch: only recipes need them here
    "cli/deidentify.py": 1,  # torch
    "cli/guard.py": 1,  # rich, which only a failure needs
    "cli/models_import.py": 1,  # torch
    "cli/review_export.py": 1,  # torch
    "cli/serve.py": 2,  # optional dependencies, and torch
    "models/language_model/causal_lm.py": 1,  # an optional dependency
    "showing.py": 2,  # rich, which takes longer than all the rest of a corpus that shows nothing
    "study/curves.py": 2,  # matplotlib, a second that only a study with curves needs
    "workflow/preparation.py": 1,  # torch
}
"""Imports inside functions, by file: each has a start-up time or an optional dependency for a reason."""

VERBS = """
import typer
from deidsynth.cli.app import app
from deidsynth.cli.verbs import loaded

def load(command):
    for each in getattr(command, "commands", {}).values():
        loaded(each)
        load(each)

load(typer.main.get_command(app))
"""


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
        pytest.param(VERBS, id="every verb"),
    ],
)
def test_importing_brings_no_deep_learning_library(statement: str) -> None:
    printed = python(f"{statement}\nimport sys; print([name for name in {HEAVY!r} if name in sys.modules])")
    assert printed.strip() == "[]"


def test_help_imports_no_verb() -> None:
    code = "import sys; from deidsynth.cli.app import app; app(['--help'], standalone_mode=False); "
    printed = python(f"{code} print([name for name in sys.modules if name.startswith('deidsynth.cli')])")
    wanted = {"deidsynth.cli", "deidsynth.cli.app", "deidsynth.cli.guard", "deidsynth.cli.verbs"}
    assert set(ast.literal_eval(printed.splitlines()[-1])) == wanted


def test_modules_import_at_the_top() -> None:
    found = {}
    for path in sorted((SOURCE / "deidsynth").rglob("*.py")):
        functions = [
            node
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        ]
        imports = {
            node.lineno
            for function in functions
            for node in ast.walk(function)
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        if imports:
            found[path.relative_to(SOURCE / "deidsynth").as_posix()] = len(imports)
    assert found == LATE


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
