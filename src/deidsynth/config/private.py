"""Configuration of differentially private adaptation, and what its guarantee covers in a run.

Every number here is public: it is stated in the configuration and never computed from the private documents.
"""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, model_validator

from deidsynth.config.parsing import StageConfig

_Fraction = Annotated[float, Field(gt=0.0, lt=1.0)]

ADAPTATION_ONLY = "language model adaptation only: the corpus has no guarantee"
"""What a report says of a run whose language model is private and whose corpus is not."""


class PrivateConfig(StageConfig):
    """Differentially private adaptation: off unless ``epsilon`` or ``noise_multiplier`` is set."""

    epsilon: float | None = Field(
        None, gt=0.0, le=100.0, description="budget of one group of documents; the noise is computed from it"
    )
    noise_multiplier: float | None = Field(
        None,
        ge=0.1,
        le=10_000.0,
        description="standard deviation of the noise, as a multiple of max_gradient_norm; instead of epsilon",
    )
    delta: float = Field(
        1e-5, gt=0.0, lt=0.1, description="probability that the guarantee does not hold; less than 1 / patients"
    )
    sampling_rate: _Fraction = Field(
        0.1, description="probability that a group takes part in a step, independent of all others"
    )
    expected_batch: float = Field(
        48.0,
        gt=0.0,
        description="divisor of the summed gradients: sampling_rate times a public number of groups, whatever the "
        "corpus holds",
    )
    steps: int = Field(200, ge=1, le=1_000_000, description="number of optimizer steps")
    max_gradient_norm: float = Field(1.0, gt=0.0, description="to which the gradient of each group is clipped")
    labels: list[str] = Field(
        [], description="for adapt.annotations: inline: the labels of its tags; public, not those that the corpus has"
    )

    @property
    def is_on(self) -> bool:
        """Whether the adaptation is private."""
        return self.epsilon is not None or self.noise_multiplier is not None

    @model_validator(mode="after")
    def _one_budget(self) -> PrivateConfig:
        if self.epsilon is not None and self.noise_multiplier is not None:
            raise ValueError("epsilon and noise_multiplier state the same thing twice; leave one of them out")
        return self
