"""Attacks on language models that learned a few notes by heart, and on models that never saw them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from deidsynth.config import AdaptConfig, ScratchCausalConfig, resolve_adapt
from deidsynth.documents import Document
from deidsynth.models.devices import Compute
from deidsynth.models.language_model.adaptation import TokenSplit, adapt_to_tokens
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.language_model.causal_lm import adaptable_model, load_causal_lm, loss_sum
from deidsynth.models.language_model.codec import Codec
from deidsynth.models.language_model.packing import IGNORED, pack, token_ids
from deidsynth.models.membership import likelihood
from deidsynth.models.membership.language_model import language_model_membership
from deidsynth.models.membership.likelihood import Reader
from deidsynth.models.settings_file import ModelSettings
from deidsynth.privacy.audit.sides import Sides
from membership_notes import notes, sides
from tiny_models import NOTES

Tiny = Callable[[str], Path]


def adapted(documents: list[Document], folder: Path, base: str = "scratch", **asked: object) -> Path:
    """A language model of some notes."""
    settings = {"epochs": 12.0, "learning_rate": 0.01, "batch_tokens": 512, "validation": 0.0, **asked}
    scratch = ScratchCausalConfig(hidden_size=64, layers=2, vocabulary_size=400)
    config = resolve_adapt(AdaptConfig(base=base, method="full", scratch=scratch, **settings))
    torch.manual_seed(1)
    added = AddedTokens.of(config, documents)
    made = adaptable_model(config, [each.text for each in notes("vocabulary", 60)], "cpu", list(added.tokens))
    codec = Codec(made.tokenizer, added)
    tokens = TokenSplit([codec.encode(each) for each in documents], (), 0)
    for _ in adapt_to_tokens(made, tokens, config, Compute(1, "cpu", "fp32", folder), {}):
        pass
    made.model.save_pretrained(folder)
    made.tokenizer.save_pretrained(folder)
    ModelSettings(added_tokens=added or None).save(folder)
    return folder


@pytest.fixture(scope="module")
def base(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """A language model of other notes."""
    return adapted(notes("public", 60), tmp_path_factory.mktemp("base"))


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory: pytest.TempPathFactory, base: Path) -> Path:
    """The base, adapted to the training notes, with control codes and inline entity tags."""
    asked = {"annotations": "inline", "control_codes": ["labels", "length"]}
    return adapted(notes("train"), tmp_path_factory.mktemp("by-heart"), str(base), **asked)


def test_notes_that_were_learned_by_heart_are_found(by_heart: Path, base: Path) -> None:
    found = language_model_membership(sides("train", "held-out"), by_heart, base)
    assert found.interval is not None
    assert found.interval[0] > 0.2
    attacks = found.details["attacks"]
    assert attacks["base_loss"]["n"] == [40, 40]
    assert attacks["recall"]["n"] == [40, 39]  # a held-out note stands before the others
    assert attacks["recall"]["interval"][0] > 0
    assert found == language_model_membership(sides("train", "held-out"), by_heart, base)


def test_a_model_from_scratch_is_compared_with_the_other_groups(by_heart: Path, base: Path) -> None:
    both = sides("train", "held-out")
    found = language_model_membership(both, by_heart, "scratch")
    assert {*found.details["attacks"]} == {"reference_loss", "recall"}
    assert found.details["attacks"]["reference_loss"]["interval"][0] > 0.1
    assert (
        found.details["attacks"].items() <= language_model_membership(both, by_heart, base).details["attacks"].items()
    )


def test_notes_that_were_never_seen_are_not(by_heart: Path, base: Path) -> None:
    all_found = [language_model_membership(sides(f"a{turn}", f"b{turn}"), by_heart, base) for turn in range(12)]
    intervals = [found.interval for found in all_found]
    n_suspected = sum(interval is not None and not interval[0] <= 0 <= interval[1] for interval in intervals)
    assert n_suspected <= 2  # more than 2 of 12 at a level of 5 %: in 1 of 50 such tests


def test_without_text_there_is_no_figure(by_heart: Path, base: Path) -> None:
    one = sides("train", "held-out").train[:1]
    empty = Sides(one, ((Document("e", ""),),), {})
    assert language_model_membership(empty, by_heart, base).reason == "a side has no documents with text"
    assert language_model_membership(Sides((), (), {}), by_heart, None).difference is None


@pytest.mark.parametrize("kind", ["llama", "gpt2", "bloom"])
def test_a_document_is_as_likely_as_in_training(kind: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(likelihood, "BATCH_TOKENS", 100)
    documents = [Document(str(number), " ".join(each.text for each in NOTES[: number + 1])) for number in (0, 4, 1)]
    model, tokenizer = load_causal_lm(str(tiny(kind)), "cpu", "fp32")
    reader = Reader.of(model, tokenizer)
    assert reader.read([]) == []
    assert len(reader.read([Document("e", "")])[0]) == 0
    for document, found in zip(documents, reader.read(documents), strict=True):
        ids = token_ids(tokenizer, document.text)
        rows = pack([ids], reader.special, reader.context)
        rows.labels[rows.labels == reader.special.eos] = IGNORED
        with torch.no_grad():
            expected = -float(loss_sum(model, rows))
        assert len(found) == len(ids)
        assert found.sum() == pytest.approx(expected, rel=1e-4)


def test_codes_and_tags_are_given_and_not_scored(by_heart: Path) -> None:
    reader = Reader.load(str(by_heart))
    document = notes("train", 1)[0]
    found = reader.read([document])[0]
    ids = reader.codec.encode(document)
    of_text = [number for number in ids if number not in reader.codec.added_ids]
    assert len(found) == len(of_text) < len(ids) - 4
    with torch.no_grad():
        logits = reader.model(torch.tensor([[reader.special.bos, *ids]])).logits[0, :-1].double().log_softmax(-1)
    values = logits[torch.arange(len(ids)), torch.tensor(ids)].numpy()
    assert found == pytest.approx(values[~np.isin(ids, reader.codec.added_ids)], abs=1e-4)


def test_a_text_before_a_document_is_read_and_not_scored(tiny: Tiny) -> None:
    model, tokenizer = load_causal_lm(str(tiny("llama")), "cpu", "fp32")
    reader = Reader.of(model, tokenizer)
    document, before = notes("train", 1)[0], "Ett helt annat brev.\n\n"
    alone, after = reader.read([document])[0], reader.read([document], before=before)[0]
    ids = [reader.special.bos, *token_ids(tokenizer, before), *token_ids(tokenizer, document.text)]
    n_read = min(len(alone), reader.context + 1 - (len(ids) - len(alone)))
    with torch.no_grad():
        logits = model(torch.tensor([ids[: reader.context]])).logits[0].double().log_softmax(-1)
    whole = logits[torch.arange(len(ids[1 : reader.context + 1])), torch.tensor(ids[1 : reader.context + 1])]
    assert len(after) == n_read
    assert after == pytest.approx(whole[-n_read:].numpy(), abs=1e-4)
    assert not np.allclose(after, alone[:n_read])
