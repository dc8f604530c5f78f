"""Base: a causal language model without adaptation."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from deidsynth.config import ResolvedAdaptConfig
from deidsynth.config.resolve import NEEDS_ADAPTATION
from deidsynth.errors import ConfigError
from deidsynth.files import write_lines
from deidsynth.models.language_model.causal_lm import adaptable_model
from deidsynth.stages.artifacts import CURVE, MODEL
from deidsynth.stages.specification import StageContext
from deidsynth.starters import SCRATCH


class Base:
    """Nothing in; ``model/``, the starting point of ``adapt``, and an empty ``curve.jsonl`` out."""

    def run(
        self, config: ResolvedAdaptConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Write the weights of the base model without any training.

        Raises:
            ConfigError: the base is ``scratch``, which has no weights without training, or special tokens are
                configured.
        """
        if config.annotations == "inline" or config.control_codes:
            raise ConfigError([NEEDS_ADAPTATION])
        if config.base == SCRATCH:
            raise ConfigError(["adapt.base: scratch is useless without adaptation; choose another base model"])
        torch.manual_seed(context.seed)
        adaptable = adaptable_model(config, (), context.device)
        model: Any = adaptable.model
        model.save_pretrained(output / MODEL)
        adaptable.tokenizer.save_pretrained(output / MODEL)
        write_lines(output / CURVE, ())
        return {
            "method": adaptable.method,
            "n_parameters": sum(weight.numel() for weight in model.parameters()),
            "n_tokens_seen": 0,
        }
