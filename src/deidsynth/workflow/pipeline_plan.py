"""The plan of the whole pipeline on one corpus."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from deidsynth.config import (
    AnnotateInlineConfig,
    EvaluateConfig,
    FoldConfig,
    ResolvedRun,
    ResolvedTrainConfig,
    SelectConfig,
    SynthesizeConfig,
)
from deidsynth.documents import Origin
from deidsynth.stages.adapt import ADAPT
from deidsynth.stages.annotate import ANNOTATE
from deidsynth.stages.annotate_inline import ANNOTATE_INLINE
from deidsynth.stages.audit import AUDIT, TAGGER
from deidsynth.stages.base import BASE
from deidsynth.stages.evaluate import EVALUATE
from deidsynth.stages.import_corpus import IMPORT, ImportConfig
from deidsynth.stages.memorization import MEMORIZATION
from deidsynth.stages.pseudonymize import PSEUDONYMIZE
from deidsynth.stages.select import SELECT
from deidsynth.stages.synthesize import SYNTHESIZE
from deidsynth.stages.train import TRAIN
from deidsynth.workflow.external import external_digests
from deidsynth.workflow.plan import Node, Plan


class NodeName:
    """Names of nodes of a run."""

    IMPORT = "import"
    UNLABELED = "unlabeled"
    TRAIN = "select-train"
    VALIDATION = "select-validation"
    TEST = "select-test"
    ADAPTATION = "select-adaptation"
    ANNOTATOR = "select-annotator"
    PSEUDONYMIZE = "pseudonymize"
    PSEUDONYMIZE_ANNOTATOR = "pseudonymize-annotator"
    ADAPT = "adapt"
    SYNTHESIZE = "synthesize"
    ANNOTATE = "annotate"
    SECOND_ANNOTATION = "annotate-machine"
    GOLD = "gold"
    SYNTHETIC = "synthetic"
    MEMORIZATION = "memorization"
    AUDIT = "audit"


SELECTED = {"train": NodeName.TRAIN, "validation": NodeName.VALIDATION, "test": NodeName.TEST}
"""Node of each split."""

EVALUATIONS = {NodeName.GOLD: "evaluate-gold", NodeName.SYNTHETIC: "evaluate-synthetic"}
"""Node that evaluates each model."""

TEST_FOLDER = "test"
"""Folder in the run folder for what holds test notes; it is private, file by file."""

TEST_NOTES = f"{TEST_FOLDER}/test.jsonl"
"""The test notes with gold entities, in the run folder."""

PREDICTIONS = {name: f"{TEST_FOLDER}/{name}/predictions.jsonl" for name in EVALUATIONS}
"""The test notes with the entities that each model predicted, in the run folder."""

SYNTHETIC_CORPUS = "synthetic/corpus.jsonl"
"""The synthetic notes, in the run folder."""

AUDIT_FILES = {"figures": "audit/audit.json", "page": "audit/audit.html"}
"""What the privacy audit leaves, in the run folder."""

MODEL_NODES = (NodeName.ADAPT, NodeName.GOLD, NodeName.SYNTHETIC)
"""Nodes that train a model."""


def model_place(name: str) -> str:
    """The folder of a model, in the run folder.

    Args:
        name: of its node.
    """
    return f"models/{name}"


@dataclass(frozen=True, slots=True)
class DataShares:
    """Shares of the training split for adaptation and annotator, and the fold.

    Args:
        adaptation: share used to adapt the language model, in [0, 1]; 0: the base model is not adapted.
        annotator: share used to train the gold model, in (0, 1].
        fold: None for the corpus's own splits.
    """

    adaptation: float = 1.0
    annotator: float = 1.0
    fold: FoldConfig | None = None


EVERYTHING = DataShares()
"""All training documents for both, with the corpus's own splits."""


