"""A private adaptation takes nothing that reads the notes outside of its budget, and a run says what is not covered."""

from __future__ import annotations

from typing import Any

import pytest

from deidsynth.config import (
    AdaptConfig,
    PrivateConfig,
    RunConfig,
    dump,
    gaps_in_guarantee,
    parse,
    resolve_adapt,
    resolve_run,
)
from deidsynth.errors import ConfigError

BUDGET = {"private": {"epsilon": 8}}
COVERED = {
    "adapt": {"private": {"epsilon": 8, "labels": ["NAME"]}},
    "synthesize": {
        "annotations": "inline",
        "prompts": {"source": "bos"},
        "filters": {"mode": "off"},
        "samples_per_prompt": 500,
    },
}


def run_of(data: dict[str, Any]) -> Any:
    return resolve_run(parse(RunConfig, data), language="es", precision="fp32")


def test_a_budget_decides_method_optimizer_and_validation() -> None:
    found = resolve_adapt(parse(AdaptConfig, BUDGET), control_codes=True)
    assert (found.method, found.optimizer, found.validation, found.keep) == ("lora", "adamw", 0.0, "last")
    assert (found.annotations, found.control_codes) == ("none", [])
    assert found.min_steps == 0, "adapt.private.steps is the number of steps"
    assert found.private.is_on and not resolve_adapt(AdaptConfig()).private.is_on
    assert resolve_adapt(parse(AdaptConfig, {**BUDGET, "learning_rate": 0.5})).learning_rate == 0.5


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"base": "scratch"}, "adapt.base: scratch trains a tokenizer"),
        ({"method": "full"}, "adapt.method: full cannot be private"),
        ({"method": "qlora"}, "adapt.method: qlora cannot be private"),
        ({"optimizer": "muon"}, "adapt.optimizer: muon cannot be private"),
        ({"control_codes": ["length"]}, "adapt.control_codes are computed from the private notes"),
        ({"validation": 0.1}, "adapt.validation: validation notes would be read"),
        ({"min_steps": 9}, "adapt.min_steps: set adapt.private.steps instead"),
        ({"gradient_checkpointing": True}, "adapt.gradient_checkpointing"),
        ({"annotations": "inline"}, "adapt.private.labels: inline entity tags need labels"),
    ],
)
def test_what_would_leave_the_budget_is_refused(setting: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        resolve_adapt(parse(AdaptConfig, {**BUDGET, **setting}))
    assert len(caught.value.problems) == 1 and message in caught.value.problems[0]


def test_all_contradictions_are_told_at_once() -> None:
    with pytest.raises(ConfigError, match="3 problems"):
        resolve_adapt(parse(AdaptConfig, {**BUDGET, "base": "scratch", "optimizer": "muon", "annotations": "inline"}))


@pytest.mark.parametrize(
    "private",
    [
        {"epsilon": 8, "noise_multiplier": 1},
        {"epsilon": 0},
        {"epsilon": 8, "delta": 0.5},
        {"epsilon": 8, "sampling_rate": 1},
        {"epsilon": 8, "expected_batch": 0},
        {"epsilon": 8, "n_documents": 500},
    ],
)
def test_budgets_that_are_none(private: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="1 problem"):
        parse(PrivateConfig, private)


def test_a_resolved_run_resolves_to_itself() -> None:
    found = run_of(COVERED)
    again = found.config()
    assert dump(resolve_run(again, language="es", precision="fp32").config()) == dump(again)


def test_the_corpus_is_covered_only_if_nothing_else_reads_the_notes() -> None:
    assert gaps_in_guarantee(run_of(COVERED)) == []
    assert gaps_in_guarantee(run_of({})) == []
    gaps = gaps_in_guarantee(run_of({"adapt": BUDGET}))
    assert [gap.partition(":")[0] for gap in gaps] == [
        "synthesize.annotations",
        "synthesize.prompts.source",
        "synthesize.filters.mode",
        "synthesize.samples_per_prompt",
    ]
    agreed = {**COVERED, "synthesize": {**COVERED["synthesize"], "annotations": "agreement"}}
    assert [gap.partition(":")[0] for gap in gaps_in_guarantee(run_of(agreed))] == ["synthesize.annotations"]
