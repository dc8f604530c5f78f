"""The facts of one Swedish note, each ready to be written into a template."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from random import Random

from deidsynth.demo.grammar import Fact, Part, Pieces, labelled, literal
from deidsynth.demo.people import (
    Patient,
    Specialty,
    earlier_year,
    first_name,
    part_of,
    pool_of,
    some_days_before,
)
from deidsynth.demo.sv_words import (
    AUTHORITIES,
    COUNTRIES,
    EMPLOYERS,
    HOMES,
    HOSPITAL_FORMS,
    JOBS,
    MONTHS,
    ROOTS,
    SCHOOLS,
    SHORT_MONTHS,
    STREETS,
    TOWNS,
    UNIT_FORMS,
)
from deidsynth.surrogates.identity import swedish_identity_number
from deidsynth.surrogates.names import NamePool
from deidsynth.surrogates.telephones import phone_number

ADULT_AGE = 18
_ADULT_CHILD_AGE = 45
_LATEST_AGE_OF_CARING_PARENTS = 40


def swedish_facts(rng: Random, part: Part, patient: Patient, specialty: Specialty) -> dict[str, Fact]:
    """All facts of a note by the keys that the templates use."""
    names = pool_of("sv", part)
    facts: dict[str, Fact] = {}
    last = rng.choice(names.last)
    if rng.random() < 0.05:
        last = f"{last} {rng.choice(names.last)}"
    side = rng.choice(("höger", "vänster"))
    facts |= {"side": literal(side), "Side": literal(side.capitalize())}
    facts |= _identity(rng, patient, names, last)
    facts |= _dates(rng, patient)
    facts |= _relative(rng, patient, names, last)
    facts |= _places(rng, part, names, specialty)
    facts |= _staff(rng, names)
    return facts


def _identity(rng: Random, patient: Patient, names: NamePool, last: str) -> dict[str, Fact]:
    number = swedish_identity_number(rng, patient.birth, "m" if patient.male else "f")
    forms = [number, number, number[2:], number[2:], number.replace("-", "")]
    child = patient.age < ADULT_AGE
    person = ("pojke" if patient.male else "flicka") if child else ("man" if patient.male else "kvinna")
    weight = round(7 + patient.age * 2.9) + rng.randint(0, 3) if child else rng.randint(52, 96)
    return {
        "person": literal(person),
        "Person_def": literal({"pojke": "Pojken", "flicka": "Flickan", "man": "Mannen", "kvinna": "Kvinnan"}[person]),
        "weight": literal(str(weight)),
        "first": labelled(first_name(rng, names, patient.male), "FIRST_NAME"),
        "last": labelled(last, "LAST_NAME"),
        "age": labelled(f"{patient.age} år", "AGE"),
        "age_ig": labelled(f"{patient.age}-årig", "AGE"),
        "age_number": labelled(str(patient.age), "AGE"),
        "pnr": labelled(rng.choice(forms), "PERSONAL_IDENTITY_NUMBER"),
        "phone": lambda: labelled(phone_number(rng, "sv"), "PHONE_NUMBER"),
        "born": labelled(_full_date(rng, patient.birth), "FULL_DATE"),
    }


def _dates(rng: Random, patient: Patient) -> dict[str, Fact]:
    note = patient.note_date
    style = rng.randrange(len(_FULL_DATES))

    def full(day: date) -> Pieces:
        return labelled(_FULL_DATES[style](day), "FULL_DATE")

    def part(day: date) -> Pieces:
        return labelled(rng.choice(_DATE_PARTS)(day), "DATE_PART")

    def month_year() -> Pieces:
        day = earlier_year(rng, patient)
        return labelled(rng.choice((f"{day:%Y}", f"{day:%Y}", f"{MONTHS[day.month - 1]} {day:%Y}")), "DATE_PART")

    admitted = some_days_before(rng, note, 3, 9)
    return {
        "date": full(note),
        "admitted": full(admitted),
        "admitted_part": lambda: part(admitted),
        "today_part": lambda: part(note),
        "recent": lambda: part(some_days_before(rng, note, 3, 40)),
        "recent_full": lambda: full(some_days_before(rng, note, 10, 300)),
        "earlier": month_year,
        "follow": lambda: part(note + timedelta(days=rng.randint(7, 60))),
        "follow_full": lambda: full(note + timedelta(days=rng.randint(7, 90))),
        "month": lambda: labelled(MONTHS[(note.month + rng.randrange(1, 5)) % 12], "DATE_PART"),
    }


def _relative(rng: Random, patient: Patient, names: NamePool, last: str) -> dict[str, Fact]:
    kin = {
        "child": [("dotter", "dottern", False, True), ("son", "sonen", True, True)],
        "sibling": [("syster", "systern", False, True), ("bror", "brodern", True, True)],
        "parent": [("mor", "modern", False, True), ("far", "fadern", True, True)],
        "partner": [("maka", "makan", False, True), ("sambo", "sambon", False, False)]
        if patient.male
        else [("make", "maken", True, True), ("sambo", "sambon", True, False)],
    }
    kinds = ["parent"]
    if patient.age >= ADULT_AGE:
        kinds = ["sibling", "partner", "partner"] if patient.age >= 25 else ["sibling", "parent"]
        kinds += ["parent"] if patient.age <= _LATEST_AGE_OF_CARING_PARENTS else []
        kinds += ["child", "child"] if patient.age >= _ADULT_CHILD_AGE else []
    noun, definite, male, same = rng.choice(kin[rng.choice(kinds)])
    if noun == "maka" or noun == "make":
        same = rng.random() < 0.75
    return {
        "rel": literal(noun),
        "rel_def": literal(definite),
        "Rel_def": literal(definite.capitalize()),
        "Rel": literal(noun.capitalize()),
        "rel_first": labelled(first_name(rng, names, male), "FIRST_NAME"),
        "rel_last": labelled(last if same else rng.choice(names.last), "LAST_NAME"),
        "rel_he": literal("han" if male else "hon"),
    }


def _places(rng: Random, part: Part, names: NamePool, specialty: Specialty) -> dict[str, Fact]:
    towns, roots, streets = part_of(part, TOWNS), part_of(part, ROOTS), part_of(part, STREETS)
    town = rng.choice(towns)

    def unit(forms: tuple[str, ...], label: str) -> Pieces:
        words = {"root": rng.choice(roots), "town": rng.choice(towns), "last": rng.choice(names.last)}
        words |= {f"{key}_s": _genitive(word) for key, word in words.items()}
        return labelled(rng.choice(forms).format(**words), label)

    hospital = unit(HOSPITAL_FORMS, "HEALTH_CARE_UNIT")
    ward = rng.choice((rng.choice(specialty.units), rng.choice(specialty.units), f"avd {rng.randint(2, 98)}"))
    return {
        "town": labelled(town, "LOCATION"),
        "other_town": lambda: labelled(rng.choice(towns), "LOCATION"),
        "street": labelled(f"{rng.choice(streets)} {rng.randint(1, 98)}", "LOCATION"),
        "country": lambda: labelled(rng.choice(COUNTRIES), "LOCATION"),
        "ward": labelled(ward, "HEALTH_CARE_UNIT"),
        "hospital": hospital,
        "center": unit(UNIT_FORMS, "HEALTH_CARE_UNIT"),
        "home": unit(HOMES, "HEALTH_CARE_UNIT"),
        "employer": lambda: unit(EMPLOYERS, "ORGANIZATION"),
        "employer_school": unit(SCHOOLS, "ORGANIZATION"),
        "authority": lambda: labelled(rng.choice(AUTHORITIES), "ORGANIZATION"),
        "aids": labelled(AUTHORITIES[2], "ORGANIZATION"),
        "insurer": labelled(AUTHORITIES[0], "ORGANIZATION"),
        "job": literal(rng.choice(JOBS)),
    }


def _staff(rng: Random, names: NamePool) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for who in ("doctor", "other_doctor", "nurse"):
        male = rng.random() < (0.15 if who == "nurse" else 0.5)
        facts[f"{who}_first"] = labelled(first_name(rng, names, male), "FIRST_NAME")
        facts[f"{who}_last"] = labelled(rng.choice(names.last), "LAST_NAME")
    return facts


def _genitive(word: str) -> str:
    return word if word[-1] in "sxz" else f"{word}s"


def _full_date(rng: Random, day: date) -> str:
    return rng.choice(_FULL_DATES)(day)


_FULL_DATES: tuple[Callable[[date], str], ...] = (
    lambda day: f"{day:%Y-%m-%d}",
    lambda day: f"{day:%Y-%m-%d}",
    lambda day: f"{day:%y%m%d}",
    lambda day: f"{day.day} {MONTHS[day.month - 1]} {day:%Y}",
    lambda day: f"{day.day}/{day.month} {day:%Y}",
)
_DATE_PARTS: tuple[Callable[[date], str], ...] = (
    lambda day: f"{day.day}/{day.month}",
    lambda day: f"{day.day}/{day.month}",
    lambda day: f"{day.day} {MONTHS[day.month - 1]}",
    lambda day: f"{day.day} {SHORT_MONTHS[day.month - 1]}",
)
