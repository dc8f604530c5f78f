"""Damaged records of runs and studies: manifests, run.json, reports, cells, and the files that they are about."""

from __future__ import annotations

import random

from fuzz.bases import Bases
from fuzz.case import Case
from fuzz.mutation import mutate

COMMANDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "run": (
        ("runs", "list", "runs"),
        ("runs", "show", "runs/one"),
        ("runs", "verify", "runs/one"),
        ("report", "runs/one"),
        ("report", "runs/one", "--json"),
        ("run", "runs/one/run.yaml", "--dry-run", "--device", "cpu"),
        ("release", "runs/one", "--output", "bundle"),
    ),
    "study": (
        ("study", "report", "runs/small"),
        ("study", "run", "runs/small/study.yaml", "--dry-run", "--device", "cpu"),
    ),
}
RECORDS = ("manifest.json", "run.json", "run.yaml", "study.yaml", "report.json")


def draw(rng: random.Random, bases: Bases) -> Case:
    """A case with one damaged record."""
    base = rng.choice(("run", "run", "run", "study"))
    chosen = rng.choice(_records(bases, base))
    commands = rng.sample(COMMANDS[base], k=2)
    return Case("artifacts", tuple(commands), {chosen: mutate(rng, chosen, bases[base][chosen])}, (base,))


def valid(rng: random.Random, bases: Bases) -> list[Case]:
    """A run and a study as they are."""
    return [Case("artifacts", commands, {}, (base,)) for base, commands in COMMANDS.items()]


def _records(bases: Bases, base: str) -> list[str]:
    """The records of a run or study: those of the folder itself as often as those of all its artifacts."""
    paths = [path for path in bases[base] if path.startswith("runs/") and path.endswith((".json", ".yaml"))]
    own = [path for path in paths if path.endswith(RECORDS) or "/cells/" in path]
    top = [path for path in own if "/.deidsynth/" not in path and not path.endswith("manifest.json")]
    return own + top * max(1, len(own) // max(1, len(top)))
