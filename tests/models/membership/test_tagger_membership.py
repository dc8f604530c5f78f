"""Attacks on taggers that learned names by heart, and on taggers that never saw them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from deidsynth.config import ScratchEncoderConfig, TaskAdaptivePretrainingConfig, TrainConfig, resolve_train
from deidsynth.documents import Corpus, Document, Entity, LabelScheme
from deidsynth.models.devices import Compute
from deidsynth.models.membership import tagger as tagger_module
from deidsynth.models.membership.names import carriers, rare_names
from deidsynth.models.membership.tagger import tagger_membership
from deidsynth.models.tagger.token_classifier import load_tagger, new_tagger
from deidsynth.models.tagger.token_data import training_chunks
from deidsynth.models.tagger.training import train_tagger
from deidsynth.privacy.audit.auditing import measure_text
from deidsynth.privacy.audit.gate import Tolerances, conclude, judge
from deidsynth.privacy.audit.sides import Sides
from deidsynth.tagging import TagSet
from membership_notes import notes, sides

TAGS = TagSet.of(LabelScheme(("NAME",)))


def trained(documents: list[Document], folder: Path) -> Path:
    """A tagger that was trained on some notes until it knows them."""
    asked = TrainConfig(
        encoder="scratch",
        scratch=ScratchEncoderConfig(hidden_size=48, layers=2, vocabulary_size=400),
        epochs=30,
        learning_rate=0.005,
        batch_size=8,
        task_adaptive_pretraining=TaskAdaptivePretrainingConfig(epochs=0.0),
    )
    config = resolve_train(asked, language=None)
    tagger = new_tagger(config, TAGS, [each.text for each in notes("vocabulary", 60)])
    chunks = training_chunks(documents, tagger.tokenizer, TAGS, max_words=None, max_tokens=64)
    for _ in train_tagger(tagger, chunks, config, Compute(1, "cpu", "fp32", folder), {}):
        pass
    tagger.save(folder)
    return folder


@pytest.fixture(scope="module")
def by_heart(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """A tagger of the training notes."""
    return trained(notes("train"), tmp_path_factory.mktemp("by-heart"))


@pytest.fixture(scope="module")
def strange(tmp_path_factory: pytest.TempPathFactory, one_thread: None) -> Path:
    """A tagger of other notes."""
    return trained(notes("other"), tmp_path_factory.mktemp("strange"))


def test_names_that_were_learned_by_heart_are_found(by_heart: Path) -> None:
    found = tagger_membership(sides("train", "held-out"), by_heart, of="gold", language="sv")
    assert (found.name, found.of, found.n) == ("tagger_membership", "gold", (40, 40))
    for attack in ("likelihood", "names"):
        assert found.details["attacks"][attack]["interval"][0] > 0.1, attack
    assert found.interval is not None
    assert found.interval[0] > 0.2


def test_names_that_were_never_seen_are_not(strange: Path) -> None:
    all_found = [tagger_membership(sides(f"a{turn}", f"b{turn}"), strange, language="sv") for turn in range(12)]
    intervals = [found.interval for found in all_found]
    n_suspected = sum(interval is not None and not interval[0] <= 0 <= interval[1] for interval in intervals)
    assert n_suspected <= 2  # more than 2 of 12 at a level of 5 %: in 1 of 50 such tests


def test_a_tagger_that_learned_by_heart_fails_alone_where_the_text_is_clean(by_heart: Path) -> None:
    both, clean = sides("train", "held-out"), Corpus(tuple(notes("other", 80)), origin="synthetic")
    measured = [*measure_text(both, clean), tagger_membership(both, by_heart, language="sv")]
    judged = [judge(each, Tolerances.default()) for each in measured]
    assert [each.measured.name for each in judged if each.verdict == "fail"] == ["tagger_membership"]
    assert conclude(judged)[0] == "fail"


def test_the_same_seed_gives_the_same_figures(strange: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tagger_module, "MOST_GROUPS", 15)
    monkeypatch.setattr(tagger_module, "MOST_NAMES", 30)
    both = sides("train", "held-out")
    found = tagger_membership(both, strange, seed=3)
    assert found == tagger_membership(both, strange, seed=3)
    assert found.details["attacks"]["likelihood"]["n"] == [15, 15]
    assert sum(found.details["attacks"]["names"]["n"]) == 30
    assert found != tagger_membership(both, strange, seed=4)


def test_an_ensemble_is_attacked_as_a_whole(by_heart: Path, strange: Path, tmp_path: Path) -> None:
    tagger = load_tagger(str(by_heart))
    replace(tagger, others=(load_tagger(str(strange)).model,)).save(tmp_path)
    found = tagger_membership(sides("train", "held-out"), tmp_path)
    assert found.details["n_models"] == 2
    alone = tagger_membership(sides("train", "held-out"), by_heart)
    assert 0.6 < found.details["attacks"]["likelihood"]["auc"] < alone.details["attacks"]["likelihood"]["auc"]


def test_labels_that_the_tagger_does_not_know_are_no_obstacle(by_heart: Path) -> None:
    both = sides("train", "held-out")
    first, *others = both.train
    strange = replace(first[0], entities=tuple(replace(each, label="PATIENT") for each in first[0].entities))
    found = tagger_membership(Sides(((strange,), *others), both.held_out, {}), by_heart, language="sv")
    assert found.details["attacks"]["names"]["n"] == [40, 40]


def test_without_names_there_is_the_likelihood_alone(by_heart: Path) -> None:
    both = sides("train", "held-out")
    bare = Sides(*(tuple((each.with_entities(()),) for (each,) in side) for side in (both.train, both.held_out)), {})
    found = tagger_membership(bare, by_heart)
    assert [*found.details["attacks"]] == ["likelihood"]
    assert tagger_membership(Sides((), (), {}), by_heart).difference is None


def test_a_rare_name_is_of_one_group_of_both_sides() -> None:
    def document(number: str, group: str, *names: str, label: str = "NAME") -> Document:
        text = "\n".join(names)
        starts = [text.index(name) for name in names]
        pairs = zip(starts, names, strict=True)
        entities = tuple(Entity(start, start + len(name), label) for start, name in pairs)
        return Document(number, text, entities, group=group)

    documents = [
        document("1", "a", "Ana Ek", "Bo Alm", "A. B."),
        document("2", "a", "ANA EK"),
        document("3", "b", "bo alm", "Cia\u00a0Dahl"),
        document("4", "c", "Visby", label="CITY"),
        document("5", "c", "Eva Berg", label="WHO"),
    ]
    assert [(each.document, each.value) for each in rare_names(documents)] == [(0, "Ana Ek"), (2, "Cia Dahl")]
    assert len(rare_names(documents, {"WHO": "full_name"})) == 3


@pytest.mark.parametrize("language", ["sv", "es", "en", "de", "fr", "nl", "da", "nb", "pl", None])
def test_there_are_sentences_for_every_language(language: str | None) -> None:
    sentences = carriers(language)
    assert all(each.count("{name}") == 1 for each in sentences)
    has_words = any(character.isalpha() for character in "".join(sentences).replace("{name}", ""))
    assert has_words == (language not in ("pl", None))
