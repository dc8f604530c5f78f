"""A run as plain data: nodes that name a stage, its configuration and the nodes it takes its inputs from.

A plan knows every key before anything runs. A study is many plans: nodes with equal keys are one artifact, whatever
the nodes are called.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from graphlib import CycleError, TopologicalSorter
from pathlib import Path
from typing import Any

from deidsynth.config import (
    AnnotateInlineConfig,
    FoldConfig,
    ResolvedRun,
    ResolvedTrainConfig,
    SelectConfig,
    StageConfig,
    SynthesizeConfig,
)
from deidsynth.digests import digest, file_digest, tree_digest
from deidsynth.errors import InputError
from deidsynth.starters import SCRATCH, Kind, find
from deidsynth.workflow.store import artifact_key

IMPORT = "import"
"""The stage that takes a corpus from outside; its artifact holds ``documents.jsonl`` and ``parts.json``."""

IMPORT_VERSION = 1

UNLABELED = "unlabeled"
"""The node that takes texts without labels from outside, for the gold model alone."""

SOURCE_TEXT_STAGES = frozenset({IMPORT, "select"})
"""The stages whose artifacts hold the text of the source itself."""


@dataclass(frozen=True, slots=True)
class DataShares:
    """How much of the training part two stages get, and which fold it is of.

    Args:
        adaptation: share that the language model is adapted to, in [0, 1]; 0 takes the base model as it is.
        annotator: share that the gold model is trained on, in (0, 1].
        fold: None for the corpus' own parts.
    """

    adaptation: float = 1.0
    annotator: float = 1.0
    fold: FoldConfig | None = None


EVERYTHING = DataShares()
"""All training documents for both, and the corpus' own parts."""


@dataclass(frozen=True, slots=True)
class Node:
    """One artifact to be: a stage, its configuration and inputs.

    Args:
        name: any string that is unique in its plan; no part of the key.
        stage: name of the stage.
        config: resolved configuration, plain JSON.
        inputs: name of another node, by role.
        seed: None where there is no chance in the stage.
        precision: ``fp32`` or ``bf16``; None where the stage does not compute with it.
        source_digest: digest of the content, for a node that takes it from outside.
        real_source: whether that content is real; unknown counts as real.
        external: digest of what a path in ``config`` leads to, by dotted key; in the key it stands in for the path.
    """

    name: str
    stage: str
    config: Mapping[str, Any] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None
    precision: str | None = None
    source_digest: str | None = None
    real_source: bool = True
    external: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Plan:
    """Nodes without a cycle.

    Raises:
        InputError: a name twice, an input that is no node, or a cycle.
    """

    nodes: tuple[Node, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "nodes", tuple(self.nodes))
        if len(self._by_name) != len(self.nodes):
            raise InputError("the plan names a node twice; give each node its own name")
        for node in self.nodes:
            for role, name in node.inputs.items():
                if name not in self._by_name:
                    raise InputError(f"{node.name}: input {role} is {name}, which is no node of the plan")
        _ = self._order

    def __iter__(self) -> Iterator[Node]:
        return iter(self.nodes)

    def __len__(self) -> int:
        return len(self.nodes)

    def __getitem__(self, name: str) -> Node:
        return self._by_name[name]

    @cached_property
    def _by_name(self) -> dict[str, Node]:
        return {node.name: node for node in self.nodes}

    @cached_property
    def _order(self) -> tuple[str, ...]:
        sorter: TopologicalSorter[str] = TopologicalSorter()
        for node in self.nodes:
            sorter.add(node.name, *node.inputs.values())
        try:
            return tuple(sorter.static_order())
        except CycleError as error:
            raise InputError(f"the plan has a cycle: {' <- '.join(error.args[1])}") from None

    def order(self) -> list[Node]:
        """The nodes, inputs before what needs them; the same for equal plans."""
        return [self._by_name[name] for name in self._order]

    def keys(self, versions: Mapping[str, int]) -> dict[str, str]:
        """The key of every node, by name, in order.

        Args:
            versions: version of each stage, by its name.

        Raises:
            InputError: a stage of the plan is not among ``versions``.
        """
        known = {IMPORT: IMPORT_VERSION, **versions}
        keys: dict[str, str] = {}
        for node in self.order():
            if node.stage not in known:
                raise InputError(f"{node.name}: no stage named {node.stage}; known: {', '.join(sorted(known))}")
            keys[node.name] = artifact_key(
                stage=node.stage,
                stage_version=known[node.stage],
                config=node.config,
                seed=node.seed,
                precision=node.precision,
                inputs={role: keys[name] for role, name in node.inputs.items()},
                source=node.source_digest,
                external=node.external,
            )
        return keys

    def ancestors(self, name: str) -> list[Node]:
        """The nodes that a node goes back to, itself left out, in order."""
        found: set[str] = set()
        front = list(self._by_name[name].inputs.values())
        while front:
            current = front.pop()
            if current not in found:
                found.add(current)
                front.extend(self._by_name[current].inputs.values())
        return [node for node in self.order() if node.name in found]


