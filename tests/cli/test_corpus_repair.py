"""``deidsynth corpus repair`` and ``--skip-invalid`` as a user meets them."""

from __future__ import annotations

import json

import pytest

TEXT = "Anna Ek ringde Bo."
FAULTY = [(0, 5, "NAME"), (5, 7, "NAME"), (9, 9, "NAME"), (15, 17, "NAME")]


@pytest.fixture
def faulty(write_jsonl, note):
    return write_jsonl("faulty.jsonl", [note("a", TEXT, *FAULTY)])


def test_repair_writes_a_sound_corpus_and_says_what_it_did(deidsynth, faulty, tmp_path) -> None:
    assert deidsynth("corpus", "describe", faulty).exit_code == 2
    result = deidsynth("corpus", "repair", faulty, tmp_path / "sound.jsonl")
    assert result.exit_code == 0, result.stderr
    assert "faulty.jsonl:1: [trimmed] entity 0:5 is trimmed to 0:4" in result.stdout
    assert "faulty.jsonl:1: [joined] entity 5:7 is joined to the one before it, which now is 0:7" in result.stdout
    assert "faulty.jsonl:1: [dropped] entity 9:9 was empty" in result.stdout
    assert "warning" not in result.stderr
    assert not any(word in result.output for word in ("Anna", "Bo"))
    line = json.loads((tmp_path / "sound.jsonl").read_text(encoding="utf-8"))
    assert [(each["start"], each["end"]) for each in line["entities"]] == [(0, 7), (15, 17)]
    assert deidsynth("corpus", "check", tmp_path / "sound.jsonl").exit_code == 0


def test_repair_as_json(deidsynth, faulty, tmp_path) -> None:
    result = deidsynth("corpus", "repair", faulty, tmp_path / "sound", "--to", "brat", "--json")
    facts = json.loads(result.stdout)
    assert (facts["trimmed"], facts["joined"], facts["dropped"]) == (1, 1, 1)
    assert [each["code"] for each in facts["repairs"]] == ["trimmed", "dropped", "joined"]


def test_what_repair_cannot_know_is_an_error_or_left_out(deidsynth, write_jsonl, note, tmp_path) -> None:
    far = write_jsonl("far.jsonl", [note("a", TEXT, (0, 8, "NAME"), (15, 99, "NAME"))])
    refused = deidsynth("corpus", "repair", far, tmp_path / "sound.jsonl")
    assert refused.exit_code == 2
    assert "--skip-invalid" in refused.stderr
    assert not (tmp_path / "sound.jsonl").exists()
    result = deidsynth("corpus", "repair", far, tmp_path / "sound.jsonl", "--skip-invalid")
    assert result.exit_code == 0, result.stderr
    assert "left out 1 invalid entity:" in result.stderr


@pytest.mark.parametrize("command", ["describe", "convert", "map", "split", "evaluate", "run", "study"])
def test_skip_invalid_lists_what_it_leaves_out(deidsynth, write_jsonl, note, tmp_path, command) -> None:
    notes = [note(str(number), TEXT, (0, 7, "NAME"), (15, 99, "NAME")) for number in range(5)]
    source = write_jsonl("source.jsonl", notes)
    mapping, study, target = tmp_path / "map.yaml", tmp_path / "study.yaml", tmp_path / "target"
    mapping.write_text("labels: {NAME: NAME}", encoding="utf-8")
    study.write_text("name: s\naxes: {seed: [1]}\n", encoding="utf-8")
    arguments = {
        "describe": ["corpus", "describe", source],
        "convert": ["corpus", "convert", source, target, "--to", "brat"],
        "map": ["corpus", "map", source, target, "--mapping", mapping],
        "split": ["corpus", "split", source, target],
        "evaluate": ["evaluate", source, source, "--resamples", "0"],
        "run": ["run", "--corpus", source, "--language", "sv", "--output", target, "--dry-run"],
        "study": ["study", "run", study, "--corpus", source, "--language", "sv", "--output", target, "--dry-run"],
    }[command]
    refused = deidsynth(*arguments)
    assert refused.exit_code == 2
    assert "5 problems" in refused.stderr
    result = deidsynth(*arguments, "--skip-invalid")
    assert result.exit_code == 0, result.stderr
    assert "source.jsonl: left out 5 invalid entities:" in result.stderr
    assert "source.jsonl:5: entity 15:99 is out of bounds" in result.stderr
    assert "Anna" not in result.output


def test_check_shows_what_would_be_left_out(deidsynth, faulty) -> None:
    result = deidsynth("corpus", "check", faulty, "--skip-invalid", "--json")
    assert result.exit_code == 1
    facts = json.loads(result.stdout)
    assert (facts["n_entities"], facts["skipped"]) == (3, {"invalid_entities": 1})
    assert not any(problem["fatal"] for problem in facts["problems"])
