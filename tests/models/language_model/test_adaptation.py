"""Settings that bound memory change the memory alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Generator
from pathlib import Path

import pytest
import torch

from deidsynth.config import AdaptConfig, LoraConfig, resolve_adapt
from deidsynth.models.devices import Compute
from deidsynth.models.language_model import adaptation, causal_lm
from deidsynth.models.language_model.adaptation import TokenSplit, adapt_to_tokens
from deidsynth.models.language_model.causal_lm import adaptable_model
from deidsynth.models.language_model.packing import SpecialTokenIds
from deidsynth.models.training.loop import CHECKPOINT, TrainingPoint
from tiny_models import TEXTS

Tiny = Callable[[str], Path]


def adapted(base: Path, folder: Path, **settings: object) -> tuple[list[float], dict[str, torch.Tensor]]:
    """Losses and trained weights of two passes."""
    asked = {"base": str(base), "lora": LoraConfig(r=2, alpha=4), "epochs": 2.0, "batch_tokens": 128} | settings
    config = resolve_adapt(AdaptConfig(sequence_length=32, validation=0.0, weight_decay=0.0, **asked))
    torch.manual_seed(1)
    made = adaptable_model(config, TEXTS, "cpu")
    for module in made.model.modules():  # each micro-batch would draw its own
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    made.model.config.attn_pdrop = 0.0
    ids = [made.tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
    points = list(adapt_to_tokens(made, TokenSplit(ids, (), 0), config, Compute(1, "cpu", "fp32", folder), {}))
    weights = {name: each.detach().clone() for name, each in made.model.named_parameters() if each.requires_grad}
    return [point.train_loss for point in points], weights


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom"])
def test_memory_is_saved_without_another_result(kind: str, method: str, tiny: Tiny, tmp_path: Path) -> None:
    losses, weights = adapted(tiny(kind), tmp_path / "whole", method=method)
    assert len(losses) > 2
    for number, settings in enumerate(({"micro_batch_tokens": 32}, {"gradient_checkpointing": True})):
        others, others_weights = adapted(tiny(kind), tmp_path / str(number), method=method, **settings)
        assert others == pytest.approx(losses, rel=1e-4)
        for name, weight in weights.items():
            assert torch.allclose(weight, others_weights[name], atol=2e-4), name


def test_epochs_take_copies_in_turn_and_have_as_many_steps(tiny: Tiny, tmp_path: Path) -> None:
    config = resolve_adapt(
        AdaptConfig(base=str(tiny("llama")), sequence_length=32, batch_tokens=64, epochs=2.5, weight_decay=0.0)
    )

    def steps(n_copies: int) -> list[set[int]]:
        seen: list[set[int]] = []
        torch.manual_seed(1)
        made = adaptable_model(config, TEXTS, "cpu")
        made.model.register_forward_pre_hook(
            lambda _, __, given: seen.append({int(each) for each in given["input_ids"].unique()}), with_kwargs=True
        )
        # A copy is told by its own token; each of its documents fills a row.
        copies = [[[100 + copy] * 30 for _ in range(8)] for copy in range(n_copies)]
        tokens = TokenSplit(copies[0], (), 0, copies[1:])
        compute = Compute(1, "cpu", "fp32", tmp_path / str(n_copies))
        assert len(list(adapt_to_tokens(made, tokens, config, compute, {}))) == 10
        read = [ids & set(range(100, 100 + n_copies)) for ids in seen]
        return [ids for ids in read if ids]

    assert steps(1) == [{100}] * 10
    assert steps(3) == [{100}] * 4 + [{101}] * 4 + [{102}] * 2


def test_few_documents_get_more_passes(tiny: Tiny, tmp_path: Path) -> None:
    base = tiny("llama")
    losses, weights = adapted(base, tmp_path / "plain")
    n_steps = len(losses)
    same, same_weights = adapted(base, tmp_path / "below", min_steps=n_steps)
    assert same == losses and all(torch.equal(weight, same_weights[name]) for name, weight in weights.items())
    more, _ = adapted(base, tmp_path / "above", min_steps=3 * n_steps + 1)
    passes, _ = adapted(base, tmp_path / "passes", epochs=2.0 * (3 * n_steps + 1) / n_steps)
    assert len(more) == 3 * n_steps + 1 and more == passes, "the schedule is that of as many passes"
    assert more[-1] < losses[-1]


def test_checkpointing_computes_layers_again(tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    n_forward = {False: 0, True: 0}

    def counted(*arguments: object, **named: object) -> None:
        n_forward[flag] += 1

    made = causal_lm.adaptable_model
    for flag in n_forward:

        def watched(*arguments: object, **named: object) -> causal_lm.Adaptable:
            adaptable = made(*arguments, **named)
            adaptable.model.model.layers[0].mlp.register_forward_pre_hook(counted)
            return adaptable

        monkeypatch.setitem(globals(), "adaptable_model", watched)
        adapted(tiny("llama"), tmp_path / str(flag), method="full", gradient_checkpointing=flag)
    assert n_forward[True] > n_forward[False]


def test_a_checkpoint_of_lora_holds_the_adapter_and_a_resumed_training_its_weights(tiny: Tiny, tmp_path: Path) -> None:
    config = resolve_adapt(
        AdaptConfig(
            base=str(tiny("llama")),
            method="lora",
            lora=LoraConfig(r=2, alpha=4),
            epochs=2.0,
            batch_tokens=128,
            sequence_length=32,
            checkpoint_seconds=0.0,
        )
    )

    def points(folder: Path) -> tuple[Generator[TrainingPoint, None, None], torch.nn.Module]:
        folder.mkdir(exist_ok=True)
        torch.manual_seed(1)
        made = adaptable_model(config, TEXTS, "cpu")
        ids = [made.tokenizer(text, add_special_tokens=False)["input_ids"] for text in TEXTS]
        compute = Compute(1, "cpu", "fp32", folder)
        return adapt_to_tokens(made, TokenSplit(ids, (), 0), config, compute, {}), made.model

    undisturbed, model = points(tmp_path / "whole")
    n_steps = len(list(undisturbed))
    killed, other = points(tmp_path / "killed")
    for _ in range(3):
        next(killed)  # the checkpoint of a step is written after the caller has seen it
    killed.close()
    path = tmp_path / "killed" / CHECKPOINT
    trained = sum(weight.nbytes for weight in other.parameters() if weight.requires_grad)
    everything = sum(weight.nbytes for weight in other.parameters())
    stored = torch.load(path, weights_only=True)
    assert {name for name in stored["weights"] if "lora_" not in name} == set()
    assert stored["step"] == 2
    assert 3 * trained < path.stat().st_size < 3 * trained + everything / 2  # the adapter and its two moments
    resumed, third = points(tmp_path / "killed")
    assert len(list(resumed)) == n_steps - 2
    for one, same in zip(model.parameters(), third.parameters(), strict=True):
        assert torch.equal(one, same)


def test_the_order_of_an_epoch_is_shuffled_once_and_is_that_of_shuffling_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    documents = [[10 + number] * 7 for number in range(23)]  # a row each
    epochs = adaptation._Epochs([documents], SpecialTokenIds(1, 2, 0), 8, 4, seed=5, n_processes=1)
    shuffled: list[str] = []
    orders = []
    for epoch in range(3):
        anew = list(range(23))
        random.Random(f"5/{epoch}").shuffle(anew)
        orders.append(anew)

    class Watched(random.Random):
        def __init__(self, seed: str) -> None:
            shuffled.append(seed)
            super().__init__(seed)

    monkeypatch.setattr(adaptation.random, "Random", Watched)
    for epoch, anew in enumerate(orders):
        read = [
            int(row[1]) - 10 for step in range(6) for batch in epochs.batches(6 * epoch + step, 16) for row in batch.ids
        ]
        packed = [int(row[1]) - 10 for row in epochs.rows.ids]
        assert read == [packed[number] for number in anew]
    assert shuffled == ["5/0", "5/1", "5/2"]
