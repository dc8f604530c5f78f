"""Configuration of the privacy audit."""

from __future__ import annotations

from pydantic import Field

from deidsynth.config.parsing import StageConfig
from deidsynth.config.paths import Location
from deidsynth.config.surrogates import Kind, Language


class AuditConfig(StageConfig):
    """The privacy audit: synthetic corpus and models against training and held-out groups."""

    enabled: bool | None = Field(
        None, description="whether a run makes an audit; by default it does, and the cells of a study do not"
    )
    gate: Location | None = Field(
        None, description="tolerances of the measures, a YAML file; by default those of the package (docs/audit.md)"
    )
    base: Location | None = Field(
        None,
        description="model that the audited language model was adapted from (a name, a hub id or a folder), which says "
        "how hard a text is; by default n-grams of the other documents do",
    )
    language: Language = Field(
        None, description="language of the sentences around names, for taggers; by default the corpus's language"
    )
    labels: dict[str, Kind] = Field({}, description="kind of value for labels, laid over corpus.labels; see there")
