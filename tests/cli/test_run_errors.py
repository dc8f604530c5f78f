from __future__ import annotations

import json
import re

import pytest


@pytest.fixture
def finished(deidsynth, stages, corpus, tmp_path):
    """A run whose synthetic model missed the only name of the first test note."""
    output = tmp_path / "runs" / "one"
    result = deidsynth("run", "--corpus", corpus, "--language", "sv", "--output", output, "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert f"{output}/test/errors.html" in result.stderr
    return output


def test_the_missed_name_is_shown_in_its_place(finished, deidsynth) -> None:
    result = deidsynth("runs", "show", finished, "--errors")
    assert result.exit_code == 0, result.stderr
    header, line = result.stdout.splitlines()[:2]
    assert header.endswith(": 1 missed")
    assert line.split()[:3] == ["missed", "Bo[NAME]", "kom"]
    assert re.search("synthetic model: errors in 1 of [0-9]+ test notes, 1 in all\n", result.stderr)
    assert f"{finished}/test/errors.html" in result.stderr
    gold = deidsynth("runs", "show", finished, "--errors", "--model", "gold")
    assert gold.stdout == "" and "gold model: errors in 0 of" in gold.stderr


def test_errors_are_chosen_by_kind_and_label(finished, deidsynth) -> None:
    command = ["runs", "show", finished, "--errors", "--json"]
    found = json.loads(deidsynth(*command, "--kind", "missed", "--label", "NAME").stdout)
    assert found["n_errors"] == found["n_documents_with_errors"] == 1
    [note] = found["notes"]
    assert note["errors"] == [
        {"kind": "missed", "gold": {"start": 0, "end": 2, "label": "NAME", "text": "Bo"}, "predicted": None}
    ]
    assert note["counts"] == {"right": 0, "missed": 1, "label": 0, "boundary": 0, "false_alarm": 0}
    for option in (("--kind", "label"), ("--label", "DATE")):
        assert json.loads(deidsynth(*command, *option).stdout)["notes"] == []
    unknown = deidsynth(*command, "--kind", "typo")
    assert unknown.exit_code == 2 and "missed, label, boundary, false_alarm" in unknown.stderr


def test_choosing_errors_without_errors_is_refused(finished, deidsynth) -> None:
    result = deidsynth("runs", "show", finished, "--kind", "missed")
    assert result.exit_code == 2 and "--errors" in result.stderr


def test_the_run_lists_where_its_test_notes_are(finished, deidsynth) -> None:
    published = json.loads(deidsynth("runs", "show", finished, "--json").stdout)["published"]
    assert {"test/test.jsonl", "test/gold/predictions.jsonl", "test/synthetic/predictions.jsonl"} <= set(published)
