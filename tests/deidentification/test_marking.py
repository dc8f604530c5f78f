from __future__ import annotations

from hypothesis import given, settings, strategies as st

from deidsynth.deidentification import masked, tagged
from deidsynth.documents import Document, Entity

NOTE = Document("1", "Dr Ana Ek, Ås.", (Entity(3, 9, "NAME", 0.5), Entity(11, 13, "CITY")), "g")


def test_masked_by_hand() -> None:
    made = masked(NOTE)
    assert made.text == "Dr [NAME], [CITY]."
    assert made.entities == (Entity(3, 9, "NAME", 0.5), Entity(11, 17, "CITY"))
    assert (made.doc_id, made.group) == ("1", "g")


def test_tagged_by_hand() -> None:
    made = tagged(NOTE)
    assert made.text == "Dr <NAME>Ana Ek</NAME>, <CITY>Ås</CITY>."
    assert made.entities == (Entity(3, 22, "NAME", 0.5), Entity(24, 39, "CITY"))


@st.composite
def _documents(draw: st.DrawFn) -> Document:
    text = draw(st.text(max_size=30))
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    return Document("1", text, tuple(Entity(start, end, draw(st.sampled_from("AB"))) for start, end in spans))


@settings(max_examples=150)
@given(_documents())
def test_offsets_are_those_of_the_new_text_and_the_rest_stays(document: Document) -> None:
    for made, form in ((masked(document), "[{label}]"), (tagged(document), "<{label}>{value}</{label}>")):
        assert len(made.entities) == len(document.entities)
        for old, new in zip(document.entities, made.entities, strict=True):
            assert made.surface(new) == form.format(label=old.label, value=document.surface(old))
        for whole in (document, made):
            cuts = [0, *(place for entity in whole.entities for place in (entity.start, entity.end)), len(whole.text)]
            rest = [whole.text[start:end] for start, end in zip(cuts[::2], cuts[1::2], strict=True)]
            assert rest == [
                document.text[start:end]
                for start, end in zip(
                    [0, *(entity.end for entity in document.entities)],
                    [*(entity.start for entity in document.entities), len(document.text)],
                    strict=True,
                )
            ]
