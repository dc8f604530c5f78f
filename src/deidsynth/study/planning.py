"""Planning of a study on a corpus: cells with their plans and keys. Only digests are computed here."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from deidsynth import stages as package
from deidsynth.config import ResolvedRun
from deidsynth.corpora import LoadedCorpus, content_digest
from deidsynth.documents import Corpus
from deidsynth.errors import ConfigError, IntegrityError
from deidsynth.stages.specification import StageSpec
from deidsynth.starters import SCRATCH
from deidsynth.study.arms import documents_of, run_config, shares_of, with_arm
from deidsynth.study.cells import Cell, cell_names, expand
from deidsynth.study.files import Study
from deidsynth.workflow.language_support import language_warnings
from deidsynth.workflow.pipeline_plan import pipeline_plan
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.preparation import load, refuse_one_group, resolve_computing
from deidsynth.workflow.store import Store


@dataclass(frozen=True, slots=True)
class PlannedCell:
    """One cell, ready to run.

    Args:
        name: usable as a file name.
        cell: values of all axes.
        config: its resolved run.
        counts: documents by purpose, as ``documents_of`` names them.
        plan: its nodes, with names as in a run.
        keys: key of every node, by name.
    """

    name: str
    cell: Cell
    config: ResolvedRun
    counts: Mapping[str, int]
    plan: Plan
    keys: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class StudyPlan:
    """A study on its corpus.

    Args:
        study: from its file.
        loaded: the corpus.
        cells: in order.
        stages: by name.
        device: resolved.
    """

    study: Study
    loaded: LoadedCorpus
    cells: Sequence[PlannedCell]
    stages: Mapping[str, StageSpec]
    device: str


def distinct(cells: Iterable[PlannedCell]) -> dict[str, str]:
    """The stages of the distinct artifacts of some cells, by key."""
    return {cell.keys[node.name]: node.stage for cell in cells for node in cell.plan}


def plan_study(study: Study, *, stages: Mapping[str, StageSpec] | None = None, device: str = "auto") -> StudyPlan:
    """The plan of a study.

    Raises:
        ConfigError: no corpus, no language, contradicting settings, or an impossible arm.
        CorpusError: the corpus has errors, or too few groups.
    """
    _check(study)
    loaded = load(study.base.corpus)
    device, precision = resolve_computing(device, study.base.precision)
    known = package.STAGES if stages is None else stages
    base = study.base.model_copy(update={"output": None, "store": None})
    language, origin = loaded.corpus.language, loaded.corpus.origin
    cells = expand(study.config, base)
    source = content_digest(loaded)
    planned = []
    documents: dict[Any, dict[str, Corpus]] = {}
    for name, cell in zip(cell_names(cells, study.config), cells, strict=True):
        shares = shares_of(cell, study.config)
        if shares not in documents:
            documents[shares] = documents_of(loaded, base, shares)
        counts = {use: len(corpus) for use, corpus in documents[shares].items()}
        config = run_config(cell, base, study.config, counts, language=language, precision=precision, origin=origin)
        refuse_one_group(documents[shares]["annotator"], config.train)
        plan = pipeline_plan(
            config,
            source_digest=source,
            origin=origin,
            shares=shares,
            audited=config.audit.enabled is True,
        )
        planned.append(PlannedCell(name, cell, config, counts, plan, plan.keys(known)))
    return StudyPlan(study, loaded, planned, known, device)


def study_warnings(plan: StudyPlan) -> list[str]:
    """What the models and the configuration of a study lack for the language and the labels of its corpus."""
    configs = (cell.config for cell in plan.cells)
    stages = [
        each
        for run in configs
        for each in (run.pseudonymize, run.adapt, run.synthesize, run.train, run.train_synthetic)
    ]
    return language_warnings(plan.loaded.corpus, stages)


def _check(study: Study) -> None:
    """Reject impossible cells before the corpus is read."""
    cells = expand(study.config, study.base)
    for arm in dict.fromkeys(cell.arm for cell in cells):
        with_arm(study.base, arm)
    problems = dict.fromkeys(problem for cell in cells for problem in _problems(cell, study.config.budget))
    if problems:
        raise ConfigError(list(problems), study.name)


def _problems(cell: Cell, budget: str) -> Iterator[str]:
    if cell.adaptation_fraction == 0.0 and cell.base_model == SCRATCH:
        yield "axes.adaptation_fraction: 0 needs a pretrained base model; scratch is not pretrained"
    if cell.adaptation_fraction == 0.0 and cell.arm != "machine":
        yield (
            f"axes.arm: {cell.arm} needs a language model trained with inline entity tags; with "
            "adaptation_fraction: 0 there is none"
        )
    if cell.arm == "agreement" and budget == "steps":
        yield "axes.arm: agreement drops an unknown number of documents; use it with budget: epochs"


def merged_plan(cells: Sequence[PlannedCell]) -> Plan:
    """The distinct nodes of some cells as one plan, each named after the first cell that uses it.

    The nodes of a cell are adjacent, so that execution in order finishes one cell after another.
    """
    nodes: dict[str, Node] = {}
    for cell in cells:
        names: dict[str, str] = {}
        for node in cell.plan.order():
            key = cell.keys[node.name]
            if key not in nodes:
                inputs = {role: names[needed] for role, needed in node.inputs.items()}
                nodes[key] = replace(node, name=f"{cell.name}/{node.name}", inputs=inputs)
            names[node.name] = nodes[key].name
    return Plan(tuple(nodes.values()))


def preview_cells(cells: Sequence[PlannedCell], left: Sequence[PlannedCell], store: Store) -> dict[str, Any]:
    """A preview of running some cells: the content of ``study run --dry-run --json``.

    Args:
        cells: of one study or of several.
        left: the cells without a cell file.
        store: of the artifacts.

    Returns:
        Counts of cells and stages; ``estimated_seconds`` is the sum of the median durations of earlier runs of the
        stages, None if a stage never ran before.
    """
    missing = [stage for key, stage in distinct(left).items() if not store.has(key, stage)]
    return {
        "cells": len(cells),
        "stages_asked_for": sum(len(cell.plan) for cell in cells),
        "stages_distinct": len(distinct(cells)),
        "stages_to_run": len(missing),
        "estimated_seconds": _estimate(missing, store),
    }


def _estimate(stages: Sequence[str], store: Store) -> float | None:
    if not stages:
        return 0.0
    took: dict[str, list[float]] = {}
    try:
        for artifact in store.artifacts():
            took.setdefault(artifact.manifest.stage, []).append(artifact.manifest.duration_seconds)
    except IntegrityError:
        return None
    if any(stage not in took for stage in stages):
        return None
    return round(sum(statistics.median(took[stage]) for stage in stages), 1)
