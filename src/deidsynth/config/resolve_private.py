"""Resolving of a differentially private adaptation, and what its guarantee covers in a run."""

from __future__ import annotations

from deidsynth.config.presets import presets
from deidsynth.config.resolved import ResolvedAdaptConfig, ResolvedRun
from deidsynth.config.stages import AdaptConfig
from deidsynth.errors import ConfigError
from deidsynth.starters import SCRATCH, kind_of_base


def resolve_private(config: AdaptConfig, *, inline: bool = False) -> ResolvedAdaptConfig:
    """The resolved configuration of a private adaptation: LoRA with AdamW, no validation, the last weights.

    Args:
        config: as set by the user, with a budget.
        inline: the meaning of ``annotations: auto``.

    Raises:
        ConfigError: with every setting that would read the private text outside of the budget.
    """
    annotations = ("inline" if inline else "none") if config.annotations == "auto" else config.annotations
    problems = _contradictions(config, annotations)
    if problems:
        raise ConfigError(problems)
    preset = presets().adapt[kind_of_base(config.base)]["lora"]
    return ResolvedAdaptConfig.model_validate(
        {
            **{name: getattr(config, name) for name in type(config).model_fields},
            "method": "lora",
            "epochs": config.epochs or preset.epochs,
            "learning_rate": config.learning_rate or presets().private.learning_rate,
            "optimizer": "adamw",
            "batch_tokens": config.batch_tokens or preset.batch_tokens,
            "validation": 0.0,
            "keep": "last",
            "annotations": annotations,
            "control_codes": [],
        }
    )


def _contradictions(config: AdaptConfig, annotations: str) -> list[str]:
    """The settings that a private adaptation cannot have, each with its remedy."""
    problems = []
    if config.base == SCRATCH:
        problems.append(
            "adapt.base: scratch trains a tokenizer and embeddings on the private text; adapt.private needs a "
            "pretrained base, such as starter"
        )
    if config.method not in ("auto", "lora"):
        problems.append(f"adapt.method: {config.method} cannot be private; leave it out, or set it to lora")
    if config.optimizer not in ("auto", "adamw"):
        problems.append(f"adapt.optimizer: {config.optimizer} cannot be private; leave it out, or set it to adamw")
    if config.control_codes:
        problems.append("adapt.control_codes are computed from the private notes; leave them out with adapt.private")
    if config.validation not in (0.0, AdaptConfig.model_fields["validation"].default):
        problems.append("adapt.validation: validation notes would be read without a budget; leave it out")
    if config.min_steps:
        problems.append("adapt.min_steps: set adapt.private.steps instead, the number of private steps")
    if config.gradient_checkpointing:
        problems.append(
            "adapt.gradient_checkpointing: gradients by group need the activations; lower adapt.micro_batch_tokens "
            "instead"
        )
    if annotations == "inline" and not config.private.labels:
        problems.append(
            "adapt.private.labels: inline entity tags need labels that do not come from the private notes; list them"
        )
    return problems


def gaps_in_guarantee(config: ResolvedRun) -> list[str]:
    """Why the synthetic corpus of a run is not private although its language model is; empty for none.

    Args:
        config: of the run.
    """
    if not config.adapt.private.is_on:
        return []
    synthesize = config.synthesize
    gaps = []
    if synthesize.endpoint.base_url is not None:
        gaps.append("synthesize.endpoint: a server writes the texts, not the adapted model")
    if synthesize.annotations != "inline":
        gaps.append(
            "synthesize.annotations: the gold model, which is not private, annotates the texts; inline needs none"
        )
    if synthesize.prompts.source == "validation":
        gaps.append("synthesize.prompts.source: prompts are words of real notes; use bos, or a file of invented ones")
    if synthesize.filters.mode == "reject":
        gaps.append("synthesize.filters.mode: filters read the training notes; use off")
    if synthesize.samples_per_prompt is None:
        gaps.append(
            "synthesize.samples_per_prompt: the number of texts follows the number of notes; set it to a number"
        )
    return gaps
