"""Resolving of configurations: from what the user sets to the values that a run uses.

Unset keys are taken from the presets (``presets.yaml``) for the kind of model, and from the corpus. Settings that
contradict each other are rejected here, before anything runs.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deidsynth.config.parsing import StageConfig
from deidsynth.config.presets import presets
from deidsynth.config.resolve_private import resolve_private
from deidsynth.config.resolved import (
    ResolvedAdaptConfig,
    ResolvedPseudonymizeConfig,
    ResolvedRun,
    ResolvedTrainConfig,
)
from deidsynth.config.run import RunConfig
from deidsynth.config.sampling import SynthesizeConfig
from deidsynth.config.stages import AdaptConfig, ControlCode, Method, PseudonymizeConfig, TrainConfig
from deidsynth.config.surrogates import Kind
from deidsynth.documents import Origin
from deidsynth.errors import ConfigError
from deidsynth.starters import kind_of_base

LARGE_BYTES = 1_000_000_000
"""Local models whose weights are at least this large are adapted with LoRA by default."""
NEEDS_ADAPTATION = (
    "adapt.annotations, adapt.control_codes: a model needs adaptation to learn them; leave them out, and "
    "synthesize.annotations too"
)


def resolve_pseudonymize(
    config: PseudonymizeConfig,
    *,
    origin: Origin,
    language: str | None,
    labels: Mapping[str, Kind] | None = None,
) -> ResolvedPseudonymizeConfig:
    """The resolved configuration for surrogates in the text that a language model learns from.

    Args:
        config: as set by the user.
        origin: of the text; with ``mode: auto`` there are surrogates if it is real.
        language: ISO 639-1 code of the text; the language of surrogates unless the configuration sets another.
        labels: as for ``resolve_train``.

    Raises:
        ConfigError: surrogates are needed, but the language is unknown.
    """
    mode = config.mode if config.mode != "auto" else "always" if origin == "real" else "never"
    if mode == "never":
        return ResolvedPseudonymizeConfig(mode=mode)
    spoken = config.language or language
    if spoken is None:
        raise ConfigError(
            ["pseudonymize.language: surrogates need the language of the text; set it, for example with --language es"]
        )
    return ResolvedPseudonymizeConfig.model_validate(
        {**_given(config), "mode": mode, "language": spoken, "labels": {**(labels or {}), **config.labels}}
    )


def resolve_adapt(config: AdaptConfig, *, inline: bool = False, control_codes: bool = False) -> ResolvedAdaptConfig:
    """The resolved configuration for adapting a language model.

    Args:
        config: as set by the user.
        inline: the meaning of ``annotations: auto``; in a run, whether the model writes inline entity tags.
        control_codes: whether control codes are taken from the preset if the configuration does not set them.

    Raises:
        ConfigError: low-rank adaptation of a model from scratch, special tokens that would not be trained, or settings
            that would break a guarantee of differential privacy.
    """
    kind = kind_of_base(config.base)
    if config.private.is_on:
        return resolve_private(config, inline=inline)
    if kind == "scratch" and config.method in ("lora", "qlora"):
        raise ConfigError([f"adapt.method: {config.method} needs a pretrained base; use full with scratch"])
    method = _method(config)
    preset = presets().adapt[kind][method]
    codes: list[ControlCode] = preset.control_codes if control_codes else []
    resolved = ResolvedAdaptConfig.model_validate(
        {
            **_given(config),
            "method": method,
            "epochs": config.epochs or preset.epochs,
            "learning_rate": config.learning_rate or preset.learning_rate,
            "optimizer": preset.optimizer if config.optimizer == "auto" else config.optimizer,
            "batch_tokens": config.batch_tokens or preset.batch_tokens,
            "annotations": ("inline" if inline else "none") if config.annotations == "auto" else config.annotations,
            "control_codes": codes if config.control_codes is None else config.control_codes,
        }
    )
    if method == "qlora" and (resolved.annotations == "inline" or resolved.control_codes):
        raise ConfigError(
            [
                "adapt.method: qlora may not train the new embeddings that annotations: inline and "
                "control_codes need; set adapt.method: lora or full"
            ]
        )
    return resolved


def resolve_train(
    config: TrainConfig,
    *,
    language: str | None,
    labels: Mapping[str, Kind] | None = None,
    synthetic: bool = False,
) -> ResolvedTrainConfig:
    """The resolved configuration for training a tagger.

    Args:
        config: as set by the user.
        language: ISO 639-1 code of the text; the language of surrogates unless the configuration sets another.
        labels: kind of value for labels of the corpus; those of the configuration override them.
        synthetic: whether this is the synthetic model of a run.

    Raises:
        ConfigError: surrogates are needed, but the language is unknown.
    """
    preset, extra = presets().train[kind_of_base(config.encoder)], presets().synthetic
    scale = preset.width / (_width(config.encoder) or preset.width) if preset.width else 1.0
    plain = config.epochs is None and config.batch_size is None
    replacement = config.mention_replacement
    if replacement is None:
        replacement = extra.mention_replacement if synthetic else 0.0
    variation = config.format_variation
    if variation is None:
        variation = extra.format_variation if synthetic else 0.0
    spoken = config.language or language
    if replacement and spoken is None:
        raise ConfigError(
            [
                "train.language: mention_replacement needs the language of the text; set it, for "
                "example with --language es"
            ]
        )
    asked, usual = config.task_adaptive_pretraining, preset.task_adaptive_pretraining
    limit = usual.max_steps if asked.epochs is None else 0
    return ResolvedTrainConfig.model_validate(
        {
            **_given(config),
            "epochs": config.epochs or preset.epochs,
            "min_steps": (preset.min_steps if plain else 0) if config.min_steps is None else config.min_steps,
            "optimizer": preset.optimizer if config.optimizer == "auto" else config.optimizer,
            "batch_size": config.batch_size or preset.batch_size,
            "learning_rate": config.learning_rate or _scaled(preset.learning_rate, scale),
            "mention_replacement": replacement,
            "format_variation": variation if replacement else 0.0,
            "language": spoken if replacement else None,
            "labels": {**(labels or {}), **config.labels} if replacement else {},
            "task_adaptive_pretraining": {
                **_given(asked),
                "epochs": usual.epochs if asked.epochs is None else asked.epochs,
                "learning_rate": asked.learning_rate or _scaled(usual.learning_rate, scale),
                "max_steps": limit if asked.max_steps is None else asked.max_steps,
            },
        }
    )


def resolve_synthesize(
    config: SynthesizeConfig,
    *,
    language: str | None,
    labels: Mapping[str, Kind] | None = None,
    control_codes: bool = False,
) -> SynthesizeConfig:
    """The resolved configuration for sampling text.

    Args:
        config: as set by the user.
        language: ISO 639-1 code of the text; the language of surrogates unless the configuration sets another.
        labels: as for ``resolve_train``.
        control_codes: whether the model has control codes.
    """
    default = "gold" if control_codes else None
    found = {
        "language": config.prompts.language or language,
        "labels": {**(labels or {}), **config.prompts.labels},
        "control_codes": config.prompts.control_codes or default,
    }
    return config.model_copy(update={"prompts": config.prompts.model_copy(update=found)})


def resolve_run(
    config: RunConfig, *, language: str | None, precision: str, adapts: bool = True, origin: Origin = "real"
) -> ResolvedRun:
    """The resolved configuration of a run.

    Args:
        config: as set by the user.
        language: ISO 639-1 code of the corpus.
        precision: ``fp32`` or ``bf16``, as supported by the device.
        adapts: false if the base model is used without adaptation, and so has neither inline entity tags nor control
            codes.
        origin: of the text of the corpus.

    Raises:
        ConfigError: settings that contradict each other.
    """
    only_text, kinds = config.synthesize.endpoint.takes_only_text, config.corpus.labels
    adapt = resolve_adapt(
        config.adapt, inline=config.synthesize.annotations != "machine", control_codes=adapts and not only_text
    )
    if not adapts and (adapt.annotations == "inline" or adapt.control_codes):
        raise ConfigError([NEEDS_ADAPTATION])
    if config.synthesize.prompts.control_codes is not None and not adapt.control_codes:
        raise ConfigError(
            ["synthesize.prompts.control_codes needs a model with control codes; set adapt.control_codes: [labels]"]
        )
    return ResolvedRun.model_validate(
        {
            **_given(config),
            "corpus": config.corpus.model_copy(update={"language": language}),
            "pseudonymize": resolve_pseudonymize(config.pseudonymize, origin=origin, language=language, labels=kinds),
            "adapt": adapt,
            "synthesize": resolve_synthesize(
                config.synthesize, language=language, labels=kinds, control_codes=bool(adapt.control_codes)
            ),
            "train": resolve_train(config.train, language=language, labels=kinds),
            "train_synthetic": resolve_train(
                config.synthetic_train_config(), language=language, labels=kinds, synthetic=True
            ),
            "audit": config.audit.model_copy(
                update={
                    "language": config.audit.language or language,
                    "labels": {**kinds, **config.audit.labels},
                }
            ),
            "precision": precision,
        }
    )


def _method(config: AdaptConfig) -> Method:
    """The method of adaptation: full for small models, else LoRA."""
    if config.method != "auto":
        return config.method
    if kind_of_base(config.base) != "hub":
        return "full"
    folder = Path(config.base).expanduser()
    if not folder.is_dir():
        return "lora"
    size = sum(file.stat().st_size for file in folder.glob("*.safetensors"))
    return "full" if size < LARGE_BYTES else "lora"


def _scaled(learning_rate: float, scale: float) -> float:
    """A learning rate times a factor, as short as a person would write it."""
    return float(f"{learning_rate * scale:.4g}")


def _width(encoder: str) -> int | None:
    """The hidden size of an encoder in a local folder; None where it is not known before the model is loaded."""
    path = Path(encoder).expanduser() / "config.json"
    try:
        if not path.is_file():  # a pipe would wait for somebody to write to it
            return None
        found = json.loads(path.read_text(encoding="utf-8"))["hidden_size"]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None  # what is wrong with it is told when it is loaded
    return found if isinstance(found, int) and found > 0 else None


def _given(config: StageConfig) -> dict[str, Any]:
    """The values of a configuration, by name."""
    return {name: getattr(config, name) for name in type(config).model_fields}
