from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import typer
import yaml

from deidsynth.cli import reference
from deidsynth.cli.app import app
from deidsynth.cli.guard import guarded, set_debug
from deidsynth.cli.verbs import Verb
from deidsynth.config import RunConfig, parse
from deidsynth.errors import CheckFailedError, ConfigError, InputError, IntegrityError

ROOT = Path(__file__).resolve().parents[2]
VERBS = [
    "demo", "run", "adapt", "synthesize", "annotate", "train", "evaluate", "audit", "report", "deidentify", "release",
    "serve", "serve-keys", "version",
    "runs list", "runs show", "runs verify", "study run", "study report", "corpus describe", "corpus show",
    "corpus convert", "corpus check", "corpus map", "corpus repair", "corpus split", "corpus formats", "models list",
    "models show", "models import", "review export", "review import",
]  # fmt: skip


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_an_example(deidsynth, verb) -> None:
    result = deidsynth(*verb.split(), "--help")
    assert result.exit_code == 0
    assert f"deidsynth {verb}" in result.stdout.split("Example:")[1]
    assert "--quiet" in result.stdout


def test_the_list_of_verbs_is_whole() -> None:
    names = []
    for line in reference.reference().splitlines():
        if line.startswith("## deidsynth "):
            names.append(line.removeprefix("## deidsynth "))
    assert sorted(names) == sorted(VERBS)


def test_the_list_of_verbs_says_what_their_help_says() -> None:
    groups = [typer.main.get_command(app)]
    n_verbs = 0
    while groups:
        for command in groups.pop().commands.values():
            if isinstance(command, Verb):
                n_verbs += 1
                assert command.help == command.load().help.split("\n\n")[0].replace("\n", " "), command.name
            else:
                groups.append(command)
    assert n_verbs == len(VERBS)


@pytest.mark.parametrize(
    ("error", "code"), [(KeyboardInterrupt(), 130), (ImportError("no such library"), 3), (InputError("wrong"), 2)]
)
def test_a_verb_that_cannot_be_imported_fails_as_a_command_does(deidsynth, monkeypatch, error, code) -> None:
    def fail(_name: str) -> None:
        raise error

    monkeypatch.setattr("deidsynth.cli.verbs.import_module", fail)
    result = deidsynth("version")
    assert result.exit_code == code
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("name", ["cli.md", "configuration.md"])
def test_docs_are_fresh(name) -> None:
    assert reference.main(["--check", str(ROOT / "docs" / name)]) == 0


@pytest.mark.parametrize("name", ["cli.md", "configuration.md"])
def test_stale_docs_fail_the_check(tmp_path, capsys, name) -> None:
    path = tmp_path / name
    assert reference.main([str(path)]) == 0
    assert reference.main(["--check", str(path)]) == 0
    path.write_text(path.read_text(encoding="utf-8") + "x", encoding="utf-8")
    assert reference.main(["--check", str(path)]) == 1
    assert "make docs" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [[], ["--check"], ["other.md"]])
def test_the_generator_of_the_docs_refuses_an_unknown_page(capsys, arguments) -> None:
    assert reference.main(arguments) == 2
    assert "configuration.md" in capsys.readouterr().err


def test_the_reference_of_the_configuration_has_every_key() -> None:
    def leaves(data, prefix=""):
        for key, value in data.items():
            yield from leaves(value, f"{prefix}{key}.") if isinstance(value, dict) and value else [prefix + key]

    text = reference.configuration()
    rows = [line.split(" | ") for line in text.splitlines() if line.startswith("| `")]
    assert sorted(row[0].strip("| `") for row in rows) == sorted(leaves(RunConfig(train_synthetic={}).model_dump()))
    assert all(len(row) == 4 for row in rows)
    assert "| `split.test` | number, > 0, < 1 | `0.2` | share of the test set" in text
    assert "| `train.keep` | `last`, `best` | `last` |" in text
    assert "| `train.chunk_words` | whole number or null, ≥ 4 | `128` |" in text
    example = yaml.safe_load(text.split("```yaml")[1].split("```")[0])
    assert parse(RunConfig, example).synthetic_train_config().epochs == 4


