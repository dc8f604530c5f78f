"""The Python examples of a page, run in their order; what stands after ``# ->`` is what they give."""

from __future__ import annotations

import ast
import re
from typing import Any

SHOWN = "  # -> "


def blocks(page: str) -> list[str]:
    """The blocks of Python on a page."""
    return re.findall(r"^```python\n(.*?)^```", page, re.DOTALL | re.MULTILINE)


def run(page: str, name: str) -> dict[str, Any]:
    """The names that the examples define.

    Args:
        page: its text.
        name: of the page, for tracebacks.
    """
    namespace: dict[str, Any] = {}
    n_shown = 0
    for block in blocks(page):
        for statement in ast.parse(block).body:
            source = "\n".join(block.splitlines()[statement.lineno - 1 : statement.end_lineno])
            if isinstance(statement, ast.Expr) and SHOWN in source:
                expression, _, shown = source.partition(SHOWN)
                assert repr(eval(expression, namespace)) == shown
                n_shown += 1
            else:
                exec(compile(ast.Module([statement], []), name, "exec"), namespace)
    assert n_shown == page.count(SHOWN) > 0
    return namespace
