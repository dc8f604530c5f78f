"""What a configuration leaves open, by the kind of model."""

from __future__ import annotations

import pytest

from deidsynth.config import AdaptConfig, TaskAdaptivePretrainingConfig, TrainConfig
from deidsynth.models.recipes import AdaptRecipe, TaggerRecipe
from deidsynth.starters import kind_of_base


def test_the_kind_is_known_from_the_name() -> None:
    names = ["scratch", "starter", "starter-xs", "./starter", "some/hub-model"]
    assert [kind_of_base(name) for name in names] == ["scratch", "starter", "starter", "other", "other"]


@pytest.mark.parametrize("name", ["scratch", "starter"])
def test_small_models_have_small_batches_and_muon_and_fill_in_first(name: str) -> None:
    tagger, language_model = TaggerRecipe.of(TrainConfig(encoder=name)), AdaptRecipe.of(AdaptConfig(base=name), "full")
    assert (tagger.batch_size, tagger.muon, language_model.batch_tokens, language_model.muon) == (8, True, 2048, True)
    assert tagger.pretraining_epochs > 0
    assert tagger.learning_rate > 1e-4 and language_model.learning_rate > 1e-4


def test_other_models_are_tuned_as_usual() -> None:
    assert TaggerRecipe.of(TrainConfig(encoder="some/encoder")) == TaggerRecipe(16, 5e-5, False, 0.0, 5e-5, None)
    assert AdaptRecipe.of(AdaptConfig(base="some/model"), "full") == AdaptRecipe(5.0, 8192, 3e-4, False)
    assert AdaptRecipe.of(AdaptConfig(base="some/model"), "qlora") == AdaptRecipe(5.0, 8192, 2e-4, False)
    assert AdaptRecipe.of(AdaptConfig(base="starter"), "lora") == AdaptRecipe(2.5, 8192, 2e-4, False)


def test_what_is_asked_for_holds() -> None:
    asked = TrainConfig(
        encoder="starter",
        batch_size=3,
        learning_rate=0.1,
        optimizer="adamw",
        task_adaptive_pretraining=TaskAdaptivePretrainingConfig(epochs=0, learning_rate=0.2),
    )
    assert TaggerRecipe.of(asked) == TaggerRecipe(3, 0.1, False, 0.0, 0.2, None)
    adapt = AdaptConfig(base="some/model", epochs=1, batch_tokens=64, learning_rate=0.1, optimizer="muon")
    assert AdaptRecipe.of(adapt, "lora") == AdaptRecipe(1, 64, 0.1, True)


def test_filling_in_with_a_starter_ends_after_so_many_steps_or_a_pass() -> None:
    starter, other = TaggerRecipe.of(TrainConfig()), TaggerRecipe.of(TrainConfig(encoder="scratch"))
    assert [starter.limited(*steps) for steps in ((964, 241), (4000, 1000), (8000, 2000))] == [964, 1000, 2000]
    assert other.limited(4000, 1000) == 4000
    asked = TrainConfig(task_adaptive_pretraining=TaskAdaptivePretrainingConfig(epochs=4))
    assert TaggerRecipe.of(asked).limited(4000, 1000) == 4000
