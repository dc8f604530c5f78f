"""The user's own test notes in the run folder: private, complete and never in the report."""

from __future__ import annotations

from pathlib import Path

import pytest
from test_pipeline_fake import config_of, go, home

from deidsynth.corpora import read_jsonl
from deidsynth.errors import InputError
from deidsynth.workflow.pipeline import render_report
from deidsynth.workflow.predictions import read_compared_notes

__all__ = ["home"]


def test_test_notes_and_predictions_are_in_the_run_folder_for_their_owner_only(home: Path) -> None:
    folder = go(config_of(home)).folder / "test"
    gold = read_jsonl(folder / "test.jsonl")
    missed = read_jsonl(folder / "synthetic" / "predictions.jsonl")
    assert [document.text for document in missed] == [document.text for document in gold]
    assert read_jsonl(folder / "gold" / "predictions.jsonl").documents == gold.documents
    for path in (folder, *folder.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o700 if path.is_dir() else 0o600), path


def test_the_page_shows_the_missed_name_and_the_report_does_not(home: Path) -> None:
    folder = go(config_of(home)).folder
    worst = read_compared_notes(folder)[0]
    assert worst.counts("synthetic")["missed"] == len(worst.gold.entities) > 0
    assert worst.counts("gold")["missed"] == 0
    page = (folder / "test" / "errors.html").read_text(encoding="utf-8")
    text = worst.gold.text.splitlines()[0]
    assert worst.gold.doc_id in page and " missed</span>" in page
    report = (folder / "report.html").read_text(encoding="utf-8") + (folder / "report.json").read_text(encoding="utf-8")
    assert worst.gold.doc_id not in report and text not in report


def test_a_page_that_was_removed_comes_back(home: Path) -> None:
    folder = go(config_of(home)).folder
    page = folder / "test" / "errors.html"
    page.unlink()
    assert go(config_of(home)).unchanged
    assert page.is_file()
    page.unlink()
    render_report(folder)
    assert page.is_file()


def test_without_test_notes_the_report_is_still_made_and_the_remedy_is_named(home: Path) -> None:
    folder = go(config_of(home)).folder
    for path in sorted((folder / "test").rglob("*"), reverse=True):
        path.rmdir() if path.is_dir() else path.unlink()
    (folder / "test").rmdir()
    assert render_report(folder).is_file()
    assert not (folder / "test").exists()
    with pytest.raises(InputError, match="run again to publish it"):
        read_compared_notes(folder)
    go(config_of(home))
    assert (folder / "test" / "errors.html").is_file()
