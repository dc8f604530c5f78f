"""Whether a tagger learned next to nothing, from the facts of its training and of an annotation."""

from __future__ import annotations

from typing import Any

import pytest

from deidsynth.metrics.collapse import annotation_warning, training_warning

TRAINED = {
    "n_entities_checked": 200,
    "n_entities_found": 190,
    "training_loss": 0.02,
    "constant_loss": 0.9,
    "n_steps": 900,
}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, None),
        ({"n_entities_found": 20}, None),
        (
            {"n_entities_found": 19},
            "it finds 19 entities in training documents that have 200; lower train.learning_rate",
        ),
        ({"n_entities_found": 0, "n_steps": 160}, "it took only 160 optimizer steps: set train.min_steps"),
        (
            {"training_loss": 0.89},
            "its loss stayed at 0.89, where a constant prediction has 0.9; lower train.learning_rate",
        ),
        ({"constant_loss": 0.0, "training_loss": 0.0}, None),
        ({"n_steps": None, "n_entities_found": 0}, None),
    ],
)
def test_a_training_that_taught_nothing_is_told(changes: dict[str, Any], told: str | None) -> None:
    found = training_warning(TRAINED | changes)
    assert (found is None) == (told is None)
    assert told is None or told in str(found)


@pytest.mark.parametrize(
    ("n_entities", "expected", "is_told"),
    [(0, 10, True), (0, 9, False), (0, None, False), (9, 100, True), (10, 100, False), (200, 100, False)],
)
def test_an_annotation_that_found_next_to_nothing_is_told(n_entities: int, expected: int | None, is_told: bool) -> None:
    found = annotation_warning({"n_documents": 7, "n_entities": n_entities, "n_entities_expected": expected})
    assert (found is not None) == is_told
    assert not is_told or f"{n_entities} entities in 7 documents, where as much text of its training has" in str(found)


def test_facts_of_another_version_tell_nothing() -> None:
    assert training_warning({"n_documents": 3}) is None
    assert annotation_warning({"n_documents": 3, "n_entities": 0}) is None
