from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from deidsynth.config import TrainConfig
from deidsynth.documents import Document, Entity, LabelScheme
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.loading import load_tokenizer
from deidsynth.models.tagger.prediction import joined_tokens, outside_probabilities, predict, predict_with_outside
from deidsynth.models.tagger.token_classifier import Tagger, load_tagger, new_tagger
from deidsynth.models.tagger.token_data import tokenize, training_chunks, transition_log_probs
from deidsynth.models.tokenizers import encoder_tokenizer
from deidsynth.tagging import IGNORED, TagSet, decode
from tiny_models import NOTES, TEXTS, note

TAGS = TagSet.of(LabelScheme(("CITY", "NAME")))
ENCODER = encoder_tokenizer(TEXTS, 500)
Tiny = Callable[[str], Path]


class Oracle(nn.Module):
    """Scores by the token id, and by where in its window a token stands.

    Args:
        tag_of: tag by token id; others are outside.
        blind: places at either end of a row where it sees nothing but noise.
    """

    def __init__(self, tag_of: dict[int, int], blind: int = 0) -> None:
        super().__init__()
        self.tag_of, self.blind = tag_of, blind
        self.widths: list[int] = []

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        logits = torch.zeros(*input_ids.shape, len(TAGS))
        for row, (ids, mask) in enumerate(zip(input_ids.tolist(), attention_mask.tolist(), strict=True)):
            width = sum(mask)
            self.widths.append(width)
            for place in range(width):
                seen = self.blind <= place < width - self.blind
                logits[row, place, self.tag_of.get(ids[place], 0) if seen else place % len(TAGS)] = 9.0
        return SimpleNamespace(logits=logits)


def _tagger(model: nn.Module, *others: nn.Module, tokenizer: object = ENCODER, window: int = 64) -> Tagger:
    return Tagger(model, tokenizer, TAGS, window, others=others)  # type: ignore[arg-type]


def _spell(text: str, **tags: int) -> dict[int, int]:
    ids, offsets = tokenize(ENCODER, text)
    by_text = {text[start:end].strip(): number for number, (start, end) in zip(ids, offsets, strict=True)}
    return {by_text[piece]: tag for piece, tag in tags.items()}


@pytest.mark.parametrize("whole_words", [False, True])
def test_a_token_of_zero_width_does_not_part_an_entity(whole_words: bool, tiny: Tiny) -> None:
    tokenizer = load_tokenizer(str(tiny("roberta")))
    text = "Ana på xö"
    ids, offsets = tokenize(tokenizer, text)
    narrow = [number for number, (start, end) in enumerate(offsets) if start == end]
    assert narrow  # a blank before a letter of two bytes is a token, and RoBERTa trims its offsets to nothing
    wide = [number for number in range(len(ids)) if number not in narrow]
    tags = TAGS.begin["NAME"], TAGS.inside["NAME"]
    oracle = Oracle({ids[number]: tags[number != wide[0]] for number in wide})
    tagger = replace(_tagger(oracle, tokenizer=tokenizer), whole_words=whole_words)
    found = next(predict(tagger, [Document("1", text)]))
    assert [entity.key for entity in found.entities] == [(0, len(text), "NAME")]


def test_tokens_of_zero_width_do_not_shift_where_words_begin(tiny: Tiny) -> None:
    tokenizer = load_tokenizer(str(tiny("roberta")))
    text = "Ana på xö Qwertyx 12"
    ids, _ = tokenize(tokenizer, text)
    tagger = replace(_tagger(Oracle(dict.fromkeys(ids, TAGS.begin["NAME"])), tokenizer=tokenizer), whole_words=True)
    found = next(predict(tagger, [Document("1", text)]))
    assert [text[entity.start : entity.end] for entity in found.entities] == text.split()


