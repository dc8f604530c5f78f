"""Places and names of care units that follow the patterns of a language; countries by Faker."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from faker.providers.address.en_US import Provider as EnglishAddress
from faker.providers.address.es_ES import Provider as SpanishAddress
from faker.providers.address.sv_SE import Provider as SwedishAddress

from deidsynth.surrogates.shapes import listed

_COUNTRIES = {"sv": SwedishAddress.countries, "es": SpanishAddress.countries, "en": EnglishAddress.countries}
_ROOTS = {
    "sv": listed("Björk Ek Gran Sol Alm Lind Berg Sjö Strand Äng Norr Söder Öster Väster Ro Åker Bäck Furu Kvarn Lund"),
    "es": listed("Roca Prado Fuente Monte Río Valle Peña Torre Robles Pinar Olmo Encina Laguna Soto Vega Cumbre"),
    "en": listed("Oak Maple Cedar River Hill Lake Stone Spring Brook Ash Elm Mill Green Fair West North"),
}
_ENDS = {
    "sv": listed("hult sta torp by boda vik ryd köping ås näs"),
    "es": listed("alta baja blanca clara honda mayor menor seca serena nueva"),
    "en": listed("ville ton field wood dale port ford bury"),
}
_CLINICS = {
    "sv": ("Vårdcentralen {}", "{}s vårdcentral", "{}kliniken", "{}mottagningen", "Medicinavdelningen {}"),
    "es": ("Centro de Salud {}", "Consultorio {}", "Ambulatorio {}", "Centro Médico {}"),
    "en": ("{} Medical Center", "{} Clinic", "{} Health Center", "{} Family Practice"),
    "de": ("Praxis {}", "Hausarztpraxis {}", "Ärztezentrum {}", "Gesundheitszentrum {}"),
    "fr": ("Cabinet médical de {}", "Centre de santé de {}", "Maison de santé de {}"),
    "no": ("{} legesenter", "{} legekontor", "{} helsehus", "Legevakten i {}"),
    "nl": ("Huisartsenpraktijk {}", "Gezondheidscentrum {}", "Polikliniek {}"),
    "da": ("{} Lægehus", "Lægerne i {}", "{} Sundhedshus"),
}
_HOSPITALS = {
    "sv": ("{} sjukhus", "{}s lasarett", "{} universitetssjukhus"),
    "es": ("Hospital {}", "Hospital Universitario {}", "Hospital General de {}", "Hospital Comarcal {}"),
    "en": ("{} Hospital", "{} General Hospital", "St. {} Hospital", "{} Memorial Hospital"),
    "de": ("Klinikum {}", "Krankenhaus {}", "Universitätsklinikum {}", "Fachklinik {}"),
    "fr": ("Hôpital de {}", "Centre hospitalier de {}", "CHU de {}", "Clinique de {}"),
    "no": ("{} sykehus", "{} universitetssykehus", "Sykehuset i {}"),
    "nl": ("Ziekenhuis {}", "Medisch Centrum {}", "Streekziekenhuis {}"),
    "da": ("{} Sygehus", "{} Hospital", "{} Universitetshospital"),
}


def town(rng: Random, language: str) -> str:
    """An invented place name that sounds like the language (English for other languages)."""
    language = language if language in _ROOTS else "en"
    root, end = rng.choice(_ROOTS[language]), rng.choice(_ENDS[language])
    return f"{root} {end.capitalize()}" if language == "es" else root + end


def country(rng: Random, language: str) -> str:
    """The name of a country in the language."""
    return str(rng.choice(tuple(_COUNTRIES.get(language, EnglishAddress.countries))))


def has_towns(language: str) -> bool:
    """Whether towns can be invented in the language."""
    return language in _ROOTS


def has_countries(language: str) -> bool:
    """Whether names of countries in the language are here."""
    return language in _COUNTRIES


def has_care_units(language: str) -> bool:
    """Whether names of hospitals and clinics can be invented in the language."""
    return language in _HOSPITALS


def care_unit_patterns(language: str) -> tuple[str, ...]:
    """The patterns of names of clinics and hospitals in the language (English for other languages)."""
    return (*_CLINICS.get(language, _CLINICS["en"]), *_HOSPITALS.get(language, _HOSPITALS["en"]))


def clinic(rng: Random, language: str, town: Callable[[], str]) -> str:
    """A primary care center or clinic in a town."""
    return str(rng.choice(_CLINICS.get(language, _CLINICS["en"]))).format(town())


def hospital(rng: Random, language: str, town: Callable[[], str]) -> str:
    """A hospital in a town."""
    return str(rng.choice(_HOSPITALS.get(language, _HOSPITALS["en"]))).format(town())
