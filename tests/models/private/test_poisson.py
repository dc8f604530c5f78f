"""Batches are Poisson samples of groups: no fixed size, no order, and a rate that the corpus does not change."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise

import torch

from deidsynth.documents import Document
from deidsynth.models.private.poisson import by_group, poisson_batches


def generator(seed: int = 1) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_sizes_are_binomial_and_may_be_none() -> None:
    rate, n_groups, n_steps = 0.05, 40, 4000
    sizes = Counter(
        len(batch) for batch in poisson_batches([[each] for each in range(n_groups)], rate, n_steps, generator())
    )
    mean = sum(size * count for size, count in sizes.items()) / n_steps
    variance = sum(size**2 * count for size, count in sizes.items()) / n_steps - mean**2
    assert abs(mean - rate * n_groups) < 0.1
    assert abs(variance - rate * (1 - rate) * n_groups) < 0.15  # shuffling has batches of one size: 0
    assert abs(sizes[0] / n_steps - (1 - rate) ** n_groups) < 0.03


def test_a_group_takes_part_independently_of_its_last_time_and_of_others() -> None:
    batches = [set(batch) for batch in poisson_batches([[0], [1]], 0.3, 6000, generator())]
    both = sum({0, 1} <= batch for batch in batches) / len(batches)
    again = sum(0 in one and 0 in other for one, other in pairwise(batches)) / len(batches)
    assert abs(both - 0.09) < 0.015
    assert abs(again - 0.09) < 0.015  # shuffling takes no group again before all others


def test_the_rate_does_not_depend_on_how_many_groups_there_are() -> None:
    for n_groups in (1, 3, 7):  # int(n * rate) would be 0
        batches = list(poisson_batches([[each] for each in range(n_groups)], 0.1, 3000, generator()))
        assert abs(sum(map(len, batches)) / 3000 / n_groups - 0.1) < 0.02


def test_a_group_gives_one_of_its_documents_whatever_their_number() -> None:
    documents = [Document(str(number), "x", group="a" if number < 9 else "b") for number in range(10)]
    groups = by_group(documents, range(10))
    assert groups == [[*range(9)], [9]]
    batches = list(poisson_batches(groups, 0.5, 3000, generator()))
    assert all(sum(each < 9 for each in batch) <= 1 for batch in batches)
    seen = Counter(each for batch in batches for each in batch)
    assert abs(seen[9] / 3000 - 0.5) < 0.04
    assert abs(sum(seen[each] for each in range(9)) / 3000 - 0.5) < 0.04
    assert min(seen[each] for each in range(9)) > 100
