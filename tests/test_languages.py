"""Codes of languages, and what a user is told who writes something else."""

from __future__ import annotations

import re

import pytest

from deidsynth.config import CorpusConfig, PromptConfig, RunConfig, TrainConfig, parse
from deidsynth.corpora import load_corpus
from deidsynth.errors import ConfigError, InputError
from deidsynth.languages import checked_code, language_code, name_of, named, what_is_wrong


def test_codes_in_any_case() -> None:
    assert [checked_code(code) for code in ("SV", "no", "nob", None)] == ["sv", "no", "nob", None]
    assert language_code("xx") == "xx"  # what a file says is not the user's to repair before it is read
    assert (name_of("nn"), name_of("nob"), named("de")) == ("Norwegian Nynorsk", "nob", "German (de)")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("xx", "not a code of ISO 639-1, expected one such as es or sv$"),
        ("dk", "not a code of ISO 639-1, expected one such as es or sv; write da for Danish"),
        ("german", "expected a code of two or three letters, such as es or sv; write de for German"),
        ("", "expected a code of two or three letters, such as es or sv$"),
        (46, "expected a code of two or three letters, such as es or sv$"),
    ],
)
def test_what_is_no_code_is_told_with_the_code_that_was_meant(written: object, told: str) -> None:
    with pytest.raises(ValueError, match=told):
        checked_code(written)


@pytest.mark.parametrize(
    ("code", "told"),
    [
        ("sv", None),
        ("ast", None),
        ("swe", "write sv, the code of ISO 639-1 for Swedish"),
        ("ger", "write de, the code of ISO 639-1 for German"),
        ("xx", "not a code of ISO 639-1"),
    ],
)
def test_a_code_that_nothing_here_knows_has_its_remedy(code: str, told: str | None) -> None:
    wrong = what_is_wrong(code)
    assert wrong is None if told is None else told in str(wrong)


def test_the_language_is_checked_wherever_it_is_set(tmp_path) -> None:
    for kind in (CorpusConfig, PromptConfig, TrainConfig):
        with pytest.raises(ConfigError, match="language: not a code of ISO 639-1, .*; write ja for Japanese"):
            parse(kind, {"language": "jp"})
    with pytest.raises(InputError, match="corpus.language: not a code of ISO 639-1"):
        load_corpus(tmp_path, language="xx")


def test_a_bare_no_in_yaml_is_norwegian() -> None:
    data = {"corpus": {"language": False}, "train": {"language": False}}
    config = parse(RunConfig, data)
    assert (config.corpus.language, config.train.language) == ("no", "no")
    assert re.search(r'"language":"no"', config.model_dump_json())
