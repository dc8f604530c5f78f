"""The label of what is found without the model: one of the model's own, where one is of the kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache

from deidsynth.config.surrogates import Kind
from deidsynth.surrogates.labels import canonical, kind_of, label_sets

_IN_CAPITALS: Mapping[Kind, str] = {"full_name": "NAME", "identifier": "ID"}
"""Kinds whose usual label is not the word itself."""


def label_for(kinds: Sequence[Kind], labels: Sequence[str], own: Mapping[str, Kind] | None = None) -> str:
    """The label of the first kind that one of the labels is of; without any, the last kind in capitals.

    >>> label_for(["phone"], ["NUMERO_FAX", "NUMERO_TELEFONO"]), label_for(["email"], ["NAME"])
    ('NUMERO_TELEFONO', 'EMAIL')

    Args:
        kinds: of value, the most exact one first.
        labels: of the model; of several of one kind, the first that the package's own list of them names counts.
        own: kind of value for labels, beside those that the package knows.
    """
    for kind in kinds:
        fitting = [label for label in labels if kind_of(label, own) == kind]
        if fitting:
            return min(fitting, key=_rank)
    return _IN_CAPITALS.get(kinds[-1], kinds[-1].upper())


def _rank(label: str) -> int:
    """How early a label is in the package's list of labels."""
    return _ranks().get(canonical(label), len(_ranks()))


@cache
def _ranks() -> dict[str, int]:
    known = [label for kinds in label_sets().values() for labels in kinds.values() for label in labels]
    return {label: rank for rank, label in enumerate(known)}
