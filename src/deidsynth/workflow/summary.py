"""What a finished run says of itself: counts, scores, curves and durations, never text of a corpus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deidsynth.config import RunConfig
from deidsynth.corpora import describe, read_jsonl, shared_groups
from deidsynth.corpora.records import SPLITS, Split
from deidsynth.digests import digest
from deidsynth.documents import Corpus
from deidsynth.workflow.executors import NodeResult
from deidsynth.workflow.store import Artifact
from deidsynth.workflow.store.manifest import package_versions

REPORT_SCHEMA_VERSION = 1


def count_shared_groups(splits: Mapping[Split, Corpus]) -> dict[tuple[Split, Split], int]:
    """How many groups have documents both in the test set and in a split that training has seen."""
    pairs: tuple[tuple[Split, Split], ...] = (("train", "test"), ("validation", "test"))
    return {(left, right): shared_groups(splits[left], splits[right]) for left, right in pairs}


def summarize(config: RunConfig, results: list[NodeResult], device: str) -> dict[str, Any]:
    """The content of ``report.json``: counts, scores, curves and durations, never text of a corpus.

    ``difference`` is the synthetic model's figure less the gold model's; None where either is None.
    """
    artifacts = {result.name: result.artifact for result in results}
    language = config.corpus.language
    gold, synthetic = (_read_json(artifacts[f"evaluate-{model}"], "scores.json") for model in ("gold", "synthetic"))
    splits = {
        split: read_jsonl(artifacts[f"select-{split}"].path / "corpus.jsonl", language=language) for split in SPLITS
    }
    silver = read_jsonl(artifacts["annotate"].path / "corpus.jsonl", language=language)
    return {
        "schema_version": REPORT_SCHEMA_VERSION,
        "models": {"gold": gold, "synthetic": synthetic},
        "difference": {
            "strict_f1": _less(synthetic["strict"]["f1"], gold["strict"]["f1"]),
            "token_f1": _less(synthetic["token"]["f1"], gold["token"]["f1"]),
        },
        "stages": [
            {
                "name": result.name,
                "stage": result.stage,
                "key": result.key,
                "status": result.status,
                "duration_seconds": result.duration_seconds,
                "facts": result.artifact.manifest.facts,
            }
            for result in results
        ],
        "corpora": {**{split: describe(corpus) for split, corpus in splits.items()}, "synthetic": describe(silver)},
        "shared_groups": {f"{left}_{right}": count for (left, right), count in count_shared_groups(splits).items()},
        "curves": _curves(artifacts),
        "overlap": _read_json(artifacts["overlap"], "overlap.json"),
        "language": language,
        "origin": "real" if artifacts["import"].manifest.lineage["real_data"] else "invented",
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "versions": package_versions(),
        "device": device,
        "config": _without_places(config),
    }


def _curves(artifacts: Mapping[str, Artifact]) -> dict[str, list[dict[str, Any]]]:
    """The curve of every training, and of the fill-in training before it where there was one."""
    curves = {}
    for name in ("adapt", "gold", "synthetic"):
        if (artifacts[name].path / "pretraining.jsonl").exists():
            curves[f"{name}_pretraining"] = _read_lines(artifacts[name], "pretraining.jsonl")
        curves[name] = _read_lines(artifacts[name], "curve.jsonl")
    return curves


def report_source(config: RunConfig, artifacts: Mapping[str, Artifact]) -> str:
    """What a report is made from, as a digest: a report that names another one is stale."""
    content = {name: artifact.content_digest for name, artifact in artifacts.items()}
    versions = [REPORT_SCHEMA_VERSION, package_versions()["deidsynth"]]
    return digest({"content": content, "config": _without_places(config), "versions": versions})


def _without_places(config: RunConfig) -> dict[str, Any]:
    plain = config.model_dump(mode="json", exclude={"output", "store"})
    for key in ("path", "unlabelled"):
        if plain["corpus"][key] is not None:
            plain["corpus"][key] = Path(plain["corpus"][key]).name
    return plain


def _less(left: float | None, right: float | None) -> float | None:
    return None if left is None or right is None else left - right


def _read_json(artifact: Artifact, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((artifact.path / name).read_text(encoding="utf-8"))
    return content


def _read_lines(artifact: Artifact, name: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (artifact.path / name).read_text(encoding="utf-8").split("\n") if line]
