"""DP-SGD against its definition: clipped gradients, one divisor, noise; and the adapter that it trains."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from deidsynth.config import AdaptConfig, ResolvedAdaptConfig, parse, resolve_adapt
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.devices import Compute
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.language_model.causal_lm import Adaptable, load_causal_lm
from deidsynth.models.language_model.packing import SpecialTokenIds, token_ids
from deidsynth.models.private import training
from deidsynth.models.private.adapter import check_only_adapters_train, private_adapter, public_tokens
from deidsynth.models.private.training import Secrets, padded, private_steps, row_losses
from tiny_models import TEXTS, llama_model, llama_tokenizer

Tiny = Callable[[str], Path]


def config_of(base: Path, **settings: Any) -> ResolvedAdaptConfig:
    private = {"noise_multiplier": 1.0, "sampling_rate": 0.5, "expected_batch": 6.0, "steps": 4}
    private |= settings.pop("private", {})
    asked = {"base": str(base), "lora": {"r": 2, "alpha": 4}, "sequence_length": 24, "private": private} | settings
    return resolve_adapt(parse(AdaptConfig, asked))


def made_of(config: ResolvedAdaptConfig, added: AddedTokens | None = None) -> Adaptable:
    torch.manual_seed(1)
    return private_adapter(config, added or AddedTokens(), "cpu")


def groups_of(made: Adaptable, texts: Sequence[str] = TEXTS[:12]) -> list[list[list[int]]]:
    return [[token_ids(made.tokenizer, text)] for text in texts]


def trained(
    made: Adaptable, config: ResolvedAdaptConfig, groups: Sequence[Sequence[Sequence[int]]], noise: float = 0.0
) -> list[float]:
    special, compute = SpecialTokenIds.of(made.tokenizer), Compute(1, "cpu", "fp32", Path())
    steps = private_steps(made.model, groups, special, config, noise, compute, Secrets(5, 6))
    return [point.train_loss for point in steps]


def weights_of(model: nn.Module) -> dict[str, torch.Tensor]:
    return {name: weight.detach().clone() for name, weight in model.named_parameters()}


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom"])
def test_both_matrices_of_every_layer_move_and_nothing_else(kind: str, tiny: Tiny) -> None:
    config = config_of(tiny(kind), learning_rate=0.01)
    made = made_of(config)
    before = weights_of(made.model)
    trained(made, config, groups_of(made))
    moved = {name for name, weight in weights_of(made.model).items() if not torch.equal(weight, before[name])}
    matrices = {name for name in before if "lora_A" in name or "lora_B" in name}
    assert moved == matrices and matrices
    assert all(weight.requires_grad == (name in matrices) for name, weight in made.model.named_parameters())


def test_the_saved_adapter_is_the_trained_model(tiny: Tiny, tmp_path: Path) -> None:
    config = config_of(tiny("llama"), learning_rate=0.05)
    made = made_of(config)
    ids = torch.tensor([[1, 5, 9, 14, 20]])
    untrained = made.model.eval()(input_ids=ids).logits
    trained(made, config, groups_of(made))
    wanted = made.model.eval()(input_ids=ids).logits
    made.model.save_pretrained(tmp_path)
    made.tokenizer.save_pretrained(tmp_path)
    loaded, _ = load_causal_lm(str(tmp_path), "cpu", "fp32")
    found = loaded(input_ids=ids).logits
    assert torch.allclose(found, wanted, atol=1e-4)
    assert not torch.allclose(found, untrained, atol=1e-2)


def sums(monkeypatch: pytest.MonkeyPatch) -> list[dict[int, torch.Tensor]]:
    """The gradients that AdamW gets, step by step."""
    seen: list[dict[int, torch.Tensor]] = []
    whole = torch.optim.AdamW.step

    def watched(self: Any, *arguments: Any, **named: Any) -> Any:
        weights = [weight for group in self.param_groups for weight in group["params"]]
        seen.append({number: weight.grad.detach().clone() for number, weight in enumerate(weights)})
        return whole(self, *arguments, **named)

    monkeypatch.setattr(torch.optim.AdamW, "step", watched)
    return seen


def by_definition(
    made: Adaptable, config: ResolvedAdaptConfig, documents: Sequence[Sequence[int]]
) -> dict[int, torch.Tensor]:
    """The sum of clipped gradients over the divisor, one document at a time."""
    weights = [weight for weight in made.model.parameters() if weight.requires_grad]
    total = [torch.zeros_like(weight) for weight in weights]
    norm, special = config.private.max_gradient_norm, SpecialTokenIds.of(made.tokenizer)
    for document in documents:
        loss = row_losses(made.model.train(), *padded([document], special, config.sequence_length)).sum()
        gradients = torch.autograd.grad(loss, weights)
        size = torch.stack([gradient.norm() for gradient in gradients]).norm()
        for place, gradient in zip(total, gradients, strict=True):
            place += gradient * min(1.0, norm / (float(size) + 1e-6))
    return {number: place / config.private.expected_batch for number, place in enumerate(total)}


@pytest.mark.parametrize("micro_batch_tokens", [16, 100_000])
@pytest.mark.parametrize("norm", [0.05, 1000.0])
def test_gradients_are_those_of_the_definition(
    norm: float, micro_batch_tokens: int, tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    private = {"steps": 1, "sampling_rate": 0.999999, "max_gradient_norm": norm}
    config = config_of(tiny("llama"), private=private, micro_batch_tokens=micro_batch_tokens)
    made = made_of(config)
    groups = groups_of(made, [TEXTS[0], TEXTS[1][:30], TEXTS[2][:9], TEXTS[3]])
    wanted = by_definition(made, config, [documents[0] for documents in groups])
    seen = sums(monkeypatch)
    trained(made, config, groups)
    assert len(seen) == 1
    for number, gradient in wanted.items():
        assert torch.allclose(seen[0][number], gradient, atol=1e-5, rtol=1e-3)


def test_one_group_changes_the_sum_by_no_more_than_the_clipping_norm(
    tiny: Tiny, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And the divisor is the same for any number of groups."""
    private = {"steps": 1, "sampling_rate": 0.999999, "max_gradient_norm": 0.1}
    config = config_of(tiny("llama"), private=private)
    found = []
    for n_groups in (1, 4, 5, 12):
        made = made_of(config)
        seen = sums(monkeypatch)
        trained(made, config, groups_of(made, TEXTS[:n_groups]))
        found.append(torch.cat([gradient.flatten() for gradient in seen[0].values()]) * 6.0)
        monkeypatch.undo()
    assert float(found[0].norm()) == pytest.approx(0.1, rel=1e-3)
    assert float((found[2] - found[1]).norm()) == pytest.approx(0.1, rel=1e-3)
    assert float(found[3].norm()) <= 1.2001


