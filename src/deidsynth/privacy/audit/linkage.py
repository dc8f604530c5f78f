"""Linkage: synthetic notes that hold two identifiers of one person."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import combinations
from math import comb

from deidsynth.folding import folded
from deidsynth.privacy.audit.figures import Measured
from deidsynth.privacy.audit.group_sizes import Tally, found_at_equal_sizes, keys_of
from deidsynth.privacy.audit.identifiers import Identifier
from deidsynth.privacy.audit.matching import FoundValues, UniqueValues
from deidsynth.privacy.audit.rare_values import class_of
from deidsynth.privacy.audit.statistics import share_difference
from deidsynth.privacy.audit.written_forms import normalized_forms

Pair = tuple[int, int]


def linkage(found: FoundValues) -> Measured:
    """The share of groups of which a synthetic note holds two identifiers that no other group has.

    One of the two is direct, the other direct or quasi. Neither is a form or a part of the other, and a name of one
    word is not linked with another name. Both are written in any of their normalized forms
    (`deidsynth.privacy.audit.written_forms`), labeled or not. What coincides in any text, such as a city and a name,
    does so for held-out groups as well.

    Args:
        found: values in any of their forms (``NORMALIZED``), found among the synthetic documents.
    """
    unique, sides = found.values, found.values.sides
    n = len(sides.train), len(sides.held_out)
    if not all(n):
        return Measured.missing("linkage", "share", "a side has no group", n=n)
    pairs, notes = set[Pair](), [0, 0]
    for numbers in found.together:
        held = set(_pairs(unique, numbers))
        pairs |= held
        for side in {int(unique.values[first].group >= n[0]) for first, _ in held}:
            notes[side] += 1
    possible = _possible(unique)
    linked = Counter(unique.values[first].group for first, _ in pairs)
    tallies = [
        Tally(key, possible[group], linked[group]) for group, key in enumerate(keys_of((*sides.train, *sides.held_out)))
    ]
    if not any(tally.n for tally in tallies):
        return Measured.missing("linkage", "share", "no group has two identifiers of its own", n=n)
    difference = share_difference(*found_at_equal_sizes(tallies[: n[0]], tallies[n[0] :]))
    kinds = Counter((_side(unique, pair, n[0]), _kind(unique, pair)) for pair in pairs)
    details = {
        side: {
            "groups": n[number],
            "groups_with_pairs": sum(tally.n > 0 for tally in own),
            "groups_linked": sum(tally.n_found > 0 for tally in own),
            "pairs_direct": kinds[number, "direct"],
            "pairs_direct_with_quasi": kinds[number, "quasi"],
            "notes": notes[number],
        }
        for number, (side, own) in enumerate((("train", tallies[: n[0]]), ("held_out", tallies[n[0] :])))
    }
    return difference.measured("linkage", "share", details=details)


def _pairs(unique: UniqueValues, held: Sequence[int]) -> Iterator[Pair]:
    """The pairs of identifiers of one group among the values of a note."""
    by_group: defaultdict[int, list[int]] = defaultdict(list)
    for number in held:
        by_group[unique.values[number].group].append(number)
    for numbers in by_group.values():
        for first, second in combinations(numbers, 2):
            if _link(unique.values[first].identifier, unique.values[second].identifier):
                yield first, second


def _link(first: Identifier, second: Identifier) -> bool:
    """Whether two values are two identifiers: one is direct, and they are not one value, or parts of one name."""
    if not (first.is_direct or second.is_direct) or "single_names" in _names(first, second):
        return False
    if not _forms(first).isdisjoint(_forms(second)):
        return False
    texts = folded(first.text), folded(second.text)
    return not (_is_part(*texts) or _is_part(*reversed(texts)))


def _names(first: Identifier, second: Identifier) -> set[str]:
    """The classes of two names; none if one of them is no name."""
    return {class_of(first), class_of(second)} if first.is_name and second.is_name else set()


def _is_part(part: str, whole: str) -> bool:
    return set(part.split()) <= set(whole.split()) or part.replace(" ", "") in whole.replace(" ", "")


@lru_cache(maxsize=10_000)
def _forms(identifier: Identifier) -> set[str]:
    return normalized_forms(identifier)


def _possible(unique: UniqueValues) -> Counter[int]:
    """How many pairs with a direct identifier each group could have."""
    values, quasi = Counter[int](), Counter[int]()
    for value in unique.values:
        values[value.group] += 1
        quasi[value.group] += not value.identifier.is_direct
    return Counter({group: comb(count, 2) - comb(quasi[group], 2) for group, count in values.items()})


def _side(unique: UniqueValues, pair: Pair, n_train: int) -> int:
    return int(unique.values[pair[0]].group >= n_train)


def _kind(unique: UniqueValues, pair: Pair) -> str:
    return "direct" if all(unique.values[number].identifier.is_direct for number in pair) else "quasi"
