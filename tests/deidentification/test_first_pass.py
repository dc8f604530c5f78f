"""What a first pass keeps of documents, and that it is taken for those documents alone."""

from __future__ import annotations

import json

import pytest

from deidsynth.deidentification.first_pass import found_again, line_of
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.runtime import Failure
from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError

FOUND = Found(Document("1", "Anna kom hem", (Entity(0, 4, "NAME", 0.9),)), ("model",))


def test_what_was_kept_is_found_again_and_shows_no_text() -> None:
    lines = [line_of(FOUND), line_of(Failure("too long"))]
    documents = [Document("1", "Anna kom hem"), Document("2", "Berg")]
    assert found_again(documents, map(json.loads, lines)) == [FOUND, Failure("too long")]
    assert "Anna" not in lines[0]


@pytest.mark.parametrize("text", ["Kom Anna hem", "Anna kom", "Anna kom \ud800em"])
def test_another_text_is_not_taken_for_it_even_of_the_same_length(text: str) -> None:
    with pytest.raises(InputError, match="the input changed"):
        found_again([Document("1", text)], [json.loads(line_of(FOUND))])
