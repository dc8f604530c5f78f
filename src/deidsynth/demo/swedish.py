"""The facts of a Swedish note, as values of templates."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache, cached_property
from random import Random

from faker.providers.address.sv_SE import Provider as SwedishAddress

from deidsynth.demo.grammar import Fact, Pieces, Split, labeled, literal
from deidsynth.demo.people import (
    Patient,
    earlier_year,
    first_name,
    new_relation,
    new_weight,
    some_days_before,
    words_of,
)
from deidsynth.demo.phrasebook import Phrases
from deidsynth.demo.reading import Checked, language_folder, read, unknown
from deidsynth.surrogates.identity import swedish_identity_number
from deidsynth.surrogates.names import NamePool, name_pool
from deidsynth.surrogates.telephones import phone_number


class SwedishWords(Checked):
    """Places, care units and employers; forms are filled with ``root``, ``town`` and ``last``, ``root_s`` and so on."""

    towns: Phrases
    street_prefixes: Phrases
    street_suffixes: Phrases
    roots: Phrases
    centers: Phrases
    hospitals: Phrases
    homes: Phrases
    employers: Phrases
    schools: Phrases
    authorities: dict[str, str]
    countries: Phrases
    jobs: Phrases
    months: Phrases
    short_months: Phrases

    @cached_property
    def all_towns(self) -> Phrases:
        """Faker's towns and those of the data file."""
        return tuple(dict.fromkeys((*SwedishAddress.cities, *self.towns)))

    @cached_property
    def all_streets(self) -> Phrases:
        """All combinations of beginnings (Faker's and those of the data file) and endings."""
        prefixes = dict.fromkeys((*SwedishAddress.street_prefixes, *self.street_prefixes))
        return tuple(f"{prefix}{suffix}" for prefix in prefixes for suffix in self.street_suffixes)

    def broken_references(self) -> list[str]:
        """A line for each missing authority that the facts refer to."""
        return [*unknown("authorities", ("insurer", "aids"), self.authorities)]


@cache
def swedish_words() -> SwedishWords:
    """The words of the data file, cached."""
    return read(SwedishWords, language_folder("sv"), "words.yaml")


def swedish_facts(rng: Random, split: Split, patient: Patient, units: Phrases) -> dict[str, Fact]:
    """All facts of a note, by template key."""
    names = name_pool("sv", split)
    facts: dict[str, Fact] = {}
    last = rng.choice(names.last)
    if rng.random() < 0.05:
        last = f"{last} {rng.choice(names.last)}"
    side = rng.choice(("höger", "vänster"))
    facts |= {"side": literal(side), "Side": literal(side.capitalize())}
    facts |= _identity(rng, patient, names, last)
    facts |= _dates(rng, patient)
    facts |= _relative(rng, patient, names, last)
    facts |= _places(rng, split, names, units)
    facts |= _staff(rng, names)
    return facts


def _identity(rng: Random, patient: Patient, names: NamePool, last: str) -> dict[str, Fact]:
    number = swedish_identity_number(rng, patient.birth, "m" if patient.male else "f")
    forms = [number, number, number[2:], number[2:], number.replace("-", "")]
    person = ("pojke" if patient.male else "flicka") if patient.is_child else ("man" if patient.male else "kvinna")
    weight = new_weight(rng, patient, adults=(52, 96))
    return {
        "person": literal(person),
        "Person_def": literal({"pojke": "Pojken", "flicka": "Flickan", "man": "Mannen", "kvinna": "Kvinnan"}[person]),
        "weight": literal(str(weight)),
        "first": labeled(first_name(rng, names, patient.male), "FIRST_NAME"),
        "last": labeled(last, "LAST_NAME"),
        "age": labeled(f"{patient.age} år", "AGE"),
        "age_ig": labeled(f"{patient.age}-årig", "AGE"),
        "age_number": labeled(str(patient.age), "AGE"),
        "pnr": labeled(rng.choice(forms), "PERSONAL_IDENTITY_NUMBER"),
        "phone": lambda: labeled(phone_number(rng, "sv"), "PHONE_NUMBER"),
        "born": labeled(_full_date(rng, patient.birth), "FULL_DATE"),
    }


