"""A resolved configuration leaves nothing open, says all of itself, and follows the presets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deidsynth.config import (
    AdaptConfig,
    PseudonymizeConfig,
    ResolvedPseudonymizeConfig,
    ResolvedRun,
    RunConfig,
    SynthesizeConfig,
    TrainConfig,
    dump,
    merge,
    parse,
    resolve_adapt,
    resolve_pseudonymize,
    resolve_run,
    resolve_synthesize,
    resolve_train,
)
from deidsynth.config.parsing import difference, load_data
from deidsynth.config.presets import presets
from deidsynth.digests import digest
from deidsynth.errors import ConfigError
from deidsynth.stages import STAGES
from deidsynth.starters import kind_of_base
from deidsynth.workflow.pipeline_plan import pipeline_plan

ENDPOINT = {"base_url": "http://127.0.0.1:8000/v1", "model": "lm"}
BOTH = ["labels", "length"]


def run_of(data: dict[str, Any] | None = None, **facts: Any) -> ResolvedRun:
    return resolve_run(parse(RunConfig, data or {}), **{"language": "sv", "precision": "fp32", **facts})


def test_the_kind_is_known_from_the_name() -> None:
    names = ["scratch", "starter", "starter-xs", "./starter", "some/hub-model"]
    assert [kind_of_base(name) for name in names] == ["scratch", "starter", "starter", "hub", "hub"]


@pytest.mark.parametrize(
    ("base", "method", "expected"),
    [
        ("scratch", "full", (5.0, 2048, 3e-3, "muon")),
        ("starter", "full", (2.5, 2048, 1.5e-3, "muon")),
        ("starter", "lora", (2.5, 8192, 2e-4, "adamw")),
        ("some/model", "full", (5.0, 8192, 3e-4, "adamw")),
        ("some/model", "lora", (5.0, 8192, 2e-4, "adamw")),
        ("some/model", "qlora", (5.0, 8192, 2e-4, "adamw")),
    ],
)
def test_language_models_are_adapted_by_kind_and_method(base: str, method: str, expected: tuple[Any, ...]) -> None:
    found = resolve_adapt(parse(AdaptConfig, {"base": base, "method": method}))
    assert (found.epochs, found.batch_tokens, found.learning_rate, found.optimizer) == expected
    assert (found.annotations, found.control_codes) == ("none", [])


@pytest.mark.parametrize(
    ("encoder", "expected", "pretraining"),
    [
        ("scratch", (6.0, 0, 8, 3e-3, "muon"), (6.0, 4e-3, 0)),
        ("starter", (6.0, 0, 8, 2.5e-3, "muon"), (4.0, 2e-3, 1000)),
        ("some/encoder", (6.0, 600, 16, 5e-5, "adamw"), (0.0, 5e-5, 0)),
    ],
)
def test_taggers_are_trained_by_the_kind_of_encoder(
    encoder: str, expected: tuple[Any, ...], pretraining: tuple[Any, ...]
) -> None:
    found = resolve_train(TrainConfig(encoder=encoder), language=None)
    before = found.task_adaptive_pretraining
    shown = (found.epochs, found.min_steps, found.batch_size, found.learning_rate, found.optimizer)
    assert shown == expected
    assert (before.epochs, before.learning_rate, before.max_steps) == pretraining
    assert (found.mention_replacement, found.format_variation, found.language) == (0.0, 0.0, None)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('{"hidden_size": 384}', 1e-4),
        ('{"hidden_size": 1024}', 3.75e-5),
        ('{"hidden_size": "wide"}', 5e-5),
        ("{}", 5e-5),
        ("[1", 5e-5),
        (None, 5e-5),
    ],
)
def test_a_narrower_encoder_takes_larger_steps(content: str | None, expected: float, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "config.json").write_text(content, encoding="utf-8")
    found = resolve_train(TrainConfig(encoder=str(tmp_path)), language=None)
    assert (found.learning_rate, found.task_adaptive_pretraining.learning_rate) == (expected, expected)
    asked = TrainConfig(encoder=str(tmp_path), learning_rate=0.1)
    assert resolve_train(asked, language=None).learning_rate == 0.1


@pytest.mark.parametrize(
    ("settings", "expected"),
    [({}, 600), ({"epochs": 6}, 0), ({"batch_size": 16}, 0), ({"epochs": 6, "min_steps": 9}, 9), ({"min_steps": 0}, 0)],
)
def test_steps_have_a_minimum_unless_passes_or_batches_are_asked_for(settings: dict[str, Any], expected: int) -> None:
    found = resolve_train(TrainConfig(encoder="some/encoder", **settings), language=None)
    assert (found.min_steps, found.epochs, found.batch_size) == (expected, 6.0, 16)


def test_adaptation_and_pretraining_have_one_if_it_is_asked_for() -> None:
    def adapt(**settings: Any) -> int:
        return resolve_adapt(AdaptConfig(**settings)).min_steps

    def pretraining(**settings: Any) -> int:
        asked = parse(TrainConfig, {"task_adaptive_pretraining": settings})
        return resolve_train(asked, language=None).task_adaptive_pretraining.min_steps

    assert [adapt(), adapt(epochs=2), adapt(min_steps=7), adapt(epochs=2, min_steps=9)] == [0, 0, 7, 9]
    assert [pretraining(), pretraining(epochs=1), pretraining(min_steps=7), pretraining(epochs=1, min_steps=9)] == [
        0,
        0,
        7,
        9,
    ]


@pytest.mark.parametrize("language", ["es", "sv"])
def test_the_recipe_of_the_paper_is_not_ours(language: str) -> None:
    base = load_data(Path(__file__).parents[2] / "studies" / "paper" / language / "base.yaml")
    for train in (run_of(base).train, run_of(base).train_synthetic):
        assert (train.epochs, train.batch_size, train.min_steps, train.learning_rate) == (6, 16, 0, 5e-5)
        assert (train.optimizer, train.task_adaptive_pretraining.epochs) == ("adamw", 0)


def test_what_is_asked_for_holds() -> None:
    pretraining = {"epochs": 0, "learning_rate": 0.2}
    asked = {"batch_size": 3, "learning_rate": 0.1, "optimizer": "adamw", "task_adaptive_pretraining": pretraining}
    train = resolve_train(parse(TrainConfig, asked), language="sv", synthetic=True)
    assert (train.batch_size, train.learning_rate, train.optimizer) == (3, 0.1, "adamw")
    before = train.task_adaptive_pretraining
    assert (before.epochs, before.learning_rate, before.max_steps) == (0, 0.2, 0), "no limit where epochs are asked for"
    limited = parse(TrainConfig, {"task_adaptive_pretraining": {"epochs": 4, "max_steps": 7}})
    assert resolve_train(limited, language=None).task_adaptive_pretraining.max_steps == 7
    tuned = {"epochs": 1, "batch_tokens": 64, "learning_rate": 0.1, "optimizer": "muon"}
    found = resolve_adapt(parse(AdaptConfig, {"base": "some/model", "method": "lora", **tuned}))
    assert (found.epochs, found.batch_tokens, found.learning_rate, found.optimizer) == (1, 64, 0.1, "muon")


def test_the_method_goes_by_the_size_of_the_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "model.safetensors").write_bytes(b"1234")

    def method(base: str) -> str:
        return resolve_adapt(AdaptConfig(base=base)).method

    assert [method(base) for base in ("scratch", "starter", str(tmp_path), "some/model")] == [*["full"] * 3, "lora"]
    monkeypatch.setattr("deidsynth.config.resolve.LARGE_BYTES", 4)
    assert method(str(tmp_path)) == "lora"


@pytest.mark.parametrize("method", ["lora", "qlora"])
def test_low_rank_adaptation_needs_a_pretrained_base(method: str) -> None:
    with pytest.raises(ConfigError, match="use full with scratch"):
        resolve_adapt(parse(AdaptConfig, {"base": "scratch", "method": method}))


@pytest.mark.parametrize("settings", [{"annotations": "inline"}, {"control_codes": ["labels"]}])
def test_quantized_embeddings_are_taught_no_special_tokens(settings: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="qlora may not train the new embeddings"):
        resolve_adapt(parse(AdaptConfig, {"base": "some/model", "method": "qlora", **settings}))


def test_small_language_models_and_adapters_of_a_run_have_control_codes_unless_it_says_otherwise() -> None:
    assert run_of().adapt.control_codes == BOTH
    assert run_of().synthesize.prompts.control_codes == "gold"
    assert run_of({"adapt": {"base": "scratch"}}).adapt.control_codes == BOTH
    assert run_of({"adapt": {"method": "lora"}}).adapt.control_codes == BOTH
    assert run_of({"adapt": {"base": "org/model"}}).adapt.control_codes == BOTH
    assert run_of({"adapt": {"base": "org/model"}}).synthesize.prompts.control_codes == "gold"
    assert run_of(adapts=False).adapt.control_codes == []
    for data in (
        {"adapt": {"base": "org/model", "method": "full"}},
        {"adapt": {"base": "org/model", "method": "qlora"}},
        {"adapt": {"base": "org/model", "control_codes": []}},
        {"adapt": {"base": "org/model"}, "synthesize": {"endpoint": ENDPOINT}},
        {"adapt": {"control_codes": []}},
        {"synthesize": {"endpoint": ENDPOINT}},
        {"adapt": {"method": "qlora"}},
    ):
        assert (run_of(data).adapt.control_codes, run_of(data).synthesize.prompts.control_codes) == ([], None)
    for adapt in ({"base": "org/model", "method": "full"}, {"control_codes": []}):
        with pytest.raises(ConfigError, match="set adapt.control_codes"):
            run_of({"adapt": adapt, "synthesize": {"prompts": {"control_codes": "gold"}}})


@pytest.mark.parametrize("adapt", [{"control_codes": ["labels"]}, {"annotations": "inline"}])
def test_a_model_without_adaptation_has_learned_no_codes_or_tags(adapt: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="a model needs adaptation to learn them"):
        run_of({"adapt": adapt}, adapts=False)


def test_a_language_model_writes_entities_where_the_run_wants_them() -> None:
    found = [run_of({"synthesize": {"annotations": each}}).adapt.annotations for each in ("machine", "agreement")]
    assert found == ["none", "inline"]


def test_invented_values_have_the_language_of_the_corpus() -> None:
    run = run_of()
    assert (run.train.mention_replacement, run.train.format_variation, run.train.language) == (0.0, 0.0, None)
    synthetic = run.train_synthetic
    assert (synthetic.mention_replacement, synthetic.format_variation, synthetic.language) == (0.7, 0.5, "sv")
    assert (run.corpus.language, run.synthesize.prompts.language) == ("sv", "sv")
    assert run_of({"train": {"language": "ca"}}).train_synthetic.language == "ca"
    assert resolve_synthesize(SynthesizeConfig(), language="es").prompts.language == "es"
    with pytest.raises(ConfigError, match="for example with --language es"):
        resolve_train(TrainConfig(mention_replacement=0.5), language=None)


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"adapt": {"base": "scratch"}, "train": {"encoder": "scratch"}},
        {"adapt": {"base": "some/model"}, "train": {"encoder": "some/encoder"}, "precision": "bf16"},
        {"train": {"mention_replacement": 0.2}, "train_synthetic": {"mention_replacement": 0, "encoder": "scratch"}},
        {"synthesize": {"annotations": "agreement"}, "train_synthetic": {"task_adaptive_pretraining": {"epochs": 2}}},
        {"synthesize": {"endpoint": ENDPOINT}, "corpus": {"path": "ä"}, "output": "there", "seed": 3},
        {"pseudonymize": {"copies": 3, "annotator": True, "labels": {"PET": "first_name"}}},
        {"pseudonymize": {"mode": "never", "copies": 3}},
    ],
)
def test_what_is_written_resolves_to_itself(data: dict[str, Any]) -> None:
    run = run_of(data)
    written = parse(RunConfig, yaml.safe_load(dump(run.config())))
    assert resolve_run(written, language="sv", precision="bf16") == run.model_copy(update={"precision": "bf16"})
    assert resolve_run(written, language=written.corpus.language, precision=written.precision) == run


def test_surrogates_are_taken_where_the_text_is_real_or_asked_for() -> None:
    def found(asked: dict[str, Any], **facts: Any) -> ResolvedPseudonymizeConfig:
        return run_of({"pseudonymize": asked, "corpus": {"labels": {"PET": "first_name"}}}, **facts).pseudonymize

    real = found({"copies": 2, "labels": {"WARD": "clinic"}})
    assert (real.mode, real.copies, real.annotator, real.language) == ("always", 2, False, "sv")
    assert real.labels == {"PET": "first_name", "WARD": "clinic"}
    assert found({"language": "fi"}).language == "fi"
    for origin in ("invented", "synthetic"):
        assert found({"annotator": True}, origin=origin) == found({"mode": "never"})
        assert found({"mode": "always"}, origin=origin).mode == "always"
    assert found({"mode": "never"}).language is None
    with pytest.raises(ConfigError, match="annotator: true and mode: never contradict"):
        found({"mode": "never", "annotator": True})
    with pytest.raises(ConfigError, match=r"pseudonymize\.language: surrogates need the language of the text"):
        resolve_pseudonymize(PseudonymizeConfig(), origin="real", language=None)


def test_of_the_synthetic_model_only_what_differs_is_written() -> None:
    written = run_of({"train_synthetic": {"epochs": 3, "scratch": {"layers": 2}}}).config()
    invented = {"mention_replacement": 0.7, "format_variation": 0.5, "language": "sv"}
    assert written.train_synthetic == {"epochs": 3.0, **invented, "scratch": {"layers": 2}}


def test_a_difference_laid_over_gives_the_other() -> None:
    base, top = {"a": 1, "b": {"c": [1], "d": 2}, "e": {"f": 1}}, {"a": 1, "b": {"c": [2], "d": 2}, "e": None}
    assert difference(base, top) == {"b": {"c": [2]}, "e": None}
    assert merge(base, difference(base, top)) == top


def test_a_resolved_run_has_the_keys_of_a_run() -> None:
    assert list(ResolvedRun.model_fields) == list(RunConfig.model_fields)


NEURAL = {"gold", "evaluate-gold", "annotate", "synthetic", "evaluate-synthetic", "audit"}
WRITTEN = {"adapt", "synthesize", "annotate", "synthetic", "evaluate-synthetic", "memorization", "audit"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"adapt": {"starter": {"full": {"learning_rate": 0.001}}}}, WRITTEN),
        ({"adapt": {"starter": {"lora": {"learning_rate": 0.001}}, "hub": {"full": {"epochs": 1}}}}, set()),
        ({"train": {"starter": {"learning_rate": 0.001}}}, NEURAL),
        ({"train": {"starter": {"task_adaptive_pretraining": {"max_steps": 900}}}}, NEURAL),
        ({"train": {"hub": {"batch_size": 4}, "scratch": {"batch_size": 4}}}, set()),
        ({"synthetic": {"mention_replacement": 0.6}}, {"synthetic", "evaluate-synthetic", "audit"}),
    ],
)
def test_another_preset_is_another_key_for_what_it_concerns(
    changes: dict[str, Any], expected: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def keys() -> dict[str, str]:
        plan = pipeline_plan(run_of(), source_digest=digest("corpus"), origin="real")
        return plan.keys(STAGES)

    before, usual = keys(), presets()
    changed = parse(type(usual), merge(usual.model_dump(), changes))
    monkeypatch.setattr("deidsynth.config.resolve.presets", lambda: changed)
    assert {name for name, key in keys().items() if key != before[name]} == expected


@pytest.mark.parametrize(
    "changes", [{"adapt": {"scratch": {"lora": {}}}}, {"train": {"starter": {"learning_rate": 0}}}, {"else": 1}]
)
def test_presets_that_cannot_be_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ConfigError):
        parse(type(presets()), merge(presets().model_dump(), changes))
    data = presets().model_dump()
    del data["train"]["hub"]
    with pytest.raises(ConfigError, match="every kind of model with its methods"):
        parse(type(presets()), data)
