"""Documents as token ids with inline entity tags and control codes, and back; embeddings of new tokens."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings, strategies as st
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

from deidsynth.config import AdaptConfig, LoraConfig, ScratchCausalConfig, resolve_adapt
from deidsynth.documents import Document, Entity
from deidsynth.errors import ConfigError, ModelNotUsableError
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.language_model.causal_lm import adaptable_model, add_tokens, embed, load_causal_lm
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.language_model.packing import token_ids
from deidsynth.models.tokenizers import causal_tokenizer
from tiny_models import TEXTS, bert_tokenizer, gpt2_tokenizer, llama_tokenizer

Tiny = Callable[[str], Path]
BYTES = causal_tokenizer(TEXTS, 400)
INLINE = AdaptConfig(annotations="inline", control_codes=["labels", "length"])


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A document with entities that neither overlap nor begin or end with blanks."""
    text = draw(st.text(st.characters(codec="utf-8"), max_size=60))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    entities = []
    for start, end in zip(cuts[::2], cuts[1::2], strict=False):
        surface = text[start:end]
        kept = surface.strip()
        first = start + len(surface) - len(surface.lstrip())
        if kept:
            entities.append(Entity(first, first + len(kept), draw(st.sampled_from(("NAME", "CITY", "Ålder/år")))))
    return Document("1", text, tuple(entities))


def marked(tokenizer: PreTrainedTokenizerFast, *notes: Document) -> Codec:
    added = AddedTokens.of(INLINE, [*notes, Document("0", "xy", (Entity(0, 1, "NAME"),))])
    add_tokens(tokenizer, list(added.tokens))
    return Codec(tokenizer, added)


@settings(max_examples=150)
@given(documents(), st.integers(0, 80))
def test_any_document_comes_back_from_its_tokens(document: Document, cut: int) -> None:
    codec = marked(BYTES, document)
    n_codes = len(codec.added_tokens.control_codes_of(document))
    ids = codec.encode(document)[n_codes:]
    read = codec.decode([], ids)
    assert (read.text, read.entities, read.repairs) == (document.text, document.entities, {})
    part = codec.decode([], ids[:cut])  # cut anywhere, something sound comes out
    Document("1", part.text, part.entities)


@pytest.mark.parametrize("make", [llama_tokenizer, gpt2_tokenizer])
def test_other_tokenizers_give_documents_back(make: Callable[[], PreTrainedTokenizerFast]) -> None:
    text = "Alvedina kom, från  Sandkulla\n Månskog "
    note = Document("1", text, (Entity(0, 8, "NAME"), Entity(20, 29, "CITY"), Entity(31, 38, "NAME")))
    codec = marked(make(), note)
    ids = codec.encode(note)[len(codec.added_tokens.control_codes_of(note)) :]
    read = codec.decode([], ids)
    assert (read.text, read.entities) == (text, note.entities)


def test_a_text_that_spells_a_mark_has_it_as_characters() -> None:
    note = Document("1", "a <|entity:NAME|>Bo<|/entity|>", (Entity(17, 19, "NAME"),))
    codec = marked(causal_tokenizer(TEXTS, 400), note)
    ids = codec.encode(note)
    assert sum(number in codec.added_ids for number in ids) == 2 + len(codec.added_tokens.control_codes_of(note))
    assert codec.decode([], ids[len(codec.added_tokens.control_codes_of(note)) :]).text == note.text


def test_what_was_drawn_goes_on_from_a_prompt() -> None:
    note = Document("1", "Bo Ek kom.", (Entity(0, 5, "NAME"),))
    codec = marked(llama_tokenizer(), note)
    prompt = (Entity(0, 2, "NAME"),)
    start = codec.encode_start("Bo", prompt, is_open=True, control_codes=codec.added_tokens.control_codes_of(note))
    whole = codec.encode(note)
    assert whole[: len(start)] == start
    read = codec.decode(start, whole[len(start) :], "Bo", prompt, is_open=True)
    assert (read.text, read.entities, read.repairs) == (note.text, note.entities, {})


def test_without_marks_a_codec_writes_the_tokens_of_the_text() -> None:
    tokenizer = llama_tokenizer()
    codec = Codec(tokenizer)
    ids = token_ids(tokenizer, TEXTS[0])
    assert codec.encode(Document("1", TEXTS[0], (Entity(0, 4, "NAME"),))) == ids
    read = codec.decode(ids[:5], ids[5:9], "PROMPT")
    assert read.text.startswith("PROMPT") and read.text.removeprefix("PROMPT") in TEXTS[0]


