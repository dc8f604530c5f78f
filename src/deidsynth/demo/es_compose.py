"""Spanish notes, composed."""

from __future__ import annotations

from random import Random

from deidsynth.demo import es_ages, es_medicine, es_surgery
from deidsynth.demo.compose import compose_note
from deidsynth.demo.es_facts import ADULT_AGE, spanish_facts
from deidsynth.demo.es_general import (
    GENERAL,
    GENERAL_JUDGEMENT,
    GENERAL_LAB,
    MORE,
    NOT_FOR_CHILDREN,
    NOT_FOR_RETIRED,
)
from deidsynth.demo.es_notes import HEADERS, HEADINGS, LAYOUTS, SECTIONS
from deidsynth.demo.grammar import Part, Piece, Scene, held_out_phrases
from deidsynth.demo.people import LISTS, Specialty, new_patient, phrases_for

SPECIALTIES: tuple[Specialty, ...] = (
    es_medicine.HEART,
    es_medicine.LUNGS,
    es_medicine.DIABETES,
    es_medicine.INFECTION,
    es_medicine.NERVES,
    es_surgery.BONES,
    es_surgery.BELLY,
    es_surgery.URINE,
    es_surgery.MIND,
    es_ages.CHILDREN,
    es_ages.WOMEN,
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
    """The pieces of one Spanish note."""
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
    facts = spanish_facts(rng, part, patient, specialty)
    scene = Scene(rng, patient.male, facts, phrases, reserve, withheld, unfit)

    def section(name: str) -> tuple[str, ...]:
        if name == "social":
            return SECTIONS[social]
        return HEADERS[name] if name in HEADERS else SECTIONS[name]

    return compose_note(rng, scene, LAYOUTS[rng.choice(tuple(LAYOUTS))], HEADINGS, section, MORE)
