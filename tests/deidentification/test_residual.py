"""What still stands in a text after it was replaced elsewhere in it."""

from __future__ import annotations

import pytest

from deidsynth.config.policy import Action
from deidsynth.deidentification.deidentified import Deidentified, Replacement
from deidsynth.deidentification.residual import residual
from deidsynth.documents import Document, Entity


def left(
    text: str, surface: str, label: str = "NAME", *, action: Action = "mask", new: str | None = None
) -> int | None:
    """Where something still stands after its first mention was replaced; None if nowhere."""
    start = text.index(surface)
    document = Document("1", text, (Entity(start, start + len(surface), label),))
    new = f"[{label}]" if new is None else new
    replacement = Replacement(start, start + len(surface), start, start + len(new), label, action, "model")
    made = Deidentified(text[:start] + new + text[start + len(surface) :], document.entities, (replacement,))
    found = residual(document, made, {})
    return None if found is None else found.offset


@pytest.mark.parametrize(
    ("text", "surface", "label"),
    [
        ("Berg kom. Sedan gick Berg.", "Berg", "NAME"),
        ("Berg kom. Sedan gick BERG.", "Berg", "NAME"),
        ("anna kom. Sedan gick Anna.", "anna", "NAME"),
        ("anna kom. Sedan gick anna.", "anna", "NAME"),
        ("Anna Berg kom. Anna\r\n  Berg gick.", "Anna Berg", "NAME"),
        ("Zoe\u0308 kom. Zo\u00eb gick.", "Zoe\u0308", "NAME"),
        ("Marta Ferrández Peña vino. Era marta ferrandez pena.", "Marta Ferrández Peña", "NAME"),
        ("Storgatan 3 och igen Storgatan 3.", "Storgatan 3", "STREET"),
        ("Nr 12345678, alltså 12345678.", "12345678", "ID"),
        ("Inlagd 3 maj 2020, ut 3 maj 2020.", "3 maj 2020", "DATE"),
    ],
)
def test_what_is_still_there_is_told_by_its_place(text: str, surface: str, label: str) -> None:
    offset = left(text, surface, label)
    assert offset is not None and offset > text.index(surface)


@pytest.mark.parametrize(
    ("text", "surface", "label"),
    [
        ("Berg bor vid ett berg.", "Berg", "NAME"),  # a word in lower case is no trace of a name in capitals
        ("Berg bor i Bergslagen, Isberg.", "Berg", "NAME"),  # whole words only
        ("Ek kom. Ek gick.", "Ek", "NAME"),  # too short
        ("Idag. Idag igen.", "Idag", "DATE"),  # one word of ordinary text
        ("lärare, en lärare till", "lärare", "PROFESSION"),
        ("Inlagd 2020-05-03, igen 2020-05-03.", "2020-05-03", "DATE"),
        ("Rum 123, rum 123.", "123", "ID"),
    ],
)
def test_what_is_no_trace(text: str, surface: str, label: str) -> None:
    assert left(text, surface, label) is None


def test_what_we_wrote_ourselves_is_no_trace_but_a_surrogate_equal_to_its_own_original_is() -> None:
    assert left("Name kom.", "Name") is None
    assert left("Berg kom.", "Berg", action="tag", new="<NAME>Berg</NAME>") is None
    assert left("Berg kom. Berg gick.", "Berg", action="keep", new="Berg") is None
    assert left("Berg kom.", "Berg", action="surrogate", new="BERG") == 0
    assert left("3 maj 2020 kom.", "3 maj 2020", "DATE", action="surrogate", new="3 maj 2020") is None


def test_many_surfaces_in_a_long_text_take_no_time() -> None:
    names = [f"Namn{number}" for number in range(20_000)]
    text = " ".join(names)
    entities, replacements, start = [], [], 0
    for number, name in enumerate(names):
        entities.append(Entity(start, start + len(name), "NAME"))
        replacements.append(Replacement(start, start + len(name), 4 * number, 4 * number + 3, "NAME", "mask", "model"))
        start += len(name) + 1
    made = Deidentified(" ".join(["[N]"] * len(names)), tuple(entities), tuple(replacements))
    assert residual(Document("1", text, tuple(entities)), made, {}) is None
