"""Configurations: unknown keys are refused, all faults are told at once, settings are laid over files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from deidsynth.config import AdaptConfig, RunConfig, TrainConfig, apply_settings, dump, load_data, parse, resolve_train
from deidsynth.errors import ConfigError, InputError


def problems_of(data: dict[str, Any]) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        parse(RunConfig, data)
    return list(caught.value.problems)


def test_every_fault_is_told_at_once() -> None:
    problems = problems_of({"adapt": {"epochs": 0, "lr": 1e-3}, "trian": {}, "seed": -1})
    assert len(problems) == 4
    assert any(line.startswith("adapt.epochs: ") and line.endswith("got 0") for line in problems)
    assert "adapt.lr: unknown key, did you mean learning_rate?" in problems
    assert "trian: unknown key, did you mean train?" in problems


def test_an_unknown_key_without_a_neighbor_gets_the_list() -> None:
    (problem,) = problems_of({"split": {"qqqq": 1}})
    assert problem == "split.qqqq: unknown key, known keys: half, seed, test, validation"


@pytest.mark.parametrize(
    ("key", "remedy"),
    [
        ("adapt.scratch.kv_heads", "it was removed: it is always 1"),
        ("train.scratch.dropout", "it was removed: it is always 0.1"),
        ("synthesize.endpoint.backoff_seconds", "it was removed: the first wait is always one second"),
        ("synthesize.filters.loop_tokens", "it was removed: it is always 4"),
        ("synthesize.prompts.balance", "it was removed: set control_codes: balanced, for a model with control codes"),
        ("synthesize.prompts.headers", "it is now called control_codes"),
    ],
)
def test_an_old_key_names_what_holds_in_its_place(key: str, remedy: str) -> None:
    assert problems_of(apply_settings({}, [f"{key}=2"])) == [f"{key}: unknown key, {remedy}"]


def test_a_list_of_choices_is_named() -> None:
    (problem,) = problems_of({"adapt": {"method": "magic"}})
    assert problem.startswith("adapt.method: ") and "'lora'" in problem


def test_shapes_that_cannot_be_are_refused() -> None:
    for part in ("adapt", "train"):
        (problem,) = problems_of({part: {"scratch": {"hidden_size": 100}}})
        assert problem == f"{part}.scratch.hidden_size: input should be a multiple of 8, got 100"
    assert "go together" in problems_of({"synthesize": {"prompts": {"source": "file"}}})[0]


def test_keys_of_the_synthetic_model_are_laid_over_train() -> None:
    data = {"train": {"epochs": 4, "scratch": {"layers": 2}}, "train_synthetic": {"scratch": {"hidden_size": 64}}}
    config = parse(RunConfig, data).synthetic_train_config()
    assert (config.epochs, config.scratch.layers, config.scratch.hidden_size) == (4, 2, 64)
    with pytest.raises(ConfigError, match="epohcs: unknown key, did you mean epochs"):
        parse(RunConfig, {"train_synthetic": {"epohcs": 3}})


def test_a_configuration_survives_being_written() -> None:
    config = parse(RunConfig, {"adapt": {"epochs": 3}, "corpus": {"path": "ä"}})
    assert parse(RunConfig, yaml.safe_load(dump(config))) == config


def test_defaults_are_the_papers_where_it_names_them() -> None:
    assert (AdaptConfig().lora.r, AdaptConfig().lora.alpha) == (8, 32)
    sampling = RunConfig().synthesize
    assert (sampling.top_p, sampling.temperature, sampling.top_k, sampling.prompts.words) == (0.95, 1.0, 0, 3)
    train = resolve_train(TrainConfig(), language=None)
    assert (train.epochs, train.chunk_words) == (6, 128)


def test_settings_are_dotted_and_yaml() -> None:
    data = apply_settings({"adapt": {"epochs": 1, "base": "x"}}, ["adapt.epochs=3", "train.chunk_words=null", "seed=2"])
    assert data == {"adapt": {"epochs": 3, "base": "x"}, "train": {"chunk_words": None}, "seed": 2}


def test_settings_that_are_none_are_all_named() -> None:
    with pytest.raises(ConfigError) as caught:
        apply_settings({}, ["adapt.epochs", "=3", "a=[1"])
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize(
    ("content", "error", "message"),
    [
        (b"a: [1", ConfigError, "not valid YAML"),
        (b"- 1\n", ConfigError, "expected a mapping"),
        (b"\xff\xfe", InputError, "not UTF-8"),
        (None, InputError, "no such file"),
    ],
)
def test_a_file_that_is_no_configuration(
    tmp_path: Path, content: bytes | None, error: type[InputError], message: str
) -> None:
    path = tmp_path / "run.yaml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(error, match=message) as caught:
        load_data(path)
    assert str(path) in str(caught.value)
    with pytest.raises(InputError, match="cannot be read"):
        load_data(tmp_path)


def test_an_empty_file_is_an_empty_configuration(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("# nothing\n")
    assert load_data(tmp_path / "run.yaml") == {}
