from __future__ import annotations

import json
from pathlib import Path

import pytest


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


BLANKS = {
    "tags/a.txt": "<First Name>Anna</First Name> ringde <x y z>.",
    "typed/a.txt": '<PHI TYPE="First Name">Anna</PHI> ringde <x y z>.',
    "brackets/a.txt": "[Anna](First Name) ringde <x y z>.",
    "brat/a.ann": "T1\tFirst Name 0 4\tAnna\n",
    "columns/a.conll": "Anna\tB-First Name\nringde\tO\n<x\tO\ny\tO\nz>.\tO\n",
    "xml/a.xml": '<deIdi2b2><TEXT><![CDATA[Anna ringde <x y z>.]]></TEXT><TAGS><NAME id="P0" start="0" end="4" '
    'text="Anna" TYPE="First Name"/></TAGS></deIdi2b2>',
    "lines/a.jsonl": '{"doc_id": "a", "text": "Anna ringde <x y z>.", "entities": [{"start": 0, "end": 4, '
    '"label": "First Name"}]}',
    "doccano/a.jsonl": '{"id": "a", "text": "Anna ringde <x y z>.", "label": [[0, 4, "First Name"]]}',
    "presidio/a.json": '[{"full_text": "Anna ringde <x y z>.", "spans": [{"entity_type": "First Name", '
    '"entity_value": "Anna", "start_position": 0, "end_position": 4}]}]',
    "table/a.csv": 'doc_id,text,entities\na,Anna ringde <x y z>.,"[[0, 4, ""First Name""]]"\n',
}


@pytest.mark.parametrize("name", BLANKS)
def test_a_label_with_a_blank_is_reported_and_can_be_renamed(deidsynth, tmp_path: Path, name: str) -> None:
    file = tmp_path / name
    file.parent.mkdir()
    file.write_text(BLANKS[name], encoding="utf-8")
    if name.startswith("brat"):
        file.with_suffix(".txt").write_text("Anna ringde <x y z>.", encoding="utf-8")
    checked = deidsynth("corpus", "check", file.parent)
    assert checked.exit_code == 1
    assert "[label] entity 0:4" in checked.stdout
    assert "deidsynth corpus map SOURCE TARGET --mapping FILE" in checked.stdout
    mapping, target = tmp_path / "mapping.yaml", tmp_path / "out.jsonl"
    mapping.write_text("labels: {First Name: FIRST_NAME}\n", encoding="utf-8")
    mapped = deidsynth("corpus", "map", file.parent, target, "--mapping", mapping)
    assert mapped.exit_code == 0, mapped.stderr
    document = json.loads(target.read_text(encoding="utf-8"))
    assert document["text"] == "Anna ringde <x y z>."
    assert [(each["start"], each["end"], each["label"]) for each in document["entities"]] == [(0, 4, "FIRST_NAME")]


def test_what_a_mapping_does_not_list_or_drops_is_told_whatever_its_form(
    deidsynth, write_jsonl, note, tmp_path
) -> None:
    source = write_jsonl("in.jsonl", [note("a", "Bo, 45", (0, 2, "First Name"), (4, 6, "Age at visit"))])
    mapping = tmp_path / "mapping.yaml"
    mapping.write_text("labels: {First Name: NAME}\n", encoding="utf-8")
    refused = deidsynth("corpus", "map", source, tmp_path / "out", "--mapping", mapping)
    assert refused.exit_code == 2
    assert "1 labels are not in the mapping: Age at visit; add them under labels" in refused.stderr
    mapping.write_text("labels: {First Name: NAME, Age at visit: null}\n", encoding="utf-8")
    done = deidsynth("corpus", "map", source, tmp_path / "out", "--mapping", mapping)
    assert done.exit_code == 0, done.stderr
    assert "dropped by the mapping: 1 Age at visit" in done.stderr
    mapping.write_text("labels: {First Name: A B, Age at visit: null}\n", encoding="utf-8")
    wrong = deidsynth("corpus", "map", source, tmp_path / "wrong", "--mapping", mapping)
    assert wrong.exit_code == 2
    assert "labels.key 1 (not shown): a new label must not be empty or have white space" in wrong.stderr


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
    assert "  First Name: First_Name  # 1\n" in (tmp_path / "labels.yaml").read_text(encoding="utf-8")


def test_a_skeleton_replaces_no_file_and_goes_without_a_mapping(deidsynth, corpus, tmp_path) -> None:
    (tmp_path / "labels.yaml").write_text("mine", encoding="utf-8")
    refused = deidsynth("corpus", "map", corpus, tmp_path / "labels.yaml", "--skeleton")
    assert refused.exit_code == 2 and "exists already" in refused.stderr
    assert (tmp_path / "labels.yaml").read_text(encoding="utf-8") == "mine"
    for options in ((), ("--skeleton", "--mapping", "meddocan-coarse")):
        result = deidsynth("corpus", "map", corpus, tmp_path / "out", *options)
        assert result.exit_code == 2 and "--skeleton" in result.stderr
