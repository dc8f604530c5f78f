"""The steps of the pipeline: thin; input artifacts in, one output artifact out."""

from __future__ import annotations

from types import MappingProxyType

from deidsynth.stages.adapt import Adapt
from deidsynth.stages.annotate import Annotate
from deidsynth.stages.annotate_inline import AnnotateInline
from deidsynth.stages.base import Base
from deidsynth.stages.evaluate import Evaluate
from deidsynth.stages.memorization import Memorization
from deidsynth.stages.select import Select
from deidsynth.stages.stage import Stage, StageContext
from deidsynth.stages.synthesize import Synthesize
from deidsynth.stages.train import Train

_ALL: tuple[Stage, ...] = (
    Select(), Base(), Adapt(), Synthesize(), Train(), Annotate(), AnnotateInline(), Evaluate(), Memorization(),
)  # fmt: skip

STAGES = MappingProxyType({stage.name: stage for stage in _ALL})
"""Every stage by its name."""

__all__ = ["STAGES", "Stage", "StageContext"]