def test_a_tokenizer_that_cannot_hold_marks_is_refused() -> None:
    added = AddedTokens(("NAME",), inline=True)
    with pytest.raises(ModelNotUsableError, match="lacks 2 of the special tokens"):
        Codec(llama_tokenizer(), added)
    stripping = bert_tokenizer()
    add_tokens(stripping, list(added.tokens))
    with pytest.raises(ModelNotUsableError, match="changes blanks at the ends of texts"):
        Codec(stripping, added)


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom"])
def test_new_tokens_begin_as_the_mean_of_the_others(kind: str, tiny: Tiny) -> None:
    before = AutoModelForCausalLM.from_pretrained(tiny(kind))
    config = resolve_adapt(AdaptConfig(base=str(tiny(kind)), annotations="inline"))
    made = adaptable_model(config, [], "cpu", ["<|a|>", "<|b|>"])
    n_known = len(made.tokenizer) - 2
    for table in ("get_input_embeddings", "get_output_embeddings"):
        old, new = getattr(before, table)().weight, getattr(made.model, table)().weight
        assert torch.equal(new[:n_known], old[:n_known])
        for row in new[n_known : n_known + 2]:
            torch.testing.assert_close(row, old[:n_known].mean(0))
    tied = [
        model.get_input_embeddings().weight is model.get_output_embeddings().weight for model in (before, made.model)
    ]
    assert tied[0] == tied[1]
    assert made.model.get_input_embeddings().weight.requires_grad
    embed(made.model, [])


def test_a_model_from_scratch_has_room_for_added_tokens() -> None:
    shape = ScratchCausalConfig(hidden_size=32, layers=1, vocabulary_size=300)
    config = resolve_adapt(AdaptConfig(base="scratch", scratch=shape, control_codes=["length"]))
    made = adaptable_model(config, TEXTS, "cpu", ["<|a|>"])
    assert made.model.get_input_embeddings().num_embeddings == len(made.tokenizer)
    assert made.tokenizer.convert_tokens_to_ids("<|a|>") == len(made.tokenizer) - 1


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom"])
def test_an_adapter_trains_new_tokens_and_is_read_again(kind: str, tiny: Tiny, tmp_path: Path) -> None:
    config = resolve_adapt(
        AdaptConfig(base=str(tiny(kind)), method="lora", annotations="inline", lora=LoraConfig(r=2, alpha=4))
    )
    made = adaptable_model(config, [], "cpu", ["<|a|>", "<|b|>"])
    trained = [weight for weight in made.model.parameters() if weight.requires_grad]
    first, second = made.tokenizer.convert_tokens_to_ids(["<|a|>", "<|b|>"])
    ids = torch.tensor([[5, first, 6, second, 7]])
    optimizer = torch.optim.AdamW(trained, lr=0.05)
    for _ in range(5):
        optimizer.zero_grad()
        made.model(input_ids=ids, labels=ids).loss.backward()
        optimizer.step()
    made.model.eval()
    with torch.no_grad():
        expected = made.model(input_ids=ids).logits
    made.model.save_pretrained(tmp_path, save_embedding_layers=False)
    made.tokenizer.save_pretrained(tmp_path)
    assert (tmp_path / "adapter_model.safetensors").stat().st_size < 64_000
    model, tokenizer = load_causal_lm(str(tmp_path), "cpu", "fp32")
    assert len(tokenizer) == second + 1
    with torch.no_grad():
        torch.testing.assert_close(model(input_ids=ids).logits, expected, atol=1e-4, rtol=1e-4)
    rows = model.get_input_embeddings().weight[[first, second]]
    assert not torch.equal(rows[0], rows[1])


@pytest.mark.parametrize("settings", [{"annotations": "inline"}, {"control_codes": ["length"]}])
def test_qlora_is_refused_added_tokens(settings: dict[str, object], tiny: Tiny) -> None:
    config = AdaptConfig(base=str(tiny("llama")), method="qlora", **settings)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="qlora .*new embeddings.*adapt.method: lora or full"):
        resolve_adapt(config)
