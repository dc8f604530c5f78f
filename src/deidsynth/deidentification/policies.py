"""Replacing what was found in a text, as a policy says for its label."""

from __future__ import annotations

import secrets
from collections.abc import Container
from pathlib import Path

from deidsynth.config.parsing import load_data, parse
from deidsynth.config.policy import Action, Policy
from deidsynth.deidentification.deidentified import Deidentified, Replacement
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.numbering import numbers_of
from deidsynth.documents import Entity
from deidsynth.errors import ConfigError
from deidsynth.surrogates.derived import normalized_surface

__all__ = ["Replacer", "load_policy", "normalized_surface"]

SHORTEST_KEY = 16
"""Bytes of the shortest key from which surrogates are derived: shorter ones can be guessed."""


def load_policy(path: str | Path) -> Policy:
    """The policy in a YAML file.

    Raises:
        InputError: no such file, or it cannot be read.
        ConfigError: it is no policy; every fault is listed.
    """
    return parse(Policy, load_data(Path(path)), str(path))


class Replacer:
    """Replaces what was found, safely from several threads.

    Surrogates are a function of key, scope and text alone, unless the policy asks for random ones.

    Args:
        policy: what happens to each label.
        language: of the texts, if the policy does not say it.
        key: what surrogates are derived from; without one, a new one that lasts as long as this object.

    Raises:
        ConfigError: a scope beyond the document has no key, the key is too short, or surrogates have no language.
    """

    def __init__(self, policy: Policy, *, language: str | None, key: bytes | None = None) -> None:
        self.policy, self.language = policy, policy.language or language
        has_surrogates = "surrogate" in {policy.default, *policy.labels.values()}
        problems = list[str]()
        if key is None and has_surrogates and policy.scope != "document":
            problems.append(
                f"scope: {policy.scope} needs a key, without which surrogates would be others in the next call; "
                "give a file of random bytes as the key, or set scope to document"
            )
        if key is not None and len(key) < SHORTEST_KEY:
            problems.append(f"key: expected at least {SHORTEST_KEY} bytes, got {len(key)}; make one of random bytes")
        if has_surrogates and self.language is None:
            problems.append("language: surrogates need the language of the texts; set it, such as language: sv")
        if problems:
            raise ConfigError(problems, "policy")
        self.needs_scope_surfaces = has_surrogates and policy.scope != "document"
        """Whether ``avoid`` has to hold what was found in the whole scope, so that no surrogate is equal to it."""
        self._key = secrets.token_bytes(32) if key is None else key

    def __repr__(self) -> str:
        return f"Replacer(scope={self.policy.scope!r}, language={self.language!r})"

    def __call__(self, found: Found, *, patient: str | None = None, avoid: Container[str] = ()) -> Deidentified:
        """The text with every entity replaced; between them it is the original.

        Args:
            found: a document with entities.
            patient: whose document it is, if known.
            avoid: normalized surfaces of the whole scope and of known values, which no surrogate may equal.
        """
        document = found.document
        numbers = numbers_of(document, self.policy.kinds, self.language)
        texts, replacements, length, last = list[str](), list[Replacement](), 0, 0
        for index, (entity, source) in enumerate(zip(document.entities, found.sources, strict=True)):
            action = self.policy.labels.get(entity.label, self.policy.default)
            new: str | None = None
            if action == "surrogate":
                action, new = "mask", None
            if new is None:
                new = _rendered(action, entity, document.surface(entity), numbers[index])
            between = document.text[last : entity.start]
            start = length + len(between)
            length = start + len(new)
            texts += between, new
            last = entity.end
            replacements.append(Replacement(entity.start, entity.end, start, length, entity.label, action, source))
        texts.append(document.text[last:])
        return Deidentified("".join(texts), document.entities, tuple(replacements))


def _rendered(action: Action, entity: Entity, surface: str, number: int) -> str:
    """What stands in place of an entity, unless it is a surrogate."""
    match action:
        case "tag":
            return f"<{entity.label}>{surface}</{entity.label}>"
        case "number":
            return f"[{entity.label}-{number}]"
        case "remove":
            return ""
        case "keep":
            return surface
    return f"[{entity.label}]"
