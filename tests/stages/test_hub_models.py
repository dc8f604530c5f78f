"""Models as hubs hold them, through the stages as the pipeline does."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from peft import AutoPeftModelForCausalLM, PeftModel
from safetensors.torch import load_file
from transformers import (
    AutoModelForCausalLM,
    AutoModelForTokenClassification,
    AutoTokenizer,
    ByT5Tokenizer,
    pipeline,
)

from deidsynth.config import AdaptConfig, resolve_adapt
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.errors import InputError
from deidsynth.models.language_model import memory
from deidsynth.models.language_model.causal_lm import load_causal_lm
from deidsynth.progress import SilentProgress
from deidsynth.stages import STAGES, StageContext
from tiny_models import CAUSAL, ENCODERS, NOTES, llama_model, note
from tiny_stages import resolved

Tiny = Callable[[str], Path]
# Notes of many lengths, so that after cutting what is to be found stands at every position of a chunk.
LEARNT = tuple(note(number, n_sentences=1 + number % 6) for number in range(40))
ADAPTED: dict[str, Any] = {"epochs": 2, "learning_rate": 0.005, "batch_tokens": 512}
WORD = {"pii": "keep", "words": 1}
SAMPLED: dict[str, Any] = {"prompts": WORD, "samples_per_prompt": 1, "filters": {"mode": "off"}, "batch_size": 16}
CONTEXT_TOKENS = {"bert": 40, "roberta": 40, "xlm-roberta": 62, "modernbert": 64}


def run(stage: str, root: Path, inputs: Mapping[str, Path], **settings: Any) -> tuple[Path, Mapping[str, Any]]:
    """Folder and facts of one stage."""
    made, scratch = root / stage, root / f"{stage}-scratch"
    made.mkdir(parents=True)
    scratch.mkdir()
    config = resolved(stage, settings)
    return made, STAGES[stage].run(config, inputs, made, StageContext(scratch, seed=3))


def corpus_folder(root: Path, *documents: Document) -> Path:
    root.mkdir(parents=True, exist_ok=True)
    write_jsonl(Corpus(documents, origin="invented"), root / "corpus.jsonl")
    return root


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    return corpus_folder(tmp_path / "notes", *NOTES)


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The messages of the stages that a test runs."""
    messages: list[str] = []
    monkeypatch.setattr(SilentProgress, "message", lambda _, text: messages.append(text))
    return messages


@pytest.mark.parametrize("method", ["full", "lora"])
@pytest.mark.parametrize("kind", list(CAUSAL))
def test_a_causal_model_is_adapted_and_writes(kind: str, method: str, tiny: Tiny, notes: Path, tmp_path: Path) -> None:
    base = tiny(kind)
    adapted, facts = run(
        "adapt",
        tmp_path,
        {"train": notes},
        base=str(base),
        method=method,
        sequence_length=128,
        lora={"r": 4},
        **ADAPTED,
    )
    assert facts["method"] == method
    assert (facts["n_trained_parameters"] < facts["n_parameters"]) == (method == "lora")
    curve = [json.loads(line) for line in (adapted / "curve.jsonl").read_text().splitlines()]
    assert curve[-1]["train_loss"] < curve[0]["train_loss"]
    inputs = {"model": adapted, "prompts": notes, "train": notes}
    made, facts = run("synthesize", tmp_path, inputs, max_length_tokens=60, **SAMPLED)
    texts = read_jsonl(made / "corpus.jsonl")
    assert (texts.origin, texts.annotation, len(texts)) == ("synthetic", "silver", len(NOTES))
    rows = [json.loads(line) for line in (made / "samples.jsonl").read_text().splitlines()]
    for text, row in zip(texts, rows, strict=True):
        prompt = NOTES[row["prompt_number"]].text.split()[0]
        assert text.text.startswith(prompt)
        assert row["prompt_characters"] == len(prompt)
        assert row["n_tokens"] <= 60
        assert "text" not in row
    assert facts["n_without_eos"] == sum(not row["ended"] for row in rows)


