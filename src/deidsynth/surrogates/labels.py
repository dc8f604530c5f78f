"""The kind of value that a label asks for: of the label sets in ``labels.yaml``, or as the user says."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

import yaml

from deidsynth.config.surrogates import Kind


def kind_of(label: str, own: Mapping[str, Kind] | None = None) -> Kind | None:
    """The kind of value for a label, in any case and with ``-``, ``_`` or a blank between its words; None if unknown.

    Args:
        label: as the corpus writes it.
        own: what the user says; it goes before what the package knows.
    """
    word = canonical(label)
    for known, kind in (own or {}).items():
        if canonical(known) == word:
            return kind
    return _by_label().get(word)


def label_sets() -> dict[str, dict[Kind, tuple[str, ...]]]:
    """The known labels by kind of value, for every label set."""
    file = resources.files("deidsynth.surrogates") / "labels.yaml"
    sets: dict[str, dict[Kind, str]] = yaml.safe_load(file.read_text(encoding="utf-8"))
    return {name: {kind: tuple(words.split()) for kind, words in kinds.items()} for name, kinds in sets.items()}


@cache
def _by_label() -> dict[str, Kind]:
    return {label: kind for kinds in label_sets().values() for kind, labels in kinds.items() for label in labels}


def canonical(label: str) -> str:
    """A label in capitals, with ``_`` between its words: the form in which labels are compared.

    >>> canonical("First-name")
    'FIRST_NAME'
    """
    return label.upper().replace("-", "_").replace(" ", "_")
