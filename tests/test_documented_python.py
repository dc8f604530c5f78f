"""The examples of docs/python.md run in their order, and the page names everything that the package exports."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from typing import Any

import pytest

import deidsynth

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "python.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```python\n(.*?)^```", PAGE, re.DOTALL | re.MULTILINE)
SHOWN = "  # -> "


@pytest.mark.parametrize("name", deidsynth.__all__)
def test_every_public_name_is_on_the_page(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)


def test_the_examples_run_in_their_order_and_give_what_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    namespace: dict[str, Any] = {}
    n_shown = 0
    for block in BLOCKS:
        for statement in ast.parse(block).body:
            source = "\n".join(block.splitlines()[statement.lineno - 1 : statement.end_lineno])
            if isinstance(statement, ast.Expr) and SHOWN in source:
                expression, _, shown = source.partition(SHOWN)
                assert repr(eval(expression, namespace)) == shown
                n_shown += 1
            else:
                exec(compile(ast.Module([statement], []), "docs/python.md", "exec"), namespace)
    assert len(BLOCKS) >= 8 and n_shown == PAGE.count(SHOWN)
    assert (namespace["folder"] / "run" / "report.html").is_file()