def test_a_step_without_groups_has_noise_of_the_stated_size(tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    private = {"steps": 3, "sampling_rate": 1e-9, "max_gradient_norm": 0.5}
    config = config_of(tiny("llama"), private=private)
    made = made_of(config)
    seen = sums(monkeypatch)
    losses = trained(made, config, groups_of(made), noise=2.0)
    assert losses == [0.0, 0.0, 0.0]
    for gradients in seen:
        noise = torch.cat([gradient.flatten() for gradient in gradients.values()])
        assert float(noise.std()) == pytest.approx(2.0 * 0.5 / 6.0, rel=0.05)
        assert abs(float(noise.mean())) < 0.01


def test_seeds_of_noise_and_batches_are_drawn_anew_and_not_shown(tiny: Tiny) -> None:
    assert Secrets.drawn() != Secrets.drawn()
    assert repr(Secrets(123, 456)) == "Secrets()"
    config, results = config_of(tiny("llama")), []
    for _ in range(2):
        made = made_of(config)
        special, compute = SpecialTokenIds.of(made.tokenizer), Compute(1, "cpu", "fp32", Path())
        list(private_steps(made.model, groups_of(made), special, config, 1.0, compute))
        results.append(weights_of(made.model))
    assert any(not torch.equal(results[0][name], results[1][name]) for name in results[0])


def test_afterwards_the_model_is_an_ordinary_one(tiny: Tiny) -> None:
    config = config_of(tiny("llama"))
    made = made_of(config)
    trained(made, config, groups_of(made))
    assert not any(hasattr(weight, "grad_sample") for weight in made.model.parameters())
    assert not any(module._forward_hooks or module._backward_hooks for module in made.model.modules())


@pytest.fixture
def tied(tmp_path: Path) -> Path:
    """A model whose output layer is its embeddings."""
    tokenizer = llama_tokenizer()
    torch.manual_seed(7)
    model = llama_model(len(tokenizer))
    model.config.tie_word_embeddings = True
    model.tie_weights()
    model.save_pretrained(tmp_path)
    tokenizer.save_pretrained(tmp_path)
    return tmp_path


def test_tied_embeddings_stay_frozen(tied: Path) -> None:
    config = config_of(tied, learning_rate=0.01)
    made = made_of(config)
    model: Any = made.model
    assert model.get_output_embeddings().weight is model.get_input_embeddings().weight
    before = model.get_input_embeddings().weight.detach().clone()
    trained(made, config, groups_of(made))
    assert torch.equal(model.get_input_embeddings().weight, before)
    model.get_input_embeddings().weight.requires_grad_(True)
    with pytest.raises(ModelNotUsableError, match="outside of the adapter"):
        check_only_adapters_train(model)


@pytest.mark.parametrize("layer", ["lm_head", "embed_tokens"])
def test_adapters_of_embeddings_and_output_layer_are_refused(layer: str, tied: Path) -> None:
    config = config_of(tied, lora={"r": 2, "alpha": 4, "target_modules": ["q_proj", layer]})
    with pytest.raises(ModelNotUsableError, match="embeddings and output layer stay frozen"):
        made_of(config)


def test_inline_tags_have_public_labels_and_frozen_embeddings_that_differ(tied: Path, tmp_path: Path) -> None:
    config = config_of(tied, annotations="inline", learning_rate=0.01, private={"labels": ["NAME", "CITY"]})
    added = public_tokens(config)
    assert (added.labels, added.inline, added.crosses_lines) == (("CITY", "NAME"), True, True)
    made = made_of(config, added)
    model: Any = made.model
    (rows,) = [weight for name, weight in model.named_parameters() if "trainable_tokens" in name]
    before = rows.detach().clone()
    assert rows.shape[0] == 3 and not any(torch.allclose(rows[0], rows[other]) for other in (1, 2))
    new = torch.tensor([[1, *made.tokenizer.convert_tokens_to_ids(list(added.tokens))]])
    trained(made, config, [[new[0].tolist()], [new[0].tolist()]])
    assert torch.equal(rows, before)
    wanted = model.eval()(input_ids=new).logits
    model.save_pretrained(tmp_path / "saved", save_embedding_layers=False)
    made.tokenizer.save_pretrained(tmp_path / "saved")
    loaded, _ = load_causal_lm(str(tmp_path / "saved"), "cpu", "fp32")
    assert torch.allclose(loaded(input_ids=new).logits, wanted, atol=1e-4)


def test_rows_are_cut_to_the_public_length_and_padded() -> None:
    special = SpecialTokenIds(bos=1, eos=2, pad=0)
    ids, labels = padded([[5, 6, 7, 8], [9]], special, 3)
    assert ids.tolist() == [[1, 5, 6], [1, 9, 0]]
    assert labels.tolist() == [[5, 6, 7], [9, 2, -100]]
    batches = training._micro_batches([[5] * 8, [6], [7] * 3, [8] * 8], special, 20, 20)
    assert [ids.shape[0] for ids, _ in batches] == [2, 2]
