"""What surrogates leave of a corpus is counted: survivors, and surfaces that the annotation has missed."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from deidsynth import Corpus, write_jsonl
from marked_finds import found


def test_everything_is_counted(
    benchmark: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = found(
        "{NAME:Anna Berg}, {SEX:kvinna}, {AGE:93 år}, {ODD:Foo} {DATE:3 maj 2019}. Sedan kom Foo."
    ).document
    write_jsonl(Corpus((document,), language="sv"), tmp_path / "corpus.jsonl")
    assert benchmark("surrogates").main([str(tmp_path / "corpus.jsonl"), "--language", "sv", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["actions"] == {
        "NAME": {"surrogate": 1},
        "SEX": {"keep": 1},
        "AGE": {"surrogate": 1},
        "ODD": {"mask": 1},
        "DATE": {"surrogate": 1},
    }
    assert result["direct_identifiers"] == 2
    assert result["survivors"] == {"own_place": 0, "place_of_another": 0, "dates_in_place_of_another": 0}
    assert result["documents_changed_between_entities"] == 0


def test_a_surface_outside_of_the_annotation_is_counted(
    benchmark: Callable[[str], ModuleType], capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    document = found("{NAME:Anna Berg} kom. Anna Berg gick.").document
    write_jsonl(Corpus((document,), language="sv"), tmp_path / "corpus.jsonl")
    assert benchmark("surrogates").main([str(tmp_path / "corpus.jsonl"), "--language", "sv"]) == 0
    assert "1 surfaces are also outside of the annotation" in capsys.readouterr().out
