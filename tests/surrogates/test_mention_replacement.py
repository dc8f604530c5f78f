"""Invented values in the place of a document's own."""

from __future__ import annotations

from random import Random

from hypothesis import given, strategies as st

from deidsynth.documents import Document, Entity
from deidsynth.surrogates import Surrogates, replace_mentions

TEXT = "Ana Pérez, 41 años, vive en Vindheim. Ana Pérez volvió el 3/4/2015. Código QX-7."


def _spans(text: str, *parts: tuple[str, str]) -> Document:
    entities, at = [], 0
    for part, label in parts:
        start = text.index(part, at)
        at = start + len(part)
        entities.append(Entity(start, at, label))
    return Document("1", text, tuple(entities), "g")


DOCUMENT = _spans(
    TEXT,
    ("Ana Pérez", "NAME"),
    ("41 años", "AGE"),
    ("Vindheim", "CITY"),
    ("Ana Pérez", "NAME"),
    ("3/4/2015", "DATE"),
    ("QX-7", "SOMETHING_ELSE"),
)


def _between(document: Document) -> list[str]:
    ends = [0, *(entity.end for entity in document.entities)]
    starts = [*(entity.start for entity in document.entities), len(document.text)]
    return [document.text[left:right] for left, right in zip(ends, starts, strict=True)]


@given(st.integers(0, 50), st.sampled_from([0.0, 0.5, 1.0]))
def test_what_stands_around_values_stays(seed: int, share: float) -> None:
    found = replace_mentions(DOCUMENT, Surrogates("es", seed), Random(seed), share)
    assert _between(found) == _between(DOCUMENT)
    assert [entity.label for entity in found.entities] == [entity.label for entity in DOCUMENT.entities]
    surfaces = [found.surface(entity) for entity in found.entities]
    assert all(surface == surface.strip() != "" for surface in surfaces)
    assert surfaces[0] == surfaces[3]  # one value stays one value
    assert surfaces[5] == "QX-7"  # nobody knows what kind of value that is
    if share == 0.0:
        assert found.text == TEXT
    if share == 1.0:
        assert surfaces[0] != "Ana Pérez"
        assert surfaces[4] != "3/4/2015"


def test_seeds_decide() -> None:
    texts = [replace_mentions(DOCUMENT, Surrogates("es", seed), Random(seed), 1.0).text for seed in (1, 1, 2)]
    assert texts[0] == texts[1] != texts[2]