def test_an_adapter_is_measured_again_once_merged(tiny: Tiny, notes: Path, tmp_path: Path, told: list[str]) -> None:
    settings = {"base": str(tiny("llama")), "epochs": 2, "batch_tokens": 512, "validation": 0.2, "keep": "last"}
    _, facts = run("adapt", tmp_path / "lora", {"train": notes}, method="lora", lora={"r": 4}, **settings)
    curve = [json.loads(line) for line in (tmp_path / "lora" / "adapt" / "curve.jsonl").read_text().splitlines()]
    assert facts["merged_validation_loss"] == pytest.approx(curve[-1]["validation_loss"], rel=1e-4)
    assert facts["merged_bits_per_character"] == pytest.approx(curve[-1]["bits_per_character"], rel=1e-4)
    assert [text for text in told if f"validation loss of {facts['merged_validation_loss']:.4f}" in text] == told
    told.clear()
    _, facts = run("adapt", tmp_path / "full", {"train": notes}, method="full", **settings)
    assert (told, "merged_validation_loss" in facts) == ([], False)
    settings["validation"] = 0.0
    _, facts = run("adapt", tmp_path / "none", {"train": notes}, method="lora", lora={"r": 4}, **settings)
    assert (told, "merged_validation_loss" in facts) == ([], False)


@pytest.mark.parametrize("method", ["full", "lora"])
def test_a_causal_model_with_a_slow_tokenizer_is_adapted_and_writes(method: str, notes: Path, tmp_path: Path) -> None:
    base = tmp_path / "base"
    torch.manual_seed(7)
    tokenizer = ByT5Tokenizer()
    llama_model(len(tokenizer)).save_pretrained(base)
    tokenizer.save_pretrained(base)
    tagged = {"annotations": "inline", "control_codes": ["labels"]}
    adapted, _ = run("adapt", tmp_path, {"train": notes}, base=str(base), method=method, **tagged, **ADAPTED)
    inputs = {"model": adapted, "prompts": notes, "train": notes}
    made, facts = run("synthesize", tmp_path, inputs, annotations="inline", max_length_tokens=80, **SAMPLED)
    texts = read_jsonl(made / "corpus.jsonl")
    assert len(texts) == facts["n_documents"] > 0
    first_words = tuple(document.text.split()[0] for document in NOTES)
    assert all(document.text.startswith(first_words) for document in texts)


