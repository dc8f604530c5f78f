"""The recipe of the language adapter on a tiny base, and the adapter that it made for the real one."""

from __future__ import annotations

import importlib
import json
import random
import sys
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest
import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from deidsynth.models.bases import catalog as catalog_module
from deidsynth.models.bases.adapter import read_adapter
from deidsynth.models.bases.catalog import find_base
from deidsynth.models.bases.importing import import_base
from tiny_containers import tiny_catalog

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "bases"
SHIPPED = RECIPE / "adapters" / "smollm2-135m-es-sv"
NAME = "smollm2-135m"


@pytest.fixture
def recipe(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The module of the recipe, with short rows."""
    monkeypatch.syspath_prepend(str(RECIPE))
    module = importlib.import_module("language_adapter")
    for name, value in {"ROW_TOKENS": 32, "RANK": 4, "HELD_OUT_ROWS": 2, "LEARNING_RATE": 0.02}.items():
        monkeypatch.setattr(module, name, value)
    return module


@pytest.fixture
def base(recipe: ModuleType, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The folder of a tiny base, imported."""
    found = tiny_catalog()
    for module in (catalog_module, recipe):
        monkeypatch.setattr(module, "catalog", lambda: tuple(base for base, _ in found.values()))
    (tmp_path / "bare").write_bytes(found[NAME][1])
    import_base(found[NAME][0], tmp_path / "base", source=tmp_path / "bare")
    return tmp_path / "base"


@pytest.fixture
def texts(recipe: ModuleType, tmp_path: Path) -> Path:
    """What prepare.py writes, in small."""
    chance = random.Random(1)
    for part in ("train", "heldout"):
        (tmp_path / "texts" / part).mkdir(parents=True)
        for source in recipe.MIXTURE:
            rows = [" ".join(chance.choice(("del lodo", "el ala", "12 oleadas")) for _ in range(40)) for _ in range(12)]
            lines = "".join(json.dumps({"text": row}) + "\n" for row in rows)
            (tmp_path / "texts" / part / f"{source}.jsonl").write_text(lines, encoding="utf-8")
    return tmp_path / "texts"


def _trained(recipe: ModuleType, monkeypatch: pytest.MonkeyPatch, base: Path, texts: Path, output: Path) -> None:
    options = ["--base", base, "--texts", texts, "--output", output, "--device", "cpu"]
    options += ["--tokens", 2560, "--batch-tokens", 128, "--micro-batch-tokens", 64]
    monkeypatch.setattr(sys, "argv", ["language_adapter.py", *map(str, options)])
    recipe.main()


def test_what_it_trains_is_merged_by_import(
    recipe: ModuleType, base: Path, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    adapter = tmp_path / "tiny-es-sv"
    _trained(recipe, monkeypatch, base, texts, adapter)
    evaluation = json.loads((adapter / "evaluation.json").read_text(encoding="utf-8"))
    for source in recipe.MIXTURE:
        assert evaluation["after"][source] < evaluation["before"][source]
    assert str(tmp_path) not in (adapter / "adapter_config.json").read_text(encoding="utf-8")
    about, *curve = map(json.loads, (adapter / "curve.jsonl").read_text(encoding="utf-8").splitlines())
    assert (about["seed"], [line["step"] for line in curve]) == (1, list(range(1, 21)))

    facts = import_base(find_base(NAME), tmp_path / "merged", source=tmp_path / "bare", adapter=adapter)
    assert facts["adapter"] == "tiny-es-sv"
    merged = AutoModelForCausalLM.from_pretrained(tmp_path / "merged", dtype=torch.float32).eval()
    bare = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    beside = PeftModel.from_pretrained(bare, str(adapter)).eval()
    ids = torch.arange(20, 40)[None]
    with torch.inference_mode():
        rounded = (merged(ids).logits - beside(ids).logits).abs().mean()
        changed = (merged(ids).logits - beside.unload()(ids).logits).abs().mean()
    assert rounded < changed / 10


def test_a_training_that_goes_on_has_its_log_from_the_beginning(
    recipe: ModuleType, base: Path, texts: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps = recipe.training_steps

    def killed(*given: object) -> object:
        for step in steps(*given):
            yield step
            if step.number == 5:
                raise KeyboardInterrupt

    settings = recipe.LoopSettings
    monkeypatch.setattr(recipe, "LoopSettings", lambda **each: settings(**{**each, "checkpoint_seconds": 0.0}))
    with monkeypatch.context() as patch:
        patch.setattr(recipe, "training_steps", killed)
        with pytest.raises(KeyboardInterrupt):
            _trained(recipe, monkeypatch, base, texts, tmp_path / "out")
    _trained(recipe, monkeypatch, base, texts, tmp_path / "out")
    lines = (tmp_path / "out" / "curve.jsonl").read_text(encoding="utf-8").splitlines()[1:]
    numbers = [json.loads(line)["step"] for line in lines]
    assert (numbers[0], numbers[-1]) == (1, 20)
    assert all(before < after for before, after in pairwise(numbers))


def test_the_adapter_of_the_repository_is_for_the_base_of_the_catalog() -> None:
    adapter = read_adapter(SHIPPED, find_base(NAME))
    assert (adapter.name, adapter.languages) == (SHIPPED.name, ("es", "sv"))
    assert all(path.stat().st_size < 25_000_000 for path in SHIPPED.iterdir())
    config = json.loads((SHIPPED / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["base_model_name_or_path"] == find_base(NAME).origin
    card = (SHIPPED / "README.md").read_text(encoding="utf-8")
    evaluation = json.loads((SHIPPED / "evaluation.json").read_text(encoding="utf-8"))
    for source, before in evaluation["before"].items():
        assert f"| {before:.4f} | {evaluation['after'][source]:.4f} |" in card
    assert adapter.digest in card and f"license: {adapter.license}" in card
