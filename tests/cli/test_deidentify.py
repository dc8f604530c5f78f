from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from deidsynth.deidentification.partial import Partial
from deidsynth.locks import hold_output


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
    settings = [
        "encoder=scratch",
        "task_adaptive_pretraining.epochs=6",
        "epochs=12",
        "batch_size=8",
        "scratch.hidden_size=32",
        "scratch.layers=1",
        "scratch.vocabulary_size=400",
    ]
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
    assert json.loads(result.stdout) == {
        "n_documents": 2,
        "n_entities": 2,
        "n_skipped_files": 0,
        "labels": {"NAME": 2},
    }
    modes = {path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in clean.rglob("*")}
    assert modes == {"clean/one.txt": 0o600, "clean/ward": 0o700, "clean/ward/two.txt": 0o600}
    assert clean.stat().st_mode & 0o777 == 0o700


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
    assert (tmp_path / "out.jsonl").stat().st_mode & 0o777 == 0o600


def test_the_input_is_never_the_output(deidsynth, trained, notes) -> None:
    before = (notes / "one.txt").read_bytes()
    result = deidsynth("deidentify", trained, notes, "--output", notes)
    assert result.exit_code == 2
    assert "the same as the input" in result.stderr
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
    assert silver.stat().st_mode & 0o777 == 0o600


def test_evaluate_what_annotate_found_in_a_brat_folder(deidsynth, trained, tmp_path) -> None:
    folder = tmp_path / "gold"
    (folder / "dev").mkdir(parents=True)
    (folder / "dev" / "n1.txt").write_text("Erik kom till mottagningen i dag.", encoding="utf-8")
    (folder / "dev" / "n1.ann").write_text("T1\tNAME 0 4\tErik\n", encoding="utf-8")
    silver = tmp_path / "silver.jsonl"
    found = deidsynth("annotate", trained, folder, "--output", silver, "--device", "cpu")
    assert found.exit_code == 0, found.stderr
    scored = deidsynth("evaluate", folder, silver, "--json")
    assert scored.exit_code == 0, scored.stderr
    assert json.loads(scored.stdout)["n_documents"] == 1


def test_other_files_are_counted_and_told(deidsynth, trained, notes, tmp_path) -> None:
    (notes / "scan.pdf").write_bytes(b"%PDF")
    (notes / "ward" / "two.ann").write_text("", encoding="utf-8")
    (notes / ".hidden").write_text("", encoding="utf-8")
    result = deidsynth("deidentify", trained, notes, "--output", tmp_path / "clean", "--json", "--device", "cpu")
    assert "skipped 2 files that are not .txt" in result.stderr
    assert json.loads(result.stdout)["n_skipped_files"] == 2


@pytest.mark.parametrize(("error", "code"), [(KeyboardInterrupt, 130), (RuntimeError, 3)])
def test_half_a_folder_never_looks_finished(deidsynth, trained, notes, tmp_path, monkeypatch, error, code) -> None:
    put, seen = Partial.put, []

    def stop_at_the_second(self, name, content):
        seen.append(name)
        if len(seen) == 2:  # of the notes; what is masked needs no key
            [under_way] = [path for path in tmp_path.iterdir() if "clean" in path.name]
            assert under_way.name == ".clean.partial"
            assert under_way.stat().st_mode & 0o777 == 0o700
            raise error
        put(self, name, content)

    command = ["deidentify", trained, notes, "--output", tmp_path / "clean", "--device", "cpu"]
    with monkeypatch.context() as patched:
        patched.setattr(Partial, "put", stop_at_the_second)
        result = deidsynth(*command)
    assert result.exit_code == code
    assert ("nothing was written" in result.stderr) == (code == 130)
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
    stale = tmp_path / ".clean.partial" / "output" / "stale.txt"
    stale.parent.mkdir(parents=True)
    stale.write_text("half", encoding="utf-8")
    assert deidsynth(*command).exit_code == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clean", "clean.manifest.json", "notes"]
    assert sorted(path.name for path in (tmp_path / "clean").iterdir()) == ["one.txt", "ward"]


@pytest.mark.parametrize("source", ["notes", "notes/one.txt"])
def test_the_second_of_two_at_once_is_refused(deidsynth, trained, notes, tmp_path, source) -> None:
    command = ["deidentify", trained, tmp_path / source, "--output", tmp_path / "clean", "--device", "cpu"]
    with hold_output(tmp_path / "clean", pytest.fail):
        refused = deidsynth(*command)
    assert refused.exit_code == 2
    assert f"clean: another command (process {os.getpid()}) is writing to it" in refused.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["notes"]
    assert deidsynth(*command).exit_code == 0


def test_standard_output_is_refused(deidsynth, trained, notes) -> None:
    result = deidsynth("deidentify", trained, notes, "--output", "-")
    assert result.exit_code == 2
    assert "--output -: texts are not written to standard output" in result.stderr


@pytest.mark.parametrize("command", ["deidentify", "annotate"])
@pytest.mark.parametrize("missing", ["model", "texts"])
def test_a_missing_path_fails_before_torch_is_loaded(tmp_path, command, missing) -> None:
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "a.txt").write_text("Bo", encoding="utf-8")
    (tmp_path / missing).rename(tmp_path / "elsewhere")
    arguments = [command, str(tmp_path / "model"), str(tmp_path / "texts"), "-o", str(tmp_path / "out")]
    program = (
        "import sys\nfrom deidsynth.cli.app import app\ntry:\n    app(sys.argv[1:])\n"
        "except SystemExit as end:\n    print(end.code, 'torch' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=False)
    assert run.stdout.split() == ["2", "False"], run.stderr
