"""Shared runs in arrays are those that sets of the runs share."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, strategies as st

from deidsynth.corpora import shared_runs
from deidsynth.corpora.shared_runs import SharedRuns
from deidsynth.privacy.near_duplicates import RUN_WORDS

Texts = list[list[int]]


def _by_sets(texts: Texts, most_holders: int) -> tuple[list[int], list[int], dict[tuple[int, int], int]]:
    """Runs of each text, those that count, and how many of these an earlier text shares with a later one."""
    runs = [{tuple(text[at : at + RUN_WORDS]) for at in range(len(text) - RUN_WORDS + 1)} for text in texts]
    holders = Counter(run for held in runs for run in held)
    own = [{run for run in held if holders[run] <= most_holders} for held in runs]
    pairs = {(later, earlier): len(own[later] & own[earlier]) for later in range(len(own)) for earlier in range(later)}
    return [len(held) for held in runs], [len(held) for held in own], {pair: n for pair, n in pairs.items() if n}


# Few numbers and short lengths: most texts share runs, some are templates.
_texts = st.lists(st.lists(st.integers(0, 1), max_size=14) | st.lists(st.integers(0, 9), max_size=9), max_size=12)


@pytest.mark.parametrize("portion", [1 << 19, 5])
@given(texts=_texts, most_holders=st.integers(1, 6))
def test_as_with_sets(texts: Texts, most_holders: int, portion: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(shared_runs, "_PORTION", portion)
        found = SharedRuns((np.array(text, dtype=np.int64) for text in texts), most_holders)
        pairs = {
            (text, other): count
            for text, others, counts in found
            for other, count in zip(others.tolist(), counts.tolist(), strict=True)
        }
    assert (found.n_runs.tolist(), found.n_counted.tolist(), pairs) == _by_sets(texts, most_holders)
