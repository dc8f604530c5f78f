"""The stages of the pipeline: input artifacts in, one output artifact out. Importing this package loads no model."""

from __future__ import annotations

from types import MappingProxyType

from deidsynth.stages.adapt import ADAPT
from deidsynth.stages.annotate import ANNOTATE
from deidsynth.stages.annotate_inline import ANNOTATE_INLINE
from deidsynth.stages.audit import AUDIT
from deidsynth.stages.base import BASE
from deidsynth.stages.canaries import CANARIES
from deidsynth.stages.evaluate import EVALUATE
from deidsynth.stages.import_corpus import GIVEN_CORPUS, GIVEN_MODEL, IMPORT
from deidsynth.stages.memorization import MEMORIZATION
from deidsynth.stages.pseudonymize import PSEUDONYMIZE
from deidsynth.stages.select import SELECT
from deidsynth.stages.specification import StageContext, StageSpec
from deidsynth.stages.synthesize import SYNTHESIZE
from deidsynth.stages.train import TRAIN

STAGES = MappingProxyType(
    {
        spec.name: spec
        for spec in (
            IMPORT, GIVEN_CORPUS, GIVEN_MODEL, SELECT, PSEUDONYMIZE, BASE, ADAPT, SYNTHESIZE, TRAIN, ANNOTATE,
            ANNOTATE_INLINE, EVALUATE, MEMORIZATION, AUDIT, CANARIES,
        )
    }
)  # fmt: skip
"""All stages by name."""

__all__ = ["STAGES", "StageContext", "StageSpec"]
