"""Cell files: the results of one finished cell, as a small JSON file suited for version control.

They hold counts and scores, never text, names or ids of documents. ``statistics`` has tp, fp and fn of every group of
test documents in the order of the corpus, so that intervals of differences can be computed later: cells with one
``test`` value were evaluated on the same documents.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from deidsynth.corpora import read_jsonl
from deidsynth.errors import InputError
from deidsynth.files import write_atomically
from deidsynth.metrics import Scores, score
from deidsynth.stages.artifacts import CORPUS, MEMORIZATION, PREDICTIONS
from deidsynth.study.planning import PlannedCell, StudyPlan
from deidsynth.study.record_schema import CellFile
from deidsynth.workflow.pipeline_plan import EVALUATIONS, NodeName
from deidsynth.workflow.store import Artifact
from deidsynth.workflow.store.manifest import package_versions, source_commit

SCHEMA_VERSION = 1
MEASURES = ("token", "strict", "span", "merged")
CELLS = "cells"
_SHOWN = 5
_REMEDY = "remove it and run the study again"
_NEEDED = {"study", "cell", "axes", "budget", "models", "statistics", "keys", "documents", "test"}


def make_record(plan: StudyPlan, cell: PlannedCell, artifacts: Mapping[str, Artifact]) -> dict[str, Any]:
    """The content of a cell file.

    Args:
        plan: the study.
        cell: one of its cells.
        artifacts: of every node of the cell, by the node's name in the cell.
    """
    config, language = plan.study.config, cell.config.corpus.language
    gold = read_jsonl(artifacts[NodeName.TEST].path / CORPUS, language=language)
    scores = {}
    for model, node in EVALUATIONS.items():
        predicted = artifacts[node].path / PREDICTIONS
        scores[model] = score(gold.documents, read_jsonl(predicted, language=language).documents)
    silver = artifacts[NodeName.ANNOTATE].manifest.facts.get("n_documents")
    overlap = json.loads((artifacts[NodeName.MEMORIZATION].path / MEMORIZATION).read_text(encoding="utf-8"))
    reported = config.reported
    return {
        "schema_version": SCHEMA_VERSION,
        "study": plan.study.name,
        "cell": cell.name,
        "axes": cell.cell.axes(),
        "budget": config.budget,
        "folds": config.folds,
        "about": config.about,
        "reported": reported.model_dump(mode="json") if reported is not None else None,
        "language": language,
        "origin": plan.loaded.corpus.origin,
        "seed": cell.cell.seed,
        "documents": {**cell.counts, "synthetic": silver},
        "models": {model: each.to_dict() for model, each in scores.items()},
        "statistics": {
            measure: {model: _by_group(each, measure) for model, each in scores.items()} for measure in MEASURES
        },
        "test": cell.keys[NodeName.TEST],
        "memorization": {key: value for key, value in overlap.items() if key != "shown"},
        "keys": dict(cell.keys),
        "stages": {
            name: {
                "stage": artifact.manifest.stage,
                "duration_seconds": artifact.manifest.duration_seconds,
                "device": artifact.manifest.device,
                "facts": artifact.manifest.facts,
            }
            for name, artifact in artifacts.items()
        },
        "versions": package_versions(),
        "git_commit": source_commit(),
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def _by_group(scores: Scores, measure: str) -> list[list[int]]:
    """tp, fp and fn of each group, in the order of first occurrence in the corpus."""
    sums: dict[str, list[int]] = {}
    for unit, row in zip(scores.units, scores.by_document[measure], strict=True):
        found = sums.setdefault(unit, [0, 0, 0])
        for place, value in enumerate(row):
            found[place] += int(value)
    return list(sums.values())


def record_path(folder: Path, cell: str) -> Path:
    """The path of a cell file, whether or not it exists."""
    return folder / CELLS / f"{cell}.json"


def write_record(folder: Path, record: Mapping[str, Any]) -> Path:
    """Write a cell file, one line for each top-level key, and return its path."""
    path = record_path(folder, record["cell"])
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = [f"{json.dumps(key)}: {json.dumps(value, allow_nan=False)}" for key, value in record.items()]
    write_atomically(path, "{\n" + ",\n".join(lines) + "\n}\n")
    return path


def read_record(path: Path) -> dict[str, Any]:
    """The content of a cell file.

    Raises:
        InputError: it is not a cell file of this version.
    """
    return _read(path)[0]


def _read(path: Path) -> tuple[dict[str, Any], CellFile]:
    """The content of a cell file, plain and checked."""
    try:
        text = path.read_text(encoding="utf-8")
        record: dict[str, Any] = json.loads(text)
        version, missing = record["schema_version"], sorted(_NEEDED - record.keys())
    except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise InputError(f"{path}: not a readable cell file; {_REMEDY}") from None
    if version != SCHEMA_VERSION:
        raise InputError(f"{path}: schema version {version}, this deidsynth reads {SCHEMA_VERSION}; {_REMEDY}")
    if missing:
        raise InputError(f"{path}: incomplete cell file, {', '.join(missing)} missing; {_REMEDY}")
    try:
        return record, CellFile.model_validate_json(text)
    except ValidationError as error:
        places = sorted({".".join(map(str, each["loc"][:2])) for each in error.errors()})
        shown = ", ".join(places[:_SHOWN]) + (", ..." if len(places) > _SHOWN else "")
        raise InputError(f"{path}: damaged cell file, not as it was written at {shown}; {_REMEDY}") from None


def read_records(folder: Path) -> list[dict[str, Any]]:
    """The contents of the cell files of all studies in or below a folder, sorted by path.

    Raises:
        InputError: there are no cell files, or one is damaged.
    """
    if not folder.is_dir():
        raise InputError(f"{folder}: no such folder; give the folder of a study")
    paths = sorted(path for path in folder.rglob(f"{CELLS}/*.json") if not path.name.startswith("."))
    if not paths:
        raise InputError(f"{folder}: no finished cells ({CELLS}/*.json); make some with: deidsynth study run FILE")
    records, of_test = [], dict[str, tuple[Path, tuple[int, ...]]]()
    for path in paths:
        record, checked = _read(path)
        first, n_groups = of_test.setdefault(checked.test, (path, checked.n_groups))
        if n_groups != checked.n_groups:
            raise InputError(
                f"{path}: has other numbers of test documents than {first}, of the same test; one of these cell files "
                f"is damaged: {_REMEDY}"
            )
        records.append(record)
    return records


def is_finished(folder: Path, cell: PlannedCell) -> bool:
    """Whether the folder has a file of the cell with the same keys."""
    path = record_path(folder, cell.name)
    return path.is_file() and read_record(path)["keys"] == dict(cell.keys)
