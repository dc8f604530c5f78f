"""What happens to each label in a text that is de-identified."""

from __future__ import annotations

from typing import Literal

from pydantic import Field, model_validator

from deidsynth.config.detection import Detection
from deidsynth.config.parsing import StageConfig
from deidsynth.config.surrogates import LABELS, Kind, Language

Action = Literal["tag", "mask", "number", "remove", "keep", "surrogate"]
"""Of ``Anna`` as a NAME: ``<NAME>Anna</NAME>``, ``[NAME]``, ``[NAME-1]``, nothing, ``Anna``, an invented name."""

Scope = Literal["document", "patient", "corpus"]
"""Within what equal values get equal surrogates."""


class DateShift(StageConfig):
    """How dates with surrogates are shifted: all of a patient, if known, else of a document, by one offset."""

    largest_days: int = Field(
        365, ge=1, le=36_500, description="most days that dates are shifted by, in either direction"
    )
    whole_weeks: bool = Field(False, description="shift by whole weeks, so that days of the week stay true")

    @model_validator(mode="after")
    def _a_week_fits(self) -> DateShift:
        if self.whole_weeks and self.largest_days < 7:
            raise ValueError("whole_weeks needs largest_days of at least 7")
        return self


class Policy(StageConfig):
    """What happens to each label, within what surrogates are consistent, and what is sought beside the model."""

    about: str = Field("", description="what it is for")
    default: Action = Field("mask", description="what happens to labels that are not named")
    labels: dict[str, Action] = Field({}, description="what happens to a label")
    language: Language = Field(
        None, description="ISO 639-1 code of the texts; by default what the model was trained on"
    )
    scope: Scope = Field(
        "document",
        description="within what equal values get equal surrogates; the wider ones need a key, and let a single missed "
        "name unlock what was replaced elsewhere",
    )
    random: bool = Field(False, description="draw surrogates anew in each call in place of deriving them from the key")
    dates: DateShift = Field(DateShift(), description="how dates are shifted")
    kinds: dict[str, Kind] = Field({}, description=LABELS)
    detect: Detection = Field(Detection(), description="what is sought beside what the model finds")

    @model_validator(mode="after")
    def _random_within_a_document(self) -> Policy:
        if self.random and self.scope != "document":
            raise ValueError("random surrogates are consistent within a document only; set scope: document")
        return self
