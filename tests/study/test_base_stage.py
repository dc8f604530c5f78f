"""The stage that takes a language model as it comes."""

from __future__ import annotations

from pathlib import Path

import pytest

from deidsynth.config import AdaptConfig, resolve_adapt
from deidsynth.errors import ConfigError
from deidsynth.models.language_model.causal_lm import load_causal_lm
from deidsynth.stages import STAGES
from deidsynth.stages.specification import StageContext
from deidsynth.starters import find


def test_the_base_model_is_written_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "output").mkdir()
    config = resolve_adapt(AdaptConfig(base="starter-xs"))
    facts = STAGES["base"].run(config, {}, tmp_path / "output", StageContext(tmp_path))
    starter = find("starter-xs", "causal")
    assert starter is not None
    written, _ = load_causal_lm(str(tmp_path / "output" / "model"), "cpu", "fp32")
    shipped, _ = load_causal_lm(str(starter.path), "cpu", "fp32")
    theirs = dict(shipped.named_parameters())
    assert all(weight.equal(theirs[name]) for name, weight in written.named_parameters())
    assert facts["n_tokens_seen"] == 0
    assert (tmp_path / "output" / "curve.jsonl").read_text() == ""


def test_scratch_knows_nothing_to_begin_with(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="choose another base model"):
        STAGES["base"].run(resolve_adapt(AdaptConfig(base="scratch")), {}, tmp_path, StageContext(tmp_path))
