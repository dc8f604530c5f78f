"""``deidsynth deidentify`` takes texts out of JSON by their paths, and names the paths that stay."""

from __future__ import annotations

import json
from pathlib import Path

import pytest


def test_json_by_path(deidsynth, model, tmp_path) -> None:
    source, out = tmp_path / "a.json", tmp_path / "out.json"
    data = {"patients": [{"id": 1, "notes": [{"t": "Karin kom"}, {"t": None}]}, {"id": 2, "notes": []}]}
    source.write_text(json.dumps(data), encoding="utf-8")
    command = ["deidentify", model, source, "--output", out]
    result = deidsynth(*command, "--column", "patients[].notes[].t", "--patient-column", "patients[].id")
    assert result.exit_code == 0, result.stderr
    data["patients"][0]["notes"][0]["t"] = "[NAME] kom"
    assert json.loads(out.read_text(encoding="utf-8")) == data
    for path, told, code in (
        ("patients[].text", "has nothing at patients[].text", 2),
        ("patients[].id", "is not text", 1),
    ):
        failed = deidsynth("deidentify", model, source, "--output", tmp_path / "no.json", "--column", path)
        assert (failed.exit_code, told in failed.stderr, (tmp_path / "no.json").exists()) == (code, True, False)
    for options in (["--column", "a..b"], ["--column", "patients[].id", "--patient-column", "x[].y"]):
        assert deidsynth(*command, *options).exit_code == 2


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_all_paths_in_json_that_stay_are_named(deidsynth, model, tmp_path, name) -> None:
    source, out = tmp_path / name, tmp_path / f"out{Path(name).suffix}"
    plain = {"ward": "A", "patients": []}
    nested = {"name": "Anna", "dni": 1, "notes": [{"text": "Karin kom", "author": "Dal"}], "Anna Dal": {"x": [1]}}
    values = [plain, {"patients": [nested, {**nested, "phones": ["1", "2"]}]}, {"patients": [{"notes": None}]}]
    if name == "a.jsonl":
        source.write_text("".join(json.dumps(each) + "\n" for each in values), encoding="utf-8")
        root = ""
    else:
        source.write_text(json.dumps(values), encoding="utf-8")
        root = "[]."
    column = f"{root}patients[].notes[].text"
    result = deidsynth("deidentify", model, source, "--output", out, "--column", column)
    assert result.exit_code == 0, result.stderr
    expected = ("ward", "patients[].name", "patients[].dni", "patients[].notes[].author", "patients[].phones[]")
    told = f"too: {', '.join(root + each for each in expected)}, 1 without a proper name; drop"
    assert result.stderr.count(told) == 1, result.stderr
    assert "Anna" not in result.stderr


def test_of_many_paths_that_stay_the_others_are_counted(deidsynth, model, tmp_path) -> None:
    source = tmp_path / "a.jsonl"
    command = ["deidentify", model, source, "--column", "note"]
    for n_keys, told in ((25, "k19, 5 more; drop"), (1200, "identify too: at least 1000 without a proper name; drop")):
        value = {"note": "Karin", **{f"k{number}": number for number in range(n_keys)}}
        source.write_text(json.dumps(value) + "\n", encoding="utf-8")
        result = deidsynth(*command, "--output", tmp_path / f"out-{n_keys}.jsonl")
        assert (result.exit_code, told in result.stderr) == (0, True), result.stderr
    assert "k19" not in result.stderr, "so many keys are ids"


def test_a_path_in_no_value_is_a_fault_before_anything_is_written(deidsynth, model, tmp_path) -> None:
    source, out = tmp_path / "a.jsonl", tmp_path / "out.jsonl"
    source.write_text('{"notes": []}\n{"notes": [{"text": "Karin"}]}\n{\n{"who": 1}\n', encoding="utf-8")
    before = sorted(tmp_path.iterdir())
    command = ["deidentify", model, "--column"]
    for options, told in (
        (["notes[].txt"], "nothing at notes[].txt in any value; fix --column"),
        (["notes[].text", "--patient-column", "whom"], "nothing at whom in any value; fix --patient-column"),
    ):
        failed = deidsynth(*command, *options, source, "--output", out)
        assert (failed.exit_code, told in failed.stderr) == (2, True), failed.stderr
        assert sorted(tmp_path.iterdir()) == before
    found = deidsynth(*command, "notes[].text", "--patient-column", "who", source, "--output", out)
    assert (found.exit_code, "a.jsonl:4" in found.stderr) == (1, True)
    (tmp_path / "b.jsonl").write_text('{"who": 2}\n', encoding="utf-8")
    both = deidsynth(*command, "notes[].text", source, tmp_path / "b.jsonl", "--output", tmp_path / "clean")
    assert (both.exit_code, "b.jsonl:1" in both.stderr, (tmp_path / "clean" / "a.jsonl").exists()) == (1, True, True)
    source.write_text('{"notes": []}\n', encoding="utf-8")
    assert deidsynth(*command, "notes[].text", source, "--output", tmp_path / "none.jsonl").exit_code == 0
