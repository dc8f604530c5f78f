"""``deidsynth deidentify`` in a process that stops itself: with a model that finds a few names at once."""

from __future__ import annotations

import os
import re
import signal
import sys
from collections.abc import Container, Iterator, Sequence
from pathlib import Path
from typing import Any

import deidsynth.deidentification.detection as detection
from deidsynth.cli.app import app
from deidsynth.deidentification import runtime
from deidsynth.deidentification.deidentified import Deidentified, Replacement
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.partial import Partial
from deidsynth.documents import Document, Entity

N_NAMES = 300


class Stop:
    """Stops the process at a call of a hook.

    Args:
        hook: its name.
        count: of its calls.
        kills: whether to kill the process, or to interrupt it.
    """

    def __init__(self, hook: str, count: int, *, kills: bool) -> None:
        self._hook, self._left, self._kills = hook, count, kills

    def count(self, hook: str) -> None:
        """Count a call."""
        self._left -= hook == self._hook
        if self._left == 0 and hook == self._hook:
            if not self._kills:
                raise KeyboardInterrupt
            os.kill(os.getpid(), signal.SIGKILL)


class ShowingReplacer(runtime.Replacer):
    """Writes how many of all names are to be avoided, and the patient, so that a lost surface would show."""

    stop: Stop

    def __init__(self, *given: Any, **named: Any) -> None:
        super().__init__(*given, **named)
        self.needs_scope_surfaces = True

    def __call__(self, found: Found, *, avoid: Container[str] = ()) -> Deidentified:
        """The text with the same number in place of each entity."""
        self.stop.count("replace")
        shown = f"{sum(f'namn{number}' in avoid for number in range(N_NAMES))}/{found.document.group}"
        text, replacements, last = "", [], 0
        for entity, source in zip(found.document.entities, found.sources, strict=True):
            text += found.document.text[last : entity.start]
            start, last = len(text), entity.end
            text += shown
            replacements.append(Replacement(entity.start, entity.end, start, len(text), entity.label, "mask", source))
        return Deidentified(text + found.document.text[last:], found.document.entities, tuple(replacements))


def run(arguments: Sequence[str], log: Path, stop: Stop, shows_scope: bool) -> None:
    """Run the command, and be stopped on the way; messages go to a file."""
    publish, put = Partial.publish, Partial.put

    def predict(_tagger: object, documents: Sequence[Document], **_: object) -> Iterator[Document]:
        stop.count("predict")
        for each in documents:
            found = re.finditer(r"Namn\d+", each.text)
            yield each.with_entities([Entity(match.start(), match.end(), "NAME", 0.5) for match in found])

    def published(self: Partial, name: str, target: Path) -> None:
        publish(self, name, target)
        stop.count("publish")

    def written(self: Partial, name: str, content: str) -> None:
        stop.count("put")
        put(self, name, content)

    detection.load_tagger, detection.predict = lambda _: None, predict  # type: ignore[assignment, return-value]
    Partial.publish, Partial.put = published, written  # type: ignore[method-assign]
    if shows_scope:
        ShowingReplacer.stop = stop
        runtime.Replacer = ShowingReplacer  # type: ignore[misc]
    with log.open("w", encoding="utf-8") as sys.stderr:
        app(["deidentify", *arguments])
