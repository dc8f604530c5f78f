"""Schema of the data of invented notes: kinds of notes, sections and specialties; every phrase is a template."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.resources.abc import Traversable
from typing import Literal, get_args

from pydantic import Field

from deidsynth.demo.grammar import held_out_phrases
from deidsynth.demo.people import AgeGroup
from deidsynth.demo.reading import Checked, language_folder, read, unknown
from deidsynth.errors import ConfigError

Phrases = tuple[str, ...]
LISTS = ("story", "background", "status", "lab", "assessment", "drug", "plan")
_SUITED_LISTS = ("story", "status", "lab", "assessment", "plan")


class Complaint(Checked):
    """A reason for contact and, by list, the ids of suitable phrases; by default all."""

    text: str
    story: Phrases | None = None
    status: Phrases | None = None
    lab: Phrases | None = None
    assessment: Phrases | None = None
    plan: Phrases | None = None


class Specialty(Checked):
    """The phrases of a medical specialty.

    Args:
        units: names of its wards and clinics.
        ages: youngest and oldest patient, in years.
        sexes: ``m``, ``f`` or both.
        complaints: reasons for contact by id.
        story: sentences on the present illness by id.
        background: sentences on earlier illness.
        status: sentences of the examination by id.
        lab: sentences of tests by id.
        assessment: sentences by id.
        drug: drugs with doses.
        plan: sentences by id.
    """

    units: Phrases
    ages: tuple[int, int]
    sexes: Literal["m", "f", "mf"] = "mf"
    complaints: dict[str, Complaint]
    story: dict[str, str]
    background: Phrases
    status: dict[str, str]
    lab: dict[str, str]
    assessment: dict[str, str]
    drug: Phrases
    plan: dict[str, str]

    def phrases(self, key: str) -> Phrases:
        """All phrases of a list."""
        phrases: Phrases | dict[str, str] = getattr(self, key)
        return tuple(phrases.values()) if isinstance(phrases, dict) else phrases

    def suiting(self, key: str, complaint: Complaint) -> Phrases:
        """The phrases of a list that suit a complaint."""
        ids: Phrases | None = getattr(complaint, key) if key in _SUITED_LISTS else None
        return self.phrases(key) if ids is None else tuple(getattr(self, key)[each] for each in ids)

    def tables(self) -> list[Phrases]:
        """The complaints, and the phrases of each list."""
        return [tuple(complaint.text for complaint in self.complaints.values()), *map(self.phrases, LISTS)]

    def broken_references(self) -> list[str]:
        """A line for each missing phrase that a complaint refers to."""
        return [
            problem
            for name, complaint in self.complaints.items()
            for key in _SUITED_LISTS
            for problem in unknown(f"complaints.{name}.{key}", getattr(complaint, key) or (), getattr(self, key))
        ]


class Section(Checked):
    """A section of a note.

    Args:
        headings: one is chosen at random; a section without any has no heading.
        further: the list of its optional further sentences.
        phrases: one is chosen at random.
        by_age: replacement for ``phrases`` by age group.
    """

    headings: Phrases = ()
    further: str | None = None
    phrases: Phrases = ()
    by_age: dict[AgeGroup, Phrases] = Field(default_factory=dict)

    def phrases_for(self, age_group: AgeGroup) -> Phrases:
        """The phrases for an age group."""
        return self.by_age.get(age_group, self.phrases)


class Notes(Checked):
    """The structure of notes.

    Args:
        specialties: names of the specialty files.
        kinds: kinds of notes, each a sequence of sections with their probability.
        sections: by the name that kinds use.
        lists: sentences for any specialty, by the name that sections use.
        not_for: unsuitable words by age group; phrases with one of them are not used.
    """

    specialties: Phrases
    kinds: dict[str, dict[str, float]]
    sections: dict[str, Section]
    lists: dict[str, Phrases]
    not_for: dict[AgeGroup, Phrases]

    def broken_references(self) -> list[str]:
        """A line for each missing section, list or age group."""
        problems: list[str] = []
        for name, kind in self.kinds.items():
            problems += unknown(f"kinds.{name}", kind, self.sections)
        for name, section in self.sections.items():
            if section.further is not None:
                problems += unknown(f"sections.{name}.further", [section.further], [*LISTS, *self.lists])
            if not all(map(section.phrases_for, get_args(AgeGroup))):
                problems.append(
                    f"sections.{name}: no phrases for some patients; give phrases, or all ages under by_age"
                )
        return problems


@dataclass(frozen=True, slots=True)
class Phrasebook:
    """Notes and specialties of a language.

    Args:
        notes: how notes are put together.
        specialties: in the order of ``notes.specialties``.
        withheld: the phrases of the test split.
    """

    notes: Notes
    specialties: tuple[Specialty, ...]
    withheld: frozenset[str]


@cache
def phrasebook(language: str) -> Phrasebook:
    """The phrases of a language, cached."""
    return read_phrasebook(language_folder(language))


def read_phrasebook(folder: Traversable) -> Phrasebook:
    """The phrases in the folder of a language.

    Raises:
        ConfigError: an error in a file, a specialty that ``notes.yaml`` does not list, or a word under ``not_for`` that
            occurs in no phrase.
    """
    notes = read(Notes, folder, "notes.yaml")
    specialties = tuple(read(Specialty, folder, f"specialties/{name}.yaml") for name in notes.specialties)
    tables = [phrases for section in notes.sections.values() for phrases in (section.phrases, *section.by_age.values())]
    tables += [table for specialty in specialties for table in specialty.tables()]
    everything = "\n".join(phrase for table in (*tables, *notes.lists.values()) for phrase in table)
    problems = [
        f"specialties: {file.name} is not among them; add it at the end"
        for file in sorted(folder.joinpath("specialties").iterdir(), key=lambda file: file.name)
        if file.name.removesuffix(".yaml") not in notes.specialties
    ]
    for age_group, words in notes.not_for.items():
        problems += [f"not_for.{age_group}: no phrase contains {word!r}" for word in words if word not in everything]
    if problems:
        raise ConfigError(problems, f"{folder.name}/notes.yaml")
    return Phrasebook(notes, specialties, held_out_phrases(tables))
