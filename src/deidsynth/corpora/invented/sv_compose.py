"""Swedish notes, composed."""

from __future__ import annotations

from random import Random

from deidsynth.corpora.invented import sv_medicine, sv_surgery
from deidsynth.corpora.invented.compose import compose_note
from deidsynth.corpora.invented.grammar import Part, Piece, Scene, held_out_phrases
from deidsynth.corpora.invented.people import Specialty, new_patient
from deidsynth.corpora.invented.sv_facts import ADULT_AGE, swedish_facts
from deidsynth.corpora.invented.sv_notes import (
    GENERAL,
    GENERAL_JUDGEMENT,
    GENERAL_LAB,
    HEADERS,
    HEADINGS,
    LAYOUTS,
    MORE,
    NOT_FOR_CHILDREN,
    NOT_FOR_RETIRED,
    SECTIONS,
)

SPECIALTIES: tuple[Specialty, ...] = (
    sv_medicine.HEART,
    sv_medicine.LUNGS,
    sv_medicine.DIABETES,
    sv_medicine.INFECTION,
    sv_medicine.NERVES,
    sv_surgery.BONES,
    sv_surgery.BELLY,
    sv_surgery.MIND,
    sv_surgery.CHILDREN,
    sv_surgery.WOMEN,
    sv_surgery.OLD,
)
RETIRED_AGE = 67
_PHRASES = ("complaint", "story", "background", "status", "lab", "assessment", "drug", "plan")
WITHHELD = held_out_phrases(
    [
        *HEADERS.values(),
        *SECTIONS.values(),
        *(getattr(specialty, key) for specialty in SPECIALTIES for key in _PHRASES),
    ]
)


def compose(rng: Random, part: Part) -> list[Piece]:
    """The pieces of one Swedish note."""
    specialty = rng.choice(SPECIALTIES)
    patient = new_patient(rng, specialty.ages, specialty.sexes)
    phrases = {key: getattr(specialty, key) for key in _PHRASES} | {
        "general": GENERAL,
        "general_lab": GENERAL_LAB,
        "general_judgement": GENERAL_JUDGEMENT,
    }
    if patient.age < ADULT_AGE:
        social, unfit = "social_child", NOT_FOR_CHILDREN
    elif patient.age >= RETIRED_AGE:
        social, unfit = "social_old", NOT_FOR_RETIRED
    else:
        social, unfit = "social_adult", ()
    facts = swedish_facts(rng, part, patient, specialty)
    scene = Scene(rng, patient.male, facts, phrases, WITHHELD if part == "train" else (), unfit)

    def section(name: str) -> tuple[str, ...]:
        if name == "social":
            return SECTIONS[social]
        return HEADERS[name] if name in HEADERS else SECTIONS[name]

    return compose_note(rng, scene, LAYOUTS[rng.choice(tuple(LAYOUTS))], HEADINGS, section, MORE)
