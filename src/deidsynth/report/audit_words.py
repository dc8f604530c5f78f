"""The words of an audit: ``audit_words.yaml``, and a measure in a sentence for somebody who is no statistician."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Literal

from pydantic import ValidationError

from deidsynth.config import load_data
from deidsynth.errors import IntegrityError
from deidsynth.privacy.audit.figures import LEAST_DIFFERENCE, VALIDITY
from deidsynth.report import formats
from deidsynth.report.content import AuditMeasure, Content

FILE = Path(__file__).parent / "audit_words.yaml"

Question = Literal["singling_out", "linkability", "inference"]
ArtifactName = Literal["synthetic_corpus", "synthetic_tagger", "gold_tagger", "language_model"]

USUAL = ("", "synthetic", "gold", "tagger", "lm")
"""What is measured where nothing else is said: the models of a run, the only tagger of an audit."""

FEW = 0.02
"""Below this share, a sentence speaks of 1,000 patients instead of 100."""


class QuestionWords(Content):
    """One of the three questions, and what it means."""

    title: str
    asks: str
    definition: str


class Answer(Content):
    """Which measures answer a question about an artifact.

    Args:
        measures: without one of which the question is open.
        optional: that are evidence if they were run.
        gap: what they leave open, as a sentence.
    """

    measures: tuple[str, ...]
    optional: tuple[str, ...] = ()
    gap: str

    @property
    def evidence(self) -> tuple[str, ...]:
        """All of these measures."""
        return (*self.measures, *self.optional)


class ArtifactWords(Content):
    """What may be released."""

    title: str
    from_: str
    answers: dict[Question, Answer]


class MeasureWords(Content):
    """A measure: the attack, what the attacker holds, a sentence for its figures, and its definition."""

    title: str
    attack: str
    holds: str
    sentence: str
    definition: str
    n_words: int | None = None


class AuditWords(Content):
    """The content of ``audit_words.yaml``."""

    questions: dict[Question, QuestionWords]
    artifacts: dict[ArtifactName, ArtifactWords]
    measures: dict[str, MeasureWords]

    def of(self, name: str) -> MeasureWords:
        """The words of a measure; for one that is not known here, its name."""
        return self.measures.get(name) or MeasureWords(
            title=formats.title(name).capitalize(), attack="", holds="", sentence="", definition=""
        )


@cache
def words() -> AuditWords:
    """The words of all pages.

    Raises:
        IntegrityError: the file of this package is damaged.
    """
    try:
        return AuditWords.model_validate(load_data(FILE))
    except ValidationError as error:
        raise IntegrityError(f"{FILE}: {error.error_count()} faults; install deidsynth again") from None


def artifact_of(measure: AuditMeasure) -> ArtifactName | None:
    """The artifact that a measure is about; None for the check of the comparison and for what is not known here."""
    if measure.name == "tagger_membership":
        return "gold_tagger" if measure.of == "gold" else "synthetic_tagger"
    for name, artifact in words().artifacts.items():
        if any(measure.name in answer.evidence for answer in artifact.answers.values()):
            return name
    return None


def title_of(measure: AuditMeasure) -> str:
    """The title of a measure, with what was measured if that needs to be said."""
    title = words().of(measure.name).title
    return title if measure.of in USUAL else f"{title} ({measure.of})"


def sentence_of(measure: AuditMeasure) -> str:
    """The figures of a measure in a sentence; empty if it has none."""
    if measure.train is None:
        return ""
    known = words().of(measure.name)
    values: Mapping[str, object]
    if measure.kind == "share" and measure.held_out is not None:
        of, train, held_out = _of_patients(measure.train, measure.held_out)
        values = {"of": of, "train_have": _have(train), "held_out_have": _have(held_out), "n_words": known.n_words}
    elif measure.kind == "auc":
        values = {"train": _short(100 * measure.train)}
    else:
        claim = measure.held_out
        told = "no bound was claimed" if claim is None else f"the claim is that it is at most {_short(claim)}"
        values = {"train": _short(measure.train), "claim": told}
    return known.sentence.format_map(values)


def _of_patients(train: float, held_out: float) -> tuple[str, str, str]:
    """Two shares as numbers of 100 patients, or of 1,000 if both are small; with a decimal where it matters."""
    of = 100 if max(train, held_out) >= FEW or not max(train, held_out) else 1000
    counts = train * of, held_out * of
    rough = [round(count) for count in counts]
    alike = rough[0] == rough[1] and abs(counts[0] - counts[1]) >= 0.05
    shown = [f"{count:.1f}" if alike or 0 < count < 1 else f"{count:.0f}" for count in counts]
    return formats.count(of), shown[0], shown[1]


def _have(count: str) -> str:
    return f"{count} has" if count == "1" else f"{count} have" if count != "0" else "none has"


def _short(value: float) -> str:
    """A number with at most one decimal."""
    return f"{value:.1f}".removesuffix(".0")


def difference_sentence(measure: AuditMeasure) -> str:
    """The difference of a measure, its interval, what is tolerated and what may go unseen; empty without a figure."""
    if measure.kind == "epsilon" or measure.difference is None:
        return ""
    within = [f"{level_of(measure)} interval {points_interval(measure.interval)}"] if measure.interval else []
    if (tolerance := tolerance_of(measure)) != formats.DASH:
        within.append(f"tolerated {tolerance}")
    told = f" ({'; '.join(within)})" if within else ""
    unseen = ""
    if measure.verdict == "pass" and measure.detectable is not None:
        unseen = f" A leak below {_plain(measure.detectable)} points may go unseen."
    return f"Difference: {points(measure.difference)} points of 100{told}.{unseen}"


def level_of(measure: AuditMeasure) -> str:
    """The confidence of the interval of a measure."""
    return f"{100 * measure.level:.0f}{formats.THIN}%"


def tolerance_of(measure: AuditMeasure) -> str:
    """What is tolerated, in points of 100 or as an epsilon; a dash if that is not known."""
    if measure.tolerance is None:
        return formats.DASH
    if measure.name == VALIDITY:
        return "an interval with 0"
    lower, upper = measure.tolerance
    if measure.kind == "epsilon":
        return "no more than the claim" if upper == 0 else f"{formats.difference(upper)} at most"
    if lower <= LEAST_DIFFERENCE[measure.kind]:
        return f"{points(upper)} at most"
    return f"\N{PLUS-MINUS SIGN}{_plain(upper)}" if -lower == upper else points_interval(measure.tolerance)


def _plain(difference: float) -> str:
    """The size of a difference in points of 100, without a decimal that is 0."""
    return _short(abs(100 * difference))


def points(difference: float | None) -> str:
    """A difference of shares or of AUCs in points of 100, signed, with one decimal.

    >>> points(0.0123), points(-0.2), points(None)
    ('+1.2', '−20.0', '–')
    """
    if difference is None:
        return formats.DASH
    shown = f"{abs(100 * difference):.1f}"
    return shown if float(shown) == 0 else ("+" if difference > 0 else formats.MINUS) + shown


def points_interval(ends: tuple[float, float] | None) -> str:
    """The ends of an interval of such a difference.

    >>> points_interval((-0.05, 0.012))
    '−5.0 to +1.2'
    """
    return formats.DASH if ends is None else f"{points(ends[0])} to {points(ends[1])}"
