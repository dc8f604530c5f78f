"""The files of the invented notes: references that name nothing are told, and every template can be filled in."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from deidsynth.demo import phrasebook as module
from deidsynth.demo.compose import FACTS
from deidsynth.demo.people import new_patient
from deidsynth.demo.phrasebook import LISTS, Phrasebook, phrasebook, read_phrasebook
from deidsynth.demo.reading import read
from deidsynth.demo.spanish import spanish_words
from deidsynth.demo.swedish import SwedishWords, swedish_words
from deidsynth.errors import ConfigError

DATA = Path(module.__file__).parent / "data"
HEART = "specialties/heart.yaml"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The Swedish files, to break them."""
    return Path(shutil.copytree(DATA / "sv", tmp_path / "sv"))


@pytest.mark.parametrize(
    ("file", "old", "new", "message"),
    [
        (HEART, "[telemetry, echo, holter]", "[echoes]", r"complaints.palpitations.plan: no 'echoes'; there are"),
        (HEART, "  echo: ", "  ultrasound: ", r"palpitations.plan: no 'echo'; there are telemetry, ultrasound,"),
        (HEART, "  fainting:", "  palpitations:", r"line 46: a key that occurs twice, first on line \d+; keep one"),
        (HEART, "ages: [38, 92]", "ages: [38]", r"ages.1: Field required"),
        (HEART, "ages:", "aged:", r"ages: Field required\n  aged: Extra inputs are not permitted"),
        (HEART, '"UKG beställs."', "{UKG} beställs.", r"line \d+: not valid YAML; put text with special"),
        ("notes.yaml", " head_day: 1.0,", " head_daily: 1.0,", r"kinds.day: no 'head_daily'; there are head_admission"),
        ("notes.yaml", "further: general_lab", "further: labs", r"sections.labs.further: no 'labs'; there are story"),
        ("notes.yaml", "      retired:\n", "      adults:\n", r"sections.social.by_age.adults.*: Input should be"),
        ("notes.yaml", "    headings: [Lab,", "    phrase: [Lab,", r"sections.labs.phrase: Extra inputs"),
        ("notes.yaml", "[heart, lungs,", "[heart, lung,", r"specialties/lung.yaml: 1 problem\n  no such file"),
        ("notes.yaml", "[heart, lungs,", "[heart,", r"specialties: lungs.yaml is not among them; add it at the end"),
        ("notes.yaml", '"rullator",', '"rollator", "skateboard",', r"not_for.child: no phrase contains 'skateboard'"),
    ],
)  # fmt: skip
def test_a_fault_is_told_with_file_and_place(folder: Path, file: str, old: str, new: str, message: str) -> None:
    text = (folder / file).read_text(encoding="utf-8")
    assert old in text
    (folder / file).write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(ConfigError, match=message) as raised:
        read_phrasebook(folder)
    assert raised.value.source.startswith("sv/")


def test_an_authority_that_the_facts_name_must_be_there(folder: Path) -> None:
    words = folder / "words.yaml"
    words.write_text(words.read_text(encoding="utf-8").replace("  aids:", "  aid:"), encoding="utf-8")
    with pytest.raises(ConfigError, match="authorities: no 'aids'; there are insurer, employment, aid,"):
        read(SwedishWords, folder, "words.yaml")


def all_templates(book: Phrasebook) -> list[str]:
    notes = book.notes
    tables = [*notes.lists.values(), *(table for specialty in book.specialties for table in specialty.tables())]
    for section in notes.sections.values():
        tables += [section.phrases, *section.by_age.values()]
    return [phrase for table in tables for phrase in table]


@pytest.mark.parametrize("language", FACTS)
def test_every_slot_is_a_fact_a_list_or_a_range(language: str) -> None:
    book, rng = phrasebook(language), Random(1)
    facts = FACTS[language](rng, "train", new_patient(rng, (20, 90), "mf"), ("ward",))
    known = {*facts, *book.notes.lists, *LISTS, "complaint"}
    templates = all_templates(book)
    assert len(templates) > 500
    slots = {slot for template in templates for slot in re.findall(r"\{([^{}]*)\}", template)}
    assert {slot for slot in slots - known if not re.fullmatch(r"\d+(\.\d)?-\d+(\.\d)?", slot)} == set()


@pytest.mark.parametrize("language", FACTS)
def test_every_section_stands_in_a_kind_of_note(language: str) -> None:
    notes = phrasebook(language).notes
    assert {name for kind in notes.kinds.values() for name in kind} == set(notes.sections)


@pytest.mark.parametrize(
    ("words", "keys", "forms"),
    [
        (swedish_words, "root town last root_s town_s last_s", "centers hospitals homes employers schools"),
        (spanish_words, "root town last", "centers hospitals homes institutions schools"),
    ],
)
def test_every_name_of_a_place_can_be_filled_in(words: Callable[[], object], keys: str, forms: str) -> None:
    for kind in forms.split():
        for form in getattr(words(), kind):
            assert "{" not in form.format(**dict.fromkeys(keys.split(), "X"))
