"""What JSON inputs have, told before any of their texts is de-identified: named paths, and others, which stay."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from deidsynth.deidentification.inputs.json_paths import EACH, JsonPath, Step
from deidsynth.errors import InputError

MOST_HELD = 1000
"""Most paths that are held of an input: where keys are ids, there is no end of them."""


class Survey:
    """What the values of an input have.

    Args:
        place: the input, to be named to the user.
        texts: paths to the texts.
        patient: path to the patient; None for none.
    """

    def __init__(self, place: str, texts: Sequence[JsonPath], patient: JsonPath | None) -> None:
        self.place = place
        named = [("--column", each) for each in texts]
        self.named = named if patient is None else [*named, ("--patient-column", patient)]
        self.reached: set[JsonPath] = set()
        self.absent: set[JsonPath] = set()
        self._to_texts = {each.steps[:length] for each in texts for length in range(len(each.steps) + 1)}
        self._kept: dict[tuple[Step, ...], None] = {}

    def add(self, value: Any) -> None:
        """Take note of a value."""
        for _, path in self.named:
            if path in self.reached:
                continue
            if path.is_reached(value):
                self.reached.add(path)
            elif not path.is_met(value):
                self.absent.add(path)
        for steps in _ends(value):
            if len(self._kept) == MOST_HELD:
                break
            if steps not in self._to_texts:
                self._kept[steps] = None

    @property
    def kept(self) -> list[JsonPath]:
        """The paths that lead to no text, up to ``MOST_HELD``."""
        return [JsonPath.of(steps) for steps in self._kept]

    @property
    def is_full(self) -> bool:
        """Whether there may be more than are held."""
        return len(self._kept) == MOST_HELD


def refuse_missing(surveys: Sequence[Survey]) -> None:
    """Refuse a path that is in no value of any input; null or an empty list on the way may lead anywhere.

    Raises:
        InputError: there is such a path.
    """
    reached = {path for survey in surveys for path in survey.reached}
    for survey in surveys:
        for option, path in survey.named:
            if path in survey.absent and path not in reached:
                raise InputError(f"{survey.place}: has nothing at {path.text} in any value; fix {option}")


def _ends(value: Any) -> Iterator[tuple[Step, ...]]:
    """The steps to everything in a value that holds nothing else, in order."""
    below: list[tuple[tuple[Step, ...], Any]] = [((), value)]
    while below:
        steps, value = below.pop()
        if isinstance(value, dict) and value:
            below.extend(((*steps, key), each) for key, each in reversed(value.items()))
        elif isinstance(value, list) and value:
            below.extend(((*steps, EACH), each) for each in reversed(value))
        else:
            yield steps
