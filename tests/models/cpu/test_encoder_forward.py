"""Our forward pass of ModernBERT-type taggers against that of transformers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from transformers import ModernBertConfig, ModernBertForTokenClassification

from deidsynth.config import TrainConfig
from deidsynth.documents import LabelScheme
from deidsynth.models.cpu.encoder_forward import EncoderForward, token_scores
from deidsynth.models.devices import autocast
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.tagging import TagSet

TAGS = TagSet.of(LabelScheme(("CITY", "NAME")))
LENGTHS = [(200,), (1,), (64, 64), (3, 150, 64), (130, 129, 1)]


def batch(lengths: tuple[int, ...], seed: int = 1) -> tuple[Tensor, Tensor]:
    ids = torch.randint(5, 60, (len(lengths), max(lengths)), generator=torch.Generator().manual_seed(seed))
    return ids, (torch.arange(max(lengths)) < torch.tensor(lengths)[:, None]).long()


def random_model(**settings: Any) -> ModernBertForTokenClassification:
    """Weights as drawn, biases too, larger than usual so that a wrong one shows."""
    torch.manual_seed(1)
    shape = {
        "vocab_size": 64, "hidden_size": 48, "intermediate_size": 32, "num_hidden_layers": 4, "num_attention_heads": 3,
        "local_attention": 20, "global_attn_every_n_layers": 2, "max_position_embeddings": 256, "pad_token_id": 0,
        "bos_token_id": 1, "eos_token_id": 2, "cls_token_id": 1, "sep_token_id": 2, "num_labels": 5,
        "attn_implementation": "eager",
    }  # fmt: skip
    model = ModernBertForTokenClassification(ModernBertConfig(**{**shape, **settings}))
    for weight in model.parameters():
        nn.init.normal_(weight, 0.5 if weight.ndim == 1 else 0.0, 0.2)
    return model.eval()


def assert_same(model: ModernBertForTokenClassification, forward: EncoderForward, lengths: tuple[int, ...]) -> None:
    ids, mask = batch(lengths)
    with torch.inference_mode():
        expected, found = model(input_ids=ids, attention_mask=mask).logits, forward(ids, lengths)
    for row, length in enumerate(lengths):
        torch.testing.assert_close(found[row, :length], expected[row, :length], atol=2e-5, rtol=1e-4)


@pytest.mark.parametrize("lengths", LENGTHS)
def test_scores_are_those_of_transformers(lengths: tuple[int, ...]) -> None:
    model = random_model()
    assert_same(model, EncoderForward(model, torch.float32), lengths)


@pytest.mark.parametrize(
    "settings",
    [
        {"attention_bias": True, "mlp_bias": True, "norm_bias": True, "classifier_bias": True},
        {"hidden_activation": "silu", "classifier_activation": "relu"},
        {"local_attention": 128},
        {"global_attn_every_n_layers": 1},
        {"num_attention_heads": 1},
    ],
)
def test_whatever_the_shape(settings: dict[str, Any]) -> None:
    model = random_model(**settings)
    assert_same(model, EncoderForward(model, torch.float32), (3, 150, 64))


def test_what_was_computed_before_leaves_no_trace() -> None:
    model = random_model()
    forward = EncoderForward(model, torch.float32)
    for lengths in ((200, 190), (3, 150, 64), (7,), (90, 10)):
        assert_same(model, forward, lengths)


def test_in_bfloat16_it_is_about_as_near_to_float32_as_autocast_is() -> None:
    model, lengths = random_model(), (150, 120)
    ids, mask = batch(lengths)
    with torch.inference_mode():
        exact = torch.log_softmax(model(input_ids=ids, attention_mask=mask).logits, dim=-1)
        ours = EncoderForward(model, torch.bfloat16)(ids, lengths).float()
        with autocast("cpu", "bf16"):
            theirs = model(input_ids=ids, attention_mask=mask).logits.float()
    divergence = [
        (exact.exp() * (exact - torch.log_softmax(each, dim=-1))).sum(dim=-1)[mask.bool()].mean()
        for each in (ours, theirs)
    ]
    assert 0.0 < divergence[0] <= 1.5 * divergence[1]


def test_a_tagger_as_it_is_trained(tiny: Callable[[str], Path]) -> None:
    model = new_tagger(TrainConfig(encoder=str(tiny("modernbert"))), TAGS, (), "cpu").model.eval()
    model.set_attn_implementation("eager")
    scores = token_scores(model, "cpu", "fp32")
    assert isinstance(scores, EncoderForward)
    assert_same(model, scores, (3, 150, 64))


def test_other_models_compute_themselves() -> None:
    class Other(nn.Module):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
            return SimpleNamespace(logits=torch.stack([input_ids, attention_mask], dim=-1))

    scores = token_scores(Other(), "cpu", "fp32")(torch.tensor([[5, 6], [7, 0]]), (2, 1))
    assert scores.tolist() == [[[5, 1], [6, 1]], [[7, 1], [0, 0]]]
