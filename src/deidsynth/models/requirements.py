"""Checks of models before the first step of a run, so that a mistake costs seconds and not hours."""

from __future__ import annotations

from deidsynth.config import ResolvedAdaptConfig, ResolvedTrainConfig
from deidsynth.models.language_model.causal_lm import quantization
from deidsynth.models.loading import load_config
from deidsynth.starters import SCRATCH, resolve


def check_base(config: ResolvedAdaptConfig, device: str) -> None:
    """Check that a language model can be adapted as configured.

    Raises:
        ModelNotFoundError: no such model.
        ModelNotUsableError: QLoRA without CUDA.
        MissingExtraError: QLoRA without its dependency.
    """
    quantization(config.method, device)
    if config.base != SCRATCH:
        load_config(resolve(config.base, "causal"))


def check_encoder(config: ResolvedTrainConfig, device: str) -> None:
    """Check that the encoder of a configuration exists, whatever the device.

    Raises:
        ModelNotFoundError: no such model.
    """
    del device
    if config.encoder != SCRATCH:
        load_config(resolve(config.encoder, "encoder"))