def merge(plans: Iterable[Plan]) -> Plan:
    """The nodes of several plans in one; nodes of one name must be equal.

    Raises:
        InputError: two plans mean different nodes by one name.
    """
    nodes: dict[str, Node] = {}
    for plan in plans:
        for node in plan:
            if nodes.setdefault(node.name, node) != node:
                raise InputError(f"{node.name}: two plans mean different nodes by this name; rename one of them")
    return Plan(tuple(nodes.values()))


def lineage(plan: Plan, name: str, keys: Mapping[str, str]) -> dict[str, list[dict[str, Any]]]:
    """Which data from outside an artifact goes back to: ``real_data`` and ``invented_data``, one entry a source.

    Args:
        plan: the plan of the node.
        name: name of the node.
        keys: key of every node of the plan.

    Returns:
        For each source its key; ``direct``, whether the artifact or one of its inputs holds the source's own text;
        ``via``, the stages between source and artifact; ``parts``, the parts of the corpus that were used.
    """
    node, above = plan[name], plan.ancestors(name)
    result: dict[str, list[dict[str, Any]]] = {"real_data": [], "invented_data": []}
    for source in [*above, node]:
        if source.source_digest is None:
            continue
        on_path = [each for each in above if source in (each, *plan.ancestors(each.name))]
        touching = [each for each in on_path if each.name in node.inputs.values()]
        entry = {
            "source": keys[source.name],
            "direct": any(each.stage in SOURCE_TEXT_STAGES for each in [node, *touching]),
            "via": list(dict.fromkeys(each.stage for each in on_path)),
            "parts": sorted({each.config["part"] for each in [*on_path, node] if "part" in each.config}),
        }
        result["real_data" if source.real_source else "invented_data"].append(entry)
    return result


def pipeline_plan(
    config: ResolvedRun,
    *,
    source_digest: str,
    real: bool,
    texts_digest: str | None = None,
    shares: DataShares = EVERYTHING,
) -> Plan:
    """The plan of the whole pipeline on one corpus.

    Args:
        config: the run, resolved.
        source_digest: content digest of the corpus.
        real: whether its text is real.
        texts_digest: content digest of texts without labels for the gold model, where there are any.
        shares: how much of the training part is for whom; by default all for both.
    """

    def stage(
        name: str, stage: str, settings: StageConfig, external: Mapping[str, str] | None = None, **inputs: str
    ) -> Node:
        plain = settings.model_dump(mode="json")
        return Node(name, stage, plain, inputs, config.seed, precision, external=external or {})

    language, precision = config.corpus.language, config.precision
    selects, adaptation, annotator = _selects(config, shares)
    texts = {} if texts_digest is None else {"texts": UNLABELED}
    imported = {"language": language}
    more = [Node(UNLABELED, IMPORT, imported, source_digest=texts_digest, real_source=real)] if texts else []
    gold, synthetic, synthesize = config.train, config.train_synthetic, _without_agreement(config.synthesize)
    scoring = {"annotate": config.annotate.model_dump(mode="json")}
    # Notes are shown by their place in the published corpus, from which disagreement leaves some out.
    checked = "annotate" if config.synthesize.annotations == "agreement" else "synthesize"
    overlap = {"texts": checked, "train": adaptation or "select-train", "held_out": "select-test"}
    adapted = {"train": adaptation} if adaptation else {}
    base = _model("base", config.adapt.base, "causal")
    return Plan(
        (
            Node("import", IMPORT, imported, source_digest=source_digest, real_source=real),
            *more,
            *selects,
            stage("gold", "train", gold, _encoder(gold), corpus=annotator, **texts),
            Node("evaluate-gold", "evaluate", scoring, _model_on_test("gold"), config.seed, precision),
            stage("adapt", "adapt" if adaptation else "base", config.adapt, base, **adapted),
            stage(
                "synthesize", "synthesize", synthesize, _sampling(synthesize),
                model="adapt", prompts="select-validation", train=adaptation or "select-validation",
            ),
            *_annotation(config, precision),
            stage("synthetic", "train", synthetic, _encoder(synthetic), corpus="annotate"),
            Node("evaluate-synthetic", "evaluate", scoring, _model_on_test("synthetic"), config.seed, precision),
            Node("memorization", "memorization", config.memorization.model_dump(mode="json"), overlap),
        )
    )  # fmt: skip


