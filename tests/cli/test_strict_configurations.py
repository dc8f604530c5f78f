"""What no configuration can be: exit code 2, one clear message, and neither a secret nor a line of a note in it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import example, given, settings, strategies as st
from pydantic import BaseModel
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.config import RunConfig
from tiny_runs import write_notes

SECRET = "sk-Xylofonia4711"
NAME = "Xylofonia"
SERVER = {"base_url": "http://127.0.0.1:9/v1", "model": "any"}


def call(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="deidsynth")


def refused(result: Result, *told: str) -> None:
    message = " ".join(result.output.split())
    assert result.exit_code == 2, message
    for words in told:
        assert words in message
    for held in (SECRET, NAME, "Traceback", "unexpected"):
        assert held not in result.output


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``notes``, which every configuration here is about."""
    home = tmp_path_factory.mktemp("home")
    write_notes(home / "notes")
    return home


@pytest.fixture(scope="module")
def dry_run(home: Path) -> Callable[..., Result]:
    """A dry run on the notes with more arguments."""
    options = ["--corpus", home / "notes", "--language", "sv", "--output", home / "out", "--device", "cpu"]
    return lambda *more: call("run", *options, "--dry-run", *more)


def as_option(home: Path, dry_run: Callable[..., Result], key: str, value: str) -> Result:
    return dry_run("--set", f"{key}={value}")


def as_file(home: Path, dry_run: Callable[..., Result], key: str, value: str) -> Result:
    *above, last = key.split(".")
    lines = [f"{'  ' * depth}{part}:" for depth, part in enumerate(above)]
    lines.append(f"{'  ' * len(above)}{last}: {value}")
    (home / "run.yaml").write_text("\n".join(lines), encoding="utf-8", errors="surrogateescape")
    return dry_run(home / "run.yaml")


def as_study(home: Path, dry_run: Callable[..., Result], key: str, value: str) -> Result:
    *above, last = ["base", *key.split(".")]
    lines = [f"{'  ' * depth}{part}:" for depth, part in enumerate(above)]
    lines.append(f"{'  ' * len(above)}{last}: {value}")
    path = home / "study.yaml"
    path.write_text("\n".join([*lines, "axes: {seed: [1, 2]}"]), encoding="utf-8", errors="surrogateescape")
    return call("study", "run", path, "--corpus", home / "notes", "--language", "sv", "--device", "cpu", "--dry-run")


