"""The examples of docs/python.md run in their order, and the page names everything that the package exports."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import deidsynth
from documented_pages import blocks, run

PAGE = (Path(__file__).resolve().parents[1] / "docs" / "python.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("name", deidsynth.__all__)
def test_every_public_name_is_on_the_page(name: str) -> None:
    assert re.search(rf"\b{name}\b", PAGE)


def test_the_examples_run_in_their_order_and_give_what_they_show(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    namespace = run(PAGE, "docs/python.md")
    assert len(blocks(PAGE)) >= 8
    assert (namespace["folder"] / "run" / "report.html").is_file()
