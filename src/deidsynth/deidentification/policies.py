"""Replacing what was found in a text, as a policy says for its label."""

from __future__ import annotations

import secrets
from collections.abc import Container, Sequence
from pathlib import Path

from deidsynth.config.parsing import load_data, parse
from deidsynth.config.policy import Action, Policy
from deidsynth.deidentification.deidentified import Deidentified, Replacement
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.numbering import numbers_of
from deidsynth.digests import text_digest
from deidsynth.documents import Document, Entity
from deidsynth.errors import ConfigError
from deidsynth.surrogates.derived import Derivation
from deidsynth.surrogates.of_documents import DocumentSurrogates, Scopes

SHORTEST_KEY = 16
"""Bytes of the shortest key from which surrogates are derived: shorter ones can be guessed."""
_KEY_BYTES = 32


def load_policy(path: str | Path) -> Policy:
    """The policy in a YAML file.

    Raises:
        InputError: no such file, or it cannot be read.
        ConfigError: it is no policy; every fault is listed.
    """
    return parse(Policy, load_data(Path(path)), str(path))


def wants_surrogates(policy: Policy) -> bool:
    """Whether a policy asks for surrogates, of whatever label."""
    return "surrogate" in {policy.default, *policy.labels.values()}


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
        has_surrogates = wants_surrogates(policy)
        problems = list[str]()
        if key is None and has_surrogates and policy.scope != "document":
            problems.append(
                f"scope: {policy.scope} needs a key, without which surrogates would differ on the next run; "
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
        self._key = secrets.token_bytes(_KEY_BYTES) if key is None else key
        self._surrogates = (
            DocumentSurrogates(self.language, policy.kinds, policy.dates)
            if has_surrogates and self.language is not None
            else None
        )

    def __repr__(self) -> str:
        return f"Replacer(scope={self.policy.scope!r}, language={self.language!r})"

    def __call__(self, found: Found, *, avoid: Container[str] = ()) -> Deidentified:
        """The text with every entity replaced; between them it is the original.

        Args:
            found: a document with entities, whose group is the patient, if known.
            avoid: normalized surfaces of the whole scope and of known values, which no surrogate may equal either.
        """
        document = found.document
        actions = [self.policy.labels.get(entity.label, self.policy.default) for entity in document.entities]
        numbers = numbers_of(document, self.policy.kinds, self.language) if "number" in actions else [0] * len(actions)
        surrogates = self._surrogates_of(document, actions, avoid)
        texts, replacements, length, last = list[str](), list[Replacement](), 0, 0
        for entity, source, action, number in zip(document.entities, found.sources, actions, numbers, strict=True):
            surface = document.surface(entity)
            if action == "surrogate":
                new = surrogates.get(entity)
                action = "mask" if new is None else "keep" if new == surface else action
            else:
                new = None
            if new is None:
                new = _rendered(action, entity, surface, number)
            between = document.text[last : entity.start]
            start = length + len(between)
            length = start + len(new)
            texts += between, new
            last = entity.end
            replacements.append(Replacement(entity.start, entity.end, start, length, entity.label, action, source))
        texts.append(document.text[last:])
        return Deidentified("".join(texts), document.entities, tuple(replacements))

    def _surrogates_of(self, document: Document, actions: Sequence[Action], avoid: Container[str]) -> dict[Entity, str]:
        """The surrogates of those entities for which the policy wants one and there is one."""
        wanted = [entity for entity, action in zip(document.entities, actions, strict=True) if action == "surrogate"]
        if not wanted or self._surrogates is None:
            return {}
        key = secrets.token_bytes(_KEY_BYTES) if self.policy.random else self._key
        text = text_digest(document.text)
        of_document = Derivation(key, "document", text)
        of_patient = of_document if document.group is None else Derivation(key, "patient", document.group)
        values = {"document": of_document, "patient": of_patient, "corpus": Derivation(key, "corpus", "")}
        scopes = Scopes(values[self.policy.scope], of_patient)
        return self._surrogates.of(document, wanted, scopes, avoid)


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