def test_entities_of_a_tagger_of_whole_words_never_cut_one() -> None:
    text = "Ana Kvistlundska 1234 kom"
    ids, offsets = tokenize(ENCODER, text)
    oracle = Oracle(dict.fromkeys(ids, TAGS.begin["NAME"]))
    cut, whole = (
        next(predict(replace(_tagger(oracle), whole_words=kept), [Document("1", text)])).entities
        for kept in (False, True)
    )
    assert len(cut) == len(offsets) > 5
    assert [text[entity.start : entity.end] for entity in whole] == ["Ana", "Kvistlundska", "1234", "kom"]


def test_tokens_that_go_on_with_a_word() -> None:
    offsets = [(0, 2), (2, 3), (3, 5), (5, 6), (6, 7), (7, 8), (7, 8), (8, 9)]
    assert joined_tokens("Ana Ek1😀 ", offsets).tolist() == [False, True, False, True, False, False, True, False]
    assert joined_tokens("", []).tolist() == []


def unbroken(n_sentences: int) -> Document:
    """A note without a place where a sentence could end, so that windows have to cut it."""
    text = note(0, n_sentences=n_sentences).text
    return Document("long", text.lower().replace("\n", " "))


def test_every_token_is_judged_where_most_is_seen_around_it() -> None:
    long = unbroken(12)
    ids, offsets = tokenize(ENCODER, long.text)
    by_id = {number: 1 + number % 2 * 2 for number in set(ids)}  # every token begins a CITY or a NAME
    expected = decode(long.text, [by_id[number] for number in ids], offsets, TAGS)
    for overlap, blind in ((0.5, 8), (0.75, 12), (0.0, 4)):
        oracle = Oracle(by_id, blind)
        found = next(predict(_tagger(oracle, window=30), [Document("1", long.text)], overlap=overlap, batch_size=3))
        first, last = offsets[blind + 1][0], offsets[-blind - 2][1]  # the ends of the text stand in one window only
        inner, wanted = (
            [entity.key for entity in entities if first <= entity.start and entity.end <= last]
            for entities in (found.entities, expected)
        )
        assert (inner == wanted) == (overlap > 0)
        assert max(oracle.widths) == 32  # window, [CLS] and [SEP]


def test_scores_are_the_lowest_marginal_of_an_entity() -> None:
    text = "x"
    assert len(tokenize(ENCODER, text)[0]) == 1
    found = next(predict(_tagger(Even(0.1, 0.2, 0.05, 0.6, 0.05)), [Document("1", text)]))
    # Among O .1, B-CITY .2, B-NAME .6: a text cannot begin inside.
    assert [entity.key for entity in found.entities] == [(0, 1, "NAME")]
    assert found.entities[0].score == pytest.approx(0.6 / 0.9)


def test_the_least_certain_token_outside_is_told_at_its_place_in_the_text_itself() -> None:
    tagger = _tagger(Even(0.7, 0.1, 0.05, 0.1, 0.05))
    documents = [Document("1", "x"), Document("2", "\u00a0\u00a0\r\nx"), Document("3", " . "), Document("4", "")]
    found = list(predict_with_outside(tagger, documents))
    assert [document for document, _ in found] == list(predict(tagger, documents))
    # Among O .7, B-CITY .1, B-NAME .1: a text cannot begin inside; a full stop is no word.
    assert [each and (each.start, each.end, each.label) for _, each in found] == [(0, 1, "O"), (4, 5, "O"), None, None]
    assert found[0][1].score == pytest.approx(0.7 / 0.9, abs=1e-6)


def test_what_is_in_an_entity_is_not_outside() -> None:
    text = "Ana bor i Kil"
    tagger = _tagger(Oracle({tokenize(ENCODER, text)[0][0]: TAGS.begin["NAME"]}))
    [(document, token)] = predict_with_outside(tagger, [Document("1", text)])
    assert [entity.label for entity in document.entities] == ["NAME"]
    assert token is not None and token.start >= document.entities[0].end