def test_the_reference_of_the_configuration_shows_the_presets() -> None:
    text = reference.configuration().split("## Presets")[1]
    assert "| starter | full | 2.5 | 2048 | 0.0015 | muon | labels, length |" in text
    assert "| hub | 6 | 600 | 16 | 5e-05 | 768 | adamw | 0 | 5e-05 | 0 |" in text
    assert "| 0.7 | 0.5 |" in text


@pytest.mark.parametrize(
    "arguments", [["nonsense"], ["run", "--nonsense"], ["evaluate", "only-one"], ["demo", "--seed", "x"]]
)
def test_usage_errors_exit_with_two(deidsynth, arguments) -> None:
    assert deidsynth(*arguments).exit_code == 2


@pytest.mark.parametrize(
    ("error", "code", "told"),
    [
        (CheckFailedError("the check said no"), 1, "error: the check said no"),
        (InputError("wrong"), 2, "error: wrong"),
        (ConfigError(["a: b", "c: d"]), 2, "2 problems"),
        (IntegrityError("changed"), 3, "error: changed"),
        (ValueError("a patient's name"), 3, "unexpected ValueError"),
        (OSError(28, "No space left on device", "/x/y"), 3, "the disk is full (/x/y)"),
        (PermissionError(13, "Permission denied", "/x/y"), 3, "/x/y: Permission denied"),
        (KeyboardInterrupt(), 130, "the same command again"),
    ],
)
def test_exit_codes_and_messages(error, code, told, capsys) -> None:
    def command() -> None:
        raise error

    with pytest.raises(typer.Exit) as left:
        guarded(command)()
    assert left.value.exit_code == code
    shown = capsys.readouterr()
    assert told in shown.err
    assert "patient" not in shown.err
    assert "Traceback" not in shown.err
    assert shown.out == ""


def test_unexpected_error_says_where_and_how_to_get_more(capsys) -> None:
    def command() -> None:
        from deidsynth.digests import canonical_json

        canonical_json({"x": object()})

    with pytest.raises(typer.Exit):
        guarded(command)()
    told = capsys.readouterr().err
    assert "deidsynth/digests.py:" in told
    assert "deidsynth --debug" in told


def test_debug_shows_the_traceback(deidsynth, tmp_path) -> None:
    result = deidsynth("--debug", "runs", "list", tmp_path / "nowhere")
    assert result.exit_code == 2
    assert "Traceback" in result.stderr
    set_debug(False)
    assert "Traceback" not in deidsynth("runs", "list", tmp_path / "nowhere").stderr


def test_version_as_json(deidsynth) -> None:
    versions = json.loads(deidsynth("version", "--json").stdout)
    assert versions["deidsynth"] == "0.1.0"
    assert {"python", "torch", "transformers"} <= set(versions)


def test_version_quiet_is_the_number_alone(deidsynth) -> None:
    assert deidsynth("version", "--quiet").stdout == "0.1.0\n"


def test_models_list_names_what_needs_no_download(deidsynth) -> None:
    assert [model["name"] for model in json.loads(deidsynth("models", "list", "--json").stdout)] == [
        "starter",
        "starter-xs",
        "starter",
        "scratch",
    ]
    assert "scratch" in deidsynth("models", "list").stdout


def test_python_dash_m_and_exit_code_reach_the_shell() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    done = subprocess.run(
        [sys.executable, "-m", "deidsynth", "corpus", "describe", "/nowhere/at/all"],
        env=environment, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stdout == ""


def test_app_is_what_the_entry_point_runs() -> None:
    assert app.info.name == "deidsynth"


def test_a_reader_that_leaves_is_no_error() -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT / "src")}
    command = f"{sys.executable} -m deidsynth version | true"
    done = subprocess.run(
        ["bash", "-c", command], env=environment, capture_output=True, text=True, check=False, timeout=60
    )
    assert done.stderr == ""
