"""The benchmark of what is found around a model counts what each adds, on three invented sentences."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document, Entity

TEXT = "Lena Ek kom med Rut Öman. Eks mail: lena@example.se."


@pytest.fixture(scope="module")
def benchmark(benchmark: Callable[[str], ModuleType]) -> ModuleType:
    """The script as a module."""
    return benchmark("detection")


def written(path: Path, *entities: Entity) -> str:
    write_jsonl(Corpus((Document("1", TEXT, entities),), language="sv"), path)
    return str(path)


def test_each_arm_finds_more(benchmark: ModuleType, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    name, other = Entity(0, 7, "NAME"), Entity(16, 24, "NAME")
    again, mail = Entity(26, 29, "NAME"), Entity(36, 51, "EMAIL")
    gold = written(tmp_path / "gold.jsonl", name, other, again, mail)
    predicted = written(tmp_path / "predicted.jsonl", name)
    assert benchmark.main([gold, predicted, "--json"]) == 0
    arms = json.loads(capsys.readouterr().out)["arms"]
    assert {arm: each["strict"]["recall"] for arm, each in arms.items()} == {
        "model": 0.25,
        "+ patterns": 0.5,
        "+ second pass": 0.5,
        "+ known values": 0.75,
        "+ patterns, second pass": 0.75,
        "+ all": 1.0,
    }
    assert arms["model"]["missed_characters"] == 7 + 3 + 15
    assert arms["+ all"]["sources"] == {"model": 1, "known value": 3}  # the first name is in the mail address
    assert benchmark.main([gold, predicted]) == 0
    assert "| + all | 1.0000 | 1.0000 | 1.0000 | 0 | 0 | 3 |" in capsys.readouterr().out
