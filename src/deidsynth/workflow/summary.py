"""The report content of a finished run: counts, scores, curves and durations, never text of a corpus."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from deidsynth.config import RunConfig
from deidsynth.corpora import describe, read_jsonl, shared_groups
from deidsynth.digests import digest
from deidsynth.documents import SPLITS, Corpus, Split
from deidsynth.files import read_lines
from deidsynth.metrics import Resampling, Scores, bootstrap, paired_bootstrap, score
from deidsynth.metrics.resampling import plain_interval
from deidsynth.report.content import SCHEMA_VERSION, AuditSummary, RunReport
from deidsynth.report.model_tables import MEASURES, f1_gap
from deidsynth.stages.artifacts import AUDIT, CORPUS, CURVE, MEMORIZATION, PREDICTIONS, PRETRAINING_CURVE, SCORES
from deidsynth.stages.specification import StageSpec
from deidsynth.workflow.pipeline_plan import EVALUATIONS, MODEL_NODES, SELECTED, NodeName
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.results import NodeResult
from deidsynth.workflow.store import Artifact
from deidsynth.workflow.store.manifest import package_versions


def count_shared_groups(splits: Mapping[Split, Corpus]) -> dict[tuple[Split, Split], int]:
    """How many groups have documents both in the test set and in a split that training has seen."""
    pairs: tuple[tuple[Split, Split], ...] = (("train", "test"), ("validation", "test"))
    return {(left, right): shared_groups(splits[left], splits[right]) for left, right in pairs}


def summarize(
    config: RunConfig,
    plan: Plan,
    results: list[NodeResult],
    stages: Mapping[str, StageSpec],
    device: str,
    *,
    gaps_in_guarantee: Sequence[str] = (),
) -> RunReport:
    """The report content of a run: counts, scores, curves and durations, never text of a corpus.

    ``difference`` is the score of the synthetic model minus that of the gold model; None if either is None.

    Args:
        config: resolved.
        plan: of the run.
        results: of all its nodes.
        stages: by name.
        device: of the computation.
        gaps_in_guarantee: what a private adaptation does not cover.
    """
    artifacts = {result.name: result.artifact for result in results}
    language = config.corpus.language
    gold, synthetic = (Scores.from_dict(_read_json(artifacts[node], SCORES)) for node in EVALUATIONS.values())
    splits = {split: read_jsonl(artifacts[SELECTED[split]].path / CORPUS, language=language) for split in SPLITS}
    silver = read_jsonl(artifacts[NodeName.ANNOTATE].path / CORPUS, language=language)
    return RunReport.model_validate(
        {
            "models": {"gold": gold, "synthetic": synthetic},
            "difference": {
                "strict_f1": f1_gap(gold.strict, synthetic.strict),
                "token_f1": f1_gap(gold.token, synthetic.token),
            },
            "uncertainty": _uncertainty(splits["test"], artifacts),
            "stages": [_entry(plan, result, stages) for result in results],
            "corpora": {**{split: describe(corpus) for split, corpus in splits.items()}, "synthetic": describe(silver)},
            "shared_groups": {f"{left}_{right}": count for (left, right), count in count_shared_groups(splits).items()},
            "curves": _curves(artifacts),
            "memorization": _read_json(artifacts[NodeName.MEMORIZATION], MEMORIZATION),
            "audit": _audit(artifacts),
            "gaps_in_guarantee": tuple(gaps_in_guarantee),
            "language": language,
            "origin": "real" if artifacts[NodeName.IMPORT].manifest.lineage["real_data"] else "invented",
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "versions": package_versions(),
            "device": device,
            "config": _without_places(config),
        }
    )


def _audit(artifacts: Mapping[str, Artifact]) -> AuditSummary | None:
    """What the privacy audit found, if the run has one."""
    made = artifacts.get(NodeName.AUDIT)
    return None if made is None else AuditSummary.of(_read_json(made, AUDIT))


def _uncertainty(gold: Corpus, artifacts: Mapping[str, Artifact]) -> dict[str, Any]:
    """Intervals of the scores of both models and of their difference, from resampled test documents."""
    how = Resampling()
    options = asdict(how)
    found = {model: score(gold, read_jsonl(artifacts[node].path / PREDICTIONS)) for model, node in EVALUATIONS.items()}
    of_gold, of_synthetic = found[NodeName.GOLD], found[NodeName.SYNTHETIC]
    intervals = {
        model: {
            measure: {
                name: plain_interval(each)
                for name, each in bootstrap(scores.by_document[measure], scores.units, **options).items()
            }
            for measure in MEASURES
        }
        for model, scores in found.items()
    }
    difference = {}
    for measure in ("strict", "token"):
        rows = of_gold.by_document[measure], of_synthetic.by_document[measure]
        gap = paired_bootstrap(*rows, of_gold.units, **options)["f1"]
        difference[f"{measure}_f1"] = None if gap is None else plain_interval(gap.interval)
    return {**intervals, "difference": difference, **options, "n_groups": len(set(of_gold.units))}


def _entry(plan: Plan, result: NodeResult, stages: Mapping[str, StageSpec]) -> dict[str, Any]:
    """The report entry of one node: its result, and the titles of its stage."""
    node = plan[result.name]
    stage = plan.stage_of(node, stages)
    return {
        "name": result.name,
        "stage": result.stage,
        "key": result.key,
        "status": result.status,
        "duration_seconds": result.duration_seconds,
        "facts": result.artifact.manifest.facts,
        "title": node.title or stage.title,
        "box": node.box,
        "fact_titles": dict(stage.facts),
        "headline": stage.headline,
    }


def _curves(artifacts: Mapping[str, Artifact]) -> dict[str, list[dict[str, Any]]]:
    """The curves of all trainings and their task-adaptive pretraining, if any."""
    curves = {}
    for name in MODEL_NODES:
        folder = artifacts[name].path
        if (folder / PRETRAINING_CURVE).exists():
            curves[f"{name}_pretraining"] = read_lines(folder / PRETRAINING_CURVE)
        curves[name] = read_lines(folder / CURVE)
    return curves


def report_source(config: RunConfig, artifacts: Mapping[str, Artifact]) -> str:
    """The digest of the inputs of a report: a report with another one is stale."""
    content = {name: artifact.content_digest for name, artifact in artifacts.items()}
    versions = [SCHEMA_VERSION, package_versions()["deidsynth"]]
    return digest({"content": content, "config": _without_places(config), "versions": versions})


def _without_places(config: RunConfig) -> dict[str, Any]:
    plain = config.model_dump(mode="json", exclude={"output", "store"})
    for key in ("path", "unlabeled"):
        if plain["corpus"][key] is not None:
            plain["corpus"][key] = Path(plain["corpus"][key]).name
    return plain


def _read_json(artifact: Artifact, name: str) -> dict[str, Any]:
    content: dict[str, Any] = json.loads((artifact.path / name).read_text(encoding="utf-8"))
    return content
