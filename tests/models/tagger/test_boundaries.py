"""No token of a pretrained encoder's tokenizer spans a place where an entity may begin or end."""

from __future__ import annotations

from copy import deepcopy
from pathlib import Path

import pytest
from hypothesis import given, settings, strategies as st
from tokenizers import models, pre_tokenizers, trainers
from transformers import AutoTokenizer, PreTrainedTokenizerFast, XLMRobertaTokenizer

from deidsynth.config import TrainConfig, resolve_train
from deidsynth.documents import Document, Entity, LabelScheme
from deidsynth.models.tagger.boundaries import with_boundaries
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.models.tagger.token_data import tokenize, training_chunks
from deidsynth.models.tokenizers import encoder_tokenizer
from deidsynth.tagging import TagSet, decode, encode
from tiny_models import ENCODERS, TEXTS, save_tiny

TAGS = TagSet.of(LabelScheme(("DATE", "ID")))
# So often in the training text of a tokenizer that each is one token, or in a longer one.
GLUED = ("/03/", "12kg", "NHC-77.", "(A4)", "37º", "…)", "b12/", ").", '".')


def _glued(kind: str) -> PreTrainedTokenizerFast:
    """A tokenizer of a kind whose tokens mix letters, digits and other characters, as those of hubs do."""
    made: PreTrainedTokenizerFast = ENCODERS[kind][0]()
    backend = made.backend_tokenizer
    texts = [*TEXTS, *(f"{left}{right} {right} {left}" for left in GLUED for right in GLUED for _ in range(40))]
    special = sorted(made.get_added_vocab(), key=made.get_vocab().__getitem__)
    if isinstance(backend.model, models.WordPiece):
        trainer: trainers.Trainer = trainers.WordPieceTrainer(
            vocab_size=420, special_tokens=special, show_progress=False
        )
    elif isinstance(backend.model, models.Unigram):
        trainer = trainers.UnigramTrainer(
            vocab_size=420, special_tokens=special, unk_token="<unk>", show_progress=False
        )
    else:
        alphabet = pre_tokenizers.ByteLevel.alphabet()
        trainer = trainers.BpeTrainer(
            vocab_size=700, special_tokens=special, initial_alphabet=alphabet, show_progress=False
        )
    backend.train_from_iterator(texts, trainer)
    return made


KINDS = ("bert", "roberta", "xlm-roberta", "modernbert")
BEFORE = {kind: _glued(kind) for kind in KINDS}
AFTER = {kind: with_boundaries(deepcopy(BEFORE[kind])) for kind in KINDS}
TEXT = "Visto el 12/03/24). Peso 12kg."
DOCUMENT = Document("date", TEXT, (Entity(12, 14, "DATE"), Entity(15, 18, "ID"), Entity(25, 27, "ID")))


def _surfaces(tokenizer: PreTrainedTokenizerFast, text: str) -> list[str]:
    return [text[start:end].strip() for start, end in tokenize(tokenizer, text)[1]]


@pytest.mark.parametrize("kind", KINDS)
def test_an_entity_may_begin_and_end_where_characters_of_two_kinds_meet(kind: str) -> None:
    def misaligned(tokenizer: PreTrainedTokenizerFast) -> int:
        return training_chunks([DOCUMENT], tokenizer, TAGS, max_words=None, max_tokens=64).n_misaligned

    assert (misaligned(BEFORE[kind]) > 0, misaligned(AFTER[kind])) == (True, 0)
    _, offsets = tokenize(AFTER[kind], TEXT)
    assert decode(TEXT, encode(TEXT, DOCUMENT.entities, offsets, TAGS).tags, offsets, TAGS) == DOCUMENT.entities


def _kinds_of(surface: str) -> set[str]:
    return {"letter" if each.isalpha() else "digit" if each.isnumeric() else each for each in surface}


