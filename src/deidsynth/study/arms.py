"""From a cell to its run: configuration and numbers of documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deidsynth.config import (
    FoldConfig,
    ResolvedRun,
    ResolvedTrainConfig,
    RunConfig,
    StudyConfig,
    merge,
    parse,
    resolve_run,
)
from deidsynth.corpora import LoadedCorpus, make_fold, make_splits, take_fraction
from deidsynth.documents import Corpus, Origin
from deidsynth.study.cells import Cell
from deidsynth.workflow.pipeline_plan import DataShares


def shares_of(cell: Cell, study: StudyConfig) -> DataShares:
    """The shares of training documents of a cell."""
    fold = None
    if cell.fold is not None and study.folds is not None:
        fold = FoldConfig(number=cell.fold, folds=study.folds, of=study.folds_of)
    return DataShares(cell.adaptation_fraction, cell.annotator_fraction, fold)


def documents_of(loaded: LoadedCorpus, base: RunConfig, shares: DataShares) -> dict[str, Corpus]:
    """The documents of a cell by their use: ``train``, ``prompts``, ``test``, ``adaptation``, ``annotator``.

    Raises:
        CorpusError: too few groups for the split or the folds.
    """
    corpus, split = loaded.corpus, base.split
    if shares.fold is None:
        parts = make_splits(corpus, loaded.splits, split)
    else:
        parts = make_fold(corpus, loaded.splits, split, shares.fold)
    train = parts["train"]

    def taken(share: float) -> Corpus:
        return take_fraction(train, share, split.seed) if share > 0.0 else train.with_documents(())

    return {
        "train": train,
        "prompts": parts["validation"],
        "test": parts["test"],
        "adaptation": taken(shares.adaptation),
        "annotator": taken(shares.annotator),
    }


def with_arm(base: RunConfig, arm: str) -> RunConfig:
    """The run configuration with another arm.

    Raises:
        ConfigError: the arm contradicts the configuration, for example a model without inline entity tags.
    """
    changes = {"synthesize": {"annotations": arm}}
    return parse(RunConfig, merge(base.model_dump(mode="json"), changes), source=f"study, arm {arm}")


def run_config(
    cell: Cell,
    base: RunConfig,
    study: StudyConfig,
    counts: Mapping[str, int],
    *,
    language: str | None,
    precision: str,
    origin: Origin = "real",
) -> ResolvedRun:
    """The resolved run of a cell.

    Arms have equal epochs or equal steps, so the minimum numbers of steps of the presets do not apply. For one volume,
    the synthetic corpus has the same size in every arm: ``synthesize.volume_ratio`` is relative to the documents used
    for adaptation, so it is rescaled to the whole training split.

    Args:
        cell: values of all axes.
        base: the run configuration that is varied.
        study: its budget decides whether epochs or optimizer steps are equal.
        counts: numbers of documents, by their use as in :func:`documents_of`.
        language: ISO 639-1 code of the corpus.
        precision: ``fp32`` or ``bf16``, as supported by the device.
        origin: of the text of the corpus.

    Raises:
        ConfigError: settings that contradict each other.
    """
    synthetic: dict[str, Any] = dict(base.train_synthetic)
    if any(axes.encoder is not None for axes in (study.axes, *study.cells)):
        synthetic.pop("encoder", None)
    changes: dict[str, Any] = {
        "adapt": {"base": cell.base_model},
        "train": {
            "encoder": cell.encoder,
            "min_steps": base.train.min_steps or 0,
        },
        "seed": cell.seed,
        "synthesize": {"annotations": cell.arm},
    }
    if cell.synthetic_volume is not None:
        counted = counts["adaptation"] or counts["prompts"]
        changes["synthesize"]["volume_ratio"] = cell.synthetic_volume * (counts["train"] / counted)
    config = parse(
        RunConfig,
        {**merge(base.model_dump(mode="json"), changes), "train_synthetic": synthetic},
        source=f"study, arm {cell.arm}",
    )
    adapts = cell.adaptation_fraction > 0.0
    run = resolve_run(config, language=language, precision=precision, adapts=adapts, origin=origin)
    return _equal_steps(run, cell, base) if study.budget == "steps" else run


def _equal_steps(run: ResolvedRun, cell: Cell, base: RunConfig) -> ResolvedRun:
    """The run with epochs scaled inversely to the number of documents, for each training separately."""
    more = 1.0
    if cell.synthetic_volume is not None and base.synthesize.samples_per_prompt is None:
        more = base.synthesize.volume_ratio / cell.synthetic_volume
    adapt = run.adapt
    if cell.adaptation_fraction > 0.0:
        adapt = adapt.model_copy(update={"epochs": adapt.epochs / cell.adaptation_fraction})
    return run.model_copy(
        update={
            "adapt": adapt,
            "train": _longer(run.train, 1.0 / cell.annotator_fraction),
            "train_synthetic": _longer(run.train_synthetic, more),
        }
    )


def _longer(train: ResolvedTrainConfig, factor: float) -> ResolvedTrainConfig:
    """The training with scaled epochs and without a limit of steps."""
    if factor == 1.0:
        return train
    pretraining = train.task_adaptive_pretraining
    longer = pretraining.model_copy(update={"epochs": pretraining.epochs * factor, "max_steps": 0})
    return train.model_copy(update={"epochs": train.epochs * factor, "task_adaptive_pretraining": longer})
