"""Rare values that reappear: groups with a value that only they have and that stands in the synthetic text."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Literal

from deidsynth.folding import folded
from deidsynth.privacy.audit.figures import Measured, MeasureName
from deidsynth.privacy.audit.group_sizes import Tally, found_at_equal_sizes, keys_of
from deidsynth.privacy.audit.identifiers import Identifier
from deidsynth.privacy.audit.matching import FoundValues
from deidsynth.privacy.audit.statistics import share_difference

IdentifierClass = Literal["direct", "single_names", "quasi"]

CLASSES: Mapping[IdentifierClass, str] = {
    "direct": "whole names, numbers, contacts, streets, and whatever has a label that is not known",
    "single_names": "names of one word, which coincide in any text",
    "quasi": "dates, places, institutions, professions",
}
"""Classes of identifiers; the measure is about the first that a corpus has."""


def rare_values(found: FoundValues) -> Measured:
    """The share of groups with a direct identifier that only they have, exactly as written in the synthetic text.

    Values stand between word boundaries, labeled or not. Details have, by class of identifier and by label, how many
    values only one group has, how many of them were found, and how many as an entity. Ages, sexes, relatives, titles,
    countries and values of less than 4 letters and digits, or of less than 5 digits without a letter, are not looked
    for. Sides whose groups differ in size are made alike (`deidsynth.privacy.audit.group_sizes`).

    Args:
        found: values as they were written (``EXACT``), found among the synthetic documents.
    """
    return _measured("rare_values", found)


def rare_values_normalized(found: FoundValues) -> Measured:
    """The same in any case, with or without accents, with initials, in other formats of dates and numbers.

    Args:
        found: values in any of their forms (``NORMALIZED``), found among the synthetic documents.
    """
    return _measured("rare_values_normalized", found)


def class_of(identifier: Identifier) -> IdentifierClass:
    """The class of an identifier."""
    if not identifier.is_direct:
        return "quasi"
    return "single_names" if identifier.is_name and " " not in folded(identifier.text) else "direct"


def _measured(name: MeasureName, found: FoundValues) -> Measured:
    unique, sides = found.values, found.values.sides
    n = len(sides.train), len(sides.held_out)
    if not all(n):
        return Measured.missing(name, "share", "a side has no group", n=n)
    if not unique.values:
        return Measured.missing(name, "share", "no group has an identifier of its own", n=n)
    counts = _Counts(found)
    classes = [each for each in CLASSES if counts.has(each)]
    difference = share_difference(*counts.groups_found(classes[0]))
    details = {
        "identifiers": classes[0],
        "classes": {each: {"what": CLASSES[each], **counts.of_class(each)} for each in classes},
        "labels": counts.by_label(),
    }
    return difference.measured(name, "share", details=details)


class _Counts:
    """Counts of unique values by side."""

    def __init__(self, found: FoundValues) -> None:
        sides = found.values.sides
        self._keys = keys_of(sides.train), keys_of(sides.held_out)
        self._by_label: defaultdict[str, tuple[Counter[str], Counter[str]]] = defaultdict(
            lambda: (Counter(), Counter())
        )
        self._by_class: defaultdict[str, tuple[Counter[str], Counter[str]]] = defaultdict(
            lambda: (Counter(), Counter())
        )
        self._by_group: defaultdict[str, tuple[Counter[int], Counter[int], Counter[int]]] = defaultdict(
            lambda: (Counter(), Counter(), Counter())
        )
        for number, value in enumerate(found.values.values):
            side = int(value.group >= len(sides.train))
            events = [number in numbers for numbers in (found.numbers, found.as_entity)]
            own = class_of(value.identifier)
            for counted in (self._by_label[value.identifier.label][side], self._by_class[own][side]):
                counted.update(values=1, found=int(events[0]), found_as_entity=int(events[1]))
            for counter, happened in zip(self._by_group[own], (True, *events), strict=True):
                counter[value.group] += happened

    def has(self, own: IdentifierClass) -> bool:
        """Whether any group has a value of the class."""
        return own in self._by_class

    def groups_found(self, own: IdentifierClass) -> tuple[list[bool], list[bool]]:
        """Whether a value of the class was found, by group."""
        return self._at_equal_sizes(own, 1)

    def of_class(self, own: IdentifierClass) -> dict[str, Any]:
        """Counts of a class of identifiers by side, and the differences of its shares of groups."""
        return {
            "train": self._of_side(own, 0),
            "held_out": self._of_side(own, 1),
            "share": share_difference(*self._at_equal_sizes(own, 1)).figures(),
            "share_as_entity": share_difference(*self._at_equal_sizes(own, 2)).figures(),
        }

    def by_label(self) -> dict[str, Any]:
        """Counts of values by label and side."""
        return {
            label: {"train": dict(train), "held_out": dict(held_out)}
            for label, (train, held_out) in sorted(self._by_label.items())
        }

    def _of_side(self, own: IdentifierClass, side: int) -> dict[str, int]:
        offset, keys = len(self._keys[0]) * side, self._keys[side]
        groups = range(offset, offset + len(keys))
        names = ("groups_with_values", "groups_found", "groups_found_as_entity")
        counted = zip(names, self._by_group[own], strict=True)
        held = {name: sum(counter[group] > 0 for group in groups) for name, counter in counted}
        return {"groups": len(keys), **held, **self._by_class[own][side]}

    def _at_equal_sizes(self, own: IdentifierClass, event: int) -> tuple[list[bool], list[bool]]:
        values, happened, offset = self._by_group[own][0], self._by_group[own][event], len(self._keys[0])
        train = [Tally(key, values[group], happened[group]) for group, key in enumerate(self._keys[0])]
        held_out = [Tally(key, values[group], happened[group]) for group, key in enumerate(self._keys[1], start=offset)]
        return found_at_equal_sizes(train, held_out)
