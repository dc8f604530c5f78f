"""All configurations. Unknown keys are rejected, and all problems are reported at once."""

from deidsynth.config.audit import AuditConfig
from deidsynth.config.detection import Detection
from deidsynth.config.endpoint import EndpointConfig
from deidsynth.config.layout import (
    ColumnsLayout,
    InlineLayout,
    LayoutConfig,
    TableLayout,
)
from deidsynth.config.parsing import (
    ConfigType,
    StageConfig,
    apply_settings,
    dump,
    load_data,
    merge,
    parse,
)
from deidsynth.config.policy import Action, DateShift, Policy, Scope
from deidsynth.config.private import ADAPTATION_ONLY, PrivateConfig
from deidsynth.config.resolve import resolve_adapt, resolve_pseudonymize, resolve_run, resolve_synthesize, resolve_train
from deidsynth.config.resolve_private import gaps_in_guarantee
from deidsynth.config.resolved import (
    ResolvedAdaptConfig,
    ResolvedPseudonymizeConfig,
    ResolvedRun,
    ResolvedTrainConfig,
)
from deidsynth.config.run import (
    CorpusConfig,
    RunConfig,
)
from deidsynth.config.sampling import FilterConfig, PromptConfig, Share, SynthesizeConfig
from deidsynth.config.stages import (
    AdaptConfig,
    AnnotateConfig,
    AnnotateInlineConfig,
    EvaluateConfig,
    FoldConfig,
    Fraction,
    LoraConfig,
    MemorizationConfig,
    Precision,
    PseudonymizeConfig,
    ScratchCausalConfig,
    ScratchEncoderConfig,
    SelectConfig,
    SplitConfig,
    TaskAdaptivePretrainingConfig,
    TrainConfig,
)
from deidsynth.config.study import (
    Axes,
    ReportedConfig,
    StudyConfig,
)
from deidsynth.config.surrogates import LabelKinds

__all__ = [
    "ADAPTATION_ONLY",
    "Action",
    "AdaptConfig",
    "AnnotateConfig",
    "AnnotateInlineConfig",
    "AuditConfig",
    "Axes",
    "ColumnsLayout",
    "ConfigType",
    "CorpusConfig",
    "DateShift",
    "Detection",
    "EndpointConfig",
    "EvaluateConfig",
    "FilterConfig",
    "FoldConfig",
    "Fraction",
    "InlineLayout",
    "LabelKinds",
    "LayoutConfig",
    "LoraConfig",
    "MemorizationConfig",
    "Policy",
    "Precision",
    "PrivateConfig",
    "PromptConfig",
    "PseudonymizeConfig",
    "ReportedConfig",
    "ResolvedAdaptConfig",
    "ResolvedPseudonymizeConfig",
    "ResolvedRun",
    "ResolvedTrainConfig",
    "RunConfig",
    "Scope",
    "ScratchCausalConfig",
    "ScratchEncoderConfig",
    "SelectConfig",
    "Share",
    "SplitConfig",
    "StageConfig",
    "StudyConfig",
    "SynthesizeConfig",
    "TableLayout",
    "TaskAdaptivePretrainingConfig",
    "TrainConfig",
    "apply_settings",
    "dump",
    "gaps_in_guarantee",
    "load_data",
    "merge",
    "parse",
    "resolve_adapt",
    "resolve_pseudonymize",
    "resolve_run",
    "resolve_synthesize",
    "resolve_train",
]
