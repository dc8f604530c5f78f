"""What surrogates depend on: the language of the text, and the kind of value that each label asks for."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from deidsynth.config.parsing import StageConfig
from deidsynth.languages import checked_code

Kind = Literal[
    "first_name",
    "last_name",
    "full_name",
    "title",
    "age",
    "sex",
    "family",
    "date",
    "date_part",
    "phone",
    "email",
    "url",
    "ip_address",
    "swedish_identity",
    "spanish_record",
    "spanish_insurance",
    "spanish_license",
    "us_identity",
    "national_identity",
    "identifier",
    "profession",
    "hospital",
    "clinic",
    "organization",
    "street",
    "place",
    "country",
    "postcode",
    "detail",
    "shape",
]

NAME_KINDS: frozenset[Kind] = frozenset({"first_name", "last_name", "full_name"})
"""Kinds of values that are names of people."""

IDENTITY_KINDS: frozenset[Kind] = frozenset(
    {"swedish_identity", "spanish_record", "spanish_insurance", "us_identity", "national_identity", "identifier"}
)
"""Kinds of values that are numbers of a person."""


def _code(value: Any) -> Any:
    """The code of a language; YAML reads a bare ``no``, the code of Norwegian, as false."""
    return checked_code("no" if value is False else value)


Language = Annotated[str | None, BeforeValidator(_code)]

LABELS = (
    "kind of value for labels that the package does not know, or takes for another kind, such as "
    "{NAME_OF_PET: first_name}; docs/languages.md lists the kinds"
)


class LabelKinds(StageConfig):
    """A file for ``--labels``: the kind of value that each label asks for."""

    about: str = Field("", description="what it is for")
    labels: dict[str, Kind] = Field(description=LABELS)
