"""Swedish notes, composed."""

from __future__ import annotations

from random import Random

from deidsynth.demo import sv_ages, sv_medicine, sv_surgery
from deidsynth.demo.compose import compose_note
from deidsynth.demo.grammar import Part, Piece, Scene, held_out_phrases
from deidsynth.demo.people import LISTS, Specialty, new_patient, phrases_for
from deidsynth.demo.sv_facts import ADULT_AGE, swedish_facts
from deidsynth.demo.sv_general import (
    GENERAL,
    GENERAL_JUDGEMENT,
    GENERAL_LAB,
    MORE,
    NOT_FOR_CHILDREN,
    NOT_FOR_RETIRED,
)
from deidsynth.demo.sv_notes import HEADERS, HEADINGS, LAYOUTS, SECTIONS

SPECIALTIES: tuple[Specialty, ...] = (
    sv_medicine.HEART,
    sv_medicine.LUNGS,
    sv_medicine.DIABETES,
    sv_medicine.INFECTION,
    sv_medicine.NERVES,
    sv_surgery.BONES,
    sv_surgery.BELLY,
    sv_surgery.MIND,
    sv_ages.CHILDREN,
    sv_ages.WOMEN,
    sv_ages.OLD,
)
RETIRED_AGE = 67
GENERAL_LISTS = {"general": GENERAL, "general_lab": GENERAL_LAB, "general_judgement": GENERAL_JUDGEMENT}
WITHHELD = held_out_phrases(
    [
        *HEADERS.values(),
        *SECTIONS.values(),
        *(getattr(specialty, key) for specialty in SPECIALTIES for key in ("complaint", *LISTS)),
    ]
)


def compose(rng: Random, part: Part) -> list[Piece]:
    """The pieces of one Swedish note."""
    specialty = rng.choice(SPECIALTIES)
    patient = new_patient(rng, specialty.ages, specialty.sexes)
    withheld = WITHHELD if part == "train" else frozenset[str]()
    phrases = phrases_for(specialty, GENERAL_LISTS, withheld, rng)
    reserve = {key: getattr(specialty, key) for key in LISTS}
    unfit: tuple[str, ...] = ()
    social = "social_adult"
    if patient.age < ADULT_AGE:
        social, unfit = "social_child", NOT_FOR_CHILDREN
    elif patient.age >= RETIRED_AGE:
        social, unfit = "social_old", NOT_FOR_RETIRED
    facts = swedish_facts(rng, part, patient, specialty)
    scene = Scene(rng, patient.male, facts, phrases, reserve, withheld, unfit)

    def section(name: str) -> tuple[str, ...]:
        if name == "social":
            return SECTIONS[social]
        return HEADERS[name] if name in HEADERS else SECTIONS[name]

    return compose_note(rng, scene, LAYOUTS[rng.choice(tuple(LAYOUTS))], HEADINGS, section, MORE)