@pytest.mark.parametrize("kind", ["llama", "gpt2"])
def test_an_adapter_loads_without_us_and_its_base_is_untouched(
    kind: str, tiny: Tiny, notes: Path, tmp_path: Path
) -> None:
    base = tiny(kind)
    before = load_file(base / "model.safetensors")
    adapted, _ = run("adapt", tmp_path, {"train": notes}, base=str(base), method="lora", epochs=2, batch_tokens=512)
    folder = adapted / "model"
    assert not (folder / "model.safetensors").exists()
    after = load_file(base / "model.safetensors")
    assert all(torch.equal(before[name], after[name]) for name in before)
    model = AutoModelForCausalLM.from_pretrained(base)
    ids = AutoTokenizer.from_pretrained(folder)(NOTES[0].text, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        plain = model(input_ids=ids).logits
        adapted_logits = PeftModel.from_pretrained(model, folder)(input_ids=ids).logits
        alone = AutoPeftModelForCausalLM.from_pretrained(folder)(input_ids=ids).logits
    assert not torch.allclose(plain, adapted_logits, atol=1e-3)
    assert torch.allclose(adapted_logits, alone, atol=1e-5)
    moved = load_file(folder / "adapter_model.safetensors")
    assert all("lora_" in name for name in moved)
    assert all(value.abs().sum() > 0 for name, value in moved.items() if "lora_B" in name)


def test_too_little_memory_is_told_by_the_stage(
    tiny: Tiny, notes: Path, tmp_path: Path, told: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "available_bytes", lambda _: 10_000)
    with pytest.raises(InputError, match=r"GB are available on cpu; set adapt.gradient_checkpointing: true, lower"):
        run("adapt", tmp_path / "unset", {"train": notes}, base=str(tiny("llama")), method="full", epochs=1)
    settings = {"base": str(tiny("llama")), "method": "full", "epochs": 1, "micro_batch_tokens": 512}
    run("adapt", tmp_path / "set", {"train": notes}, **settings)
    assert [text.partition(": 512")[0] for text in told] == ["warning: adapt.micro_batch_tokens"]


@pytest.mark.parametrize("kind", list(CAUSAL))
def test_control_codes_are_the_default_of_an_adapter_which_keeps_their_embeddings(
    kind: str, tiny: Tiny, notes: Path, tmp_path: Path
) -> None:
    base = tiny(kind)
    codes = resolve_adapt(AdaptConfig(base=str(base), method="lora"), control_codes=True).control_codes
    assert codes == ["labels", "length"]
    settings = {"base": str(base), "method": "lora", "control_codes": codes, "learning_rate": 0.01}
    adapted, facts = run("adapt", tmp_path, {"train": notes}, epochs=2, batch_tokens=512, **settings)
    n_new = facts["n_added_tokens"]
    assert n_new == 2 + 4 + 4 + 1
    before = AutoModelForCausalLM.from_pretrained(base).get_input_embeddings().weight
    model, tokenizer = load_causal_lm(str(adapted / "model"), "cpu", "fp32")
    after = model.get_input_embeddings().weight
    first = len(tokenizer) - n_new
    assert torch.equal(after[:first], before[:first])
    assert not torch.isclose(after[first : first + n_new], before[:first].mean(0), atol=1e-5).all(1).all()
    sampled = SAMPLED | {"prompts": {**WORD, "control_codes": "gold"}, "max_length_tokens": 60}
    texts, facts = run("synthesize", tmp_path, {"model": adapted, "prompts": notes, "train": notes}, **sampled)
    assert len(read_jsonl(texts / "corpus.jsonl")) == len(NOTES)
    rows = [json.loads(line) for line in (texts / "samples.jsonl").read_text().splitlines()]
    assert sorted(row["control_codes_document"] for row in rows) == list(range(len(NOTES)))


@pytest.fixture(scope="module")
def taggers(tiny: Tiny, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Mapping[str, Any]]]:
    """A trained tagger of each kind and what its training told, made when first asked for."""
    made: dict[str, tuple[Path, Mapping[str, Any]]] = {}

    def tagger(kind: str) -> tuple[Path, Mapping[str, Any]]:
        if kind not in made:
            root = tmp_path_factory.mktemp(kind)
            made[kind] = run(
                "train",
                root,
                {"corpus": corpus_folder(root / "notes", *LEARNT)},
                encoder=str(tiny(kind)),
                epochs=16,
                batch_size=4,
                learning_rate=0.004,
                chunk_words=12,
            )
        return made[kind]

    return tagger


Taggers = Callable[[str], tuple[Path, Mapping[str, Any]]]


@pytest.mark.parametrize("kind", list(ENCODERS))
def test_an_encoder_learns_to_tag(kind: str, taggers: Taggers, notes: Path, tmp_path: Path) -> None:
    tagger, facts = taggers(kind)
    assert facts["n_documents"] == len(LEARNT)
    assert facts["n_entities"] == sum(len(document.entities) for document in LEARNT)
    assert facts["n_misaligned_entities"] == facts["n_lost_entities"] == 0
    made, facts = run("evaluate", tmp_path, {"model": tagger, "corpus": notes})
    assert facts["strict_f1"] > 0.9
    predicted = read_jsonl(made / "predictions.jsonl")
    assert [document.text for document in predicted] == [document.text for document in NOTES]