_words = st.lists(st.sampled_from([*GLUED, "Alvedina", "Peso", "77", " ", "\n", "-", "km/h", "3x4", "å,ö", "(", "%"]))


@settings(max_examples=100)
@given(_words.map("".join), st.sampled_from(KINDS))
def test_no_token_mixes_letters_digits_and_other_characters(text: str, kind: str) -> None:
    ids, _ = tokenize(AFTER[kind], text)
    surfaces = _surfaces(AFTER[kind], text)
    known = [surface for number, surface in zip(ids, surfaces, strict=True) if number != AFTER[kind].unk_token_id]
    assert all(len(_kinds_of(surface)) <= 1 for surface in known)  # to WordPiece, an unknown word is one token


@settings(max_examples=100)
@given(st.lists(st.text("abcdeåöABC", min_size=1) | st.text("0123456789", min_size=1) | st.sampled_from("/-.")))
def test_what_mixes_nothing_has_the_tokens_that_it_had(words: list[str]) -> None:
    for kind in KINDS:
        assert tokenize(AFTER[kind], " ".join(words)) == tokenize(BEFORE[kind], " ".join(words))


def test_what_continues_a_word_still_does() -> None:
    names = AFTER["bert"].convert_ids_to_tokens(tokenize(AFTER["bert"], "12kg b12")[0])
    assert names[0] == "12" and names[1].startswith("##") and names[-1].startswith("##")


def test_an_english_genitive_stays_one_token() -> None:
    texts = ["The patient's wife's doctor isn't here"] * 9
    tokenizer = ENCODERS["modernbert"][0]()
    trainer = trainers.BpeTrainer(vocab_size=400, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.backend_tokenizer.train_from_iterator([*texts, *["a) (b).)"] * 9], trainer)
    assert {"'s", "'t"} <= set(_surfaces(with_boundaries(tokenizer), texts[0]))


@pytest.mark.parametrize("kind", KINDS)
def test_a_tokenizer_is_changed_once_and_knows_its_special_tokens(kind: str) -> None:
    again = with_boundaries(AFTER[kind])
    assert again is AFTER[kind]
    assert again.special_tokens_map == BEFORE[kind].special_tokens_map
    assert again.get_vocab().keys() >= set(again.all_special_tokens)
    assert len(again) == len(BEFORE[kind])
    assert again(TEXT)["input_ids"][0] == BEFORE[kind](TEXT)["input_ids"][0]


def test_a_tokenizer_that_mixes_nothing_stays() -> None:
    own = encoder_tokenizer([*TEXTS, *GLUED * 9], 600)
    before = own.backend_tokenizer.to_str()
    assert with_boundaries(own) is own
    assert own.backend_tokenizer.to_str() == before


def test_transformers_reads_the_boundaries_of_a_class_that_makes_its_tokenizer_anew(tmp_path: Path) -> None:
    folder = save_tiny("xlm-roberta", tmp_path / "encoder")
    pieces = [
        (token, -float(number))
        for number, token in enumerate(["<s>", "<pad>", "</s>", "<unk>", "▁1", "/03/", *"0123/"])
    ]
    XLMRobertaTokenizer(vocab=[*pieces, ("<mask>", 0.0)]).save_pretrained(folder)
    assert _surfaces(AutoTokenizer.from_pretrained(folder), "1/03/2") == ["1", "/03/", "2"]
    tagger = new_tagger(resolve_train(TrainConfig(encoder=str(folder)), language=None), TAGS, ())
    tagger.save(tmp_path / "tagger")
    read = AutoTokenizer.from_pretrained(tmp_path / "tagger")
    for tokenizer in (tagger.tokenizer, read):
        assert _surfaces(tokenizer, "1/03/2") == ["1", "/", "0", "3", "/", "2"]
        assert tokenizer("1")["input_ids"][-1] == tokenizer.sep_token_id == 2
        assert tokenizer.model_max_length == tagger.window_tokens + 2
