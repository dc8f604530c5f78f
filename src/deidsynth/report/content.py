"""The content of ``report.json``: counts and scores of a run, never text of a corpus."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, ConfigDict, PlainSerializer, PlainValidator

from deidsynth.documents import Annotation, Origin
from deidsynth.errors import IntegrityError, OtherVersionError
from deidsynth.metrics import Scores
from deidsynth.privacy.audit.figures import Kind, Verdict
from deidsynth.report import formats

SCHEMA_VERSION: Final = 4

AUDIT_SCHEMA_VERSION: Final = 1

Number = int | float
Box = Literal["corpus", "adapt", "synthesize", "annotate", "train_gold", "train_synthetic", "evaluate"]
"""A box in the diagram of the pipeline."""


def _scores(given: Scores | Mapping[str, Any]) -> Scores:
    return given if isinstance(given, Scores) else Scores.from_dict(given)


ModelScores = Annotated[Scores, PlainValidator(_scores), PlainSerializer(Scores.to_dict)]


class Content(BaseModel):
    """Base class of all parts of the report."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Models(Content):
    """Scores of both models on the same held-out documents."""

    gold: ModelScores
    synthetic: ModelScores


class Gaps(Content):
    """F1 of the synthetic model minus that of the gold model; None if either is undefined."""

    strict_f1: float | None
    token_f1: float | None


Ends = tuple[float, float] | None
"""Low and high of a figure; None if the test notes do not allow an interval."""


class RatioIntervals(Content):
    """Intervals of the ratios of one measure."""

    precision: Ends
    recall: Ends
    f1: Ends


class Uncertainty(Content):
    """Intervals by resampling the test documents, by group.

    Args:
        gold: of the gold model, by measure.
        synthetic: of the synthetic model, by measure.
        difference: of the differences in F1, resampled in pairs.
        level: confidence.
        n_resamples: number of resamples.
        seed: of the resamples.
        n_groups: groups of test documents, which are what is drawn.
    """

    gold: dict[str, RatioIntervals]
    synthetic: dict[str, RatioIntervals]
    difference: dict[Literal["strict_f1", "token_f1"], Ends]
    level: float
    n_resamples: int
    seed: int
    n_groups: int


class StageEntry(Content):
    """One stage of the run.

    Args:
        name: of the node in the plan.
        stage: name of the stage.
        key: of the artifact.
        status: ``done`` if it was computed by this run, ``cached`` if it existed.
        duration_seconds: time of its computation, now or then.
        facts: counts and rates reported by the stage.
        title: in the report.
        box: its box in the diagram; None for none.
        fact_titles: titles of facts whose name is not clear enough.
        headline: names of the most important facts.
    """

    name: str
    stage: str
    key: str
    status: Literal["done", "cached"]
    duration_seconds: float
    facts: dict[str, Any]
    title: str
    box: Box | None
    fact_titles: dict[str, str]
    headline: tuple[str, ...]

    def fact_title(self, name: str) -> str:
        """The title of a fact."""
        return self.fact_titles.get(name) or formats.title(name)


class Quantiles(Content):
    """The distribution of a number over documents."""

    min: Number
    p25: Number
    median: Number
    p75: Number
    max: Number
    mean: Number


class LabelFigures(Content):
    """Counts of the entities of one label."""

    count: int
    median_chars: Number


class CorpusFigures(Content):
    """Counts, lengths and labels of a corpus, from `deidsynth.corpora.describe`."""

    origin: Origin
    annotation: Annotation
    language: str | None
    n_documents: int
    n_groups: int
    n_chars: int
    n_words: int
    n_entities: int
    n_documents_without_entities: int
    chars: Quantiles | None
    words: Quantiles | None
    entities: Quantiles | None
    labels: dict[str, LabelFigures]


class Corpora(Content):
    """The splits of the gold corpus, and the synthetic corpus."""

    train: CorpusFigures
    validation: CorpusFigures
    test: CorpusFigures
    synthetic: CorpusFigures


class SharedGroups(Content):
    """Numbers of groups with documents in both the test split and a split used for training."""

    train_test: int
    validation_test: int


class NgramRecall(Content):
    """N-gram recall of a set of notes in the synthetic notes."""

    n: int
    recall: float | None
    recall_occurrences: float | None
    n_reference: int
    n_found: int
    n_reference_occurrences: int
    n_found_occurrences: int