@pytest.mark.parametrize("kind", list(ENCODERS))
def test_a_document_longer_than_the_positions_is_tagged_to_its_end(
    kind: str, taggers: Taggers, tiny: Tiny, tmp_path: Path
) -> None:
    long = note(0, n_sentences=40)
    tokenizer = AutoTokenizer.from_pretrained(tiny(kind))
    assert len(tokenizer(long.text, verbose=False)["input_ids"]) > 5 * CONTEXT_TOKENS[kind]
    texts = corpus_folder(tmp_path / "long", Document("long", long.text))
    made, facts = run("annotate", tmp_path, {"texts": texts, "model": taggers(kind)[0]})
    document = read_jsonl(made / "corpus.jsonl")[0]
    assert document.text == long.text
    gold, found = ({entity.key for entity in each.entities} for each in (long, document))
    assert len(gold & found) > 0.85 * len(gold)
    last = sorted(gold)[-6:]
    assert sum(key in found for key in last) >= 5
    assert facts["n_entities"] == len(found)
    assert facts["n_documents_without_entities"] == 0


@pytest.mark.parametrize("kind", list(ENCODERS))
def test_a_tagger_loads_without_us(kind: str, taggers: Taggers) -> None:
    folder = taggers(kind)[0] / "model"
    model = AutoModelForTokenClassification.from_pretrained(folder)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    assert sorted(model.config.label2id) == ["B-CITY", "B-NAME", "I-CITY", "I-NAME", "O"]
    text = NOTES[0].text.split("\n")[0]
    encoding = tokenizer(text, return_tensors="pt", return_offsets_mapping=True, truncation=True, max_length=40)
    offsets = encoding.pop("offset_mapping")[0].tolist()
    encoding.pop("token_type_ids", None)
    with torch.no_grad():
        tags = [model.config.id2label[number] for number in model(**encoding).logits[0].argmax(-1).tolist()]
    name = NOTES[0].entities[0]
    inside = [tag for tag, (start, end) in zip(tags, offsets, strict=True) if name.start <= start < end <= name.end]
    assert inside[0] == "B-NAME"
    assert inside.count("I-NAME") >= len(inside) - 2


@pytest.mark.parametrize("strategy", ["simple", "first"])
@pytest.mark.parametrize("kind", list(ENCODERS))
def test_a_pipeline_of_transformers_tags_a_text_longer_than_the_positions(
    kind: str, strategy: str, taggers: Taggers
) -> None:
    long = note(0, n_sentences=40)
    found = pipeline(
        "token-classification", model=str(taggers(kind)[0] / "model"), aggregation_strategy=strategy, stride=8
    )
    assert found.tokenizer.model_max_length == CONTEXT_TOKENS[kind]
    spans = found(long.text)
    assert {each["entity_group"] for each in spans} == {"NAME", "CITY"}
    surfaces = {long.text[each["start"] : each["end"]].strip(" ,") for each in spans}
    gold = {long.surface(entity) for entity in long.entities[-6:]}
    if strategy == "simple":  # in windows of any tokens, without valid sequences: worse than what annotate finds
        assert 2 * len(gold & surfaces) > len(gold)
    assert max(each["end"] for each in spans) > long.entities[-3].start


@pytest.mark.parametrize("kind", list(ENCODERS))
def test_texts_without_words_and_with_odd_characters_are_tagged_too(
    kind: str, taggers: Taggers, tmp_path: Path
) -> None:
    odd = ("", " \n\t ", "\x00\x85\u2028\u200b", "👩\u200d⚕️" * 50, "\u202eאבג عربي", "[SEP] <s> </s> <pad> [MASK]")
    texts = corpus_folder(tmp_path / "odd", *(Document(str(number), text) for number, text in enumerate(odd)))
    made, facts = run("annotate", tmp_path, {"texts": texts, "model": taggers(kind)[0]})
    assert tuple(document.text for document in read_jsonl(made / "corpus.jsonl")) == odd
    assert facts["n_documents"] == len(odd)
