"""Which weights a training of a tagger ends with."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch

from deidsynth.config import TrainConfig, resolve_train
from deidsynth.documents import LabelScheme
from deidsynth.models.devices import Compute
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.models.tagger.token_data import training_chunks
from deidsynth.models.tagger.training import train_tagger
from deidsynth.tagging import TagSet
from tiny_models import NOTES

TAGS = TagSet.of(LabelScheme(("CITY", "NAME")))


@pytest.mark.parametrize(("weight_averaging", "n_last"), [(0.0, 1), (0.5, 6), (0.05, 1)])
def test_the_mean_of_the_last_weights_is_kept(
    weight_averaging: float, n_last: int, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    asked = TrainConfig(
        encoder=str(tiny("modernbert")), epochs=2, batch_size=4, learning_rate=0.01, weight_averaging=weight_averaging
    )
    config = resolve_train(asked, language=None)
    torch.manual_seed(1)
    tagger = new_tagger(config, TAGS, (), "cpu")
    chunks = training_chunks(NOTES, tagger.tokenizer, TAGS, max_words=None, max_tokens=64)
    seen: list[dict[str, Any]] = []
    for point in train_tagger(tagger, chunks, config, Compute(1, "cpu", "fp32", tmp_path), {}):
        seen.append({name: weight.detach().clone() for name, weight in tagger.model.named_parameters()})
        assert point.n_steps == 12
    for name, weight in tagger.model.named_parameters():
        expected = torch.stack([weights[name] for weights in seen[-n_last:]]).mean(dim=0)
        torch.testing.assert_close(weight.detach(), expected, atol=1e-6, rtol=1e-5)


def test_the_best_epoch_is_no_mean(tiny: Callable[[str], Path], tmp_path: Path) -> None:
    asked = TrainConfig(encoder=str(tiny("modernbert")), epochs=2, batch_size=4, learning_rate=0.01)
    config = resolve_train(asked, language=None)
    tagger = new_tagger(config, TAGS, (), "cpu")
    chunks = training_chunks(NOTES, tagger.tokenizer, TAGS, max_words=None, max_tokens=64)
    seen = []

    def validate(_: object) -> float:
        seen.append({name: weight.detach().clone() for name, weight in tagger.model.named_parameters()})
        return 1.0 / len(seen)

    for _ in train_tagger(tagger, chunks, config, Compute(1, "cpu", "fp32", tmp_path), {}, validate=validate):
        pass
    assert len(seen) == 2
    assert all(torch.equal(weight, seen[0][name]) for name, weight in tagger.model.named_parameters())


@pytest.mark.parametrize(
    ("settings", "batch_size", "n_steps"),
    [
        ({"epochs": 2, "batch_size": 16}, 16, 4),
        ({"epochs": 2, "batch_size": 16, "min_steps": 4}, 12, 4),
        ({"epochs": 2, "batch_size": 16, "min_steps": 8}, 6, 8),
        ({"epochs": 2, "batch_size": 16, "min_steps": 30}, 4, 30),
        ({"epochs": 2, "batch_size": 2, "min_steps": 30}, 2, 30),
        ({"epochs": 9, "batch_size": 4, "min_steps": 30}, 4, 54),
    ],
)
def test_few_documents_get_smaller_batches_and_then_more_passes(
    settings: dict[str, Any], batch_size: int, n_steps: int, tiny: Callable[[str], Path], tmp_path: Path
) -> None:
    config = resolve_train(TrainConfig(encoder=str(tiny("modernbert")), **settings), language=None)
    tagger = new_tagger(config, TAGS, (), "cpu")
    chunks = training_chunks(NOTES, tagger.tokenizer, TAGS, max_words=None, max_tokens=62)
    assert len(chunks.examples) == 24
    points = list(train_tagger(tagger, chunks, config, Compute(1, "cpu", "fp32", tmp_path), {}))
    assert (len(points), points[-1].n_steps) == (n_steps, n_steps)
    assert points[-1].epoch == n_steps / -(-24 // batch_size)
