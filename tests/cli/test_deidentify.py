from __future__ import annotations

import json

import pytest


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A small tagger trained through the command line on notes in which a name always stands first."""
    from typer.testing import CliRunner

    from deidsynth.cli.app import app

    home = tmp_path_factory.mktemp("trained")
    names = ["Anna", "Bertil", "Cecilia", "David", "Erik", "Frida", "Gustav", "Hanna"]
    lines = []
    for number in range(64):
        name = names[number % 8]
        text = f"{name} kom till mottagningen i dag."
        entity = {"start": 0, "end": len(name), "label": "NAME"}
        lines.append(json.dumps({"doc_id": str(number), "text": text, "entities": [entity]}) + "\n")
    corpus = home / "corpus.jsonl"
    corpus.write_text("".join(lines), encoding="utf-8")
    settings = ["epochs=12", "batch_size=8", "scratch.hidden_size=32", "scratch.layers=1", "scratch.heads=2"]
    settings += ["scratch.intermediate_size=32", "scratch.vocabulary_size=400", "scratch.dropout=0.0"]
    options = [option for setting in settings for option in ("--set", setting)]
    result = CliRunner().invoke(app, ["train", str(corpus), "--output", str(home / "ner"), "--device", "cpu", *options])
    assert result.exit_code == 0, result.stderr
    return home / "ner"


@pytest.fixture
def notes(tmp_path):
    folder = tmp_path / "notes"
    (folder / "ward").mkdir(parents=True)
    (folder / "one.txt").write_bytes(b"Anna kom till mottagningen i dag.\r\n")
    (folder / "ward" / "two.txt").write_bytes(b"Erik kom till mottagningen i dag.")
    return folder


def test_mask_a_folder(deidsynth, trained, notes, tmp_path) -> None:
    clean = tmp_path / "clean"
    result = deidsynth("deidentify", trained, notes, "--output", clean, "--json", "--device", "cpu")
    assert result.exit_code == 0, result.stderr
    assert (clean / "one.txt").read_bytes().startswith(b"[NAME] kom till mottagningen i dag.\r\n")
    assert (clean / "ward" / "two.txt").read_bytes() == b"[NAME] kom till mottagningen i dag."
    assert json.loads(result.stdout)["n_documents"] == 2
    assert json.loads(result.stdout)["NAME"] == 2


def test_tag_a_file(deidsynth, trained, notes, tmp_path) -> None:
    target = tmp_path / "clean.txt"
    result = deidsynth("deidentify", trained, notes / "ward" / "two.txt", "--output", target, "--mode", "tag")
    assert result.exit_code == 0, result.stderr
    assert target.read_text(encoding="utf-8") == "<NAME>Erik</NAME> kom till mottagningen i dag."


def test_jsonl_in_jsonl_out(deidsynth, trained, write_jsonl, note, tmp_path) -> None:
    source = write_jsonl("in.jsonl", [note("1", "Anna kom till mottagningen i dag.")])
    result = deidsynth("deidentify", trained, source, "--output", tmp_path / "out.jsonl")
    assert result.exit_code == 0, result.stderr
    line = json.loads((tmp_path / "out.jsonl").read_text(encoding="utf-8"))
    assert line["text"] == "[NAME] kom till mottagningen i dag."
    assert [(entity["start"], entity["end"]) for entity in line["entities"]] == [(0, 6)]


def test_the_input_is_never_the_output(deidsynth, trained, notes) -> None:
    before = (notes / "one.txt").read_bytes()
    result = deidsynth("deidentify", trained, notes, "--output", notes)
    assert result.exit_code == 2
    assert "the input itself" in result.stderr
    assert (notes / "one.txt").read_bytes() == before


def test_a_used_folder_is_refused(deidsynth, trained, notes, tmp_path) -> None:
    result = deidsynth("deidentify", trained, notes / "ward", "--output", notes)
    assert result.exit_code == 2
    assert "not empty" in result.stderr


def test_evaluate_what_annotate_found(deidsynth, trained, write_jsonl, note, tmp_path) -> None:
    gold = write_jsonl("gold.jsonl", [note("1", "Erik kom till mottagningen i dag.", (0, 4, "NAME"))])
    silver = tmp_path / "silver.jsonl"
    assert deidsynth("annotate", trained, gold, "--output", silver, "--device", "cpu").exit_code == 0
    scores = json.loads(deidsynth("evaluate", gold, silver, "--json").stdout)
    assert scores["strict"]["f1"] == 1.0
    [entity] = json.loads(silver.read_text(encoding="utf-8"))["entities"]
    assert 0.0 < entity["score"] <= 1.0