def _dates(rng: Random, patient: Patient) -> dict[str, Fact]:
    note, months = patient.note_date, swedish_words().months
    style = rng.randrange(len(_FULL_DATES))

    def full(day: date) -> Pieces:
        return labeled(_FULL_DATES[style](day), "FULL_DATE")

    def part(day: date) -> Pieces:
        return labeled(rng.choice(_DATE_PARTS)(day), "DATE_PART")

    def month_year() -> Pieces:
        day = earlier_year(rng, patient)
        return labeled(rng.choice((f"{day:%Y}", f"{day:%Y}", f"{months[day.month - 1]} {day:%Y}")), "DATE_PART")

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
        "month": lambda: labeled(months[(note.month + rng.randrange(1, 5)) % 12], "DATE_PART"),
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
    noun, definite, male, same = rng.choice(kin[new_relation(rng, patient)])
    if noun == "maka" or noun == "make":
        same = rng.random() < 0.75
    return {
        "rel": literal(noun),
        "rel_def": literal(definite),
        "Rel_def": literal(definite.capitalize()),
        "Rel": literal(noun.capitalize()),
        "rel_first": labeled(first_name(rng, names, male), "FIRST_NAME"),
        "rel_last": labeled(last if same else rng.choice(names.last), "LAST_NAME"),
        "rel_he": literal("han" if male else "hon"),
    }


def _places(rng: Random, split: Split, names: NamePool, units: Phrases) -> dict[str, Fact]:
    words = swedish_words()
    towns, roots, streets = (words_of(split, each) for each in (words.all_towns, words.roots, words.all_streets))
    town = rng.choice(towns)

    def unit(forms: tuple[str, ...], label: str) -> Pieces:
        drawn = {"root": rng.choice(roots), "town": rng.choice(towns), "last": rng.choice(names.last)}
        genitives = {f"{key}_s": _genitive(word) for key, word in drawn.items()}
        return labeled(rng.choice(forms).format(**drawn, **genitives), label)

    hospital = unit(words.hospitals, "HEALTH_CARE_UNIT")
    ward = rng.choice((rng.choice(units), rng.choice(units), f"avd {rng.randint(2, 98)}"))
    return {
        "town": labeled(town, "LOCATION"),
        "other_town": lambda: labeled(rng.choice(towns), "LOCATION"),
        "street": labeled(f"{rng.choice(streets)} {rng.randint(1, 98)}", "LOCATION"),
        "country": lambda: labeled(rng.choice(words.countries), "LOCATION"),
        "ward": labeled(ward, "HEALTH_CARE_UNIT"),
        "hospital": hospital,
        "center": unit(words.centers, "HEALTH_CARE_UNIT"),
        "home": unit(words.homes, "HEALTH_CARE_UNIT"),
        "employer": lambda: unit(words.employers, "ORGANIZATION"),
        "employer_school": unit(words.schools, "ORGANIZATION"),
        "authority": lambda: labeled(rng.choice(tuple(words.authorities.values())), "ORGANIZATION"),
        "aids": labeled(words.authorities["aids"], "ORGANIZATION"),
        "insurer": labeled(words.authorities["insurer"], "ORGANIZATION"),
        "job": literal(rng.choice(words.jobs)),
    }


def _staff(rng: Random, names: NamePool) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for who in ("doctor", "other_doctor", "nurse"):
        male = rng.random() < (0.15 if who == "nurse" else 0.5)
        facts[f"{who}_first"] = labeled(first_name(rng, names, male), "FIRST_NAME")
        facts[f"{who}_last"] = labeled(rng.choice(names.last), "LAST_NAME")
    return facts


def _genitive(word: str) -> str:
    return word if word[-1] in "sxz" else f"{word}s"


def _full_date(rng: Random, day: date) -> str:
    return rng.choice(_FULL_DATES)(day)


_FULL_DATES: tuple[Callable[[date], str], ...] = (
    lambda day: f"{day:%Y-%m-%d}",
    lambda day: f"{day:%Y-%m-%d}",
    lambda day: f"{day:%y%m%d}",
    lambda day: f"{day.day} {swedish_words().months[day.month - 1]} {day:%Y}",
    lambda day: f"{day.day}/{day.month} {day:%Y}",
)
_DATE_PARTS: tuple[Callable[[date], str], ...] = (
    lambda day: f"{day.day}/{day.month}",
    lambda day: f"{day.day}/{day.month}",
    lambda day: f"{day.day} {swedish_words().months[day.month - 1]}",
    lambda day: f"{day.day} {swedish_words().short_months[day.month - 1]}",
)
