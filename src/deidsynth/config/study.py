"""Configuration of a study: a run configuration and the axes that vary it."""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import BeforeValidator, Field, model_validator

from deidsynth.config.parsing import StageConfig
from deidsynth.config.paths import Location

Axis = Literal[
    "adaptation_fraction", "annotator_fraction", "synthetic_volume", "base_model", "encoder", "arm", "fold", "seed"
]
AXES: tuple[str, ...] = get_args(Axis)


def _listed(value: Any) -> Any:
    return value if value is None or isinstance(value, list) else [value]


Adapted = Annotated[float, Field(ge=0.0, le=1.0)]
Trained = Annotated[float, Field(gt=0.0, le=1.0)]
Volume = Annotated[float, Field(gt=0.0, le=1_000_000)]
Arm = Literal["machine", "inline", "agreement"]
Fold = Annotated[int, Field(ge=1)]
Seed = Annotated[int, Field(ge=0)]


class Axes(StageConfig):
    """Axes of a study; a single value is a list of one."""

    adaptation_fraction: Annotated[list[Adapted] | None, BeforeValidator(_listed)] = Field(
        None, description="shares of the training documents used to adapt the language model; 0: not adapted"
    )
    annotator_fraction: Annotated[list[Trained] | None, BeforeValidator(_listed)] = Field(
        None, description="shares of the training documents used to train the annotator (the gold model)"
    )
    synthetic_volume: Annotated[list[Volume] | None, BeforeValidator(_listed)] = Field(
        None, description="numbers of synthetic documents, as multiples of the training documents"
    )
    base_model: Annotated[list[Location] | None, BeforeValidator(_listed)] = Field(None, description="adapt.base")
    encoder: Annotated[list[Location] | None, BeforeValidator(_listed)] = Field(
        None, description="train.encoder of both the gold and the synthetic model"
    )
    arm: Annotated[list[Arm] | None, BeforeValidator(_listed)] = Field(
        None, description="synthesize.annotations: the source of the silver entities"
    )
    fold: Annotated[list[Fold] | None, BeforeValidator(_listed)] = Field(
        None, description="numbers of the folds, from 1; by default all"
    )
    seed: Annotated[list[Seed] | None, BeforeValidator(_listed)] = Field(
        None, description="seeds of training and sampling"
    )

    @model_validator(mode="after")
    def _values_differ(self) -> Axes:
        for name, values in self.given().items():
            if not values:
                raise ValueError(f"{name}: no values; add some, or leave the axis out")
            if len(set(values)) < len(values):
                raise ValueError(f"{name}: duplicate value")
        return self

    def given(self) -> dict[str, list[Any]]:
        """The axes that are set, with their values."""
        return {name: getattr(self, name) for name in AXES if getattr(self, name) is not None}


class ReportedConfig(StageConfig):
    """The published table that a study replicates."""

    table: int = Field(ge=1, le=5, description="number in study/reported.yaml")
    language: str = Field(description="ISO 639-1 code")
    note: str | None = Field(None, description="what distinguishes the table otherwise, such as the corpus")


class StudyConfig(StageConfig):
    """A study: runs that differ along the axes."""

    name: str | None = Field(None, description="by default the file name")
    about: str | None = Field(None, description="one or two sentences for the report")
    base: dict[str, Any] | Location = Field(
        default_factory=dict, description="the run configuration, or the path of one relative to the study file"
    )
    axes: Axes = Axes()
    zip: list[list[Axis]] = Field(
        default_factory=list, description="axes that vary together, value by value, instead of in all combinations"
    )
    cells: list[Axes] = Field(
        default_factory=list,
        description="explicit cells; axes that a cell does not set are taken from axes, in all combinations",
    )
    folds: int | None = Field(
        None,
        ge=2,
        le=1000,
        description="number of folds for cross-validation by group, instead of the corpus's own splits",
    )
    folds_of: Literal["corpus", "train"] = Field("corpus", description="documents that are split into folds")
    budget: Literal["epochs", "steps"] = Field(
        "epochs", description="what all arms keep equal: epochs (as in the paper) or optimizer steps"
    )
    reported: ReportedConfig | None = Field(None, description="published figures to compare with")

    @model_validator(mode="after")
    def _axes_fit(self) -> StudyConfig:
        given = self.axes.given()
        seen: set[str] = set()
        for together in self.zip:
            lengths = {name: len(given.get(name, ())) for name in together}
            if len(together) < 2 or len(set(lengths.values())) > 1 or 0 in lengths.values():
                counts = ", ".join(f"{name} {length}" for name, length in lengths.items())
                raise ValueError(f"zip: expected at least two axes with equally many values, got {counts}")
            if seen & set(together):
                raise ValueError("zip: duplicate axis")
            seen |= set(together)
        for number, cell in enumerate(self.cells, start=1):
            for together in self.zip:
                named = [name for name in together if name in cell.given()]
                if named and len(named) < len(together):
                    raise ValueError(f"cells: cell {number} names {named[0]}, so it must set all axes of that zip")
        asked = {fold for axes in (self.axes, *self.cells) for fold in axes.fold or ()}
        if asked and (self.folds is None or max(asked) > self.folds):
            raise ValueError(
                f"fold: fold {max(asked)} was requested; set folds to the number of folds, at least that many"
            )
        return self
