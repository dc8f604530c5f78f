"""Memory of an adaptation is predicted, and micro-batches are made to fit it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch

from deidsynth.config import AdaptConfig, LoraConfig, ResolvedAdaptConfig, resolve_adapt
from deidsynth.errors import InputError
from deidsynth.models.devices import Compute
from deidsynth.models.language_model import causal_lm, memory
from deidsynth.models.language_model.adaptation import TokenSplit, adapt_to_tokens
from deidsynth.models.language_model.causal_lm import Adaptable, adaptable_model, loss_sum
from deidsynth.models.language_model.memory import PredictedMemory, predict
from deidsynth.models.language_model.packing import Packed, SpecialTokenIds, pack, token_ids
from deidsynth.models.training.memory import state_bytes
from tiny_models import TEXTS

Tiny = Callable[[str], Path]
LENGTH = 64


def configured(base: Path, **settings: object) -> ResolvedAdaptConfig:
    asked = {"base": str(base), "lora": LoraConfig(r=2, alpha=4, dropout=0.0), "epochs": 1.0, "batch_tokens": 512}
    return resolve_adapt(AdaptConfig(sequence_length=LENGTH, validation=0.0, **asked | settings))


def prepared(config: ResolvedAdaptConfig) -> tuple[Adaptable, list[list[int]]]:
    torch.manual_seed(1)
    made = adaptable_model(config, TEXTS, "cpu")
    for module in made.model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
    # Long and short documents, so that rows have many and few pairs of tokens.
    long = token_ids(made.tokenizer, " ".join(TEXTS[:4]))[: LENGTH - 1]
    return made, [long] * 14 + [token_ids(made.tokenizer, text)[:9] for text in TEXTS]


def held_bytes(model: torch.nn.Module, rows: Packed) -> int:
    """Bytes that a forward pass really keeps, beside the weights."""
    weights = {each.untyped_storage().data_ptr() for each in (*model.parameters(), *model.buffers())}
    kept: dict[int, torch.Tensor] = {}

    def keep(saved: torch.Tensor) -> torch.Tensor:
        kept[saved.untyped_storage().data_ptr()] = saved
        return saved

    model.train()
    with torch.autograd.graph.saved_tensors_hooks(keep, lambda saved: saved):
        loss = loss_sum(model, rows)
    assert loss.requires_grad
    return sum(each.untyped_storage().nbytes() for place, each in kept.items() if place not in weights)


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom"])
def test_what_rows_keep_is_predicted(kind: str, method: str, tiny: Tiny, tmp_path: Path) -> None:
    made, documents = prepared(configured(tiny(kind), method=method))
    rows = pack(documents, SpecialTokenIds.of(made.tokenizer), LENGTH)
    states = state_bytes(made.model, muon=False)
    predicted = predict(made.model, rows, len(rows), states, Compute(1, "cpu", "fp32", tmp_path))
    assert predicted.rows == tuple(sorted(predicted.rows, reverse=True))
    order = rows.positions.sum(1).argsort(descending=True).tolist()
    vocabulary = made.model.get_output_embeddings().weight.shape[0]
    for n_rows in (1, 3, len(rows)):
        chosen = rows.rows(order[:n_rows])
        logits = 4 * chosen.labels.numel() * vocabulary  # kept of the loss
        held = held_bytes(made.model, chosen) - logits
        assert predicted.fixed + sum(predicted.rows[:n_rows]) == pytest.approx(held, rel=0.25)
    assert predicted.peak(len(rows)) > predicted.peak(1) > states


def test_checkpointing_and_an_adapter_are_predicted_to_take_less(tiny: Tiny, tmp_path: Path) -> None:
    def peak(**settings: object) -> int:
        config = configured(tiny("llama"), **settings)
        made, documents = prepared(config)
        rows = pack(documents, SpecialTokenIds.of(made.tokenizer), LENGTH)
        states = state_bytes(made.model, muon=False)
        flags = [getattr(each, "gradient_checkpointing", None) for each in made.model.modules()]
        found = predict(made.model, rows, 8, states, Compute(1, "cpu", "fp32", tmp_path)).peak(8)
        assert [getattr(each, "gradient_checkpointing", None) for each in made.model.modules()] == flags
        return found

    assert peak(method="full", gradient_checkpointing=True) < peak(method="full")
    assert peak(method="lora") < peak(method="full")


def test_logits_are_predicted_in_the_chunks_they_are_made_in(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made, documents = prepared(configured(tiny("llama"), method="full"))
    rows = pack(documents, SpecialTokenIds.of(made.tokenizer), LENGTH)
    width, vocabulary = rows.trimmed().ids.shape[1], made.model.get_output_embeddings().weight.shape[0]
    states = state_bytes(made.model, muon=False)
    predicted = predict(made.model, rows, len(rows), states, Compute(1, "cpu", "fp32", tmp_path))
    a_place = memory.BYTES_PER_LOGIT * vocabulary
    assert [predicted.logits(n_rows) for n_rows in (1, 2, 8)] == [n_rows * width * a_place for n_rows in (1, 2, 8)]
    chunk = 2 * width - 1
    monkeypatch.setattr(causal_lm, "MOST_LOGITS", chunk * vocabulary)
    assert [predicted.logits(n_rows) for n_rows in (1, 2, 8)] == [width * a_place, chunk * a_place, chunk * a_place]


def test_the_peak_has_what_is_kept_and_the_larger_of_one_layer_and_the_logits() -> None:
    predicted = PredictedMemory(100, 10, (40, 30), 2, False, 5, lambda n_rows: 7 * n_rows, 1.0)
    assert predicted.peak(1) == 100 + 10 + 40 + 20
    assert predicted.peak(2) == 100 + 10 + 70 + 35
    checkpointed = PredictedMemory(100, 10, (40, 30), 2, True, 5, lambda n_rows: 70 * n_rows, 1.0)
    assert checkpointed.peak(2) == 100 + 10 + 2 * 5 + 35 + 140


@pytest.fixture
def with_room_for(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Sets how many rows the memory has room for, whatever the model."""

    def limit(n_rows: int) -> None:
        def peak(self: PredictedMemory, wanted: int) -> int:
            return 1000 * (wanted - n_rows) + 10**9

        monkeypatch.setattr(memory, "available_bytes", lambda _: int(10**9 / memory.SHARE) + 1)
        monkeypatch.setattr(PredictedMemory, "peak", peak)

    return limit


