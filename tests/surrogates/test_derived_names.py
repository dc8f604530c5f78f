"""Names of surrogates: how many there are, how they are composed, and how rarely two people get the same."""

from __future__ import annotations

import re
from pathlib import Path
from random import Random

import pytest

from deidsynth.folding import folded
from deidsynth.surrogates.collisions import collision_odds, pool_sizes
from deidsynth.surrogates.derived import Derivation, normalized_surface
from deidsynth.surrogates.name_parts import parts_of
from deidsynth.surrogates.names import name_pool
from deidsynth.surrogates.surnames import is_plausible, surname_pool

DOCS = Path(__file__).parents[2] / "docs" / "surrogates.md"


@pytest.mark.parametrize(("language", "fewest"), [("sv", 5000), ("es", 2000), ("en", 4000)])
def test_there_are_thousands_of_surnames(language: str, fewest: int) -> None:
    pool = surname_pool(language)
    assert len(pool) == len(set(map(str.casefold, pool))) >= fewest
    assert set(pool).isdisjoint({*name_pool(language).male, *name_pool(language).female})
    composed = set(pool) - set(name_pool(language).last)
    assert all(is_plausible(name) and name.isalpha() and name[0].isupper() for name in composed)


def test_surnames_of_two_elements_are_among_them() -> None:
    assert {"Lindqvist", "Bergström", "Ekgren", "Karlsson", "Hansson"} <= set(surname_pool("sv"))
    assert {"Villanueva", "Montenegro", "Mendizabal"} <= set(surname_pool("es"))


def test_the_odds_are_those_of_birthdays() -> None:
    assert collision_odds(23, 365) == pytest.approx(0.5073, abs=1e-4)  # the textbook's figure
    assert collision_odds(1, 10) == 0.0
    assert collision_odds(11, 10) == 1.0
    assert collision_odds(2, 1_000_000) == pytest.approx(1e-6)
    draws, rng = 20_000, Random(1)
    merged = sum(len({rng.randrange(500) for _ in range(20)}) < 20 for _ in range(draws))
    assert collision_odds(20, 500) == pytest.approx(merged / draws, abs=0.01)


def test_the_table_in_the_docs_is_computed() -> None:
    rows = re.findall(r"^\| (\w\w) \| ([^|]+) \| ([\d,]+) \| (.+) \|$", DOCS.read_text(encoding="utf-8"), re.MULTILINE)
    assert len(rows) == 6
    for language, what, size, odds in rows:
        pool = pool_sizes(language)[what]
        assert int(size.replace(",", "")) == pool
        chances = [collision_odds(n, pool) for n in (10, 100, 1000)]
        assert odds.split(" | ") == ["over 99 %" if each > 0.99 else f"{100 * each:.2g} %" for each in chances]


def test_what_is_derived_depends_on_everything_that_it_is_derived_from() -> None:
    base = ("corpus", "", "first name f", "anna")
    seeds = {Derivation(b"k" * 16, *base[:2]).seed(*base[2:]), Derivation(b"l" * 16, *base[:2]).seed(*base[2:])}
    for place in range(4):
        scope, unit, kind, part = (f"{each}x" if index == place else each for index, each in enumerate(base))
        seeds.add(Derivation(b"k" * 16, scope, unit).seed(kind, part))
    seeds.add(Derivation(b"k" * 16, *base[:2]).seed(*base[2:], attempt=1))
    assert len(seeds) == 7
    assert "kkkk" not in repr(Derivation(b"k" * 16, "document", "x"))


def test_forms_in_which_surfaces_are_compared() -> None:
    assert normalized_surface("A\u030asa\u00a0 EK\n") == "åsa ek"
    assert folded("García-") == "garcia"


@pytest.mark.parametrize(
    ("surface", "language", "keys"),
    [
        ("Anna-Karin af Klint", "sv", ["anna", "karin", "klint"]),
        ("María del Carmen García de la Fuente", "es", ["maria", "carmen", "garcia", "fuente"]),
        ("Dr. A. Bergs", "sv", ["a", "berg"]),
        ("Hans Jonas", "sv", ["hans", "jonas"]),  # first names that end in s
        ("Berg's", "en", ["berg"]),
        ("O'Brien", "en", ["brien"]),
        ("JMG", "es", ["j", "m", "g"]),
        ("A\u030asa Ek", "sv", ["asa", "ek"]),
        ("Berg\u00adström", "sv", ["bergstrom"]),
        ("Dr. de la", "es", []),
    ],
)
def test_parts_of_names(surface: str, language: str, keys: list[str]) -> None:
    assert [part.key for part in parts_of(surface, language, ())] == keys