WAYS = [as_option, as_file, as_study]
WRONG = {
    "date": ("seed", "2023-99-99", "seed: input should be a valid integer"),
    "no hexadecimal": ("seed", "0x_", "a number that cannot be read"),
    "5,000 digits": ("seed", "5" * 5000, "a number that cannot be read"),
    "4,000 digits": ("seed", "5" * 4000, "seed: "),
    "tag": ("seed", "!!int abc", "a number that cannot be read"),
    "large seed": ("seed", str(2**64), "seed: expected a number between"),
    "endless epochs": ("adapt.epochs", ".inf", "adapt.epochs: input should be a finite number"),
    "no number": ("adapt.epochs", ".nan", "adapt.epochs: input should be a finite number"),
    "overflow": ("adapt.learning_rate", "1e400", "adapt.learning_rate: input should be a finite number"),
    "endless volume": ("synthesize.volume_ratio", ".inf", "synthesize.volume_ratio: input should be a finite number"),
    "endless temperature": ("synthesize.temperature", ".inf", "synthesize.temperature: input should be a finite"),
    "nesting": ("adapt", "[" * 3000, "nested more than 50 levels deep"),
    "repeated key": ("adapt", "{epochs: 1, epochs: 2}", "a key that occurs twice"),
    "no user": ("adapt.base", "~nosuchuser/lm", "adapt.base: it begins with ~ and a user who is not known here"),
    "NUL": ("train.encoder", '"a\\0b"', "a NUL"),
    "a long name": ("store", "a" * 1000, "more than 255 bytes"),
    "empty path": ("store", "''", "store: empty; give a path"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("wrong", WRONG)
def test_a_value_that_cannot_be_is_refused(home: Path, dry_run: Callable[..., Result], wrong: str, way: Any) -> None:
    key, value, told = WRONG[wrong]
    refused(way(home, dry_run, key, value), told)


SECRETS = {
    "as the endpoint": ("synthesize.endpoint", SECRET, "synthesize.endpoint: input should be"),
    "as the sampling": ("synthesize", SECRET, "synthesize: input should be"),
    "as a number": ("synthesize.endpoint.timeout_seconds", SECRET, "timeout_seconds: input should be a valid number"),
    "as digits": ("synthesize.endpoint.attempts", "-4711", "attempts: input should be greater than or equal to 1"),
    "as a key": ("synthesize.endpoint", f"{{{SECRET}: 1}}", "synthesize.endpoint.key 1 (not shown): unknown key"),
    "as a plain key": ("synthesize.endpoint", f"{{{NAME.lower()}: 1}}", "endpoint.key 1 (not shown): unknown key"),
    "of an unknown key": ("synthesize.endpoint.api_key", SECRET, "did you mean api_key_variable?"),
    "as a list": ("synthesize.endpoint.takes", f"[{SECRET}]", "synthesize.endpoint.takes.0: input should be"),
    "in a list": ("synthesize.endpoint", f"[{SECRET}]", "synthesize.endpoint: input should be"),
    "elsewhere": ("adapt.epochs", SECRET, "adapt.epochs: input should be a valid number"),
    "in bad YAML": ("synthesize.endpoint.model", f"[{SECRET}", "not valid YAML"),
}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("place", SECRETS)
def test_a_key_in_the_wrong_place_is_not_printed(
    home: Path, dry_run: Callable[..., Result], place: str, way: Any
) -> None:
    key, value, told = SECRETS[place]
    result = way(home, dry_run, key, value)
    refused(result, told)
    for held in ("4711", NAME.lower()):
        assert held not in result.output


@pytest.mark.parametrize("setting", [SECRET, f"synthesize.endpoint.{SECRET}=1", f"synthesize.endpoint.{SECRET}=["])
def test_a_setting_that_is_a_secret_is_not_printed(dry_run: Callable[..., Result], setting: str) -> None:
    refused(dry_run("--set", setting))


NOTES = {
    "lines": f"{NAME} Ek, 45: kom hit\n{NAME} sov: dåligt\n",
    "one word": f"{NAME}: kom hit\nadress: Lund\n",
    "small letters": f"{NAME.lower()}: kom hit\n",
    "twice": f"{NAME}: kom hit\n{NAME}: gick hem\n",
    "a sentence": f"{NAME} kom hit.\n",
    "many": "".join(f"{NAME} {number}: kom\n" for number in range(500)),
}


@pytest.mark.parametrize("note", NOTES)
def test_a_note_is_no_configuration_and_none_of_it_is_shown(home: Path, note: str) -> None:
    path = home / "note.txt"
    path.write_text(NOTES[note], encoding="utf-8")
    corpus = ["--corpus", home / "notes", "--language", "sv", "--dry-run"]
    for arguments in (
        ["run", path],
        ["study", "run", path],
        ["run", *corpus, "--labels", path],
        ["corpus", "map", home / "notes", home / "mapped", "--mapping", path],
    ):
        result = call(*arguments)
        refused(result, "note.txt: ")
        assert NAME.lower() not in result.output.lower()
        assert len(result.output.splitlines()) < 30


def test_a_key_that_looks_like_one_is_still_named(dry_run: Callable[..., Result]) -> None:
    refused(dry_run("--set", "split.qqqq=1"), "split.qqqq: unknown key, known keys: half, seed, test, validation")
    refused(dry_run("--set", "trian.epochs=1"), "trian: unknown key, did you mean train?")
    refused(dry_run("--set", "adapt.method=magic"), "adapt.method: input should be 'auto'", "got 'magic'")


@pytest.mark.parametrize("option", ["--corpus", "--output", "--store"])
def test_an_empty_path_is_not_the_current_folder(home: Path, dry_run: Callable[..., Result], option: str) -> None:
    refused(dry_run(option, ""), f"{option}: it is empty; give a path, or leave it out")
    refused(dry_run(f"{option}="), f"{option}: it is empty")
    refused(call("corpus", "describe", ""), "a path: it is empty")


def test_the_current_folder_is_a_path(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(home / "notes")
    assert call("corpus", "describe", ".").exit_code == 0


def test_a_path_may_have_any_character_and_no_byte_that_is_none(home: Path, dry_run: Callable[..., Result]) -> None:
    for name in ("ö\U0001f600", "a\x85\u2028b"):
        result = dry_run("--output", home / name)
        assert result.exit_code == 0, result.output
    refused(dry_run("--output", "runs/\udcff"), "output: a NUL, or bytes that are not UTF-8; ")


def test_what_is_no_file_is_no_configuration(home: Path) -> None:
    refused(call("run", "/dev/zero"), "/dev/zero: cannot be read (it is not a regular file)")
    large = home / "large.yaml"
    with large.open("wb") as file:
        file.truncate(11_000_000)
    refused(call("run", large), "large.yaml: too large for a configuration")


@pytest.mark.parametrize("name", ["../../../x", "/x", "..", ".x", "a/b", "a\\\\b", "\\e[31m", "", "x" * 200])
def test_a_study_is_named_after_one_folder(home: Path, name: str) -> None:
    path = home / "named.yaml"
    path.write_text(f'name: "{name}"\naxes: {{seed: [1, 2]}}\n', encoding="utf-8")
    result = call("study", "run", path, "--corpus", home / "notes", "--language", "sv", "--dry-run")
    if name:
        refused(result, "named.yaml: 1 problem", "name: it names the folder of the study")
    else:
        assert result.exit_code == 0


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("folds: 1.0e+9", "folds: input should be less than or equal to 1000"),
        ("folds: 1000000000", "folds: input should be less than or equal to 1000"),
        ("axes: {seed: [18446744073709551616]}", "axes.seed: expected a number between"),
        ("axes: {synthetic_volume: .inf}", "axes.synthetic_volume.0: input should be a finite number"),
        (f"axes: {{seed: {list(range(500))}, synthetic_volume: {list(range(1, 500))}}}", "combinations of values"),
    ],
)
def test_a_study_without_end_is_refused(home: Path, content: str, told: str) -> None:
    path = home / "endless.yaml"
    path.write_text(content, encoding="utf-8")
    refused(call("study", "run", path, "--corpus", home / "notes", "--language", "sv", "--dry-run"), told)


def numeric_keys(model: type[BaseModel], above: str = "") -> Iterator[str]:
    """The dotted names of all keys that hold a number."""
    for name, field in model.model_fields.items():
        kind: Any = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from numeric_keys(kind, f"{above}{name}.")
        elif "int" in str(kind) or "float" in str(kind):
            yield above + name


SCALARS = st.one_of(
    st.integers().map(str),
    st.integers(0, 5000).map(lambda digits: "9" * digits),
    st.floats().map(repr),
    st.floats().map(lambda number: yaml.safe_dump(number).split("\n")[0]),
    st.dates().map(str),
    st.datetimes().map(str),
    st.text(st.sampled_from("0123456789xob_.eE+-:~infNaN"), max_size=12),
    st.tuples(
        st.sampled_from(["!!int", "!!float", "!!timestamp", "!!binary", "!x"]), st.text("0x1_.-a", max_size=4)
    ).map(" ".join),
)


@settings(max_examples=150)
@given(st.sampled_from(sorted(numeric_keys(RunConfig))), SCALARS)
@example("seed", str(2**64))
@example("adapt.batch_tokens", "4294967295")
@example("synthesize.temperature", "1.0e-308")
@example("train.ensemble_size", "1000")
def test_any_scalar_in_a_numeric_key_is_taken_or_refused(
    home: Path, dry_run: Callable[..., Result], key: str, value: str
) -> None:
    server = [f"synthesize.endpoint.{name}={each}" for name, each in SERVER.items()] if ".endpoint." in key else []
    result = dry_run(*(part for each in [*server, f"{key}={value}"] for part in ("--set", each)))
    assert result.exit_code in (0, 2), (key, value, result.output)
    assert "unexpected" not in result.output


@settings(max_examples=100)
@given(
    st.recursive(
        st.just(SECRET) | st.integers() | st.none(),
        lambda inside: (
            st.lists(inside, max_size=2)
            | st.dictionaries(
                st.sampled_from(["endpoint", "api_key", "timeout_seconds", "model", "takes", "synthesize", SECRET]),
                inside,
                max_size=3,
            )
        ),
        max_leaves=6,
    )
)
def test_a_secret_anywhere_below_the_endpoint_is_never_printed(
    home: Path, dry_run: Callable[..., Result], below: Any
) -> None:
    path = home / "secret.yaml"
    path.write_text(yaml.safe_dump({"synthesize": {"endpoint": below}}), encoding="utf-8")
    result = dry_run(path)
    assert result.exit_code in (0, 2)
    assert SECRET not in result.output
