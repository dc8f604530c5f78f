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
