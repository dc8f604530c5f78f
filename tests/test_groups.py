"""Groups held out: whole ones, as near to the share as they add up to, the same for every order."""

from __future__ import annotations

import pytest
from hypothesis import given, strategies as st

from deidsynth.errors import CorpusError
from deidsynth.groups import held_out, shuffled


@given(st.lists(st.integers(1, 6), min_size=2, max_size=30), st.floats(0.01, 0.99), st.integers(0, 9), st.randoms())
def test_no_more_than_the_share_but_where_every_group_is_larger(sizes, share, seed, random) -> None:
    units = [f"g{group}" for group, size in enumerate(sizes) for _ in range(size)]
    held = held_out(units, share, seed, "test")
    n_held = sum(unit in held for unit in units)
    assert 0 < len(held) < len(sizes)
    assert n_held <= share * len(units) + 0.5 or (held == {min(held)} and n_held == min(sizes))
    left = [size for group, size in enumerate(sizes) if f"g{group}" not in held]
    assert n_held + min(left) > share * len(units) + 0.5 or len(left) == 1
    random.shuffle(units)
    assert held_out(units, share, seed, "test") == held


def test_another_seed_or_purpose_holds_out_others() -> None:
    units = [str(number) for number in range(100)]
    found = [held_out(units, 0.2, *how) for how in ((1, "test"), (2, "test"), (1, "validation"))]
    assert [len(each) for each in found] == [20, 20, 20]
    assert len({frozenset(each) for each in found}) == 3
    assert sorted(shuffled(units, 1, "test")) == sorted(units)


@pytest.mark.parametrize(
    ("n_remaining", "message"),
    [(1, "1 group of documents cannot be split into train and test"), (2, "1 group .* train and validation and test")],
)
def test_too_few_groups(n_remaining: int, message: str) -> None:
    with pytest.raises(CorpusError, match=message):
        held_out(["g", "g"], 0.5, 1, "test", n_remaining)
