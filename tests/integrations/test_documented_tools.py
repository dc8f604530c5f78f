"""The examples on the pages of other tools run as they stand, where ``ner`` is the folder of a tagger."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from documented_pages import run

pytestmark = pytest.mark.slow

DOCS = Path(__file__).resolve().parents[2] / "docs"
NEEDED = {"presidio": "presidio_analyzer", "spacy": "spacy", "hugging-face": "transformers"}


@pytest.mark.parametrize("page", NEEDED)
def test_the_examples_give_what_they_show(
    page: str, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip(NEEDED[page])
    if page == "spacy":  # where the package is installed, spaCy finds it by itself
        pytest.importorskip("deidsynth.integrations.spacy")
    shutil.copytree(model, tmp_path / "ner")
    monkeypatch.chdir(tmp_path)
    run((DOCS / f"{page}.md").read_text(encoding="utf-8"), f"docs/{page}.md")