class Memorization(Content):
    """Training text that reappears in the synthetic text, compared with held-out text."""

    n: int
    train: NgramRecall
    held_out: NgramRecall
    n_notes_checked: int
    n_notes_passing: int
    max_run_words: int
    min_groups: int
    min_entity_characters: int
    n_notes_with_long_runs: int
    n_notes_with_rare_entities: int
    shown: tuple[int, ...]


class SideCounts(Content):
    """Numbers of groups whose notes were used and of groups held out."""

    train: int
    held_out: int


class AuditMeasure(Content):
    """One measure of the privacy audit with its verdict; the fields are those of `privacy.audit.figures`."""

    name: str
    of: str
    kind: Kind
    train: float | None
    held_out: float | None
    difference: float | None
    interval: Ends
    level: float
    n: SideCounts
    detectable: float | None
    tolerance: Ends
    verdict: Verdict
    why: str


class AuditSummary(Content):
    """The privacy audit of a run: what ``audit.json`` holds, without the details of measures and without fidelity."""

    verdict: Verdict
    why: str
    n_groups: SideCounts
    removed: dict[str, int]
    not_run: dict[str, str]
    measures: tuple[AuditMeasure, ...]

    @classmethod
    def of(cls, audit: Mapping[str, Any]) -> Self:
        """The summary of an audit.

        Args:
            audit: as in ``audit.json``.

        Raises:
            OtherVersionError: it was written by another version of deidsynth.
            IntegrityError: it is damaged.
        """
        if audit.get("schema_version") != AUDIT_SCHEMA_VERSION:
            raise OtherVersionError(
                f"the audit has another schema version, this deidsynth reads {AUDIT_SCHEMA_VERSION}; audit again"
            )
        try:
            measures = [{name: each[name] for name in AuditMeasure.model_fields} for each in audit["measures"]]
            rest = {name: audit[name] for name in cls.model_fields if name != "measures"}
            return cls.model_validate({**rest, "measures": measures})
        except (KeyError, TypeError, ValueError):
            raise IntegrityError("the audit is not readable; audit again") from None


class RunReport(Content):
    """A finished run.

    Args:
        schema_version: of this content.
        models: scores of both models.
        difference: score of the synthetic model minus that of the gold model.
        uncertainty: intervals of these scores.
        stages: in the order of the plan.
        corpora: descriptions of the corpora.
        shared_groups: groups shared with the test split, which may make the scores too high.
        curves: training curves, by name of the node; ``NAME_pretraining`` for its task-adaptive pretraining.
        memorization: training text in the synthetic text.
        audit: the privacy audit; None if there was none.
        gaps_in_guarantee: why the synthetic notes are not private although the language model is; empty for none.
        language: of the notes.
        origin: of the gold notes.
        created: UTC, ISO 8601.
        versions: of the packages.
        device: of the computation.
        config: the resolved configuration, without paths.
    """

    schema_version: Literal[4] = SCHEMA_VERSION
    models: Models
    difference: Gaps
    uncertainty: Uncertainty
    stages: tuple[StageEntry, ...]
    corpora: Corpora
    shared_groups: SharedGroups
    curves: dict[str, tuple[dict[str, Number | None], ...]]
    memorization: Memorization
    audit: AuditSummary | None
    gaps_in_guarantee: tuple[str, ...]
    language: str
    origin: Literal["real", "invented"]
    created: str
    versions: dict[str, str | None]
    device: str
    config: dict[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON."""
        return self.model_dump(mode="json")

    def to_json(self) -> str:
        """The text of ``report.json``."""
        return json.dumps(self.to_dict(), indent=2, allow_nan=False) + "\n"

    @classmethod
    def read(cls, path: Path) -> Self:
        """The report from a file.

        Raises:
            FileNotFoundError: the file does not exist.
            OtherVersionError: it was written by another version of deidsynth.
            IntegrityError: it is damaged.
        """
        damaged = IntegrityError(f"{path}: not readable; remove it and run again")
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            version = data["schema_version"]
        except FileNotFoundError:
            raise
        except (OSError, ValueError, KeyError, TypeError, RecursionError):
            raise damaged from None
        if version != SCHEMA_VERSION:
            raise OtherVersionError(
                f"{path}: schema version {version}, this deidsynth reads {SCHEMA_VERSION}; run again to render it"
            )
        try:
            return cls.model_validate(data)
        except ValueError:
            raise damaged from None