def test_documents_come_back_in_order_with_their_text_and_without_their_own_entities() -> None:
    documents = [*NOTES, Document("empty", ""), Document("blank", " \n")] * 3
    documents = [Document(f"{number}", each.text, each.entities, "g") for number, each in enumerate(documents)]
    found = list(predict(_tagger(Oracle({})), documents))
    assert [(each.doc_id, each.text, each.group) for each in found] == [
        (each.doc_id, each.text, each.group) for each in documents
    ]
    assert not any(each.entities for each in found)


def test_a_window_may_be_asked_for_but_not_beyond_the_models_own() -> None:
    text = unbroken(9).text
    for asked, width in ((16, 18), (1000, 66), (None, 66)):
        oracle = Oracle({})
        list(predict(_tagger(oracle), [Document("1", text)], window_tokens=asked))
        assert max(oracle.widths) == width


class Even(nn.Module):
    """The same scores everywhere."""

    def __init__(self, *probabilities: float) -> None:
        super().__init__()
        self.scores = torch.log(torch.tensor(probabilities))

    def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
        return SimpleNamespace(logits=self.scores.expand(*input_ids.shape, len(TAGS)))


def test_what_is_seldom_seen_in_a_row_is_seldom_found() -> None:
    text = "Ana kom"
    tagger = _tagger(Even(0.05, 0.05, 0.05, 0.5, 0.35))
    transitions = np.zeros((len(TAGS), len(TAGS)))
    transitions[:, TAGS.begin["NAME"]] = -5.0
    apart, together = (
        next(predict(each, [Document("1", text)])) for each in (tagger, replace(tagger, transitions=transitions))
    )
    assert len(apart.entities) == len(tokenize(ENCODER, text)[0])
    assert [entity.key for entity in together.entities] == [(0, len(text), "NAME")]


def test_members_decide_by_the_mean_of_their_probabilities() -> None:
    document = Document("1", "Ana kom")
    sure, unsure = Even(0.6, 0.1, 0.1, 0.1, 0.1), Even(0.02, 0.02, 0.02, 0.9, 0.04)
    tagger = _tagger(sure, unsure)
    (found,) = predict(tagger, [document])
    (expected,) = predict(_tagger(Even(0.31, 0.06, 0.06, 0.5, 0.07)), [document])
    assert found.entities
    assert [entity.key for entity in found.entities] == [entity.key for entity in expected.entities]
    assert [entity.score for entity in found.entities] == pytest.approx([each.score for each in expected.entities])
    outside, _ = outside_probabilities(tagger, [document])
    assert outside == pytest.approx(np.full(len(outside), 0.31))


def test_below_the_threshold_nothing_is_left_outside() -> None:
    document = Document("1", "Ana kom")
    tagger = _tagger(Even(0.5, 0.1, 0.1, 0.2, 0.1))
    for threshold, expected in ((None, []), (0.4, []), (0.5, ["NAME"])):
        found = next(predict(replace(tagger, outside_threshold=threshold), [document]))
        assert [*dict.fromkeys(entity.label for entity in found.entities)] == expected
    assert all(0 < entity.score < 0.4 for entity in found.entities)  # it is no surer than before


def test_outside_probabilities_stand_beside_what_is_private() -> None:
    outside, private = outside_probabilities(_tagger(Even(0.5, 0.1, 0.1, 0.2, 0.1)), NOTES)
    assert outside == pytest.approx(np.full(len(private), 0.5))
    assert private.sum() > sum(len(note.entities) for note in NOTES)
    assert not private.all()


