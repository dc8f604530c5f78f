"""The audit of a synthetic corpus: all measures of its text, and the verdict over them and over those of models."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, get_args

from deidsynth.config.surrogates import Kind
from deidsynth.documents import Corpus, Document
from deidsynth.privacy.audit.fidelity import fidelity
from deidsynth.privacy.audit.figures import Audit, Measured, MeasureName
from deidsynth.privacy.audit.gate import Tolerances, conclude, judge
from deidsynth.privacy.audit.linkage import linkage
from deidsynth.privacy.audit.matching import EXACT, NORMALIZED, UniqueValues
from deidsynth.privacy.audit.rare_values import rare_values, rare_values_normalized
from deidsynth.privacy.audit.sides import Sides, sides_of
from deidsynth.privacy.audit.text_membership import text_membership
from deidsynth.privacy.audit.validity import validity
from deidsynth.privacy.audit.verbatim import verbatim

NAMES: tuple[MeasureName, ...] = get_args(MeasureName)

NOT_RUN: Mapping[MeasureName, str] = {
    "language_model_membership": "no language model was given; it is needed only where the language model is to leave",
    "tagger_membership": "no tagger was given; it is needed only where a tagger is to leave",
    "canaries": "they need a twin run with inserted canaries, which is never released",
}
"""Why a measure may be missing."""


def measure_text(
    sides: Sides, synthetic: Iterable[Document], *, labels: Mapping[str, Kind] | None = None, seed: int = 1
) -> list[Measured]:
    """All measures of the synthetic text, and whether the sides can be compared at all.

    Args:
        sides: training and held-out groups.
        synthetic: the synthetic documents, read several times: a corpus or a stream of one.
        labels: kind of value for labels, beside those that the package knows.
        seed: of what is drawn.
    """
    exact, normalized = (UniqueValues(sides, writing, labels).found_among(synthetic) for writing in (EXACT, NORMALIZED))
    return [
        validity(sides, seed=seed),
        rare_values(exact),
        rare_values_normalized(normalized),
        *verbatim(sides, synthetic),
        linkage(normalized),
        text_membership(sides, synthetic),
    ]


def audit(
    synthetic: Corpus,
    train: Corpus,
    held_out: Corpus,
    *,
    tolerances: Tolerances | None = None,
    seed: int = 1,
) -> Audit:
    """The audit of a synthetic corpus, without any model.

    Args:
        synthetic: what is to be released.
        train: the documents it was made from.
        held_out: documents that gave no text, no prompt and no threshold.
        tolerances: by default those of the package.
        seed: of what is drawn.
    """
    sides = sides_of(train, held_out)
    return concluded(
        sides, measure_text(sides, synthetic, seed=seed), train, synthetic, tolerances=tolerances, seed=seed
    )


def concluded(
    sides: Sides,
    measured: Sequence[Measured],
    train: Corpus,
    synthetic: Corpus,
    *,
    tolerances: Tolerances | None = None,
    seed: int = 1,
) -> Audit:
    """Measures with their verdicts, and the verdict over all.

    Args:
        sides: what was compared.
        measured: all measures, in any order; validity is one of them.
        train: the training documents, for fidelity.
        synthetic: the synthetic documents, for fidelity.
        tolerances: by default those of the package.
        seed: of what is drawn.
    """
    n = len(sides.train), len(sides.held_out)
    described = fidelity(train, synthetic, seed=seed)
    return judged_audit(measured, n=n, removed=sides.removed, described=described, tolerances=tolerances)


def judged_audit(
    measured: Sequence[Measured],
    *,
    n: tuple[int, int],
    removed: Mapping[str, int],
    described: Mapping[str, Any],
    tolerances: Tolerances | None = None,
) -> Audit:
    """Measures with their verdicts, and the verdict over all.

    Args:
        measured: all measures, in any order; validity is one of them.
        n: training groups and held-out groups that were compared.
        removed: what was taken out before, by reason: counts.
        described: fidelity.
        tolerances: by default those of the package.
    """
    limits = tolerances or Tolerances.default()
    ordered = sorted(measured, key=lambda each: (NAMES.index(each.name), each.of))
    judged = tuple(judge(each, limits) for each in ordered)
    verdict, why = conclude(judged)
    done = {each.name for each in measured}
    return Audit(
        verdict,
        judged,
        why,
        *n,
        removed,
        {name: NOT_RUN[name] for name in NAMES if name not in done and name in NOT_RUN},
        described,
    )
