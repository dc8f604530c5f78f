"""From a cell to the run that it stands for: configuration, and who gets how many documents."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deidsynth.config import FoldConfig, RunConfig, StudyConfig, merge, parse
from deidsynth.corpora import LoadedCorpus, make_fold, make_splits, take_fraction
from deidsynth.models.recipes import AdaptRecipe, TaggerRecipe
from deidsynth.study.cells import Cell
from deidsynth.workflow.plan import DataShares


def shares_of(cell: Cell, study: StudyConfig) -> DataShares:
    """How the training documents of a cell are shared out."""
    fold = None
    if cell.fold is not None and study.folds is not None:
        fold = FoldConfig(number=cell.fold, folds=study.folds, of=study.folds_of)
    return DataShares(cell.adaptation_fraction, cell.annotator_fraction, fold)


def count_documents(loaded: LoadedCorpus, base: RunConfig, shares: DataShares) -> dict[str, int]:
    """How many documents a cell gives to whom: ``train``, ``prompts``, ``test``, ``adaptation``, ``annotator``.

    Raises:
        CorpusError: too few groups for the split or the folds.
    """
    corpus, split = loaded.corpus, base.split
    if shares.fold is None:
        parts = make_splits(corpus, loaded.splits, split)
    else:
        parts = make_fold(corpus, loaded.splits, split, shares.fold)
    train = parts["train"]

    def taken(share: float) -> int:
        return len(take_fraction(train, share, split.seed)) if share > 0.0 else 0

    return {
        "train": len(train),
        "prompts": len(parts["validation"]),
        "test": len(parts["test"]),
        "adaptation": taken(shares.adaptation),
        "annotator": taken(shares.annotator),
    }


def with_arm(base: RunConfig, arm: str) -> RunConfig:
    """The run configuration with an arm in place of its own.

    Raises:
        ConfigError: the arm does not go with the rest, such as a model that may not write entities.
    """
    changes = {"synthesize": {"annotations": arm}}
    return parse(RunConfig, merge(base.model_dump(mode="json"), changes), source=f"study, arm {arm}")


def run_config(cell: Cell, base: RunConfig, study: StudyConfig, counts: Mapping[str, int]) -> RunConfig:
    """The run configuration of a cell.

    The synthetic corpus has as many documents in every arm of one volume: ``synthesize.volume`` counts in documents
    of the adaptation, so it is scaled to the whole training part.

    Args:
        cell: the choice of every axis.
        base: what is varied.
        study: its budget says whether epochs or optimizer steps stay the same.
        counts: as :func:`count_documents` gives them.
    """
    data = with_arm(base, cell.arm).model_dump(mode="json")
    synthetic: dict[str, Any] = dict(base.train_synthetic)
    if any(axes.encoder is not None for axes in (study.axes, *study.cells)):
        synthetic.pop("encoder", None)
    changes: dict[str, Any] = {
        "adapt": {"base": cell.base_model},
        "train": {"encoder": cell.encoder},
        "seed": cell.seed,
    }
    if cell.synthetic_volume is not None:
        counted = counts["adaptation"] or counts["prompts"]
        scale = 1.0 if counted == counts["train"] else counts["train"] / counted
        volume = cell.synthetic_volume * scale
        changes["synthesize"] = {"volume": volume}
    config = parse(RunConfig, {**merge(data, changes), "train_synthetic": synthetic}, source="study cell")
    return _equal_steps(config, cell, base) if study.budget == "steps" else config


def _equal_steps(config: RunConfig, cell: Cell, base: RunConfig) -> RunConfig:
    """The configuration with as many more epochs as there are fewer documents, for each training by itself."""
    synthetic = config.synthetic_train_config()
    more = 1.0
    if cell.synthetic_volume is not None and base.synthesize.samples_per_prompt is None:
        more = base.synthesize.volume / cell.synthetic_volume
    changes: dict[str, Any] = {
        "train": _longer(config.train, 1.0 / cell.annotator_fraction),
        "train_synthetic": merge(synthetic.model_dump(mode="json"), _longer(synthetic, more)),
    }
    if cell.adaptation_fraction > 0.0:
        epochs = AdaptRecipe.of(config.adapt, "full").epochs
        changes["adapt"] = {"epochs": epochs / cell.adaptation_fraction}
    data = config.model_dump(mode="json")
    data["train_synthetic"] = {}
    return parse(RunConfig, merge(data, changes), source="study cell")


def _longer(train: Any, factor: float) -> dict[str, Any]:
    if factor == 1.0:
        return {}
    pretraining = TaggerRecipe.of(train).pretraining_epochs
    return {"epochs": train.epochs * factor, "pretraining": {"epochs": pretraining * factor}}
