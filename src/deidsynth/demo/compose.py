"""Composition of a note in either language: specialty, patient and facts first, then the sections."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from random import Random

from deidsynth.demo.grammar import Fact, Piece, Scene, Split
from deidsynth.demo.people import AgeGroup, Patient, new_patient
from deidsynth.demo.phrasebook import LISTS, Phrases, Section, phrasebook
from deidsynth.demo.spanish import spanish_facts
from deidsynth.demo.swedish import swedish_facts

FACTS: dict[str, Callable[[Random, Split, Patient, Phrases], dict[str, Fact]]] = {
    "es": spanish_facts,
    "sv": swedish_facts,
}
_FURTHER_SENTENCES = (0.97, 0.8, 0.6)


def compose(language: str, rng: Random, split: Split) -> list[Piece]:
    """The pieces of a note."""
    book = phrasebook(language)
    specialty = rng.choice(book.specialties)
    patient = new_patient(rng, specialty.ages, specialty.sexes)
    withheld = book.withheld if split == "train" else frozenset[str]()
    complaint = rng.choice([each for each in specialty.complaints.values() if each.text not in withheld])
    scene = Scene(
        rng,
        patient.male,
        facts=FACTS[language](rng, split, patient, specialty.units),
        lists={
            **book.notes.lists,
            **{key: specialty.suiting(key, complaint) for key in LISTS},
            "complaint": (complaint.text,),
        },
        reserve={key: specialty.phrases(key) for key in LISTS},
        withheld=withheld,
        unfit=book.notes.not_for.get(patient.age_group, ()),
    )
    kind = rng.choice(tuple(book.notes.kinds.values()))
    return _merged(_written(rng, scene, kind, book.notes.sections, patient.age_group))


def _written(
    rng: Random, scene: Scene, kind: Mapping[str, float], sections: Mapping[str, Section], age_group: AgeGroup
) -> list[Piece]:
    """The sections of a kind of note in order, with one style of headings per note."""
    heading_style = rng.choice(("line", "line", "inline", "inline", "upper", "none"))
    pieces: list[Piece] = []
    in_body, used = False, set[str]()
    for name, chance in kind.items():
        if rng.random() >= chance:
            continue
        section = sections[name]
        if pieces:
            pieces.append((" " if heading_style == "none" and section.headings and in_body else "\n", None))
        in_body = in_body or bool(section.headings)
        if section.headings and heading_style != "none":
            word = rng.choice([heading for heading in section.headings if heading not in used] or section.headings)
            used.add(word)
            if heading_style == "upper":
                word = word.upper()
            pieces.append((f"{word}\n" if heading_style == "line" else f"{word}: ", None))
        pieces.extend(scene.render(scene.pick(section.phrases_for(age_group))))
        if section.further is not None:
            for likelihood in _FURTHER_SENTENCES:
                sentence = scene.further(section.further) if rng.random() < likelihood else []
                pieces.extend([(" ", None), *sentence] if sentence else [])
    return pieces


def _merged(pieces: Sequence[Piece]) -> list[Piece]:
    """The same pieces with adjacent literals joined, so that typing slips apply to whole words.

    A period after an entity that ends in one (``S.A.``) is dropped.
    """
    merged: list[Piece] = []
    for written, label in pieces:
        after_stop = bool(merged) and merged[-1][1] is not None and merged[-1][0].endswith(".")
        text = written[1:] if label is None and after_stop and written.startswith(".") else written
        if merged and label is None and merged[-1][1] is None:
            merged[-1] = (merged[-1][0] + text, None)
        else:
            merged.append((text, label))
    return merged
