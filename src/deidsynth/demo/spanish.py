"""The facts of a Spanish note, as values of templates, with MEDDOCAN's labels."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from functools import cache, cached_property
from random import Random

from faker.providers.address.es_ES import Provider as SpanishAddress

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
from deidsynth.demo.reading import Checked, language_folder, read
from deidsynth.surrogates import identity
from deidsynth.surrogates.names import NamePool, name_pool
from deidsynth.surrogates.shapes import without_accents
from deidsynth.surrogates.telephones import phone_number

_PROVINCES_WITHOUT_A_TOWN = frozenset(
    ("Ciudad", "Asturias", "Baleares", "Cantabria", "Guipúzcoa", "Vizcaya", "Álava", "Navarra", "La Rioja")
)


class SpanishWords(Checked):
    """Places, care units, institutions and professions; forms are filled with ``root``, ``town`` and ``last``."""

    towns: Phrases
    root_heads: Phrases
    root_tails: Phrases
    roots: Phrases
    street_kinds: Phrases
    street_names: dict[str, Phrases]
    hospitals: Phrases
    centers: Phrases
    institutions: Phrases
    schools: Phrases
    homes: Phrases
    professions: tuple[tuple[str, str], ...]
    details: tuple[tuple[str, str], ...]
    countries: Phrases
    months: Phrases
    mail_domains: Phrases

    @cached_property
    def all_towns(self) -> Phrases:
        """Faker's provincial capitals, and the towns of the data file."""
        capitals = (name for name in SpanishAddress.states if name not in _PROVINCES_WITHOUT_A_TOWN)
        return tuple(dict.fromkeys((*capitals, *self.towns)))

    @cached_property
    def all_roots(self) -> Phrases:
        """All combinations of head and tail, and the roots without a tail."""
        return (*(f"{head} {tail}" for head in self.root_heads for tail in self.root_tails), *self.roots)

    @cached_property
    def all_streets(self) -> Phrases:
        """Street names with their prefixes."""
        return tuple(f"{lead} {name}".strip() for lead, names in self.street_names.items() for name in names)


@cache
def spanish_words() -> SpanishWords:
    """The words of the data file, cached."""
    return read(SpanishWords, language_folder("es"), "words.yaml")


_DATE_FORMS: tuple[Callable[[date], str], ...] = (
    lambda day: f"{day:%d/%m/%Y}",
    lambda day: f"{day:%d/%m/%Y}",
    lambda day: f"{day:%d-%m-%Y}",
    lambda day: f"{day.day} de {spanish_words().months[day.month - 1]} de {day:%Y}",
)


def spanish_facts(rng: Random, split: Split, patient: Patient, units: Phrases) -> dict[str, Fact]:
    """All facts of a note, by template key."""
    names = name_pool("es", split)
    surnames = rng.choice(names.last), rng.choice(names.last)
    side = rng.choice(("derech", "izquierd"))
    return (
        {"side_m": literal(f"{side}o"), "side_f": literal(f"{side}a")}
        | _person(rng, patient, names, surnames)
        | _numbers(rng)
        | _dates(rng, patient)
        | _relative(rng, patient, names, surnames)
        | _places(rng, split, names, units)
        | _staff(rng, names)
    )


