"""Names of the files inside artifacts, and how stages read and write them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

CORPUS = "corpus.jsonl"
DOCUMENTS = "documents.jsonl"
PARTS = "parts.json"
MODEL = "model"
CURVE = "curve.jsonl"
PRETRAINING_CURVE = "pretraining.jsonl"
SAMPLES = "samples.jsonl"
SCORES = "scores.json"
PREDICTIONS = "predictions.jsonl"
MEMORIZATION = "memorization.json"


def write_json(path: Path, data: Mapping[str, Any]) -> None:
    """Write one object, readable for people, and the file at once."""
    temporary = path.with_name(path.name + ".new")
    temporary.write_text(json.dumps(data, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
    temporary.replace(path)


def write_lines(path: Path, rows: Iterable[Mapping[str, Any]]) -> None:
    """Write one object a line, and the file at once."""
    temporary = path.with_name(path.name + ".new")
    with temporary.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    temporary.replace(path)


def read_lines(path: Path) -> list[dict[str, Any]]:
    """The objects of a file with one a line."""
    with path.open(encoding="utf-8", newline="\n") as file:
        return [json.loads(line) for line in file]
