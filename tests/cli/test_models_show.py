from __future__ import annotations

import json
from pathlib import Path

import pytest

CONFIGURATION = {"model_type": "bert"}


@pytest.fixture
def tagger(tmp_path):
    """A maker of the configuration of a tagger with these labels, below the folder of a stage."""

    def make(*labels: str) -> Path:
        tags = ["O", *(f"{prefix}-{label}" for label in labels for prefix in "BI")]
        folder = tmp_path / "ner" / "model"
        folder.mkdir(parents=True)
        stated = {"id2label": {str(number): tag for number, tag in enumerate(tags)}}
        (folder / "config.json").write_text(json.dumps({**CONFIGURATION, **stated}), encoding="utf-8")
        return folder.parent

    return make


def test_labels_are_listed_with_their_kinds(deidsynth, tagger) -> None:
    folder = tagger("TITLE", "First_Name", "FECHAS", "HOSPITAL", "Ålder-X")
    plain = deidsynth("models", "show", folder, "--json")
    assert plain.exit_code == 0, plain.stderr
    assert json.loads(plain.stdout) == {
        "path": str(folder),
        "labels": [
            {"label": "FECHAS", "kind": "date", "identifier": "quasi"},
            {"label": "First_Name", "kind": "first_name", "identifier": "direct"},
            {"label": "HOSPITAL", "kind": "hospital", "identifier": "quasi"},
            {"label": "TITLE", "kind": "title", "identifier": "common"},
            {"label": "Ålder-X", "kind": None, "identifier": "direct"},
        ],
    }
    shown = deidsynth("models", "show", folder / "model")
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in shown.stdout.splitlines() if "│" in line]
    assert rows[1] == ["First_Name", "first_name", "direct"] and rows[4] == ["Ålder-X", "", "direct"]
    assert "quasi: together with other values" in shown.stderr
    assert deidsynth("models", "show", folder, "--quiet").stderr == ""


@pytest.mark.parametrize(
    ("written", "message"),
    [
        (None, "no model"),
        ("{", "it is cut off or is no JSON"),
        ("{}", "is not a tagger"),
        ('{"id2label": {"0": "LABEL_0"}}', "is not a tagger"),
        ('{"id2label": ["O", "B-X", "I-X"]}', "is not a tagger"),
        ('{"id2label": {"0": "O", "1": "B-X"}}', "is not a tagger"),
        ('{"id2label": {"0": "O", "1": 1, "2": null}}', "is not a tagger"),
    ],
)
def test_what_is_no_tagger_is_refused(deidsynth, tmp_path, written, message) -> None:
    if written is not None:
        (tmp_path / "config.json").write_text(written, encoding="utf-8")
    result = deidsynth("models", "show", tmp_path)
    assert (result.exit_code, result.stdout) == (2, "") and message in result.stderr
