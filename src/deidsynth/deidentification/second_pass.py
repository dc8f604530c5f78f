"""Further mentions of names that were found once in a document."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from deidsynth.config.surrogates import Kind
from deidsynth.deidentification.found_names import found_names
from deidsynth.deidentification.names import Mention, NameFinder
from deidsynth.documents import Document


def second_pass(document: Document, language: str | None, own: Mapping[str, Kind] | None = None) -> Iterator[Mention]:
    """The mentions of the names that its entities are, those entities included, each with the label of the first one.

    Args:
        document: normalized, with what was found before.
        language: ISO 639-1 code of the text, if known.
        own: kind of value for labels, beside those that the package knows.
    """
    finder = NameFinder(found_names(document, language, own), language, any_case=False)
    yield from finder.mentions(document.text)
    yield from finder.initials(document.text)
