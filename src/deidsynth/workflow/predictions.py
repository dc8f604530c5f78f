"""The test notes in a run folder, with what each model predicted in them, and their page."""

from __future__ import annotations

from pathlib import Path

from deidsynth.corpora import read_jsonl
from deidsynth.documents import Corpus
from deidsynth.errors import InputError
from deidsynth.report.compared_notes import ComparedNote, compared_notes
from deidsynth.report.errors_page import errors_page
from deidsynth.workflow.pipeline_plan import PREDICTIONS, TEST_FOLDER, TEST_NOTES
from deidsynth.workflow.run_folder import RunFolder

ERRORS_PAGE = f"{TEST_FOLDER}/errors.html"
"""The page of the test notes, in the run folder."""


def read_compared_notes(folder: Path) -> list[ComparedNote]:
    """The test notes of a run with what each model got right and wrong.

    Raises:
        InputError: not a run folder, the run is not finished, or its test notes are missing.
    """
    RunFolder(folder).record()
    gold = _read(folder / TEST_NOTES)
    return compared_notes(gold, {model: _read(folder / place) for model, place in PREDICTIONS.items()})


def _read(place: Path) -> Corpus:
    if not place.is_file():
        raise InputError(f"{place}: missing; run again to publish it: what is finished is not computed again")
    return read_jsonl(place)


def write_errors_page(folder: Path, language: str) -> Path:
    """Write the page of the test notes for its owner only (0600), and return its path."""
    place = folder / ERRORS_PAGE
    page = errors_page(read_compared_notes(folder), language=language, name=folder.resolve().name)
    RunFolder(folder).put({ERRORS_PAGE: page}, private=True)
    return place
