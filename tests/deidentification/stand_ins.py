"""A model that finds a few invented names, with the true detectors and replacer around it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from deidsynth.config.parsing import parse
from deidsynth.config.policy import Policy
from deidsynth.deidentification.detectors import Detectors
from deidsynth.deidentification.policies import Replacer
from deidsynth.deidentification.runtime import Deidentifier
from deidsynth.documents import Document, Entity

NAMES = re.compile(r"\b(?:Anna|Bertil|Cecilia|Berg|Dal)\b")


def find(documents: Sequence[Document]) -> list[Document]:
    """The documents with the names as entities."""
    return [
        each.with_entities(Entity(match.start(), match.end(), "NAME", 0.9) for match in NAMES.finditer(each.text))
        for each in documents
    ]


def deidentifier(found: Any = find, key: bytes | None = None, replace: Any = None, **policy: Any) -> Deidentifier:
    """The runtime with the names found and a policy of these keys, without further mentions and patterns."""
    made = parse(Policy, {"detect": {"patterns": False, "second_pass": False}, **policy})
    return Deidentifier(
        found,
        detect=Detectors(made.detect, language="sv", labels=("NAME",)),
        replace=replace or Replacer(made, language="sv", key=key),
        policy=made,
        labels=("NAME",),
        language="sv",
    )