def adapted(
    config: ResolvedAdaptConfig, folder: Path, remembered: dict[str, object] | None = None
) -> tuple[list[float], list[int], list[str]]:
    """Losses, rows of each forward pass, and what was told."""
    made, documents = prepared(config)
    sizes: list[int] = []
    told: list[str] = []
    folder.mkdir(exist_ok=True)
    compute = Compute(1, "cpu", "fp32", folder)
    points = adapt_to_tokens(made, TokenSplit(documents, (), 0), config, compute, remembered or {}, told.append)
    first = next(points)
    made.model.register_forward_pre_hook(lambda _, __, given: sizes.append(len(given["input_ids"])), with_kwargs=True)
    return [first.train_loss, *(point.train_loss for point in points)], sizes, told


def test_a_step_is_divided_into_rows_that_fit_with_the_same_result(
    tiny: Tiny, tmp_path: Path, with_room_for: Callable[[int], None]
) -> None:
    config = configured(tiny("llama"), method="full")
    before = config.model_dump()
    losses, sizes, told = adapted(config, tmp_path / "whole")
    assert (max(sizes), told) == (8, [])
    for n_rows in (3, 1):
        with_room_for(n_rows)
        others, sizes, told = adapted(config, tmp_path / str(n_rows))
        assert max(sizes) == n_rows
        assert others == pytest.approx(losses, rel=1e-4)
        assert told == [
            f"adapt: forward passes of {n_rows * LENGTH} tokens instead of 512, so that they are predicted to fit the "
            "1.1 GB available on cpu"
        ]
    assert config.model_dump() == before


def test_without_room_for_a_row_it_is_said_what_to_lower(
    tiny: Tiny, tmp_path: Path, with_room_for: Callable[[int], None]
) -> None:
    with_room_for(0)
    with pytest.raises(InputError, match=r"1\.0 GB of memory are predicted.*1\.1 GB are available on cpu") as error:
        adapted(configured(tiny("llama"), method="full"), tmp_path)
    assert error.value.exit_code == 2
    for remedy in ("gradient_checkpointing: true", "sequence_length", "method: lora", "smaller base model"):
        assert remedy in str(error.value)
    with pytest.raises(InputError) as error:
        adapted(configured(tiny("llama"), method="lora", gradient_checkpointing=True), tmp_path)
    assert not any(word in str(error.value) for word in ("gradient_checkpointing", "method: lora"))


def test_states_without_room_are_told_before_any_forward_pass(
    tiny: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda _: 1000)
    monkeypatch.setattr(memory, "predict", lambda *_: pytest.fail("a forward pass"))
    with pytest.raises(InputError, match="for the weights that are trained, and 0.0 GB are available"):
        adapted(configured(tiny("llama"), method="full"), tmp_path)


def test_micro_batches_that_were_set_are_obeyed_with_a_warning(
    tiny: Tiny, tmp_path: Path, with_room_for: Callable[[int], None]
) -> None:
    config = configured(tiny("llama"), method="full", micro_batch_tokens=2 * LENGTH)
    with_room_for(2)
    _, sizes, told = adapted(config, tmp_path / "fits")
    assert (set(sizes), told) == ({2}, [])
    with_room_for(1)
    _, sizes, told = adapted(config, tmp_path / "tight")
    assert set(sizes) == {2}
    assert len(told) == 1
    assert told[0].startswith("warning: adapt.micro_batch_tokens: 128: 1.0 GB more are predicted to be needed")
    assert "gradient_checkpointing: true" in told[0]


def test_a_resumed_training_divides_its_steps_as_before(
    tiny: Tiny, tmp_path: Path, with_room_for: Callable[[int], None]
) -> None:
    config = configured(tiny("llama"), method="full")
    assert max(adapted(config, tmp_path / "one", {"micro_batch_tokens": 2 * LENGTH})[1]) == 2
    with_room_for(1)  # less than before
    assert max(adapted(config, tmp_path / "other", {"micro_batch_tokens": 2 * LENGTH})[1]) == 1


def test_documents_in_rows_of_their_own_share_the_limit_of_logits(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    made, documents = prepared(configured(tiny("bloom"), method="full"))
    rows = pack(documents, SpecialTokenIds.of(made.tokenizer), LENGTH)
    whole = loss_sum(made.model, rows)
    n_logits = rows.labels.numel() * made.model.get_output_embeddings().weight.shape[0]
    before = held_bytes(made.model, rows)
    monkeypatch.setattr(causal_lm, "MOST_LOGITS", n_logits // 2)  # each batch is below it, all together are above
    assert before - held_bytes(made.model, rows) > n_logits
    assert float(loss_sum(made.model, rows)) == pytest.approx(float(whole), rel=1e-5)
