"""Surrogates in other surface formats than the original: more variation for a tagger than a language model writes.

A surrogate in a prompt keeps the format of the mention it replaces. In training examples, a date may become a month and
a year, or an age in years an age in months, so that the tagger sees rare formats in their usual contexts.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from random import Random

from deidsynth.config.surrogates import Kind
from deidsynth.surrogates import places
from deidsynth.surrogates.dates import date_in_any_format, has_formats
from deidsynth.surrogates.names import NamePool
from deidsynth.surrogates.shapes import listed

_AGES = {
    "es": ("{n} años", "{n} años", "{m} meses", "{m} días", "{m} semanas", "{word} años", "{word} meses", "{word} días",
           "un año", "un mes", "un año y {word} meses", "{m} años y {m} meses", "{n} a"),
    "sv": ("{n} år", "{n} år", "{m} månader", "{m} dagar", "{m} veckor", "{word} år", "{word} månader", "ett år",
           "en månad", "ett och ett halvt år", "{n} års ålder"),
    "en": ("{n} years", "{n} years old", "{m} months", "{m} days", "{m} weeks", "{word} years", "{word} months",
           "one year", "{n} y", "{n} yo"),
}  # fmt: skip
NUMBER_WORDS = {
    "es": listed("dos tres cuatro cinco seis siete ocho nueve diez once doce quince veinte"),
    "sv": listed("två tre fyra fem sex sju åtta nio tio elva tolv femton tjugo"),
    "en": listed("two three four five six seven eight nine ten eleven twelve fifteen twenty"),
}
_FAMILY = {
    "es": listed("madre padre padres hermano hermana hermanos hermanas hijo hija hijos hijas abuelo abuela abuelos tío "
                 "tía tíos primo prima primos sobrino sobrina nieto nieta marido esposa esposo cónyuge pareja suegra "
                 "cuñado cuñada novia progenitores"),
    "sv": listed("mor far mamma pappa föräldrar syster bror syskon dotter son barn döttrar söner maka make hustru "
                 "sambo mormor morfar farmor farfar moster faster morbror farbror kusin kusiner svärmor särbo"),
    "en": listed("mother father parents sister brother siblings daughter son children sons daughters wife husband "
                 "partner grandmother grandfather aunt uncle cousin cousins niece nephew fiancée"),
}  # fmt: skip
_RELATED = {
    "es": ("{}", "{}", "{}", "{} de {n} años", "{} de {m} meses", "dos {}", "{word} {}", "{} mayor", "{} menor",
           "{} por línea materna", "{} por línea paterna"),
    "sv": ("{}", "{}", "{}", "{} {n} år", "äldre {}", "yngre {}", "två {}", "{word} {}", "vuxen {}"),
    "en": ("{}", "{}", "{}", "{} aged {n}", "older {}", "younger {}", "two {}", "{word} {}", "maternal {}"),
}  # fmt: skip
_ORGANIZATIONS = {
    "sv": ("Region {town}", "Högskolan i {town}", "{town} kommun", "{town} tingsrätt", "{town}skolan", "{last} & Co",
           "Polisen i {town}", "{town} IF", "Stiftelsen {town}", "Institutet för {field}", "{last} Bygg",
           "Svenska föreningen för {field}"),
    "es": ("Universidad de {town}", "Universidad {last}", "Facultad de {field} de {town}", "Facultad de {field}",
           "Departamento de {field}", "Departamento de {field} de la Universidad de {town}", "Servicio de {field}",
           "Instituto de {field}", "Instituto {last}", "Instituto Nacional de {field}", "Sociedad Española de {field}",
           "Asociación de {field} de {town}", "Fundación {last}", "Laboratorio {last}", "Laboratorios {last}",
           "Colegio de Médicos de {town}", "Consejería de Sanidad de {town}", "Ministerio de Sanidad",
           "Ayuntamiento de {town}", "Centro Nacional de {field}", "Centro de {field} {last}",
           "Comité de Ética de {town}", "Escuela de {field}", "Policía Local de {town}"),
    "en": ("University of {town}", "{town} University", "{last} College", "Department of {field}", "{last} Institute",
           "Institute of {field}", "American Society of {field}", "{last} Foundation", "{town} City Council",
           "{town} High School", "{last} Laboratories", "National Center for {field}", "{town} Police Department"),
}  # fmt: skip
_FIELDS = {
    "sv": listed("medicin kirurgi barnhälsa onkologi kardiologi neurologi folkhälsa ekologi teknik historia"),
    "es": listed("Medicina Cirugía Pediatría Oncología Cardiología Neurología Urología Dermatología Oftalmología "
                 "Radiología Microbiología Hematología Nefrología Genética Salud Farmacia Patología Traumatología"),
    "en": listed("Medicine Surgery Pediatrics Oncology Cardiology Neurology Urology Genetics Pathology Health Biology"),
}  # fmt: skip

Variant = Callable[[Random, str, NamePool, str], str | None]


def organization_patterns(language: str) -> tuple[str, ...]:
    """The patterns of names of organizations in a language, and the fields that they are about."""
    return (*_ORGANIZATIONS.get(language, ()), *_FIELDS.get(language, ()))


def variant(rng: Random, kind: Kind, language: str, names: NamePool, like: str) -> str | None:
    """A value of the kind in a random format of the language; None if language or original have none."""
    make = _VARIANTS.get(kind)
    return make(rng, language, names, like) if make else None


def _date(rng: Random, language: str, _names: NamePool, _like: str) -> str | None:
    return date_in_any_format(rng, language) if has_formats(language) else None


def _age(rng: Random, language: str, _names: NamePool, like: str) -> str | None:
    if language not in _AGES or not re.fullmatch(r"[^\W_]+ [^\W\d_]+", like):
        return None
    return _filled(rng, rng.choice(_AGES[language]), language)


def _family(rng: Random, language: str, _names: NamePool, _like: str) -> str | None:
    if language not in _FAMILY:
        return None
    return _filled(rng, rng.choice(_RELATED[language]), language, rng.choice(_FAMILY[language]))


def _organization(rng: Random, language: str, names: NamePool, _like: str) -> str | None:
    if language not in _ORGANIZATIONS:
        return None
    town, last = places.town(rng, language), rng.choice(names.last)
    return rng.choice(_ORGANIZATIONS[language]).format(town=town, last=last, field=rng.choice(_FIELDS[language]))


def _filled(rng: Random, template: str, language: str, word: str = "") -> str:
    """The template filled with numbers: n up to 99, m up to 12."""
    return template.format(word, n=rng.randint(13, 99), m=rng.randint(2, 12), word=rng.choice(NUMBER_WORDS[language]))


_VARIANTS: dict[Kind, Variant] = {
    "date": _date,
    "date_part": _date,
    "age": _age,
    "family": _family,
    "organization": _organization,
}
