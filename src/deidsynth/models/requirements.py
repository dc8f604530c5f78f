"""Checks of models before the first step of a run, so that a mistake costs seconds and not hours."""

from __future__ import annotations

from pathlib import Path

from deidsynth.config import ResolvedAdaptConfig, ResolvedCanariesConfig, ResolvedTrainConfig
from deidsynth.models.inspection import inspect_folder
from deidsynth.models.language_model.causal_lm import quantization
from deidsynth.models.loading import check_model_name, load_config
from deidsynth.models.private.extra import check_extra
from deidsynth.starters import SCRATCH, resolve


def check_base(config: ResolvedAdaptConfig, device: str) -> None:
    """Check that a language model can be adapted as configured.

    Raises:
        ModelNotFoundError: no such model.
        ModelNotUsableError: QLoRA without CUDA, or a damaged folder.
        MissingExtraError: QLoRA or a private adaptation without its dependency.
    """
    if config.private.is_on:
        check_extra()
    quantization(config.method, device)
    if config.base != SCRATCH:
        _check_model(resolve(config.base, "causal"))


def check_twin(config: ResolvedCanariesConfig, device: str) -> None:
    """Check that the adaptation that a twin repeats is possible; raises what ``check_base`` does."""
    check_base(config.adapt, device)


def check_encoder(config: ResolvedTrainConfig, device: str) -> None:
    """Check that the encoder of a configuration exists and is whole, whatever the device.

    Raises:
        ModelNotFoundError: no such model.
        ModelNotUsableError: its folder is damaged.
    """
    del device
    if config.encoder != SCRATCH:
        _check_model(resolve(config.encoder, "encoder"))


def _check_model(name: str) -> None:
    """Check all but whether the weights fit the configuration, which is seen when they are loaded."""
    load_config(name)
    folder = Path(check_model_name(name))
    if folder.is_dir():
        inspect_folder(folder)
