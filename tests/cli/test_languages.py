"""What a language or a label set lacks is said before anything runs, and --labels says what labels ask for."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

PAGE = Path(__file__).resolve().parents[2] / "docs" / "languages.md"
STARTERS = "the starters (adapt.base, train.encoder) have read Spanish (es) and Swedish (sv) only"
SCRATCH = ("--set", "adapt.base=scratch", "--set", "train.encoder=scratch")


@pytest.fixture
def foreign(write_jsonl, note) -> Path:
    """Twelve notes with a known and two unknown labels, and a relative."""
    spans = ((0, 2, "NAME_PATIENT"), (7, 11, "STATION"), (12, 18, "FAMILY"), (19, 23, "FALL"))
    return write_jsonl(
        "notes.jsonl", [note(f"n{each}", f"Xy war Nord Mutter Q-{each:02}.", *spans) for each in range(12)]
    )


def warned(result) -> list[str]:
    return [line for line in result.stderr.splitlines() if line.startswith("warning: ")]


def test_a_dry_run_names_what_is_missing_for_the_language(deidsynth, foreign, tmp_path) -> None:
    result = deidsynth(
        "run", "--corpus", foreign, "--language", "fi", "--output", tmp_path / "x", "--dry-run", "--json"
    )
    assert result.exit_code == 0
    assert json.loads(result.stdout)["stages_to_run"] == 14
    starters, labels, family = warned(result)
    assert f"language Finnish (fi): {STARTERS}; set adapt.base and train.encoder to models" in starters
    assert "labels whose kind of value is not known: 2 (FALL, STATION)" in labels
    assert (
        "the language model reads random or English values in their place, prompts end before them, "
        "mention replacement takes others of the synthetic text" in labels
    )
    assert "--labels FILE" in labels
    assert "no words for relatives are known; no values are invented for 1 label (FAMILY)" in family
    assert all("docs/languages.md" in line for line in warned(result))


def test_the_page_shows_what_a_run_says(deidsynth, write_jsonl, note, tmp_path) -> None:
    [shown] = re.findall(r"^```text\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    spans = ((0, 4, "First_Name"), (9, 12, "ETHNICITY"))
    notes = write_jsonl("notes.jsonl", [note(f"n{each}", "Kari var xyz.", *spans) for each in range(12)])
    result = deidsynth("run", "--corpus", notes, "--language", "no", "--output", tmp_path / "x", "--dry-run")
    assert warned(result) == shown.splitlines()


def test_a_run_says_it_before_any_stage_and_quiet_says_nothing(deidsynth, stages, foreign, tmp_path) -> None:
    stages["select"].error = KeyboardInterrupt()
    command = ["run", "--corpus", foreign, "--language", "fi", "--output", tmp_path / "x", "--device", "cpu"]
    assert len(warned(deidsynth(*command))) == 3
    assert warned(deidsynth(*command, "--quiet")) == []


def test_nothing_is_said_where_nothing_is_missing(deidsynth, foreign, corpus, tmp_path) -> None:
    assert (
        warned(deidsynth("run", "--corpus", corpus, "--language", "sv", "--output", tmp_path / "x", "--dry-run")) == []
    )
    kinds = tmp_path / "labels.yaml"
    kinds.write_text("labels: {STATION: clinic, FALL: identifier}\n", encoding="utf-8")
    command = ["run", "--corpus", foreign, "--language", "de", "--output", tmp_path / "x", "--dry-run", *SCRATCH]
    assert len(warned(deidsynth(*command))) == 1
    assert warned(deidsynth(*command, "--labels", kinds)) == []
    keep = ("--set", "synthesize.prompts.pii=keep", "--set", "train_synthetic.mention_replacement=0")
    keep += ("--set", "pseudonymize.mode=never")
    assert warned(deidsynth(*command, *keep)) == []  # no value is invented


def test_writing_without_blanks_and_a_code_of_three_letters_are_told(deidsynth, corpus, tmp_path) -> None:
    command = ["run", "--corpus", corpus, "--output", tmp_path / "x", "--dry-run", *SCRATCH]
    assert "written without blanks between words" in warned(deidsynth(*command, "--language", "zh"))[0]
    assert "its sentences are not found" in warned(deidsynth(*command, "--language", "hi"))[0]
    assert "write sv, the code of ISO 639-1 for Swedish" in warned(deidsynth(*command, "--language", "swe"))[0]
    refused = deidsynth(*command, "--language", "cz")
    assert refused.exit_code == 2
    assert "write cs for Czech" in refused.stderr


def test_dates_with_months_that_are_not_known_are_told(deidsynth, write_jsonl, note, tmp_path) -> None:
    notes = write_jsonl("notes.jsonl", [note(f"n{each}", "Tuli 3. juuni.", (5, 13, "DATE")) for each in range(12)])
    command = ["run", "--corpus", notes, "--language", "et", "--output", tmp_path / "x", "--dry-run", *SCRATCH]
    [line] = warned(deidsynth(*command))
    assert "language Estonian (et): the names of its months are not known" in line


def test_kinds_of_labels_are_recorded_and_belong_to_the_keys_they_matter_to(deidsynth, foreign, tmp_path) -> None:
    def keys(*options: str | Path) -> dict[str, str]:
        command = ("run", "--corpus", foreign, "--language", "de", "--output", tmp_path / "x", "--dry-run", "--json")
        return {each["name"]: each["key"] for each in json.loads(deidsynth(*command, *options).stdout)["stages"]}

    kinds, same = tmp_path / "one.yaml", tmp_path / "two.yaml"
    kinds.write_text("about: stations\nlabels: {STATION: clinic}\n", encoding="utf-8")
    same.write_text("labels: {STATION: clinic}\n", encoding="utf-8")
    plain, one = keys(), keys("--labels", kinds)
    changed = {name for name in plain if plain[name] != one[name]}
    assert {"pseudonymize", "synthesize", "synthetic"} <= changed
    assert not {"import", "gold", "evaluate-gold"} & changed
    assert keys("--labels", same) == one
    assert keys("--set", "corpus.labels.STATION=clinic") == one


def test_the_run_folder_states_the_kinds(deidsynth, stages, foreign, tmp_path) -> None:
    kinds = tmp_path / "labels.yaml"
    kinds.write_text("labels: {STATION: clinic}\n", encoding="utf-8")
    command = ["run", "--corpus", foreign, "--language", "de", "--output", tmp_path / "x", "--device", "cpu"]
    assert deidsynth(*command, "--labels", kinds).exit_code == 0
    stated = yaml.safe_load((tmp_path / "x" / "run.yaml").read_text(encoding="utf-8"))
    assert stated["corpus"]["labels"] == stated["synthesize"]["prompts"]["labels"] == {"STATION": "clinic"}
    assert stages["synthesize"].seen[0]["config"].prompts.labels == {"STATION": "clinic"}


def test_a_file_of_kinds_with_faults_is_refused_with_all_of_them(deidsynth, foreign, tmp_path) -> None:
    kinds = tmp_path / "labels.yaml"
    kinds.write_text("labels: {STATION: ward}\nfoo: 1\n", encoding="utf-8")
    result = deidsynth("train", foreign, "--language", "de", "--output", tmp_path / "m", "--labels", kinds)
    assert result.exit_code == 2
    assert "labels.yaml: 2 problems" in result.stderr
    assert "labels.STATION" in result.stderr and "'clinic'" in result.stderr and "foo" in result.stderr


def test_single_stages_and_studies_warn_too(deidsynth, stages, foreign, tmp_path) -> None:
    trained = deidsynth("train", foreign, "--language", "de", "--output", tmp_path / "m", "--device", "cpu",
                        "--set", "mention_replacement=0.5")  # fmt: skip
    assert trained.exit_code == 0, trained.stderr
    assert len(warned(trained)) == 2
    assert "(train.encoder) have read Spanish (es) and Swedish (sv) only; set train.encoder to" in warned(trained)[0]
    adapted = deidsynth("adapt", "--corpus", foreign, "--language", "de", "--output", tmp_path / "l", "--device", "cpu")
    assert len(warned(adapted)) == 1
    written = deidsynth("synthesize", tmp_path / "l", "--prompts-from", foreign, "--language", "de", "-n", "2",
                        "--output", tmp_path / "s.jsonl", "--device", "cpu")  # fmt: skip
    assert written.exit_code == 0, written.stderr
    assert "(FALL, STATION)" in warned(written)[0]
    study = tmp_path / "study.yaml"
    base = {"corpus": {"path": str(foreign), "language": "de"}}
    study.write_text(yaml.safe_dump({"base": base, "axes": {"seed": [1, 2]}}), encoding="utf-8")
    assert len(warned(deidsynth("study", "run", study, "--dry-run", "--device", "cpu"))) == 2