def pipeline_plan(
    config: ResolvedRun,
    *,
    source_digest: str,
    origin: Origin,
    texts_digest: str | None = None,
    shares: DataShares = EVERYTHING,
    audited: bool = True,
) -> Plan:
    """The plan of the whole pipeline on one corpus.

    Args:
        config: the run, resolved.
        source_digest: content digest of the corpus.
        origin: of its text.
        texts_digest: content digest of unlabeled texts for the gold model, if any.
        shares: of the training split; by default all for both.
        audited: whether the privacy audit is part of it.
    """
    computing: dict[str, Any] = {"seed": config.seed, "precision": config.precision}
    selects, adaptation, annotator = _selects(config, shares)
    compared = adaptation or NodeName.VALIDATION
    pseudonymize, read, annotated = _pseudonymized(config, compared, annotator)
    imported = ImportConfig(language=config.corpus.language)
    texts = {} if texts_digest is None else {"texts": NodeName.UNLABELED}
    sources = [Node(NodeName.IMPORT, IMPORT.name, imported, source_digest=source_digest, origin=origin, box="corpus")]
    if texts:
        title = "Read unlabeled texts"
        sources.append(
            Node(NodeName.UNLABELED, IMPORT.name, imported, source_digest=texts_digest, origin=origin, title=title)
        )
    synthesize = _without_agreement(config.synthesize)
    # Notes are shown by their index in the published corpus, from which disagreement drops some.
    checked = NodeName.ANNOTATE if config.synthesize.annotations == "agreement" else NodeName.SYNTHESIZE
    return Plan(
        (
            *sources,
            *selects,
            *pseudonymize,
            _tagger(NodeName.GOLD, config.train, {"corpus": annotated, **texts}, "train_gold", computing),
            _evaluation(NodeName.GOLD, config, computing),
            Node(
                NodeName.ADAPT,
                ADAPT.name if adaptation else BASE.name,
                config.adapt,
                {"train": read} if adaptation else {},
                external=external_digests(config.adapt),
                box="adapt",
                published={"model": model_place("lm")},
                **computing,
            ),
            Node(
                NodeName.SYNTHESIZE,
                SYNTHESIZE.name,
                synthesize,
                {
                    "model": NodeName.ADAPT,
                    "prompts": NodeName.VALIDATION,
                    "train": read,
                },
                external=external_digests(synthesize),
                box="synthesize",
                **computing,
            ),
            *_annotation(config, computing),
            _tagger(
                NodeName.SYNTHETIC, config.train_synthetic, {"corpus": NodeName.ANNOTATE}, "train_synthetic", computing
            ),
            _evaluation(NodeName.SYNTHETIC, config, computing),
            Node(
                NodeName.MEMORIZATION,
                MEMORIZATION.name,
                config.memorization,
                {
                    "texts": checked,
                    "train": adaptation or NodeName.TRAIN,
                    "validation": NodeName.VALIDATION,
                    "held_out": NodeName.TEST,
                },
            ),
            *([_audit(config, adaptation, annotator, shares, computing)] if audited else []),
        )
    )


def _audit(
    config: ResolvedRun, adaptation: str | None, annotator: str, shares: DataShares, computing: Mapping[str, Any]
) -> Node:
    """The audit of what leaves: the synthetic corpus and the model trained on it.

    Its training documents are those of the language model or of the annotator: the larger of two nested shares.
    """
    settings = config.audit.model_copy(update={"enabled": True})
    return Node(
        NodeName.AUDIT,
        AUDIT.name,
        settings,
        {
            "synthetic": NodeName.ANNOTATE,
            "train": adaptation if adaptation is not None and shares.adaptation >= shares.annotator else annotator,
            "held_out": NodeName.TEST,
            f"{TAGGER}{NodeName.SYNTHETIC}": NodeName.SYNTHETIC,
        },
        external=external_digests(settings),
        published=AUDIT_FILES,
        **computing,
    )


def _pseudonymized(config: ResolvedRun, compared: str, annotator: str) -> tuple[list[Node], str, str]:
    """The nodes that replace entities, and the names of the nodes whose text is read.

    Args:
        config: the run.
        compared: the documents that the language model reads, and with which the filters compare its texts.
        annotator: the documents for the gold model.

    Returns:
        The nodes, and what takes the place of ``compared`` and of ``annotator``.
    """
    asked = config.pseudonymize
    if asked.mode == "never":
        return [], compared, annotator

    def node(name: str, documents: str, copies: int) -> Node:
        settings = asked.model_copy(update={"annotator": False, "copies": copies})
        return Node(name, PSEUDONYMIZE.name, settings, {"corpus": documents}, config.seed, box="adapt")

    nodes = [node(NodeName.PSEUDONYMIZE, compared, asked.copies)]
    if not asked.annotator:
        return nodes, NodeName.PSEUDONYMIZE, annotator
    if annotator == compared and asked.copies == 1:
        return nodes, NodeName.PSEUDONYMIZE, NodeName.PSEUDONYMIZE
    nodes.append(node(NodeName.PSEUDONYMIZE_ANNOTATOR, annotator, 1))
    return nodes, NodeName.PSEUDONYMIZE, NodeName.PSEUDONYMIZE_ANNOTATOR


