from __future__ import annotations

import json


def test_labels_are_mapped_into_another_format(deidsynth, write_jsonl, note, tmp_path) -> None:
    source = write_jsonl("in.jsonl", [note("a", "Bo, 45", (0, 2, "NOMBRE_SUJETO_ASISTENCIA"), (4, 6, "FECHAS"))])
    result = deidsynth("corpus", "map", source, tmp_path / "out", "--mapping", "meddocan-sepr", "--to", "i2b2")
    assert result.exit_code == 0, result.stderr
    assert "dropped by the mapping: 1 NOMBRE_SUJETO_ASISTENCIA" in result.stderr
    facts = json.loads(deidsynth("corpus", "describe", tmp_path / "out", "--json").stdout)
    assert list(facts["labels"]) == ["Full_Date"]


def test_an_unknown_mapping_lists_the_ready_ones(deidsynth, corpus, tmp_path) -> None:
    result = deidsynth("corpus", "map", corpus, tmp_path / "out", "--mapping", "nix")
    assert result.exit_code == 2
    assert "meddocan-coarse" in result.stderr
    assert not (tmp_path / "out").exists()


def test_a_skeleton_lists_every_label_and_is_a_mapping_as_it_stands(deidsynth, write_jsonl, note, tmp_path) -> None:
    rows = [note("a", "Bo, 45", (0, 2, "NAME"), (4, 6, "no")), note("b", "Eva", (0, 3, "NAME"))]
    source, skeleton = write_jsonl("in.jsonl", rows), tmp_path / "labels.yaml"
    result = deidsynth("corpus", "map", source, skeleton, "--skeleton")
    assert result.exit_code == 0, result.stderr
    assert f"--mapping {skeleton}" in result.stderr
    text = skeleton.read_text(encoding="utf-8")
    assert "  NAME: NAME  # 2\n" in text and "  'no': 'no'  # 1\n" in text
    assert "Bo" not in text
    assert deidsynth("corpus", "map", source, tmp_path / "same.jsonl", "--mapping", skeleton).exit_code == 0
    skeleton.write_text(text.replace("'no': 'no'", "'no': AGE"), encoding="utf-8")
    assert deidsynth("corpus", "map", source, tmp_path / "out.jsonl", "--mapping", skeleton).exit_code == 0
    facts = json.loads(deidsynth("corpus", "describe", tmp_path / "out.jsonl", "--json").stdout)
    assert list(facts["labels"]) == ["NAME", "AGE"]


def test_a_skeleton_lists_labels_that_must_be_mapped_first(deidsynth, write_jsonl, note, tmp_path) -> None:
    source = write_jsonl("in.jsonl", [note("a", "Bo, 45", (0, 2, "First Name"))])
    result = deidsynth("corpus", "map", source, tmp_path / "labels.yaml", "--skeleton")
    assert result.exit_code == 0, result.stderr
    assert "  First Name: First Name  # 1\n" in (tmp_path / "labels.yaml").read_text(encoding="utf-8")


def test_a_skeleton_replaces_no_file_and_goes_without_a_mapping(deidsynth, corpus, tmp_path) -> None:
    (tmp_path / "labels.yaml").write_text("mine", encoding="utf-8")
    refused = deidsynth("corpus", "map", corpus, tmp_path / "labels.yaml", "--skeleton")
    assert refused.exit_code == 2 and "exists already" in refused.stderr
    assert (tmp_path / "labels.yaml").read_text(encoding="utf-8") == "mine"
    for options in ((), ("--skeleton", "--mapping", "meddocan-coarse")):
        result = deidsynth("corpus", "map", corpus, tmp_path / "out", *options)
        assert result.exit_code == 2 and "--skeleton" in result.stderr
