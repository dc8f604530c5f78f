"""All detectors together: what a model found stays found, and nothing else of a text changes."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter

from hypothesis import given, settings, strategies as st

from deidsynth.config.detection import Detection
from deidsynth.deidentification.detectors import Detectors
from deidsynth.deidentification.known_values import KnownValue, KnownValues
from deidsynth.documents import Document, Entity

LABELS = ["NAME", "EMAIL", "DATE"]
KNOWN = KnownValues(
    {"7": [KnownValue("Anna Berg"), KnownValue("070-174 06 05")], None: [KnownValue("Rut Öman", "STAFF")]}
)
ALL = Detectors(Detection(), language="sv", labels=LABELS, known=KNOWN)

pieces = st.sampled_from(
    [
        *"Anna Berg Bergs A. B anna berg 070-1740605 19811218-9876 Rut Öman's O\u0308man tel de la Down".split(),
        "\r\n",
        *" \u00a0\u00ad\u200b.,-'@\n😀",
        "anna.berg@exempel.se",
        "Creutzfeldt-Anna",
        "\u0301",
        " ",
        " ",
        " ",
    ]
)


@st.composite
def documents(draw: st.DrawFn) -> Document:
    """A text of pieces of names, numbers and odd characters, with entities anywhere."""
    text = "".join(draw(st.lists(pieces, min_size=1, max_size=30)))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = zip(cuts[::2], cuts[1::2], strict=False)
    return Document("1", text, tuple(Entity(*span, draw(st.sampled_from(LABELS)), 0.5) for span in spans), "7")


def covered(document: Document) -> set[int]:
    return {place for entity in document.entities for place in range(entity.start, entity.end)}


@given(documents())
@settings(max_examples=400)
def test_what_the_model_found_stays_found_and_the_text_is_the_same(document: Document) -> None:
    found = ALL(document)
    assert found.document.text == document.text
    assert covered(document) <= covered(found.document)
    assert len(found.sources) == len(found.document.entities)
    assert ALL(document) == found


@given(documents())
def test_with_nothing_sought_it_is_what_the_model_found(document: Document) -> None:
    detectors = Detectors(Detection(patterns=False, second_pass=False), language="sv", labels=LABELS)
    found = detectors(document)
    assert found.document == document
    assert set(found.sources) <= {"model"}


def test_adjacent_entities_stay_two() -> None:
    document = Document("1", "AnnaBerg kom", (Entity(0, 4, "NAME", 0.9), Entity(4, 8, "NAME", 0.8)))
    assert ALL(document).document == document


def test_a_pattern_and_a_model_that_overlap_are_one() -> None:
    text = "Mail: anna.berg@exempel.se, tack"
    document = Document("1", text, (Entity(6, 15, "NAME", 0.6),))
    assert ALL(document).document.entities == (Entity(6, 26, "EMAIL", 0.6),)


def test_what_is_found_is_counted_by_who_found_it() -> None:
    text = "Lena Ek kom. Eks mail: lena@exempel.se. Anna Berg och Rut Öman."
    found = ALL(Document("1", text, (Entity(0, 7, "NAME", 0.9),), "7"))
    assert Counter(found.sources) == {"model": 1, "second pass": 1, "pattern": 1, "known value": 2}
    assert [found.document.surface(each) for each in found.document.entities] == [
        "Lena Ek",
        "Eks",
        "lena@exempel.se",
        "Anna Berg",
        "Rut Öman",
    ]


def test_a_name_after_300_sentences_is_found_at_its_offset() -> None:
    text = "Anna Berg kom. " + "Mår bra utan feber idag. " * 300 + "Berg gick hem."
    found = ALL(Document("1", text, (Entity(0, 9, "NAME", 0.9),)))
    assert found.document.entities[1:] == (Entity(text.index("Berg gick"), text.index(" gick"), "NAME"),)


def test_threads_find_what_one_finds() -> None:
    texts = [
        Document(str(n), f"Anna Berg {n} Rut Öman tel 070-174 06 {n % 90 + 10} " * 5, group="7") for n in range(50)
    ]
    one = [*map(ALL, texts)]
    with ThreadPoolExecutor(16) as pool:
        assert list(pool.map(ALL, texts)) == one


def test_time_grows_no_faster_than_a_text() -> None:
    def seconds(n: int) -> float:
        text = "Anna Berg A. Berg, 070-174 06 05 de la anna-berg " * n
        began = perf_counter()
        ALL(Document("1", text, (Entity(0, 9, "NAME", 0.9),), "7"))
        return perf_counter() - began

    seconds(10)
    assert seconds(1000) < 40 * max(seconds(100), 0.01)
