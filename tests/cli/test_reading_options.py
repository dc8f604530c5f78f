"""Every command that reads a corpus can be told how to read it, and is given no advice that it cannot follow."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import typer
from typer.core import TyperGroup

import deidsynth as package
from deidsynth.cli.app import app
from deidsynth.cli.verbs import loaded

SOURCES = Path(package.__file__).parent
READERS = (
    ["run", "study run", "adapt", "synthesize", "train", "evaluate", "annotate", "deidentify", "audit"]
    + ["review export", "review import"]
    + [f"corpus {verb}" for verb in ("describe", "show", "check", "convert", "map", "repair", "split")]
)
TEXTS_ONLY = ("annotate", "deidentify")
DRAWING = ("run", "study run", "adapt", "train", "corpus split", "audit")


def options_of(verb: str) -> set[str]:
    command = typer.main.get_command(app)
    for name in verb.split():
        assert isinstance(command, TyperGroup)
        command = loaded(command.commands[name])
    return {option for parameter in command.params for option in parameter.opts}


@pytest.mark.parametrize("verb", READERS)
def test_a_reader_has_the_options_that_messages_name(verb: str) -> None:
    wanted = {"--from", "--layout", "--skip-invalid"}
    wanted |= set() if verb in TEXTS_ONLY else {"--discontinuous"}
    wanted |= {"--group-by"} if verb in DRAWING else set()
    assert wanted <= options_of(verb)


def test_reading_names_no_option_but_these() -> None:
    known = {"from", "layout", "skip-invalid", "discontinuous", "group-by", "language", "set", "json"}
    text = "\n".join(path.read_text(encoding="utf-8") for path in (SOURCES / "corpora").rglob("*.py"))
    text = text.replace("deidsynth corpus map SOURCE TARGET --mapping FILE", "")  # a command of its own
    named = set(re.findall(r"(?<![\w-])--([a-z][a-z-]+)", re.sub(r'""".*?"""', "", text, flags=re.DOTALL)))
    assert named <= known


def test_a_layout_says_the_format_where_nothing_else_does(deidsynth, tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text('note,phi\n"Bo kom","[[0, 2, ""NAME""]]"\n', encoding="utf-8")
    advice = deidsynth("corpus", "describe", path)
    assert (advice.exit_code, "--layout table.text=NAME" in advice.stderr) == (2, True)
    followed = deidsynth("corpus", "describe", path, "--layout", "table.text=note", "--layout", "table.entities=phi")
    assert followed.exit_code == 0, followed.stderr
    wrong = deidsynth("corpus", "describe", path, "--layout", "table.text=notes")
    assert (wrong.exit_code, "change table.text" in wrong.stderr) == (2, True)
    assert "--layout table.text=NAME" not in wrong.stderr


def test_advice_about_columns_is_not_repeated(deidsynth, tmp_path) -> None:
    path = tmp_path / "a.conll"
    path.write_text("Bo\tB-NAME\nkom\tO\n", encoding="utf-8")
    result = deidsynth("corpus", "describe", path, "--from", "conll", "--layout", "columns.tag=7")
    assert result.exit_code == 2
    assert "have 2, from 0 to 1; name two, such as --layout columns.token=0 --layout columns.tag=1" in result.stderr
    followed = deidsynth("corpus", "describe", path, "--layout", "columns.token=0", "--layout", "columns.tag=1")
    assert followed.exit_code == 0


def test_warnings_are_listed_by_a_command_that_reads_in_the_same_way(deidsynth, tmp_path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("note\nBo kom\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text('note,other\n"Bo kom",1\n', encoding="utf-8")
    options = ["--from", "table", "--layout", "table.text=note"]
    result = deidsynth("corpus", "convert", tmp_path / "b.csv", tmp_path / "out.jsonl", "--to", "jsonl", *options)
    assert f"see: deidsynth corpus check {tmp_path / 'b.csv'} --from table --layout table.text=note" in result.stderr


@pytest.mark.parametrize(("unit", "n_documents"), [("lines", 4), ("paragraphs", 3)])
def test_documents_inside_one_file(deidsynth, tmp_path, unit, n_documents) -> None:
    path, out = tmp_path / "a.txt", tmp_path / "out.jsonl"
    path.write_text("[Anna](NAME) ringde.\r\n\r\n \r\n[Bo](NAME) kom.\nOch gick.\n\n[Li](NAME)\n", encoding="utf-8")
    result = deidsynth("corpus", "convert", path, out, "--to", "jsonl", "--layout", f"inline.documents={unit}")
    assert result.exit_code == 0, result.stderr
    documents = [json.loads(line) for line in out.read_text(encoding="utf-8").splitlines()]
    assert [document["doc_id"] for document in documents] == [f"a-{n}" for n in range(1, n_documents + 1)]
    shown = [document["text"] for document in documents]
    assert shown[0] == "Anna ringde."
    assert ("Bo kom.\nOch gick." in shown) == (unit == "paragraphs")
    assert sum(len(document["entities"]) for document in documents) == 3


def test_faults_in_a_file_of_several_documents_have_their_line(deidsynth, tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("<NAME>Anna</NAME>\n\nkom\n<NAME>Bo\n", encoding="utf-8")
    result = deidsynth("corpus", "check", path, "--layout", "inline.documents=paragraphs", "--json")
    (problem,) = [each for each in json.loads(result.stdout)["problems"] if each["fatal"]]
    assert (problem["line"], problem["code"]) == (4, "unbalanced-tag")


def test_one_group_is_said_before_anything_runs(deidsynth, tmp_path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("[Anna](NAME) ringde.\n\n[Bo](NAME) kom.\n\n[Li](NAME) gick.\n\n[Ek](NAME)", encoding="utf-8")
    command = ["run", "--corpus", path, "--language", "sv", "--output", tmp_path / "run", "--dry-run"]
    refused = deidsynth(*command)
    assert refused.exit_code == 2
    assert "--layout inline.documents=paragraphs" in refused.stderr
    assert deidsynth(*command, "--layout", "inline.documents=paragraphs").exit_code == 0


@pytest.mark.parametrize("command", ["run", "study"])
def test_a_train_split_of_one_group_is_said_before_anything_runs(
    deidsynth, write_jsonl, note, tmp_path, command
) -> None:
    for split in ("train", "dev", "test"):
        write_jsonl(f"corpus/{split}.jsonl", [note(f"{split}-1", f"Bo kom i {split}.", (0, 2, "NAME"))])
    study = tmp_path / "study.yaml"
    study.write_text("name: s\naxes: {seed: [1]}\n", encoding="utf-8")
    verb = ["run"] if command == "run" else ["study", "run", study]
    options = ["--corpus", tmp_path / "corpus", "--language", "sv", "--output", tmp_path / "out", "--dry-run"]
    assert deidsynth(*verb, *options).exit_code == 0
    refused = deidsynth(*verb, *options, "--set", "train.keep=best")
    assert refused.exit_code == 2
    assert "are one group" in refused.stderr
