"""What was done to how many entities and documents: plain counts, which a killed command goes on counting from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from deidsynth.config.policy import Policy
from deidsynth.deidentification.deidentified import Deidentified


@dataclass
class Counts:
    """Counts of a command.

    Args:
        n_documents: that were written.
        n_failed: that were not.
        n_renamed: whose names were hidden.
        entities: by label, source and action.
    """

    n_documents: int = 0
    n_failed: int = 0
    n_renamed: int = 0
    entities: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    def add(self, made: Iterable[Deidentified | None]) -> None:
        """Count documents that were written; None was not."""
        for each in made:
            if each is not None:
                self.n_documents += 1
                self.entities.update((one.label, one.source, one.action) for one in each.replacements)

    def by(self, place: int) -> dict[str, int]:
        """Entities by label (0), source (1) or action (2), most frequent first."""
        counted: Counter[str] = Counter()
        for key, count in self.entities.items():
            counted[key[place]] += count
        return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))

    def masked_instead(self, policy: Policy) -> dict[str, int]:
        """Entities that were masked for want of a surrogate, by label."""
        counted: Counter[str] = Counter()
        for (label, _, action), count in self.entities.items():
            if action == "mask" and policy.labels.get(label, policy.default) == "surrogate":
                counted[label] += count
        return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))

    def plain(self) -> dict[str, Any]:
        """The counts as plain data."""
        entities = [[*key, count] for key, count in sorted(self.entities.items())]
        return {
            "n_documents": self.n_documents,
            "n_failed": self.n_failed,
            "n_renamed": self.n_renamed,
            "entities": entities,
        }

    @classmethod
    def of(cls, plain: Mapping[str, Any]) -> Self:
        """The counts that plain data holds; zero where there is none."""
        entities = Counter({(label, source, action): n for label, source, action, n in plain.get("entities", ())})
        return cls(plain.get("n_documents", 0), plain.get("n_failed", 0), plain.get("n_renamed", 0), entities)