def test_settings_of_decoding_are_kept_beside_the_weights(tiny: Tiny, tmp_path: Path) -> None:
    config = TrainConfig(encoder=str(tiny("modernbert")))
    tagger = new_tagger(config, TAGS, (), "cpu")
    transitions = np.arange(25.0).reshape(5, 5)
    replace(tagger, transitions=transitions, outside_threshold=0.25).save(tmp_path)
    again = load_tagger(str(tmp_path))
    assert again.outside_threshold == 0.25
    assert again.transitions is not None
    assert again.transitions.tolist() == transitions.tolist()
    tagger.save(tmp_path)
    assert (load_tagger(str(tmp_path)).transitions, load_tagger(str(tmp_path)).outside_threshold) == (None, None)
    (tmp_path / "deidsynth.json").write_text('{"window_tokens": 510, "whole_words": true}')
    with pytest.raises(
        ModelNotUsableError, match=r"deidsynth\.json: no schema version.*train or adapt the model again"
    ):
        load_tagger(str(tmp_path))
    (tmp_path / "deidsynth.json").unlink()
    assert not load_tagger(str(tmp_path)).whole_words


@pytest.mark.parametrize("fault", [float("nan"), float("inf")])
def test_scores_that_are_no_numbers_are_no_empty_result(fault: float) -> None:
    class Broken(nn.Module):
        def forward(self, input_ids: Tensor, attention_mask: Tensor) -> SimpleNamespace:
            return SimpleNamespace(logits=torch.full((*input_ids.shape, len(TAGS)), fault))

    with pytest.raises(ModelNotUsableError, match="are not finite; use precision: fp32"):
        list(predict(_tagger(Broken()), [Document("1", "Ana")]))


def test_chunks_hold_every_token_once_between_special_ones() -> None:
    chunks = training_chunks(NOTES, ENCODER, TAGS, max_words=8, max_tokens=20)
    inner = [number for example in chunks.examples for number in example.ids[1:-1]]
    assert inner == [number for document in NOTES for number in tokenize(ENCODER, document.text)[0]]
    for example in chunks.examples:
        assert (example.ids[0], example.ids[-1]) == (ENCODER.cls_token_id, ENCODER.sep_token_id)
        assert (example.tags[0], example.tags[-1]) == (IGNORED, IGNORED)
        assert len(example.ids) == len(example.tags) <= 22
    begun = sum(tag in TAGS.begin.values() for example in chunks.examples for tag in example.tags)
    assert begun == chunks.n_entities == sum(len(document.entities) for document in NOTES)
    assert (chunks.n_misaligned, chunks.n_lost) == (0, 0)
    assert chunks.n_tokens == len(inner)


def test_what_tokens_cannot_express_is_counted() -> None:
    document = Document("1", "Ana kom \x07", (Entity(0, 2, "NAME"), Entity(4, 7, "CITY"), Entity(7, 8, "NAME")))
    chunks = training_chunks([document], ENCODER, TAGS, max_words=None, max_tokens=50)
    _, offsets = tokenize(ENCODER, document.text)
    whole = {(start, end) for start, end in offsets}
    assert (chunks.n_entities, chunks.n_misaligned, chunks.n_lost) == (3, 1 + ((0, 3) in whole), 1)


def test_how_often_entities_go_on_or_end() -> None:
    text = "Ana kom"
    chunks = training_chunks(
        [Document("1", text, (Entity(0, 3, "NAME"),))], ENCODER, TAGS, max_words=None, max_tokens=9
    )
    (example,) = chunks.examples
    tags = [tag for tag in example.tags if tag != IGNORED]
    found = np.exp(transition_log_probs(chunks.examples, TAGS))
    first = TAGS.begin["NAME"]
    n_pairs = {after: sum(pair == (first, after) for pair in pairwise(tags)) for after in range(len(TAGS))}
    total = sum(n_pairs.values()) + 0.5 * len(TAGS)
    for after in (TAGS.outside, *TAGS.inside.values()):
        assert found[first, after] == pytest.approx((n_pairs[after] + 0.5) / total)
    begins = list(TAGS.begin.values())
    assert found[first, begins] == pytest.approx(np.full(2, (sum(n_pairs[each] for each in begins) + 1.0) / total))
    assert found[TAGS.outside] == pytest.approx(np.ones(len(TAGS)))  # no label is held back because it is rare
