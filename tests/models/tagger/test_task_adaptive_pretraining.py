"""Masked-language training: what is hidden, and that it teaches the encoder that is kept."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from deidsynth.config import TrainConfig, parse, resolve_train
from deidsynth.documents import Corpus
from deidsynth.models.devices import Compute
from deidsynth.models.tagger.task_adaptive_pretraining import masked_batch, pretrain
from deidsynth.models.tagger.token_classifier import Tagger, new_tagger
from deidsynth.models.tagger.token_data import TrainingChunks, training_chunks
from deidsynth.models.training.loop import TrainingPoint
from deidsynth.tagging import IGNORED, TagSet
from tiny_models import NOTES

SETTINGS = {
    "batch_size": 4,
    "scratch": {"hidden_size": 32, "layers": 2, "vocabulary_size": 400},
    "encoder": "scratch",
    "task_adaptive_pretraining": {"epochs": 6, "learning_rate": 0.01},
}
CONFIG = resolve_train(parse(TrainConfig, SETTINGS), language=None)


def made() -> tuple[Tagger, TrainingChunks]:
    tags = TagSet.of(Corpus(NOTES).label_scheme())
    torch.manual_seed(1)
    tagger = new_tagger(CONFIG, tags, [document.text for document in NOTES])
    return tagger, training_chunks(NOTES, tagger.tokenizer, tags, max_words=128, max_tokens=tagger.window_tokens)


def test_a_share_of_the_ordinary_tokens_is_hidden_replaced_or_left() -> None:
    tagger, chunks = made()
    examples = list(chunks.examples) * 40
    batch = masked_batch(examples, tagger, 0.3, torch.Generator().manual_seed(1))
    special = torch.isin(batch.ids, torch.tensor(tagger.tokenizer.all_special_ids))
    target = batch.labels != IGNORED
    original = masked_batch(examples, tagger, 1e-9, torch.Generator().manual_seed(1))
    ordinary = original.mask.bool() & ~torch.isin(original.ids, torch.tensor(tagger.tokenizer.all_special_ids))
    assert 0.28 < float(target.sum() / ordinary.sum()) < 0.32
    hidden = batch.ids == tagger.tokenizer.mask_token_id
    assert bool((hidden <= target).all())  # nothing is hidden that is not asked for
    assert 0.77 < float(hidden.sum() / target.sum()) < 0.83
    left = target & (batch.ids == batch.labels)
    assert 0.08 < float(left.sum() / target.sum()) < 0.13
    assert not bool((target & (batch.mask == 0)).any())
    assert bool((special >= hidden).all())


def test_at_least_one_token_is_a_target() -> None:
    tagger, chunks = made()
    batch = masked_batch(chunks.examples[:1], tagger, 1e-9, torch.Generator().manual_seed(3))
    assert batch.n_targets == 1


def test_the_encoder_that_is_kept_learns_and_its_embeddings_do_too(tmp_path: Path) -> None:
    tagger, chunks = made()
    before = {name: weight.detach().clone() for name, weight in tagger.model.named_parameters()}
    points = list(pretrain(tagger, chunks.examples, CONFIG, Compute(1, "cpu", "fp32", tmp_path), {}))
    assert points[-1].step == points[-1].n_steps == len(points)
    assert sum(point.train_loss for point in points[-5:]) < 0.8 * sum(point.train_loss for point in points[:5])
    moved = {name for name, weight in tagger.model.named_parameters() if not torch.equal(before[name], weight)}
    assert {name for name in before if name.startswith("model.embeddings")} <= moved
    assert not {name for name in before if name.startswith("classifier")} & moved


@pytest.mark.parametrize("kind", ["bert", "roberta", "modernbert"])
def test_any_encoder_can_fill_in_hidden_tokens_first(kind: str, tiny: Callable[[str], Path], tmp_path: Path) -> None:
    changes = {
        "encoder": str(tiny(kind)),
        "task_adaptive_pretraining": {"epochs": 4, "learning_rate": 1e-3, "masked_share": 0.3},
    }
    config = resolve_train(parse(TrainConfig, {**SETTINGS, **changes}), language=None)
    tags = TagSet.of(Corpus(NOTES).label_scheme())
    torch.manual_seed(1)
    tagger = new_tagger(config, tags, [])
    chunks = training_chunks(NOTES, tagger.tokenizer, tags, max_words=128, max_tokens=tagger.window_tokens)
    before = {name: weight.detach().clone() for name, weight in tagger.model.named_parameters()}
    points = list(pretrain(tagger, chunks.examples, config, Compute(1, "cpu", "fp32", tmp_path), {}))
    assert sum(point.train_loss for point in points[-3:]) < sum(point.train_loss for point in points[:3])
    moved = {name for name, weight in tagger.model.named_parameters() if not torch.equal(before[name], weight)}
    assert any("embeddings" in name for name in moved) and any(".0." in name for name in moved)
    assert not {name for name in before if name.startswith("classifier")} & moved


def test_texts_without_labels_are_mixed_in(tmp_path: Path) -> None:
    tagger, chunks = made()
    config = CONFIG.model_copy(
        update={
            "task_adaptive_pretraining": CONFIG.task_adaptive_pretraining.model_copy(
                update={"epochs": 1.5, "unlabeled_epochs": 2.0}
            )
        }
    )
    own, other = chunks.examples[:4], chunks.examples[4:10]
    points = list(pretrain(tagger, own, config, Compute(1, "cpu", "fp32", tmp_path), {}, other))
    # One and a half passes over four chunks and two over six, four chunks in a step.
    assert [point.n_steps for point in points] == [5] * 5


def pretrained(folder: Path, n_copies: int = 1, unlabeled: int = 0, **settings: float) -> list[TrainingPoint]:
    """Points of a pretraining on eight chunks, two steps a pass."""
    tagger, chunks = made()
    pretraining = CONFIG.task_adaptive_pretraining.model_copy(update=settings)
    config = CONFIG.model_copy(update={"task_adaptive_pretraining": pretraining})
    texts = chunks.examples[8 : 8 + unlabeled]
    compute = Compute(1, "cpu", "fp32", folder)
    return list(pretrain(tagger, chunks.examples[:8], config, compute, {}, texts, n_copies))


@pytest.mark.parametrize(("max_steps", "n_copies", "expected"), [(0, 1, 6), (4, 1, 4), (1, 1, 2), (1, 2, 1)])
def test_a_limit_of_steps_leaves_one_whole_pass(max_steps: int, n_copies: int, expected: int, tmp_path: Path) -> None:
    points = pretrained(tmp_path, n_copies, epochs=3.0 * n_copies, max_steps=max_steps)
    assert len(points) == expected  # two steps take a pass over eight chunks, one over four that stand there twice


@pytest.mark.parametrize(
    ("min_steps", "max_steps", "unlabeled", "expected"),
    [(0, 0, 0, 6), (5, 0, 0, 6), (9, 0, 0, 9), (9, 7, 0, 7), (9, 20, 0, 9), (9, 7, 4, 9), (0, 7, 4, 7)],
)
def test_few_documents_get_more_passes_up_to_the_limit(
    min_steps: int, max_steps: int, unlabeled: int, expected: int, tmp_path: Path
) -> None:
    points = pretrained(tmp_path, unlabeled=unlabeled, epochs=3.0, min_steps=min_steps, max_steps=max_steps)
    assert (len(points), points[-1].n_steps) == (expected, expected)
    assert points[-1].epoch == expected / (7 if unlabeled else 2)


def test_a_minimum_below_the_passes_changes_no_loss(tmp_path: Path) -> None:
    plain, least = (pretrained(tmp_path / str(n), epochs=3.0, min_steps=n) for n in (0, 6))
    assert [point.train_loss for point in plain] == [point.train_loss for point in least]
