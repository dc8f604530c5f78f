"""How likely it is that two values get the same surrogate."""

from __future__ import annotations

from math import expm1, fsum, log1p

from deidsynth.surrogates.names import name_pool
from deidsynth.surrogates.surnames import surname_pool
from deidsynth.surrogates.words import words_of


def collision_odds(n_values: int, pool: int) -> float:
    """The chance that at least two of some values get the same surrogate, each taking any of a pool alike.

    This is the birthday problem: 1 - (1 - 1/pool) (1 - 2/pool) ... (1 - (n - 1)/pool).

    >>> round(collision_odds(23, 365), 3)
    0.507

    Args:
        n_values: distinct values, such as people.
        pool: number of surrogates, at least 1.
    """
    if n_values > pool:
        return 1.0
    return -expm1(fsum(log1p(-taken / pool) for taken in range(n_values)))


def pool_sizes(language: str) -> dict[str, int]:
    """How many surrogates a language has for a first name of either sex, a surname, and a full name of the two.

    The smaller of the two sexes counts.
    """
    language = words_of(language)
    names, last = name_pool(language), len(surname_pool(language))
    first = min(len(names.male), len(names.female)) or len(names.male)
    return {"first name": first, "surname": last, "first name and surname": first * last}
