"""What a configuration leaves open is settled here by the kind of model: from scratch, a starter, or any other.

Small models want small batches, high rates and Muon; the figures for starters were chosen by grouped cross-validation
inside the training split of MEDDOCAN (``docs/log.md``).
"""

from __future__ import annotations

from dataclasses import dataclass

from deidsynth.config import AdaptConfig, TrainConfig
from deidsynth.starters import kind_of_base

STARTER_STEPS = 1000
"""Of filling in: what four passes over 500 case reports take. Larger corpora need no more."""


@dataclass(frozen=True, slots=True)
class TaggerRecipe:
    """How a tagger is trained.

    Args:
        batch_size: chunks in one step.
        learning_rate: of tagging.
        muon: whether matrices are trained with Muon.
        pretraining_epochs: passes of masked-language training on the same texts beforehand; 0: none.
        pretraining_rate: its learning rate.
        pretraining_steps: the most, but for one whole pass; None for no limit.
    """

    batch_size: int
    learning_rate: float
    muon: bool
    pretraining_epochs: float
    pretraining_rate: float
    pretraining_steps: int | None

    @classmethod
    def of(cls, config: TrainConfig) -> TaggerRecipe:
        """The recipe of a configuration."""
        base = kind_of_base(config.encoder)
        rate = {"scratch": 3e-3, "starter": 2.5e-3, "other": 5e-5}[base]
        epochs = {"scratch": 6.0, "starter": 4.0, "other": 0.0}[base]
        pretraining_rate = {"scratch": 4e-3, "starter": 2e-3, "other": 5e-5}[base]
        asked = config.task_adaptive_pretraining.epochs
        return cls(
            batch_size=config.batch_size or (16 if base == "other" else 8),
            learning_rate=config.learning_rate or rate,
            muon=config.optimizer == "muon" or (config.optimizer == "auto" and base != "other"),
            pretraining_epochs=epochs if asked is None else asked,
            pretraining_rate=config.task_adaptive_pretraining.learning_rate or pretraining_rate,
            pretraining_steps=STARTER_STEPS if base == "starter" and asked is None else None,
        )

    def limited(self, n_steps: int, steps_per_pass: int) -> int:
        """Steps of filling in that are taken, of so many."""
        if self.pretraining_steps is None:
            return n_steps
        return min(n_steps, max(self.pretraining_steps, steps_per_pass))


@dataclass(frozen=True, slots=True)
class AdaptRecipe:
    """How a language model is adapted.

    Args:
        epochs: passes over the training text.
        batch_tokens: in one step.
        learning_rate: highest.
        muon: whether matrices are trained with Muon.
    """

    epochs: float
    batch_tokens: int
    learning_rate: float
    muon: bool

    @classmethod
    def of(cls, config: AdaptConfig, method: str) -> AdaptRecipe:
        """The recipe of a configuration and a method (``full``, ``lora`` or ``qlora``)."""
        base = kind_of_base(config.base)
        small = base != "other" and method == "full"
        rate = {"scratch": 3e-3, "starter": 1.5e-3}[base] if small else {"full": 3e-4}.get(method, 2e-4)
        return cls(
            epochs=config.epochs or (2.5 if base == "starter" else 5.0),
            batch_tokens=config.batch_tokens or (2048 if small else 8192),
            learning_rate=config.learning_rate or rate,
            muon=config.optimizer == "muon" or (config.optimizer == "auto" and small),
        )
