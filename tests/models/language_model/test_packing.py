from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings, strategies as st
from transformers import AutoModelForCausalLM, CohereConfig, CohereForCausalLM, LlamaConfig, LlamaForCausalLM

from deidsynth.errors import ModelNotUsableError
from deidsynth.models.cpu.packed_attention import packed_attention
from deidsynth.models.language_model import causal_lm
from deidsynth.models.language_model.causal_lm import ends_in_output_layer, keeps_documents_apart, loss_sum
from deidsynth.models.language_model.packing import (
    IGNORED,
    LEAST_FILLED,
    Packed,
    SpecialTokenIds,
    apart,
    pack,
    token_ids,
)
from deidsynth.models.loading import load_model, load_tokenizer
from tiny_models import CAUSAL, TEXTS

SPECIAL = SpecialTokenIds(bos=1, eos=2, pad=0)
DOCUMENTS = st.lists(st.lists(st.integers(10, 99), max_size=12), min_size=1, max_size=8)


def test_one_row_by_hand() -> None:
    packed = pack([[11, 12], [13]], SPECIAL, 8)
    assert packed.ids.tolist() == [[1, 11, 12, 1, 13, 0, 0, 0]]
    assert packed.labels.tolist() == [[11, 12, 2, 13, 2, IGNORED, IGNORED, IGNORED]]
    assert packed.positions.tolist() == [[0, 1, 2, 0, 1, 0, 1, 2]]
    assert packed.n_targets == 5


def test_a_document_longer_than_a_row_is_cut_and_every_token_is_predicted() -> None:
    packed = pack([[11, 12, 13, 14]], SPECIAL, 4)
    assert packed.ids.tolist() == [[1, 11, 12, 13], [14, 0, 0, 0]]
    assert packed.labels.tolist() == [[11, 12, 13, 14], [2, IGNORED, IGNORED, IGNORED]]
    assert packed.positions.tolist() == [[0, 1, 2, 3], [0, 0, 1, 2]]


def test_a_document_goes_whole_into_the_fullest_row_with_room() -> None:
    packed = pack([[11, 12, 13, 14], [15, 16, 17], [18], [19, 20]], SPECIAL, 7)
    assert packed.ids.tolist() == [[1, 11, 12, 13, 14, 1, 18], [1, 15, 16, 17, 1, 19, 20]]


@settings(max_examples=200)
@given(DOCUMENTS, st.integers(4, 16))
def test_everything_but_bos_is_predicted_exactly_once(documents: list[list[int]], length: int) -> None:
    packed = pack(documents, SPECIAL, length)
    targets = [label for label in packed.labels.flatten().tolist() if label != IGNORED]
    assert sorted(targets) == sorted(number for document in documents for number in (*document, SPECIAL.eos))
    assert packed.ids.shape[1] == length


@settings(max_examples=200)
@given(DOCUMENTS, st.integers(16, 20))
def test_a_document_that_fits_a_row_stays_whole(documents: list[list[int]], length: int) -> None:
    packed = pack(documents, SPECIAL, length)
    rows = [",".join(map(str, row)) + "," for row in packed.ids.tolist()]
    for document in documents:
        whole = ",".join(map(str, [SPECIAL.bos, *document])) + ","
        assert any(whole in row for row in rows)


@settings(max_examples=200)
@given(DOCUMENTS, st.integers(4, 16))
def test_every_row_has_something_to_predict(documents: list[list[int]], length: int) -> None:
    packed = pack(documents, SPECIAL, length)
    assert (packed.labels != IGNORED).any(dim=1).all()


@settings(max_examples=200)
@given(DOCUMENTS, st.integers(4, 16))
def test_positions_begin_anew_with_every_document_and_row(documents: list[list[int]], length: int) -> None:
    packed = pack(documents, SPECIAL, length)
    for ids, positions in zip(packed.ids.tolist(), packed.positions.tolist(), strict=True):
        assert positions[0] == 0
        assert max(positions) < length
        for place in range(1, length):
            assert positions[place] in (0, positions[place - 1] + 1)
            assert positions[place] == 0 or ids[place] != SPECIAL.bos


def test_rows_can_be_taken_in_any_order() -> None:
    packed = pack([[11, 12, 13, 14], [15, 16, 17]], SPECIAL, 4)
    assert len(packed) == 3
    assert packed.rows([2, 0]).ids.tolist() == [packed.ids[2].tolist(), packed.ids[0].tolist()]


