"""Without a tool, its extra is named; and the package needs none of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "src"


def python(code: str) -> str:
    """What a fresh interpreter prints."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize(("module", "tool"), [("presidio", "presidio_analyzer"), ("spacy", "spacy")])
def test_without_a_tool_its_extra_is_named(module: str, tool: str) -> None:
    code = (
        f"import sys; sys.modules[{tool!r}] = None\n"
        f"try: import deidsynth.integrations.{module}\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    printed = python(code)
    assert printed.startswith("MissingExtraError") and f"deidsynth[{module}]" in printed


def test_the_package_imports_no_tool() -> None:
    names = "'spacy', 'presidio_analyzer', 'deidsynth.integrations'"
    code = "import sys, deidsynth as ds; ds.Corpus, ds.from_spacy; "
    assert python(f"{code} print([name for name in ({names}) if name in sys.modules])") == "[]"