def _without_agreement(config: SynthesizeConfig) -> SynthesizeConfig:
    """The configuration of sampling, in which it makes no difference what is left out afterwards."""
    if config.annotations == "machine":
        return config
    plain = SynthesizeConfig.model_fields["agreement"].default
    return config.model_copy(update={"annotations": "inline", "agreement": plain})


def _annotation(config: ResolvedRun, precision: str) -> list[Node]:
    """The node ``annotate``, whose corpus the synthetic model is trained on, and what it needs beside the texts."""
    asked, texts = config.synthesize.annotations, {"texts": "synthesize"}
    machine = "annotate" if asked == "machine" else "annotate-machine"
    plain = config.annotate.model_dump(mode="json")
    by_machine = Node(machine, "annotate", plain, {**texts, "model": "gold"}, config.seed, precision)
    if asked == "machine":
        return [by_machine]
    least = config.synthesize.agreement if asked == "agreement" else None
    inline = AnnotateInlineConfig(agreement=least).model_dump(mode="json")
    if least is None:
        return [Node("annotate", "annotate-inline", inline, texts)]
    return [by_machine, Node("annotate", "annotate-inline", inline, {**texts, "machine": machine})]


def _selects(config: ResolvedRun, shares: DataShares) -> tuple[list[Node], str | None, str]:
    """The nodes that select documents, and which of them are for adaptation (None: none) and for the annotator."""

    def select(name: str, part: str, fraction: float = 1.0) -> Node:
        settings = SelectConfig.model_validate(
            {"part": part, "split": config.split, "fraction": fraction, "fold": shares.fold}
        )
        return Node(name, "select", settings.model_dump(mode="json"), {"corpus": "import"}, config.split.seed)

    nodes = [select(f"select-{part}", part) for part in ("validation", "test")]
    constrained = {"select-adaptation": shares.adaptation, "select-annotator": shares.annotator}
    if any(share in (0.0, 1.0) for share in constrained.values()):
        nodes.insert(0, select("select-train", "train"))
    nodes += [select(name, "train", share) for name, share in constrained.items() if 0.0 < share < 1.0]
    adaptation = "select-adaptation" if shares.adaptation < 1.0 else "select-train"
    annotator = "select-annotator" if shares.annotator < 1.0 else "select-train"
    return nodes, adaptation if shares.adaptation > 0.0 else None, annotator


def _model_on_test(model: str) -> dict[str, str]:
    return {"model": model, "corpus": "select-test"}


def _sampling(config: SynthesizeConfig) -> dict[str, str]:
    """The digests of a file of prompts, and of what a server is asked for, wherever it is and however often asked."""
    found = _local("prompts.file", config.prompts.file)
    if config.endpoint.base_url is not None:
        asked = config.endpoint.model_dump(mode="json", include={"model", "takes", "empty_prompt"})
        found["endpoint"] = digest(asked)
    return found


def _encoder(config: ResolvedTrainConfig) -> dict[str, str]:
    return _model("encoder", config.encoder, "encoder")


def _model(dotted: str, name: str, kind: Kind) -> dict[str, str]:
    """The digest of a starter or of a local folder; nothing for a hub id or ``scratch``."""
    if name == SCRATCH:
        return {}
    starter = find(name, kind)
    return _local(dotted, name) if starter is None else {dotted: starter.digest}


def _local(dotted: str, value: str | None) -> dict[str, str]:
    """The digest of what a configured path leads to; nothing where it leads nowhere."""
    if value is None:
        return {}
    path = Path(value).expanduser()
    if path.is_dir():
        return {dotted: tree_digest(path)}
    return {dotted: file_digest(path)} if path.is_file() else {}
