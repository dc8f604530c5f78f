"""Damaged model folders: JSON files and the headers of safetensors of a tagger and a language model."""

from __future__ import annotations

import random
from collections.abc import Mapping

from fuzz.bases import SECRET, Bases
from fuzz.case import Case
from fuzz.mutation import mutate

NOTE = {"note.txt": f"Patienten heter {SECRET} Ek.\n".encode()}
DRY = ("run", "--corpus", "notes.jsonl", "--language", "sv", "--dry-run", "--device", "cpu")
COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "tagger": (
        ("deidentify", "tagger", "note.txt", "--output", "out.txt", "--device", "cpu"),
        ("annotate", "tagger", "notes.jsonl", "--output", "out.jsonl", "--device", "cpu"),
        (*DRY, "--set", "train.encoder=./tagger"),
    ),
    "lm": (
        (
            "synthesize", "lm", "--bos", "-n", "2", "--output", "out.jsonl", "--device", "cpu",
            "--set", "max_length_tokens=12", "--set", "filters.mode=off",
        ),
        (*DRY, "--set", "adapt.base=./lm"),
    ),
}  # fmt: skip
FILES = ("config.json", "tokenizer.json", "tokenizer_config.json", "deidsynth.json", "generation_config.json")
FILES += ("model.safetensors", "model.safetensors.index.json", "special_tokens_map.json", "adapter_config.json")


def draw(rng: random.Random, bases: Bases) -> Case:
    """A case with one damaged file of a model; where the model has no such file, it is a damaged ``config.json``."""
    model = rng.choice(list(COMMANDS))
    path = f"{model}/{rng.choices(FILES, weights=(6, 5, 2, 3, 2, 3, 1, 1, 1))[0]}"
    whole = bases[model].get(path, bases[model][f"{model}/config.json"])
    commands = COMMANDS[model]
    return _case(model, rng.choices(commands, weights=(3, 1, 1)[: len(commands)]), {path: mutate(rng, path, whole)})


def valid(rng: random.Random, bases: Bases) -> list[Case]:
    """Every model as it is."""
    return [_case(model, commands, {}) for model, commands in COMMANDS.items()]


def _case(
    model: str, commands: tuple[tuple[str, ...], ...] | list[tuple[str, ...]], files: Mapping[str, bytes]
) -> Case:
    return Case("models", tuple(commands), {**NOTE, **files}, ("settings", model))
