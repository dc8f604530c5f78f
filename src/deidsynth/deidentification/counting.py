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

    @property
    def by_label(self) -> dict[str, int]:
        """Entities by label, most frequent first."""
        return _most_frequent_first((label, count) for (label, _, _), count in self.entities.items())

    @property
    def by_source(self) -> dict[str, int]:
        """Entities by source, most frequent first."""
        return _most_frequent_first((source, count) for (_, source, _), count in self.entities.items())

    @property
    def by_action(self) -> dict[str, int]:
        """Entities by action, most frequent first."""
        return _most_frequent_first((action, count) for (_, _, action), count in self.entities.items())

    def masked_without_surrogate(self, policy: Policy) -> dict[str, int]:
        """Entities that were masked without surrogate, though the policy asks for one, by label."""
        return _most_frequent_first(
            (label, count)
            for (label, _, action), count in self.entities.items()
            if action == "mask" and policy.labels.get(label, policy.default) == "surrogate"
        )

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


def _most_frequent_first(counts: Iterable[tuple[str, int]]) -> dict[str, int]:
    """Counts that may have a name several times, summed by name, the greatest first."""
    counted: Counter[str] = Counter()
    for name, count in counts:
        counted[name] += count
    return dict(sorted(counted.items(), key=lambda item: (-item[1], item[0])))
