"""What a de-identified document may still be called."""

from __future__ import annotations

import pytest

from deidsynth.deidentification.naming import holds_found
from deidsynth.documents import Document, Entity

TEXT = "Karín Dal, född 3.5.2019, rum 12"
FOUND = (Entity(0, 9, "NAME"), Entity(16, 24, "DATE"), Entity(30, 32, "ROOM"))


@pytest.mark.parametrize(
    "name",
    ["KarinDal", "KARINDAL", "DalKarin_note", "karín-1", "2019-05-03", "20190503", "03052019", "dal"],
)
def test_an_id_that_holds_what_was_found_is_seen_however_it_is_written(name: str) -> None:
    assert holds_found(Document(name, TEXT, FOUND))


@pytest.mark.parametrize("name", ["note-12", "2018-04-01", "kardiologi", "7"])
def test_other_ids_are_kept(name: str) -> None:
    assert not holds_found(Document(name, TEXT, FOUND))
