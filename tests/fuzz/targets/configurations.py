"""Configurations, damaged: of a run, a study, labels and mappings, and settings on the command line."""

from __future__ import annotations

import json
import random

from fuzz.bases import SECRET, Bases
from fuzz.case import Case
from fuzz.mutation import RAW, VALUES, mutate

DRY = ("--dry-run", "--device", "cpu")
CORPUS = ("--corpus", "notes.jsonl", "--language", "sv")
COMMANDS: dict[str, tuple[str, ...]] = {
    "run.yaml": ("run", "run.yaml", *DRY),
    "short.yaml": ("run", "short.yaml", *DRY),
    "study.yaml": ("study", "run", "study.yaml", *DRY),
    "labels.yaml": ("run", *CORPUS, "--labels", "labels.yaml", *DRY),
    "mapping.yaml": ("corpus", "map", "notes.jsonl", "out.jsonl", "--mapping", "mapping.yaml"),
}
KEYS = (
    "seed", "adapt.epochs", "adapt.learning_rate", "adapt.base", "adapt.scratch.hidden_size", "train.epochs",
    "train.encoder", "train.scratch.layers", "split.test", "split.seed", "synthesize.volume_ratio",
    "synthesize.temperature", "synthesize.stop", "synthesize.prompts.file", "synthesize.endpoint.timeout_seconds",
    "corpus.path", "corpus.group_by", "corpus.labels", "output", "store", "precision", "train_synthetic", "nothing", "",
)  # fmt: skip
KEYS_OF_ENDPOINT = (
    "endpoint",
    "endpoint.base_url",
    "endpoint.api_key_variable",
    "endpoint.timeout_seconds",
    "endpoint.x",
)


def draw(rng: random.Random, bases: Bases) -> Case:
    """A case with a damaged file, or with strange settings on the command line."""
    match rng.randrange(6):
        case 0:
            return _settings(rng)
        case 1:
            return _misplaced_key(rng)
        case 2:
            return _a_note(rng)
    name = rng.choice(list(COMMANDS))
    return _case(COMMANDS[name], {name: mutate(rng, name, bases["settings"][name])})


def valid(rng: random.Random, bases: Bases) -> list[Case]:
    """Every configuration as it is."""
    return [_case(command) for command in COMMANDS.values()]


def _case(command: tuple[str, ...], files: dict[str, bytes] | None = None) -> Case:
    return Case("configurations", (command,), files or {}, ("settings",))


def _settings(rng: random.Random) -> Case:
    chosen: list[str] = []
    for _ in range(rng.choice((1, 1, 3))):
        value = rng.choice(RAW) if rng.random() < 0.5 else json.dumps(rng.choice(VALUES))
        chosen += ("--set", f"{rng.choice(KEYS)}={value}".replace("\0", "\\0"))
    return _case(("run", *CORPUS, *DRY, *chosen))


def _misplaced_key(rng: random.Random) -> Case:
    """A secret in a place of the endpoint where it does not belong."""
    key, value = rng.choice(KEYS_OF_ENDPOINT), rng.choice((f"sk-{SECRET}-1", f"{{sk-{SECRET}: 1}}", f"[sk-{SECRET}]"))
    if rng.random() < 0.5:
        return _case(("run", *CORPUS, *DRY, "--set", f"synthesize.{key}={value}"))
    head, _, last = key.rpartition(".")
    lines = ["synthesize:", f"  {head}:", f"    {last}: {value}"] if head else ["synthesize:", f"  {last}: {value}"]
    return _case(("run", "keyed.yaml", *CORPUS, *DRY), {"keyed.yaml": "\n".join(lines).encode()})


def _a_note(rng: random.Random) -> Case:
    """A note where a configuration belongs."""
    lines = (
        "Besök den 3/4 hos dr {} Ek.",
        "Patient {} Å: kom in akut",
        "- {} Ek bor i Umeå",
        "'{} Ek': ja",
        "Mår bra.",
    )
    chosen = [rng.choice(lines).format(SECRET) for _ in range(rng.choice((1, 2, 5)))]
    command = rng.choice((("run", "note.txt", *DRY), ("study", "run", "note.txt", *DRY)))
    return _case(command, {"note.txt": "\n".join(chosen).encode()})
