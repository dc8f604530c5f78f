"""A twin with canaries contradicts a training whose noise or clipping is not what it claims, and no honest one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from opacus.optimizers import optimizer as opacus_optimizer

from deidsynth.config import AdaptConfig, parse, resolve_adapt
from deidsynth.models.devices import Compute
from deidsynth.models.private.canary_run import CanaryLosses, canary_run
from deidsynth.models.private.training import Secrets
from deidsynth.privacy.audit.canaries import EndingSpace, make_canaries
from deidsynth.privacy.audit.figures import Measured
from tiny_models import NOTES

N = 240
GUESSED = 1 / 3


def less_noise(monkeypatch: pytest.MonkeyPatch) -> None:
    """The noise is a tenth of what is claimed."""
    honest = opacus_optimizer._generate_noise

    def small(std: float, **others: Any) -> Any:
        return honest(std=std / 10, **others)

    monkeypatch.setattr(opacus_optimizer, "_generate_noise", small)


def no_clipping(monkeypatch: pytest.MonkeyPatch) -> None:
    """Gradients are summed as they are."""

    def summed(self: Any) -> None:
        for weight in self.params:
            total = weight.grad_sample.sum(0)
            weight.summed_grad = total if weight.summed_grad is None else weight.summed_grad + total

    monkeypatch.setattr(opacus_optimizer.DPOptimizer, "clip_and_accumulate", summed)


def twin(base: Path, folder: Path) -> Measured:
    """What canaries show of one training; its claim is an epsilon of about two."""
    words = [f"w{number}" for number in range(1500)]
    made = make_canaries(N, words[:N], seed=1, space=EndingSpace(tuple(words), length=6))
    settings = {
        "base": str(base),
        "learning_rate": 0.01,
        "sequence_length": 16,
        "weight_decay": 0.0,
        "lora": {"r": 48, "alpha": 96},
        "private": {
            "noise_multiplier": 8.0,
            "sampling_rate": 0.5,
            "expected_batch": N / 4,
            "steps": 60,
            "max_gradient_norm": 0.01,
        },
    }
    config = resolve_adapt(parse(AdaptConfig, settings))
    losses = canary_run(NOTES[:4], made, config, Compute(1, "cpu", "fp32", folder), Secrets(1, 101))
    return losses.measured(guessed=GUESSED)


@pytest.mark.parametrize("mutate", [None, less_noise, no_clipping])
def test_only_mutants_contradict_the_claim(
    mutate: Any, word_model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if mutate is not None:
        mutate(monkeypatch)
    found = twin(word_model, tmp_path)
    assert found.train is not None and found.difference is not None
    assert found.held_out == pytest.approx(1.96, abs=0.02)
    assert (found.difference > 0) == (mutate is not None), found
    assert found.detectable is not None  # the honest one passes because it is, not because nothing could be seen
    assert sum(found.n) == N


def test_without_a_budget_canaries_give_an_exposure_and_no_contradiction(word_model: Path, tmp_path: Path) -> None:
    words = [f"w{number}" for number in range(1500)]
    made = make_canaries(24, words[:24], seed=1, space=EndingSpace(tuple(words), length=4))
    settings = {"base": str(word_model), "method": "lora", "epochs": 30, "learning_rate": 0.02, "validation": 0.0}
    settings |= {"sequence_length": 16, "batch_tokens": 64, "lora": {"r": 16, "alpha": 32}}
    config = resolve_adapt(parse(AdaptConfig, settings))
    losses: CanaryLosses = canary_run((), made, config, Compute(1, "cpu", "fp32", tmp_path))
    found = losses.measured()
    assert (found.held_out, found.difference) == (None, None)
    assert found.details["exposure_mean"] > 2
    assert not list(tmp_path.glob("*.safetensors"))
