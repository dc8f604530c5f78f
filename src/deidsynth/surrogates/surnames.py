"""Surnames: those of Faker, and those that a language makes of two elements.

Lists of real surnames are short (500 Swedish ones). Many Swedish surnames are made of two elements of nature
(*Lind-qvist*, *Berg-ström*) or of a first name (*Karls-son*), many Spanish ones of a place and what it is like
(*Villa-nueva*, *Mendi-zabal*), many English ones of a place too (*Ash-ford*). What is composed here sounds like one.
"""

from __future__ import annotations

import re
from functools import cache

from deidsynth.surrogates.names import name_pool
from deidsynth.surrogates.shapes import listed

_ELEMENTS: dict[str, tuple[tuple[tuple[str, ...], tuple[str, ...]], ...]] = {
    "sv": (
        (
            listed(
                "Ahl Alm Alv Ask Asp Back Berg Björk Björn Blom Borg Bro Dahl Ed Ek El Eng Fager Fall "
                "Fors Fri Furu Gran Gren Grön Gyllen Hag Hagel Hall Hammar Hassel Hed Hell Hjort Holm Hög "
                "Kall Kron Kvarn Kvist Käll Lager Lake Lid Lilje Lind Linde Ljung Lund Lång Löv Malm Mell "
                "Mo Nord Norr Ny Näs Palm Ros Rosen Rud Rönn Sand Sjö Skog Sköld Sol Stark Sten Strand "
                "Ström Stål Sund Svan Säll Söder Tall Tegn Torn Tun Ull Vall Vester Vik Vinter Wall "
                "Wester Wik Åker Åse Älm Äng Öst Öster"
            ),
            listed(
                "back backa beck berg blad blom borg bro by dahl ell en fall feldt fors garp gren grund "
                "gård hage hammar hed hede holm hult in kvist land lid lind ling lund löf man mark mo "
                "mond näs qvist ryd roth skog sköld stam stedt sten stierna strand ström sund svärd vall "
                "vik wall wing wik åker åse én ås"
            ),
        ),
    ),
    "es": (
        (
            listed("Villa Torre Fuente Casa Peña Ribera Agua Piedra Sierra Cueva Laguna Vega"),
            listed(
                "alba alta blanca bella buena clara fría franca hermosa honda larga llana mayor negra "
                "nueva real rica seca serena umbría verde vieja flores luz lobos"
            ),
        ),
        (
            listed("Monte Puente Robles Prado Soto Campo Castro Olmo Rio Cerro Pozo Val"),
            listed(
                "alto blanco bello bueno claro frío franco hermoso hondo largo llano mayor negro nuevo "
                "real rico seco sereno umbrío verde viejo alegre flores luz lobos"
            ),
        ),
        (
            listed(
                "Agirre Arana Aretx Ariz Arri Arte Astor Auzo Azka Bide Bolin Elizo Elorri Erre Etxe "
                "Gaztelu Goiko Haritz Ibar Igar Iri Iturri Izagi Jauregi Larra Legor Lizar Mendi Mugi Ola "
                "Otxan Sagasti Sarri Txurru Ugar Uri Urru Zaldi Zubi Zumal"
            ),
            listed(
                "zabal garai berri gorri alde ondo iaga mendi aga goitia barren bide gain lar ola garate "
                "burua txea eta tegi txo koa"
            ),
        ),
    ),
    "en": (
        (
            listed(
                "Ald Ash Ast Barn Beck Black Blan Bol Brad Bram Brent Brook Buck Burn Cald Carl Chat Clay "
                "Cole Crof Dal Den Dray East El Fair Far Fen Gar Gran Green Hal Ham Har Hart Hay Hazel "
                "High Hol Horn Hunt Ing Kel Kir Lang Law Lin Long Mar Mel Mil Mor New Nor North Oak Old "
                "Pem Pres Rad Ray Red Rock Ros Rush Rut Sand Shel Ship Stan Stock Sut Thorn Tre Wad Wal "
                "War West Wey Whit Win Wood"
            ),
            listed(
                "acre bank berry borne brook burn bury by combe cott croft dale den don field ford gate "
                "grave ham hill hurst land ley low man mere more port ridge sell shaw side stead stock "
                "stone ton ville ward water way well wick wood worth"
            ),
        ),
    ),
}
_LONGEST = 12
_CLASH = re.compile(r"(.)\1\1|[bcdfghjklmnpqrstvwxzåäö]{5}|[aeiouyåäöé]{3}|(?:ss|kk|tt|ff|nn)[bcdfghjklmnpqrstvwxz]{2}")
"""Letters that do not follow each other in a surname: three alike, five consonants, three vowels."""
_PATRONYMIC = {"sv": "sson"}


@cache
def surname_pool(language: str) -> tuple[str, ...]:
    """All surnames of a language that are single words, sorted: Faker's and those composed."""
    names = name_pool(language)
    composed = {first + second for parts in _ELEMENTS.get(language, ()) for first in parts[0] for second in parts[1]}
    if language in _PATRONYMIC:
        composed |= {_son_of(name, _PATRONYMIC[language]) for name in names.male}
    first_names = {*names.male, *names.female}
    return tuple(sorted({*names.last, *(name for name in composed if is_plausible(name))} - first_names))


def is_plausible(name: str) -> bool:
    """Whether a composed name can be read as a surname: not too long, and without letters that clash.

    >>> [is_plausible(name) for name in ("Lindqvist", "Hallland", "Bergberg")]
    [True, False, False]
    """
    lowered = name.lower()
    middle = len(lowered) // 2
    repeated = len(lowered) % 2 == 0 and lowered[:middle] == lowered[middle:]
    return 4 <= len(name) <= _LONGEST and not repeated and not _CLASH.search(lowered)


def _son_of(father: str, ending: str) -> str:
    return father + (ending[1:] if father.endswith(("s", "z", "x")) else ending)