def _person(rng: Random, patient: Patient, names: NamePool, surnames: tuple[str, str]) -> dict[str, Fact]:
    words, first = spanish_words(), first_name(rng, names, patient.male)
    if rng.random() < 0.1:
        first = f"{first} {first_name(rng, names, patient.male)}"
    last = " ".join(surnames)
    if patient.is_child:
        person = ("niño", "niña")
    else:
        person = rng.choice((("varón", "mujer"), ("varón", "mujer"), ("hombre", "mujer")))
    which = 0 if patient.male else 1
    job = rng.choice(words.professions)[which]
    weight = new_weight(rng, patient, adults=(50, 98))
    return {
        "first": labeled(first, "NOMBRE_SUJETO_ASISTENCIA"),
        "last": labeled(last, "NOMBRE_SUJETO_ASISTENCIA"),
        "name": labeled(f"{first} {last}", "NOMBRE_SUJETO_ASISTENCIA"),
        "name_rev": labeled(f"{last}, {first}", "NOMBRE_SUJETO_ASISTENCIA"),
        "age": labeled(f"{patient.age} año{'' if patient.age == 1 else 's'}", "EDAD_SUJETO_ASISTENCIA"),
        "person": labeled(person[which], "SEXO_SUJETO_ASISTENCIA"),
        "Person": labeled(person[which].capitalize(), "SEXO_SUJETO_ASISTENCIA"),
        "sex": labeled(
            rng.choice((("H", "M"), ("Hombre", "Mujer"), ("Varón", "Mujer")))[which], "SEXO_SUJETO_ASISTENCIA"
        ),
        "job": labeled(job, "PROFESION"),
        "detail": labeled(rng.choice(words.details)[which], "OTROS_SUJETO_ASISTENCIA"),
        "weight": literal(str(weight)),
        "born": labeled(rng.choice(_DATE_FORMS)(patient.birth), "FECHAS"),
        "mail": lambda: labeled(_mail(rng, first.split()[0], surnames[0]), "CORREO_ELECTRONICO"),
    }


def _numbers(rng: Random) -> dict[str, Fact]:
    insurance, license = identity.social_security_es(rng), identity.medical_license_es(rng)
    record = rng.choice(
        (
            str(rng.randint(100_000, 9_999_999)),
            str(rng.randint(100_000, 9_999_999)),
            identity.dni(rng),
            identity.nie(rng),
        )
    )
    return {
        "record": labeled(record, "ID_SUJETO_ASISTENCIA"),
        "episode": labeled(str(rng.randint(1_000_000, 99_999_999)), "ID_CONTACTO_ASISTENCIAL"),
        "insurance": labeled(
            rng.choice((f"{insurance[:2]} {insurance[2:10]} {insurance[10:]}", insurance)), "ID_ASEGURAMIENTO"
        ),
        "license": labeled(f"{license[:2]} {license[2:4]} {license[4:]}", "ID_TITULACION_PERSONAL_SANITARIO"),
        "staff_number": labeled(f"E-{rng.randint(10_000, 99_999)}", "ID_EMPLEO_PERSONAL_SANITARIO"),
        "phone": lambda: labeled(_phone(rng), "NUMERO_TELEFONO"),
        "fax": lambda: labeled(_phone(rng), "NUMERO_FAX"),
    }


def _phone(rng: Random) -> str:
    return phone_number(
        rng, "es", rng.choice(("600 000 000", "600 00 00 00", "600000000", "91 300 00 00", "+34 600 000 000"))
    )


def _mail(rng: Random, first: str, last: str) -> str:
    first, last = without_accents(first).lower(), without_accents(last).lower()
    local = rng.choice((f"{first}.{last}", f"{first[0]}{last}", f"{first}{rng.randint(1, 99)}", f"{first}_{last}"))
    return f"{local}@{rng.choice(spanish_words().mail_domains)}"


def _dates(rng: Random, patient: Patient) -> dict[str, Fact]:
    note, write, months = patient.note_date, rng.choice(_DATE_FORMS), spanish_words().months

    def full(day: date) -> Pieces:
        return labeled(write(day), "FECHAS")

    def earlier() -> Pieces:
        day = earlier_year(rng, patient)
        return labeled(rng.choice((f"{day:%Y}", f"{months[day.month - 1]} de {day:%Y}")), "FECHAS")

    def short(day: date) -> Pieces:
        return labeled(rng.choice((f"{day.day} de {months[day.month - 1]}", f"{day:%d/%m}")), "FECHAS")

    return {
        "date": full(note),
        "admitted": full(some_days_before(rng, note, 3, 9)),
        "recent": lambda: short(some_days_before(rng, note, 3, 40)),
        "recent_full": lambda: full(some_days_before(rng, note, 10, 300)),
        "earlier": earlier,
        "follow": lambda: short(note + timedelta(days=rng.randint(7, 60))),
        "follow_full": lambda: full(note + timedelta(days=rng.randint(7, 90))),
    }