def test_rows_are_trimmed_to_the_last_place_that_predicts() -> None:
    assert pack([[11, 12, 13], [14]], SPECIAL, 12).trimmed().ids.tolist() == [[1, 11, 12, 13, 1, 14]]
    short = pack([[11]], SPECIAL, 8).trimmed()
    assert (short.ids.tolist(), short.labels.tolist(), short.positions.tolist()) == ([[1, 11]], [[11, 2]], [[0, 1]])


def test_the_fill_is_never_eos_or_bos(tiny: Callable[[str], Path]) -> None:
    for kind in CAUSAL:
        tokenizer = load_tokenizer(str(tiny(kind)))
        special = SpecialTokenIds.of(tokenizer)
        assert special.eos == tokenizer.eos_token_id
        assert special.bos == tokenizer.bos_token_id
        assert special.pad not in (special.eos, special.bos)
        tokenizer.pad_token = tokenizer.eos_token  # what many scripts do
        assert SpecialTokenIds.of(tokenizer).pad != special.eos


def test_without_bos_a_document_begins_with_eos_and_without_eos_none_can_end(tiny: Callable[[str], Path]) -> None:
    tokenizer = load_tokenizer(str(tiny("llama")))
    tokenizer.bos_token = None
    assert SpecialTokenIds.of(tokenizer).bos == SpecialTokenIds.of(tokenizer).eos == 2
    tokenizer.eos_token = None
    with pytest.raises(ModelNotUsableError, match="has no end-of-text token"):
        SpecialTokenIds.of(tokenizer)


def test_a_tokenizer_that_adds_bos_by_itself_adds_it_once(tiny: Callable[[str], Path]) -> None:
    tokenizer = load_tokenizer(str(tiny("llama")))
    assert tokenizer("Ana")["input_ids"][0] == tokenizer.bos_token_id
    assert tokenizer.bos_token_id not in token_ids(tokenizer, "Ana </s> <s>")


def _model_and_documents(folder: Path) -> tuple[torch.nn.Module, SpecialTokenIds, list[list[int]]]:
    tokenizer = load_tokenizer(str(folder))
    documents = [token_ids(tokenizer, text) for text in (TEXTS[0], TEXTS[3][:25], TEXTS[5][:40])]
    return load_model(AutoModelForCausalLM, str(folder)).eval(), SpecialTokenIds.of(tokenizer), documents


def _loss(model: torch.nn.Module, documents: Sequence[Sequence[int]], special: SpecialTokenIds, length: int) -> float:
    with torch.no_grad():
        return float(loss_sum(model, pack(documents, special, length)))


@pytest.mark.parametrize("kind", list(CAUSAL))
def test_packed_documents_lose_what_they_lose_alone(kind: str, tiny: Callable[[str], Path]) -> None:
    model, special, documents = _model_and_documents(tiny(kind))
    alone = sum(_loss(model, [document], special, 128) for document in documents)
    assert len(pack(documents, special, 128)) == 1
    assert _loss(model, documents, special, 128) == pytest.approx(alone, rel=1e-5, abs=1e-4)


@pytest.mark.parametrize(("kind", "heeds"), [("llama", True), ("gpt2", True), ("bloom", False)])
def test_which_models_keep_documents_apart_by_positions(kind: str, heeds: bool, tiny: Callable[[str], Path]) -> None:
    model, special, documents = _model_and_documents(tiny(kind))
    model.train()
    assert keeps_documents_apart(model) is heeds
    assert model.training
    rows = pack(documents, special, 128)
    one_row = model.eval()(input_ids=rows.ids, position_ids=rows.positions).logits
    without = model(input_ids=rows.ids[:, :128]).logits
    assert torch.equal(one_row, without) is not heeds


