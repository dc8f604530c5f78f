"""What is fuzzed: by kind, a module with ``draw`` for damaged inputs and ``valid`` for the ones they come from."""

from __future__ import annotations

import random
from types import ModuleType

from fuzz.bases import Bases
from fuzz.case import Case
from fuzz.targets import artifacts, configurations, corpora, endpoints, models

TARGETS: dict[str, ModuleType] = {
    "corpora": corpora,
    "configurations": configurations,
    "models": models,
    "artifacts": artifacts,
    "endpoints": endpoints,
}


def draw(kind: str, seed: int, number: int, bases: Bases) -> Case:
    """The case with this number, the same on every call."""
    case: Case = TARGETS[kind].draw(random.Random(f"{kind}-{seed}-{number}"), bases)
    return case


def valid(kind: str, bases: Bases) -> list[Case]:
    """The undamaged inputs of a kind."""
    cases: list[Case] = TARGETS[kind].valid(random.Random(kind), bases)
    return cases
