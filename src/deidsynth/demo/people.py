"""One patient and the dates around a note: what both languages share."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from random import Random

from deidsynth.demo.grammar import Part
from deidsynth.surrogates.names import NamePool, in_test_split, name_pool

_FIRST_NOTE = date(2012, 1, 1)
_NOTE_DAYS = 13 * 365
Phrases = tuple[str, ...]
LISTS = ("story", "background", "status", "lab", "assessment", "drug", "plan")


@dataclass(frozen=True, slots=True, kw_only=True)
class Specialty:
    """What a field of medicine talks about; every phrase is a template.

    Args:
        units: names of its wards and clinics.
        ages: youngest and oldest patient, in years.
        sexes: ``m``, ``f`` or both.
        complaint: noun phrases for the reason of contact.
        story: sentences on the present illness.
        background: sentences on earlier illness.
        status: sentences of the examination.
        lab: sentences of tests.
        assessment: sentences.
        drug: drugs with doses.
        plan: sentences.
        suits: by list, which of its phrases suit each complaint: one word of positions for every complaint.
    """

    units: Phrases
    ages: tuple[int, int] = (18, 92)
    sexes: str = "mf"
    complaint: Phrases
    story: Phrases
    background: Phrases
    status: Phrases
    lab: Phrases
    assessment: Phrases
    drug: Phrases
    plan: Phrases
    suits: Mapping[str, str]

    def fitting(self, key: str, complaint: int) -> Phrases:
        """The phrases of a list that suit a complaint; all of them where nothing is said."""
        phrases: Phrases = getattr(self, key)
        if key not in self.suits:
            return phrases
        return tuple(phrases[int(position)] for position in self.suits[key].split()[complaint])


@dataclass(frozen=True, slots=True)
class Patient:
    """Who the note is about.

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


def new_patient(rng: Random, ages: tuple[int, int], sexes: str) -> Patient:
    """A patient whose age, birth date and note date agree."""
    note_date = _FIRST_NOTE + timedelta(days=rng.randrange(_NOTE_DAYS))
    age = rng.randint(*ages)
    latest = years_before(note_date, age)
    birth = latest - timedelta(days=rng.randrange(364))
    return Patient(rng.choice(sexes) == "m", birth, age, note_date)


def phrases_for(
    specialty: Specialty, general: Mapping[str, Phrases], withheld: Collection[str], rng: Random
) -> dict[str, Phrases]:
    """The phrases of one note: one complaint, and of each list first what suits it."""
    allowed = [index for index, phrase in enumerate(specialty.complaint) if phrase not in withheld]
    complaint = rng.choice(allowed)
    phrases = {key: specialty.fitting(key, complaint) for key in LISTS}
    return {**general, **phrases, "complaint": (specialty.complaint[complaint],)}


def years_before(day: date, years: int) -> date:
    """The same day of an earlier year; 28 February for a leap day."""
    return date(day.year - years, day.month, min(day.day, 28 if day.month == 2 else day.day))


def age_on(day: date, birth: date) -> int:
    """Completed years."""
    return day.year - birth.year - ((day.month, day.day) < (birth.month, birth.day))


@cache
def part_of(part: Part, words: tuple[str, ...]) -> tuple[str, ...]:
    """The words that belong to a part by the checksum of their letters; a word is never in both."""
    return tuple(word for word in words if in_test_split(word) == (part == "test"))


def first_name(rng: Random, pool: NamePool, male: bool) -> str:
    """A first name of that sex."""
    return rng.choice(pool.male if male else pool.female)


def pool_of(language: str, part: Part) -> NamePool:
    """The names of a language's part."""
    return name_pool(language, part)


def some_days_before(rng: Random, day: date, least: int, most: int) -> date:
    """A day that lies ``least`` to ``most`` days back."""
    return day - timedelta(days=rng.randint(least, most))


def earlier_year(rng: Random, patient: Patient) -> date:
    """A day within the patient's life, 1 to 15 years back where the patient is old enough."""
    most = min(15 * 365, (patient.note_date - patient.birth).days - 30)
    return some_days_before(rng, patient.note_date, min(370, most), most)
