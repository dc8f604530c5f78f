"""What every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

settings.register_profile("busy", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("busy")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options of tests that take as long as one likes."""
    parser.addoption("--kills", type=int, default=6, help="Random kills of a small run (tests/test_random_kills.py).")


ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of public corpora beside the checkout; the test is skipped where it is absent."""
    named = os.environ.get("DEIDSYNTH_DATA")
    folder = Path(named) if named else ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip(f"no public corpora at {folder}; set DEIDSYNTH_DATA to the folder that holds them")
    return folder