def _relative(rng: Random, patient: Patient, names: NamePool, surnames: tuple[str, str]) -> dict[str, Fact]:
    """A relative, with surnames by the Spanish rule: the first of the father, then the first of the mother."""
    relation, male = new_relation(rng, patient), rng.random() < 0.5
    other, another = rng.choice(names.last), rng.choice(names.last)
    if relation == "partner":
        male = not patient.male
    noun, last = {
        "parent": ("padre" if male else "madre", f"{surnames[0 if male else 1]} {other}"),
        "sibling": ("hermano" if male else "hermana", " ".join(surnames)),
        "partner": ("marido" if male else "mujer", f"{other} {another}"),
        "child": (
            "hijo" if male else "hija",
            f"{surnames[0]} {other}" if patient.male else f"{other} {surnames[0]}",
        ),
    }[relation]
    first = first_name(rng, names, male)
    return {
        "rel": labeled(noun, "FAMILIARES_SUJETO_ASISTENCIA"),
        "Rel": labeled(noun.capitalize(), "FAMILIARES_SUJETO_ASISTENCIA"),
        "rel_first": labeled(first, "FAMILIARES_SUJETO_ASISTENCIA"),
        "rel_name": labeled(f"{first} {last}", "FAMILIARES_SUJETO_ASISTENCIA"),
    }


def _places(rng: Random, split: Split, names: NamePool, units: Phrases) -> dict[str, Fact]:
    words = spanish_words()
    towns, roots = words_of(split, words.all_towns), words_of(split, words.all_roots)
    streets = words_of(split, words.all_streets)

    def named(forms: tuple[str, ...], label: str) -> Pieces:
        form = rng.choice(forms)
        text = form.format(root=rng.choice(roots), town=rng.choice(towns), last=rng.choice(names.last))
        return labeled(text, label)

    floor = rng.choice(("", "", f", {rng.randint(1, 9)}º {rng.choice('ABCD')}", f", bajo {rng.choice('ABC')}"))
    street = f"{rng.choice(words.street_kinds)} {rng.choice(streets)} {rng.randint(1, 98)}{floor}"
    return {
        "street": labeled(street, "CALLE"),
        "town": labeled(rng.choice(towns), "TERRITORIO"),
        "other_town": lambda: labeled(rng.choice(towns), "TERRITORIO"),
        "postcode": labeled(f"{rng.randint(1, 52):02d}{rng.randint(1, 990):03d}", "TERRITORIO"),
        "hospital_street": labeled(
            f"{rng.choice(words.street_kinds)} {rng.choice(streets)} {rng.randint(1, 98)}", "CALLE"
        ),
        "hospital_town": labeled(rng.choice(towns), "TERRITORIO"),
        "country": labeled(rng.choice(words.countries), "PAIS"),
        "spain": labeled("España", "PAIS"),
        "hospital": named(words.hospitals, "HOSPITAL"),
        "other_hospital": lambda: named(words.hospitals, "HOSPITAL"),
        "center": named(words.centers, "CENTRO_SALUD"),
        "institution": named(words.institutions, "INSTITUCION"),
        "school": named(words.schools, "INSTITUCION"),
        "home": named(words.homes, "INSTITUCION"),
        "unit": literal(rng.choice(units)),
    }


def _staff(rng: Random, names: NamePool) -> dict[str, Fact]:
    facts: dict[str, Fact] = {}
    for who in ("doctor", "other_doctor", "nurse"):
        male = rng.random() < (0.2 if who == "nurse" else 0.5)
        first, last = first_name(rng, names, male), f"{rng.choice(names.last)} {rng.choice(names.last)}"
        facts[who] = labeled(f"{first} {last}", "NOMBRE_PERSONAL_SANITARIO")
        facts[f"{who}_last"] = labeled(last.split()[0], "NOMBRE_PERSONAL_SANITARIO")
        facts[f"Dr_{who}"] = literal("Dr." if male else "Dra.")
        facts[f"dr_{who}"] = literal("el Dr." if male else "la Dra.")
        facts[f"{who}_mail"] = labeled(_mail(rng, first, last.split()[0]), "CORREO_ELECTRONICO")
        facts[f"{who}_role"] = literal("Enfermero" if male else "Enfermera")
        facts[f"{who}_role_low"] = literal("enfermero" if male else "enfermera")
        facts[f"{who}_role_article"] = literal("el enfermero" if male else "la enfermera")
    return facts
