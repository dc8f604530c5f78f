"""A corpus of invented notes and settings so small that the real pipeline runs on them in seconds."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import yaml

from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, Document, Entity, Origin
from deidsynth.progress import SilentProgress, Task

FIRST = ("Alvedina", "Brontus", "Cirkelia", "Dromund", "Ektorin", "Fjällrika", "Gunvaldo", "Hestrid")
LAST = ("Kvistlund", "Månskog", "Tåbring", "Zölberg", "Överud", "Vrenskär", "Blomdal")
PLACES = ("Vindheim", "Sandkulla", "Norrhaga")
COMPLAINTS = ("hosta", "ont i knät", "feber sedan i går", "yrsel", "svår klåda")

SETTINGS: dict[str, Any] = {
    "adapt": {
        "epochs": 45,
        "learning_rate": 0.005,
        "batch_tokens": 256,
        "sequence_length": 128,
        "evaluations": 2,
        "checkpoint_seconds": 0,
        "base": "scratch",
        "scratch": {
            "hidden_size": 48,
            "layers": 2,
            "vocabulary_size": 450,
        },
    },
    "synthesize": {
        "max_length_tokens": 96,
        "batch_size": 8,
        "top_p": 0.8,
        "filters": {"mode": "count"},  # notes of one form, learned by heart: rejecting would leave next to nothing
    },
    "train": {
        "epochs": 8,
        "batch_size": 8,
        "learning_rate": 0.004,
        "checkpoint_seconds": 0,
        "encoder": "scratch",
        "scratch": {
            "hidden_size": 32,
            "layers": 2,
            "vocabulary_size": 450,
        },
        "task_adaptive_pretraining": {"epochs": 3},
    },
    "annotate": {"batch_size": 4},
    "precision": "fp32",
}


def note(doc_id: str, number: int) -> Document:
    """One invented note with a name, a place and a date."""
    first, last = FIRST[number % len(FIRST)], LAST[number * 3 % len(LAST)]
    date = f"{1 + number * 7 % 28} mars"
    text, entities = "", []
    parts = (("Namn: ", ""), (f"{first} {last}", "NAME"), ("\nOrt: ", ""), (PLACES[number % 3], "PLACE"))
    parts += (("\nDatum: ", ""), (date, "DATE"), (f"\nSökte för {COMPLAINTS[number % 5]}. Mår bättre nu.\n", ""))
    for piece, label in parts:
        if label:
            entities.append(Entity(len(text), len(text) + len(piece), label))
        text += piece
    return Document(doc_id, text, tuple(entities))


def write_notes(folder: Path, *, n_validation: int = 0, origin: Origin = "invented") -> Path:
    """The folder with ``train.jsonl``, ``test.jsonl`` and, where asked for, ``validation.jsonl`` in it."""
    folder.mkdir(parents=True)
    parts = {"train": range(32), "test": range(100, 108), "validation": range(200, 200 + n_validation)}
    for part, numbers in parts.items():
        if not numbers:
            continue
        documents = tuple(note(f"{part}-{number}", number) for number in numbers)
        write_jsonl(Corpus(documents, origin=origin), folder / f"{part}.jsonl")
    return folder


def write_config(path: Path, corpus: Path, output: Path, **changes: Any) -> Path:
    """The file of a run's configuration, with whole sections replaced by ``changes``."""
    data = {**SETTINGS, **changes, "corpus": {"path": str(corpus), "language": "sv"}, "output": str(output)}
    path.write_text(yaml.safe_dump(data), encoding="utf-8")
    return path


class _LastTask:
    """A task during which the process group is killed."""

    def __init__(self, n_calls: int) -> None:
        self._left = n_calls

    def advance(self, n: float = 1, **info: str | float) -> None:
        self._left -= 1
        if self._left == 0:
            os.killpg(os.getpgid(0), signal.SIGKILL)

    def __enter__(self) -> _LastTask:
        return self

    def __exit__(self, *error: object) -> None:
        pass


class Killer(SilentProgress):
    """Kills the process group, as ``kill -9`` would, once a task has told its progress so often."""

    def __init__(self, task: str, n_calls: int) -> None:
        self._task, self._n_calls = task, n_calls

    def task(self, name: str, total: float | None, unit: str = "") -> Task:
        """The last task, or one that is silent."""
        is_last = total is not None and name.endswith(f"] {self._task}")
        return _LastTask(self._n_calls) if is_last else super().task(name, total, unit)


def run_and_die(config: str, task: str, n_calls: int) -> None:
    """Run a configuration through the command line, in a process group of its own, and be killed on the way."""
    from deidsynth.cli import terminal
    from deidsynth.cli.app import app

    os.setpgid(0, 0)
    terminal.make_progress = lambda quiet: Killer(task, n_calls)  # type: ignore[assignment]
    app(["run", config, "--device", "cpu"])
