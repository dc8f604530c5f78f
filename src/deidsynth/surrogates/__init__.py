"""Surrogates by label, language and shape: for the demo corpora, for prompts, for mention replacement.

Names, streets, companies and professions come from Faker. Identity and phone numbers come from official test ranges if
there are any, and otherwise cannot be valid: each rule is documented where it is implemented.
"""

from __future__ import annotations

from deidsynth.surrogates.mention_replacement import Mentions, mentions_of, replace_mentions
from deidsynth.surrogates.pseudonyms import Pseudonyms
from deidsynth.surrogates.values import Surrogates

__all__ = ["Mentions", "Pseudonyms", "Surrogates", "mentions_of", "replace_mentions"]
