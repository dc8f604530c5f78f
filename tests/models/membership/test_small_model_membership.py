"""A small model of the synthetic text finds what was copied into it, and nothing where nothing was."""

from __future__ import annotations

from dataclasses import replace

import pytest

from deidsynth.models.membership import text as text_module
from deidsynth.models.membership.text import small_model_membership
from membership_notes import notes, sides


def test_copies_in_the_synthetic_text_are_found() -> None:
    both = sides("train", "held-out", 20)
    copies = [replace(group[0], doc_id=f"copy-{at}") for at, group in enumerate(both.train)]
    found = small_model_membership(both, [*copies, *notes("other", 20)])
    assert (found.name, found.of, found.n) == ("text_membership", "small language model", (20, 20))
    assert found.interval is not None
    assert found.interval[0] > 0


def test_a_clean_text_tells_nothing_and_limits_hold(monkeypatch: pytest.MonkeyPatch) -> None:
    both = sides("train", "held-out", 20)
    monkeypatch.setattr(text_module, "MOST_CHARACTERS", 1500)
    monkeypatch.setattr(text_module, "MOST_GROUPS", 15)
    found = small_model_membership(both, notes("other", 40))
    assert found.interval is not None
    assert found.interval[0] <= 0 <= found.interval[1]
    assert found.n == (15, 15)
    assert 1 <= found.details["n_synthetic_documents"] < 15
    assert found == small_model_membership(both, notes("other", 40))
    assert small_model_membership(both, []).reason == "the synthetic text is empty"