def _tagger(
    name: str, config: ResolvedTrainConfig, inputs: Mapping[str, str], box: str, computing: Mapping[str, Any]
) -> Node:
    return Node(
        name,
        TRAIN.name,
        config,
        inputs,
        external=external_digests(config),
        title=f"Train the {name} model",
        box=box,
        published={"model": model_place(name)},
        **computing,
    )


def _evaluation(model: str, config: ResolvedRun, computing: Mapping[str, Any]) -> Node:
    return Node(
        EVALUATIONS[model],
        EVALUATE.name,
        EvaluateConfig(annotate=config.annotate),
        {"model": model, "corpus": NodeName.TEST},
        title=f"Score the {model} model",
        box="evaluate",
        published={"predictions": PREDICTIONS[model]},
        **computing,
    )


def _without_agreement(config: SynthesizeConfig) -> SynthesizeConfig:
    """The configuration of sampling, independent of what is dropped afterwards."""
    if config.annotations == "machine":
        return config
    plain = SynthesizeConfig.model_fields["agreement"].default
    return config.model_copy(update={"annotations": "inline", "agreement": plain})


def _annotation(config: ResolvedRun, computing: Mapping[str, Any]) -> list[Node]:
    """The node whose corpus the synthetic model is trained on, and the nodes that it needs besides the texts."""
    asked, texts = config.synthesize.annotations, {"texts": NodeName.SYNTHESIZE}
    shown: dict[str, Any] = {"box": "annotate"}
    published = {"corpus": SYNTHETIC_CORPUS}
    if asked == "machine":
        inputs = {**texts, "model": NodeName.GOLD}
        return [
            Node(NodeName.ANNOTATE, ANNOTATE.name, config.annotate, inputs, published=published, **shown, **computing)
        ]
    least = config.synthesize.agreement if asked == "agreement" else None
    second = (
        []
        if least is None
        else [
            Node(
                NodeName.SECOND_ANNOTATION,
                ANNOTATE.name,
                config.annotate,
                {**texts, "model": NodeName.GOLD},
                title="Annotate the synthetic notes with the gold model",
                **shown,
                **computing,
            )
        ]
    )
    machine = {} if least is None else {"machine": NodeName.SECOND_ANNOTATION}
    inline = AnnotateInlineConfig(agreement=least)
    taken = Node(NodeName.ANNOTATE, ANNOTATE_INLINE.name, inline, {**texts, **machine}, published=published, **shown)
    return [*second, taken]


def _selects(config: ResolvedRun, shares: DataShares) -> tuple[list[Node], str | None, str]:
    """The nodes that select documents, and the names of those for adaptation (None: none) and for the annotator."""

    def select(name: str, part: str, fraction: float = 1.0) -> Node:
        settings = SelectConfig.model_validate(
            {"part": part, "split": config.split, "fraction": fraction, "fold": shares.fold}
        )
        words = {"train": "training"}.get(part, part)
        return Node(
            name,
            SELECT.name,
            settings,
            {"corpus": NodeName.IMPORT},
            config.split.seed,
            title=f"Select {words} notes",
            box="corpus",
            published={"corpus": TEST_NOTES} if part == "test" else {},
        )

    nodes = [select(SELECTED[part], part) for part in ("validation", "test")]
    constrained = {NodeName.ADAPTATION: shares.adaptation, NodeName.ANNOTATOR: shares.annotator}
    if any(share in (0.0, 1.0) for share in constrained.values()):
        nodes.insert(0, select(NodeName.TRAIN, "train"))
    nodes += [select(name, "train", share) for name, share in constrained.items() if 0.0 < share < 1.0]
    adaptation = NodeName.ADAPTATION if shares.adaptation < 1.0 else NodeName.TRAIN
    annotator = NodeName.ANNOTATOR if shares.annotator < 1.0 else NodeName.TRAIN
    return nodes, adaptation if shares.adaptation > 0.0 else None, annotator