@pytest.mark.parametrize("n_key_heads", [1, 2])
def test_attention_over_packed_rows_is_that_of_transformers(n_key_heads: int) -> None:
    torch.manual_seed(0)
    shape = {"num_attention_heads": 4, "num_key_value_heads": n_key_heads, "num_hidden_layers": 2}
    model = LlamaForCausalLM(LlamaConfig(vocab_size=100, hidden_size=32, intermediate_size=48, **shape)).eval()
    random = torch.Generator().manual_seed(1)
    lengths = (300, 7, 600, 1, 130)  # shorter and longer than a block of queries
    documents = [torch.randint(10, 99, (length,), generator=random).tolist() for length in lengths]
    rows = pack(documents, SPECIAL, 700)
    found = {}
    for device in ("other", "cpu"):
        model.zero_grad()
        with packed_attention(model, device):
            logits = model(input_ids=rows.ids, position_ids=rows.positions, use_cache=False).logits
            loss = loss_sum(model, rows)
        loss.backward()
        found[device] = (logits.detach(), [weight.grad.clone() for weight in model.parameters()])
    (logits, gradients), (ours, our_gradients) = found["other"], found["cpu"]
    predicts = rows.labels != IGNORED
    assert torch.allclose(logits[predicts], ours[predicts], atol=1e-5)
    for theirs, mine in zip(gradients, our_gradients, strict=True):
        assert torch.allclose(theirs, mine, atol=1e-4 * float(theirs.abs().max()))
    assert model.config._attn_implementation == "sdpa"


def test_attention_over_packed_rows_is_for_llama_types_alone(tiny: Callable[[str], Path]) -> None:
    model = load_model(AutoModelForCausalLM, str(tiny("gpt2")))
    before = model.config._attn_implementation
    with packed_attention(model, "cpu"):
        assert model.config._attn_implementation == before


def test_gradients_flow_where_documents_get_rows_of_their_own(tiny: Callable[[str], Path]) -> None:
    model, special, documents = _model_and_documents(tiny("bloom"))
    loss_sum(model, pack(documents, special, 64)).backward()
    assert all(weight.grad is not None and weight.grad.abs().sum() > 0 for weight in model.parameters())


def test_rows_move_between_devices() -> None:
    moved = pack([[11]], SPECIAL, 4).to("cpu")
    assert isinstance(moved, Packed)
    assert moved.ids.device.type == "cpu"


def test_a_long_document_beside_many_short_ones_is_hardly_padded() -> None:
    documents = [[7] * 2000, *([[8] * 6] * 380)]
    rows = pack(documents, SPECIAL, 2048)
    batches = apart(rows, pad=0)
    n_tokens = sum(len(document) + 1 for document in documents)
    assert sum(int(mask.sum()) for _, mask in batches) == n_tokens
    assert sum(mask.numel() for _, mask in batches) <= n_tokens / LEAST_FILLED
    assert sum(batch.n_targets for batch, _ in batches) == rows.n_targets


@settings(max_examples=100)
@given(DOCUMENTS, st.integers(4, 16))
def test_documents_in_rows_of_their_own_lose_nothing(documents: list[list[int]], length: int) -> None:
    rows = pack(documents, SPECIAL, length)
    batches = apart(rows, pad=0)
    assert sum(batch.n_targets for batch, _ in batches) == rows.n_targets
    assert sum(mask.numel() for _, mask in batches) <= sum(int(mask.sum()) for _, mask in batches) / LEAST_FILLED
    wanted = sorted(rows.labels[rows.labels != IGNORED].tolist())
    assert sorted(id for batch, _ in batches for id in batch.labels[batch.labels != IGNORED].tolist()) == wanted


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom"])
def test_logits_in_chunks_give_the_same_loss_and_gradients(
    kind: str, tiny: Callable[[str], Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    model, special, documents = _model_and_documents(tiny(kind))
    model.eval()
    rows = pack(documents, special, 128)
    assert ends_in_output_layer(model)
    found = []
    for most in (causal_lm.MOST_LOGITS, 7 * model.get_output_embeddings().weight.shape[0]):
        monkeypatch.setattr(causal_lm, "MOST_LOGITS", most)
        model.zero_grad()
        loss = loss_sum(model, rows)
        loss.backward()
        found.append((loss.item(), [weight.grad.clone() for weight in model.parameters()]))
    (whole, gradients), (chunked, in_chunks) = found
    assert chunked == pytest.approx(whole, rel=1e-5)
    for one, other in zip(gradients, in_chunks, strict=True):
        assert torch.allclose(one, other, atol=1e-4 * float(one.abs().max()))


def test_a_model_that_scales_its_logits_never_uses_its_output_layer_alone() -> None:
    config = CohereConfig(
        vocab_size=64, hidden_size=16, intermediate_size=16, num_hidden_layers=1, num_attention_heads=2,
        logit_scale=0.5, pad_token_id=0, bos_token_id=1, eos_token_id=2,
    )  # fmt: skip
    assert not ends_in_output_layer(CohereForCausalLM(config))
