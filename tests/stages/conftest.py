"""Tiny models for the tests of this folder, and one that is trained once for all of them."""

from __future__ import annotations

from pathlib import Path

import pytest

from tiny_models import NOTES, one_thread, tiny
from tiny_stages import TRAIN, Facts, corpus_folder, run

__all__ = ["one_thread", "tiny"]


@pytest.fixture(scope="session")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stages")


@pytest.fixture(scope="session")
def notes(root: Path) -> Path:
    return corpus_folder(root / "notes", NOTES)


@pytest.fixture(scope="session")
def trained(root: Path, notes: Path) -> tuple[Path, Facts]:
    return run("train", root, {"corpus": notes}, TRAIN)
