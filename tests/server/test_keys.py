"""API keys: made once, kept as digests."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.server.keys import add_key, read_keys


@pytest.fixture
def serve_keys(tmp_path: Path) -> Callable[..., Result]:
    def call(*options: str) -> Result:
        return CliRunner().invoke(app, ["serve-keys", str(tmp_path / "keys.json"), *options], prog_name="deidsynth")

    return call


def test_a_key_is_printed_once_and_only_its_digest_is_kept(serve_keys: Any, tmp_path: Path) -> None:
    made = serve_keys("--add", "ward-app")
    assert made.exit_code == 0
    key = made.stdout.strip()
    file = tmp_path / "keys.json"
    assert key.startswith("dsk_") and len(key) >= 47
    assert key not in file.read_text(encoding="utf-8") and key not in made.stderr
    assert file.stat().st_mode & 0o777 == 0o600
    assert read_keys(file).owner(key) == "ward-app"
    assert read_keys(file).owner(key[:-1]) is None and read_keys(file).owner("") is None
    assert read_keys(file).owner("ø\udcff") is None
    assert key not in repr(read_keys(file))


def test_keys_are_listed_and_removed_by_name(serve_keys: Any, tmp_path: Path) -> None:
    other = json.loads(serve_keys("--add", "b", "--json").stdout)
    serve_keys("--add", "a")
    assert serve_keys().stdout == "a\nb\n"
    assert json.loads(serve_keys("--json").stdout) == {"names": ["a", "b"]}
    assert serve_keys("--remove", "b").exit_code == 0
    assert serve_keys().stdout == "a\n"
    assert read_keys(tmp_path / "keys.json").owner(other["key"]) is None


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (["--add", "a"], "there is a key named a"),
        (["--add", "två ord"], "a name has letters"),
        (["--remove", "c"], "no key has that name"),
        (["--add", "c", "--remove", "a"], "give one of them"),
    ],
)
def test_what_cannot_be_done_is_refused(serve_keys: Any, options: list[str], told: str) -> None:
    serve_keys("--add", "a")
    result = serve_keys(*options)
    assert result.exit_code == 2 and told in " ".join(result.stderr.split())
    assert serve_keys().stdout == "a\n"


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"schema_version": 1, "keys": {"a": "plain"}}', '{"keys": 1}'])
def test_another_file_is_refused_and_left_as_it_is(serve_keys: Any, tmp_path: Path, content: str) -> None:
    file = tmp_path / "keys.json"
    file.write_text(content, encoding="utf-8")
    for options in ([], ["--add", "b"]):
        assert serve_keys(*options).exit_code == 2
    assert file.read_text(encoding="utf-8") == content


def test_every_key_is_another(tmp_path: Path) -> None:
    made = {add_key(tmp_path / "keys.json", f"n{number}") for number in range(5)}
    assert len(made) == 5
