"""Patient and dates of a note, for both languages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random
from typing import Literal

from deidsynth.demo.grammar import Split
from deidsynth.surrogates.names import NamePool, in_test_split

ADULT_AGE, RETIRED_AGE = 18, 67
_FIRST_NOTE = date(2012, 1, 1)
_NOTE_DAYS = 13 * 365
_PARENT_OF_ADULTS_AGE = 45
_LATEST_AGE_OF_CARING_PARENTS = 40

AgeGroup = Literal["child", "adult", "retired"]
Relation = Literal["parent", "sibling", "partner", "child"]


@dataclass(frozen=True, slots=True)
class Patient:
    """The patient of a note.

    Args:
        male: sex.
        birth: date of birth.
        age: completed years on the day of the note.
        note_date: day of the note.
    """

    male: bool
    birth: date
    age: int
    note_date: date

    @property
    def is_child(self) -> bool:
        """Whether the patient is a minor."""
        return self.age < ADULT_AGE

    @property
    def age_group(self) -> AgeGroup:
        """The age group that phrases depend on."""
        if self.is_child:
            return "child"
        return "retired" if self.age >= RETIRED_AGE else "adult"


def new_patient(rng: Random, ages: tuple[int, int], sexes: str) -> Patient:
    """A patient whose age, birth date and note date agree."""
    note_date = _FIRST_NOTE + timedelta(days=rng.randrange(_NOTE_DAYS))
    age = rng.randint(*ages)
    latest = years_before(note_date, age)
    birth = latest - timedelta(days=rng.randrange(364))
    return Patient(rng.choice(sexes) == "m", birth, age, note_date)


def new_relation(rng: Random, patient: Patient) -> Relation:
    """The type of caregiver, by the patient's age."""
    relations: list[Relation] = ["parent"]
    if not patient.is_child:
        relations = ["sibling", "partner", "partner"] if patient.age >= 25 else ["sibling", "parent"]
        relations += ["parent"] if patient.age <= _LATEST_AGE_OF_CARING_PARENTS else []
        relations += ["child", "child"] if patient.age >= _PARENT_OF_ADULTS_AGE else []
    return rng.choice(relations)


def new_weight(rng: Random, patient: Patient, adults: tuple[int, int]) -> int:
    """A weight in kg: by age for a child, from the given range for an adult."""
    return round(7 + patient.age * 2.9) + rng.randint(0, 3) if patient.is_child else rng.randint(*adults)


def years_before(day: date, years: int) -> date:
    """The same day of an earlier year; 28 February for a leap day."""
    return date(day.year - years, day.month, min(day.day, 28 if day.month == 2 else day.day))


@cache
def words_of(split: Split, words: tuple[str, ...]) -> tuple[str, ...]:
    """The words of a split, assigned by the checksum of their letters; the splits are disjoint."""
    return tuple(word for word in words if in_test_split(word) == (split == "test"))


def first_name(rng: Random, pool: NamePool, male: bool) -> str:
    """A first name of that sex."""
    return rng.choice(pool.male if male else pool.female)


def some_days_before(rng: Random, day: date, least: int, most: int) -> date:
    """A day ``least`` to ``most`` days earlier."""
    return day - timedelta(days=rng.randint(least, most))


def earlier_year(rng: Random, patient: Patient) -> date:
    """A day within the patient's life, 1 to 15 years earlier if the patient is old enough."""
    most = min(15 * 365, (patient.note_date - patient.birth).days - 30)
    return some_days_before(rng, patient.note_date, min(370, most), most)
