"""The recipe of the starters, end to end on texts made here, with shapes of a few thousand weights."""

from __future__ import annotations

import importlib
import json
import lzma
import random
import sys
from pathlib import Path
from types import ModuleType

import pytest
from safetensors.torch import load_file

RECIPE = Path(__file__).resolve().parents[2] / "recipes" / "starters"
MODULES = ("settings", "rows", "wrapped", "prepare", "pretrain", "evaluate", "card", "publish")
LANGUAGES = {"es": ["ELTeC-spa"], "sv": ["riksdagen-interpellations", "sfs", "ELTeC-swe"]}
LLAMA = {
    "hidden_size": 16,
    "intermediate_size": 32,
    "num_hidden_layers": 1,
    "num_attention_heads": 2,
    "num_key_value_heads": 1,
    "tie_word_embeddings": True,
}
MODERNBERT = {"hidden_size": 16, "intermediate_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}


@pytest.fixture(scope="module")
def recipe() -> dict[str, ModuleType]:
    """The modules of the recipe by name, with tiny settings."""
    sys.path.insert(0, str(RECIPE))
    try:
        settings = importlib.import_module("settings")
        settings.VOCABULARY_SIZE, settings.BLOCK_TOKENS = 300, 256
        phases = (settings.Phase(0.5, 32), settings.Phase(0.5, 64))
        settings.STARTERS = {
            "starter": settings.Starter("causal", LLAMA, phases, 8192, batch_tokens=512),
            "starter-encoder": settings.Starter("encoder", MODERNBERT, phases, 8192, batch_tokens=512),
        }
        return {name: importlib.import_module(name) for name in MODULES}
    finally:
        sys.path.remove(str(RECIPE))
        for name in MODULES:
            sys.modules.pop(name, None)


def paragraph(chance: random.Random) -> str:
    """A line of words made of syllables."""
    words = ["".join(chance.choice(("ra", "se", "mi", "to", "ål", "ñu")) for _ in range(3)) for _ in range(40)]
    return " ".join(words).capitalize() + "."


@pytest.fixture(scope="module")
def work(recipe: dict[str, ModuleType], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A work folder with prepared texts; nothing but general texts can be read."""
    root = tmp_path_factory.mktemp("recipe")
    chance = random.Random(1)
    twice = paragraph(chance)
    for language, sources in LANGUAGES.items():
        rows = [
            {"id": f"{source}-{number}", "source": source, "text": "\n".join(paragraph(chance) for _ in range(4))}
            for source in sources
            for number in range(30)
        ]
        for row in rows[:2]:
            row["text"] += f"\n{twice}\n1234 5678 1234 5678 9\n\n\n\nOrd\u00ad delat\ttvå  gånger"
        path = root / "pretrain" / f"{language}.jsonl.xz"
        path.parent.mkdir(exist_ok=True)
        with lzma.open(path, "wt", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
    (root / "pretrain" / "es_clinical_unlabelled.jsonl.xz").write_bytes(b"not to be read")
    sys.argv = ["prepare.py", "--data", str(root), "--work", str(root / "work")]
    recipe["prepare"].main()
    return root / "work"


def called(module: ModuleType, work: Path, *arguments: str) -> None:
    """Run one command of the recipe."""
    sys.argv = [module.__name__, *arguments, "--work", str(work)]
    module.main()


def test_texts_are_cleaned_and_one_in_a_hundred_held_out(work: Path) -> None:
    told = json.loads((work / "prepare.json").read_text())
    assert told["left_out"] == {"lines without enough letters": 4, "paragraphs that stood before": 2}
    assert told["sizes"]["train/sfs"]["documents"] == 29 and told["sizes"]["heldout/sfs"]["documents"] == 1


def test_cleaning_joins_blanks_and_drops_soft_hyphens(recipe: dict[str, ModuleType]) -> None:
    from collections import Counter

    clean = recipe["prepare"].clean
    assert clean("Ord\u00ad delat\ttvå  gånger \r\n\n\n\nSlut\x07", set(), Counter()) == "Ord delat två gånger\n\nSlut"


@pytest.mark.parametrize("name", ["starter", "starter-encoder"])
def test_a_starter_is_trained_resumed_measured_and_described(
    recipe: dict[str, ModuleType], work: Path, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    called(recipe["pretrain"], work, name)
    whole = load_file(work / name / "model" / "model.safetensors")
    curve = [json.loads(line) for line in (work / name / "curve.jsonl").read_text().splitlines()]
    assert curve[-1]["step"] == curve[-1]["n_steps"] == 16
    assert curve[-1]["heldout_loss"] < curve[1]["train_loss"]

    again = tmp_path / "again"
    again.mkdir()
    for part in ("train", "heldout", "tokenizer.json"):
        (again / part).symlink_to(work / part)
    monkeypatch.setattr(recipe["pretrain"], "CHECKPOINT_SECONDS", 0.0)
    steps = recipe["pretrain"].training_steps

    def killed(*arguments: object) -> object:
        for step in steps(*arguments):
            yield step
            if step.number == 9:
                raise KeyboardInterrupt

    (again / name).mkdir()
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(recipe["pretrain"], "training_steps", killed)
        called(recipe["pretrain"], again, name)
    called(recipe["pretrain"], again, name)
    resumed = load_file(again / name / "model" / "model.safetensors")
    assert all(resumed[key].equal(weight) for key, weight in whole.items())

    called(recipe["evaluate"], work, name)
    figures = json.loads((work / name / "evaluation.json").read_text())
    assert set(figures) == {source for sources in LANGUAGES.values() for source in sources}
    card = recipe["card"].card(name, 123, curve, figures, json.loads((work / "prepare.json").read_text()))
    assert "Known gaps" in card and "| steps | 16 |" in card


def test_publishing_writes_folders_and_a_catalog(
    recipe: dict[str, ModuleType], work: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("starter", "starter-encoder"):
        if not (work / name / "evaluation.json").exists():
            called(recipe["pretrain"], work, name)
            called(recipe["evaluate"], work, name)
    monkeypatch.setattr(recipe["publish"], "PACKAGE", tmp_path)
    monkeypatch.setattr(recipe["publish"], "LOGS", tmp_path / "logs")
    called(recipe["publish"], work)
    rows = json.loads((tmp_path / "catalog.json").read_text())
    assert [(row["name"], row["kind"]) for row in rows] == [("starter", "causal"), ("starter", "encoder")]
    for row in rows:
        assert set(row["files"]) == {path.name for path in (tmp_path / row["folder"]).iterdir()}
        assert (
            str(next(iter(load_file(tmp_path / row["folder"] / "model.safetensors").values())).dtype)
            == "torch.bfloat16"
        )
