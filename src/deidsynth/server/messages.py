"""What requests and answers hold. Offsets count Unicode code points."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, FailFast, Field, model_validator

from deidsynth.config.policy import Action
from deidsynth.corpora.records import is_encodable
from deidsynth.deidentification.found import Source

MOST_DOCUMENTS = 100
"""Of one request."""

MOST_KEYS = 20
"""Of one object of a request: each that is unknown is an error of its own, and making many takes long."""

Flag = Literal["passed", "flagged", "not_checked"]
"""Whether a synthetic note passed the check for training text, did not, or was not checked."""


def _encodable(text: str) -> str:
    """The text, if it has no lone surrogate: JSON can hold one, no encoding can."""
    if not is_encodable(text):
        raise ValueError("lone surrogate")
    return text


Text = Annotated[str, AfterValidator(_encodable)]


class _Request(BaseModel):
    """What a client sends: unknown keys are refused, so that a misspelled one is not ignored."""

    model_config = ConfigDict(extra="forbid", strict=True)

    @model_validator(mode="before")
    @classmethod
    def _has_few_keys(cls, value: object) -> object:
        if isinstance(value, dict) and len(value) > MOST_KEYS:
            raise ValueError("too many keys")
        return value


class TextRequest(_Request):
    """A text to de-identify."""

    text: Text = Field(description="the text, as it is")
    patient: Text | None = Field(
        None,
        min_length=1,
        max_length=200,
        description="whose text it is, by any name that is always the same: for a policy with the scope patient and "
        "known values of the patient; without it, each text is for itself",
    )


class BatchRequest(_Request):
    """Texts to de-identify."""

    documents: Annotated[list[TextRequest], FailFast()] = Field(
        min_length=1, max_length=MOST_DOCUMENTS, description="the texts, in the order of the answer"
    )


class _FromAttributes(BaseModel):
    """What is sent of an object: those of its attributes that are fields here."""

    model_config = ConfigDict(from_attributes=True)


class EntityOut(_FromAttributes):
    """What was found in the original text."""

    start: int = Field(description="first code point")
    end: int = Field(description="one past the last code point")
    label: str
    score: float | None = Field(description="of the model; null where something else found it")


class ReplacementOut(_FromAttributes):
    """What became of an entity."""

    start: int = Field(description="first code point in the original text")
    end: int = Field(description="one past the last one there")
    new_start: int = Field(description="first code point in the new text")
    new_end: int = Field(description="one past the last one there")
    label: str
    action: Action = Field(description="what was done; mask where no surrogate could be made")
    source: Source = Field(description="who found it")


class TextAnswer(_FromAttributes):
    """A text after de-identification."""

    text: str = Field(description="the new text")
    entities: list[EntityOut] = Field(description="what was found, in the original text")
    replacements: list[ReplacementOut] = Field(description="what became of each entity")


class BatchAnswer(BaseModel):
    """Texts after de-identification, in the order of the request."""

    documents: list[TextAnswer]


class ModelOut(BaseModel):
    """A model of the service."""

    name: str
    labels: list[str] = Field(description="of everything that may be found: by it, by pattern, as a known value")


class InfoOut(BaseModel):
    """What the service is."""

    version: str
    models: list[ModelOut] = Field(description="the model, and the one that it is compared with, if any")
    policy: str = Field(description="what the policy is for")
    body_bytes: int = Field(description="most bytes of a request")
    n_documents: int = Field(description="most documents of a request")
    has_corpus: bool = Field(description="whether there is a synthetic corpus to read")


class NoteOut(BaseModel):
    """A note of the synthetic corpus."""

    number: int = Field(description="place in the corpus, from 1")
    doc_id: str
    text: str
    entities: list[EntityOut]
    flag: Flag


class NotesOut(BaseModel):
    """Some notes of the synthetic corpus."""

    n_documents: int = Field(description="in the whole corpus")
    n_found: int = Field(description="that were asked for")
    counts: dict[Flag, int] = Field(description="notes of the whole corpus by flag")
    labels: dict[str, int] = Field(description="entities of the whole corpus by label")
    notes: list[NoteOut] = Field(description="those of this page")


class StatusOut(BaseModel):
    """Whether the service is up."""

    status: Literal["ok", "stopping"]


class FaultOut(BaseModel):
    """What is wrong, without anything of the request but names of its fields."""

    code: str = Field(description="for programs")
    message: str = Field(description="for people")
    places: list[list[str | int]] = Field(description="of what is wrong in the request, as keys and numbers")


class ErrorOut(BaseModel):
    """An error."""

    error: FaultOut


FIELDS = frozenset(
    {name for model in (TextRequest, BatchRequest) for name in model.model_fields}
    | {"body", "query", "label", "max_score", "flag", "order", "offset", "limit"}
)
"""Names that an error may tell; any other part of a request might be text."""


def places_of(errors: Sequence[dict[str, object]]) -> list[list[str | int]]:
    """Where a request is wrong, by names of fields and numbers only: an unknown key is a ``?``.

    >>> places_of([{"loc": ("body", "documents", 3, "Anna Berg")}])
    [['body', 'documents', 3, '?']]
    """
    found = []
    for error in errors:
        place = error["loc"]
        if isinstance(place, tuple):
            found.append([each if isinstance(each, int) or each in FIELDS else "?" for each in place])
    return found
