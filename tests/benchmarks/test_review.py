"""The simulated review at a size of seconds: every arm is scored once, and what is finished is not made again."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from deidsynth.corpora import write_jsonl
from deidsynth.demo import invented_corpus

TINY = [
    "encoder=scratch", "scratch.hidden_size=32", "scratch.layers=1", "scratch.vocabulary_size=400", "epochs=1",
    "task_adaptive_pretraining.epochs=0",
]  # fmt: skip


def test_every_arm_is_scored_once(
    benchmark: Callable[[str], ModuleType], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    review = benchmark("review")
    write_jsonl(invented_corpus("es", 40, seed=1), tmp_path / "notes.jsonl")
    given = [
        str(tmp_path / "notes.jsonl"),
        "--output",
        str(tmp_path / "out"),
        "--few",
        "8",
        "--sizes",
        "4",
        "--folds",
        "1",
    ]
    given += ["--annotator-epochs", "12", "--group-by", "(.+)", "--json"]
    given += [each for setting in TINY for each in ("--set", setting)]
    assert review.main(given) == 0
    result = json.loads(capsys.readouterr().out)
    rows = {(row["way"], row["size"]): row for row in result["rows"]}
    assert list(rows) == [("none", 0), ("least", 4), ("random", 4), ("all", 0)]
    assert [row["n_corrected"] for row in rows.values()] == [0, 4, 4, 24]
    assert [row["n_entities_changed"] > 0 for row in rows.values()] == [False, True, True, True]
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "fold-1").iterdir()}
    assert review.main(given) == 0
    assert json.loads(capsys.readouterr().out) == result
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "out" / "fold-1").iterdir()} == kept
    assert review.main([*given, "--seed", "2"]) == 2
    assert "other options" in capsys.readouterr().err
    for other in (["--language", "sv"], ["--group-by", "(.)"]):
        assert review.main([*given, *other]) == 2
        assert "other options" in capsys.readouterr().err
    write_jsonl(invented_corpus("es", 40, seed=2), tmp_path / "notes.jsonl")
    assert review.main(given) == 2
    assert "other options" in capsys.readouterr().err


def test_gains_are_over_no_correction(benchmark: Callable[[str], ModuleType]) -> None:
    cost = {"n_corrected": 0, "n_characters_read": 0, "n_entities_changed": 0}
    rows = [
        {"way": way, "size": size, "strict_f1": strict, "token_f1": 0.5, **cost}
        for way, size, strict in (("none", 0, 0.5), ("least", 4, 0.6), ("none", 0, 0.7), ("least", 4, 1.0))
    ]
    found = benchmark("review").means(rows)
    assert [(row["way"], round(row["strict_f1"], 9), round(row["strict_gain"], 9)) for row in found] == [
        ("none", 0.6, 0.0), ("least", 0.8, 0.2),
    ]  # fmt: skip
