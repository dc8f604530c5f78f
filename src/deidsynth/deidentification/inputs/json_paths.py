"""Paths into JSON: ``text``, ``note.text``, ``patients[].notes[].text``."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from deidsynth.errors import InputError
from deidsynth.plain_data import looks_like_key

_STEP = re.compile(r"(?P<name>[^.\[\]]+)|(?P<each>\[\])")
_PATH = re.compile(r"(?:\[\]|[^.\[\]]+)(?:\[\]|\.[^.\[\]]+)*")
EACH = None
"""The step to each element of a list; other steps are keys."""

Step = str | None


@dataclass(slots=True, repr=False)
class Slot:
    """A place for a value.

    Args:
        within: the object or list that has it.
        key: its key or index there.
        indices: of the lists on the way.
    """

    within: Any
    key: str | int
    indices: tuple[int, ...]

    @property
    def value(self) -> Any:
        """What is there; None if nothing is."""
        return self.within.get(self.key) if isinstance(self.within, dict) else self.within[self.key]

    def put(self, value: Any) -> None:
        """Put a value there."""
        self.within[self.key] = value


@dataclass(frozen=True, slots=True)
class JsonPath:
    """A path: keys, and ``[]`` for each element of a list.

    Args:
        text: as the user writes it.
        steps: keys, or None for each element.
    """

    text: str
    steps: tuple[Step, ...]

    @classmethod
    def parse(cls, text: str) -> JsonPath:
        """The path that a text stands for.

        >>> JsonPath.parse("patients[].notes[].text").steps
        ('patients', None, 'notes', None, 'text')

        Raises:
            InputError: it is no path.
        """
        if not _PATH.fullmatch(text):
            raise InputError(
                f"--column {text}: not a path into JSON; give keys with dots between them and [] for each element of "
                "a list, such as text or patients[].notes[].text"
            )
        return cls(text, tuple(match["name"] for match in _STEP.finditer(text)))

    @classmethod
    def of(cls, steps: tuple[Step, ...]) -> JsonPath:
        """The path of these steps.

        >>> JsonPath.of(("patients", EACH, "dni")).text
        'patients[].dni'
        """
        return cls("".join("[]" if step is EACH else f".{step}" for step in steps).removeprefix("."), steps)

    @property
    def may_be_shown(self) -> bool:
        """Whether all of its keys look like keys: one plain word each, which an id or a single name may be too."""
        return all(step is EACH or looks_like_key(step) for step in self.steps)

    def slots(self, value: Any) -> Iterator[Slot]:
        """The places that the path leads to, in order; where a key is missing or null, there is none."""
        yield from self._below(Slot({"": value}, "", ()), self.steps)

    def one(self, value: Any, beside: JsonPath, slot: Slot) -> Any:
        """The value at this path that belongs to a slot of another one: of the same element of each shared list.

        >>> notes, who = JsonPath.parse("[].text"), JsonPath.parse("[].patient")
        >>> data = [{"text": "a", "patient": 1}, {"text": "b", "patient": 2}]
        >>> [who.one(data, notes, slot) for slot in notes.slots(data)]
        [1, 2]
        """
        indices = list(slot.indices)
        for number, step in enumerate(self.steps):
            if step is EACH:
                value = value[indices.pop(0)] if beside.steps[: number + 1] == self.steps[: number + 1] else None
            else:
                value = value.get(step) if isinstance(value, dict) else None
        return value

    def is_met(self, value: Any) -> bool:
        """Whether the path leads anywhere in a value, be it to null or to an empty list.

        >>> [JsonPath.parse("notes[].text").is_met(each) for each in ({"notes": []}, {"note": "Ana"})]
        [True, False]
        """
        return _leads(value, self.steps, if_empty=True)

    def is_reached(self, value: Any) -> bool:
        """Whether the path leads to its end in a value, be it null.

        >>> path = JsonPath.parse("notes[].text")
        >>> [path.is_reached(each) for each in ({"notes": []}, {"notes": [{}, {"text": None}]})]
        [False, True]
        """
        return _leads(value, self.steps, if_empty=False)

    def goes_with(self, other: JsonPath) -> bool:
        """Whether each of its lists is one on the way of another path, so that ``one`` has one value."""
        lists = [number for number, step in enumerate(self.steps) if step is EACH]
        return not lists or self.steps[: lists[-1] + 1] == other.steps[: lists[-1] + 1]

    def _below(self, slot: Slot, steps: tuple[Step, ...]) -> Iterator[Slot]:
        value = slot.value
        if value is None:
            return
        if not steps:
            yield slot
        elif isinstance(value, list) and steps[0] is EACH:
            for number in range(len(value)):
                yield from self._below(Slot(value, number, (*slot.indices, number)), steps[1:])
        elif isinstance(value, dict) and steps[0] is not EACH:
            yield from self._below(Slot(value, steps[0], slot.indices), steps[1:])
        else:
            expected = "a list for []" if steps[0] is EACH else f"an object with {steps[0]}"
            raise PathError(f"expected {expected} in {self.text}")


class PathError(ValueError):
    """A value is not built as a path expects; the message quotes the path alone."""


def _leads(value: Any, steps: tuple[Step, ...], *, if_empty: bool) -> bool:
    """Whether steps lead to their end in a value, or, if that suffices, to null or an empty list on the way."""
    if not steps or value is None:
        return not steps or if_empty
    if steps[0] is EACH:
        inside = isinstance(value, list) and any(_leads(each, steps[1:], if_empty=if_empty) for each in value)
        return inside or (if_empty and value == [])
    return isinstance(value, dict) and steps[0] in value and _leads(value[steps[0]], steps[1:], if_empty=if_empty)
