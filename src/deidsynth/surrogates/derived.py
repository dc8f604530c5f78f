"""Deriving surrogates from a key: they depend on the key and on what they are derived for, and on nothing else."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import unicodedata
from dataclasses import dataclass
from random import Random

from deidsynth.normalization import normalize

WORD = re.compile(r"[^\W\d_](?:[^\W\d_]|[\u0300-\u036f\xad\u200b-\u200d\u2060\ufeff])*")
"""A run of letters, with the combining marks and the invisible characters inside it."""


def normalized_surface(text: str) -> str:
    """A surface in the form in which surfaces are compared: composed, without case, blanks run together.

    >>> normalized_surface("Anna\\u00a0 BERG\\n")
    'anna berg'
    """
    return " ".join(unicodedata.normalize("NFKC", normalize(text).text).casefold().split())


@dataclass(frozen=True, slots=True, repr=False)
class Derivation:
    """What is derived within one scope from one key.

    Args:
        key: of at least 16 bytes.
        scope: its name, such as ``document``.
        unit: which document or patient of those in the scope; empty for a corpus.
    """

    key: bytes
    scope: str
    unit: str

    def __repr__(self) -> str:
        return f"Derivation(scope={self.scope!r})"

    @property
    def is_document(self) -> bool:
        """Whether it is for one document alone."""
        return self.scope == "document"

    def seed(self, kind: str, part: str, attempt: int = 0) -> str:
        """A seed for a value: HMAC-SHA256 over scope, kind and normalized part.

        Args:
            kind: of value.
            part: normalized.
            attempt: number of values before it that could not be taken.
        """
        message = json.dumps([self.scope, self.unit, kind, part, attempt])
        return hmac.new(self.key, message.encode(), hashlib.sha256).hexdigest()

    def index(self, length: int, kind: str, part: str, attempt: int = 0) -> int:
        """A place in a pool of a length."""
        return int(self.seed(kind, part, attempt), 16) % length

    def rng(self, kind: str, part: str, attempt: int = 0) -> Random:
        """A source of randomness with that seed."""
        return Random(self.seed(kind, part, attempt))
