"""What a cell file must hold for tables, curves and advice: a file edited or damaged is refused before any is made."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

Count = Annotated[int, Field(ge=0, le=2**53)]
Row = tuple[Count, Count, Count]
"""True positives, false positives and false negatives of one group of documents."""


class _Part(BaseModel):
    """A part of a cell file; what it holds besides is kept as it is."""

    model_config = ConfigDict(extra="allow", strict=True)


class _Score(_Part):
    f1: FiniteFloat | None


class _LabelCounts(_Part):
    tp: Count
    fp: Count
    fn: Count


class _Scores(_Part):
    token: _Score
    strict: _Score
    span: _Score
    merged: _Score
    token_per_label: dict[str, _LabelCounts] = {}


class _Models(_Part):
    gold: _Scores
    synthetic: _Scores


class _Groups(_Part):
    gold: list[Row]
    synthetic: list[Row]

    @model_validator(mode="after")
    def _of_the_same_documents(self) -> Self:
        if not self.gold or len(self.gold) != len(self.synthetic):
            raise ValueError("both models need the counts of the same groups")
        return self


class _Statistics(_Part):
    token: _Groups
    strict: _Groups
    span: _Groups
    merged: _Groups


class _Axes(_Part):
    adaptation_fraction: FiniteFloat
    annotator_fraction: FiniteFloat
    synthetic_volume: FiniteFloat | None
    base_model: str
    encoder: str
    arm: str
    fold: Count | None
    seed: int


class _Documents(_Part):
    __pydantic_extra__: dict[str, Count | None]

    annotator: Count
    adaptation: Count
    synthetic: Count | None


class _Keys(_Part):
    __pydantic_extra__: dict[str, str]

    gold: str


class _Recall(_Part):
    recall: FiniteFloat | None = None


class _Memorization(_Part):
    train: _Recall = _Recall()
    held_out: _Recall = _Recall()


class _Reported(_Part):
    table: int
    language: str
    note: str | None = None


class CellFile(_Part):
    """The parts of a cell file that are read."""

    study: str
    cell: str
    budget: str
    test: str
    axes: _Axes
    documents: _Documents
    models: _Models
    statistics: _Statistics
    keys: _Keys
    memorization: _Memorization | None = None
    reported: _Reported | None = None
    language: str | None = None
    seed: int | None = None
    folds: int | None = None
    about: str | None = None
    origin: str = "real"
    versions: dict[str, str | None] = {}

    @property
    def n_groups(self) -> tuple[int, ...]:
        """The number of groups of test documents, by measure: the same in all cells with one ``test``."""
        counts = self.statistics
        return tuple(len(each.gold) for each in (counts.token, counts.strict, counts.span, counts.merged))
