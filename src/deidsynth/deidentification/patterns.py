"""What is found by its form: email and IP addresses, URLs, telephone and identification numbers (`patterns.yaml`)."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from deidsynth.config.surrogates import Kind
from deidsynth.deidentification.checks import Check, check_of
from deidsynth.deidentification.labels import label_for
from deidsynth.deidentification.names import Mention


@dataclass(frozen=True, slots=True)
class Pattern:
    """A form of values.

    Args:
        name: what it finds.
        kinds: of value, the most exact one first.
        languages: of the texts that it is sought in; None for all.
        form: the value is its group ``value``.
        check: whether a value with that form is one.
    """

    name: str
    kinds: tuple[Kind, ...]
    languages: frozenset[str] | None
    form: re.Pattern[str]
    check: Check | None

    def places(self, text: str) -> Iterator[tuple[int, int]]:
        """First character and one past the last one of all values in a text."""
        for found in self.form.finditer(text):
            if self.check is None or self.check(found["value"]):
                yield found.span("value")


@cache
def patterns() -> tuple[Pattern, ...]:
    """All patterns, in the order of the file."""
    file = resources.files("deidsynth.deidentification") / "patterns.yaml"
    listed: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return tuple(
        Pattern(
            name,
            tuple(each["kinds"]),
            frozenset(each["languages"]) if "languages" in each else None,
            _form(each["form"], each.get("cue")),
            check_of(each["check"]) if "check" in each else None,
        )
        for name, each in listed.items()
    )


class PatternFinder:
    """Finds values by their form.

    Args:
        language: ISO 639-1 code of the texts; without one, only what has the same form everywhere is sought.
        labels: of the model.
        own: kind of value for labels, beside those that the package knows.
    """

    def __init__(self, language: str | None, labels: Sequence[str], own: Mapping[str, Kind] | None = None) -> None:
        self._sought = [
            (pattern, label_for(pattern.kinds, labels, own))
            for pattern in patterns()
            if pattern.languages is None or language in pattern.languages
        ]

    @property
    def labels(self) -> frozenset[str]:
        """The labels of what it may find."""
        return frozenset(label for _, label in self._sought)

    def mentions(self, text: str) -> Iterator[Mention]:
        """The values in a text; those of several patterns may overlap.

        Args:
            text: normalized (`deidsynth.normalization`).
        """
        for pattern, label in self._sought:
            for start, end in pattern.places(text):
                yield Mention(start, end, label, is_stated=False)


def _form(form: str, cue: str | None) -> re.Pattern[str]:
    before = r"(?<![^\W_])" if cue is None else rf"(?<![^\W_])(?:{cue})"
    return re.compile(rf"{before}(?P<value>{form})(?![^\W_])", re.VERBOSE | re.IGNORECASE)
