"""Preparation of a run: its corpus, resolved configuration, plan and folders."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deidsynth.config import (
    ADAPTATION_ONLY,
    CorpusConfig,
    ResolvedRun,
    RunConfig,
    TrainConfig,
    gaps_in_guarantee,
    resolve_run,
)
from deidsynth.corpora import LoadedCorpus, content_digest, make_splits, read_corpus, write_jsonl
from deidsynth.corpora.output import refuse_unwritable
from deidsynth.corpora.texts import read_texts, without
from deidsynth.documents import Corpus, Split
from deidsynth.errors import ConfigError, CorpusError, InputError
from deidsynth.models.inspection import inspect_folder
from deidsynth.progress import Progress
from deidsynth.stages.artifacts import DOCUMENTS, PARTS
from deidsynth.starters import SCRATCH, Kind, find
from deidsynth.workflow.language_support import language_warnings
from deidsynth.workflow.pipeline_plan import NodeName, pipeline_plan
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.results import Source
from deidsynth.workflow.store import Store
from deidsynth.workflow.summary import count_shared_groups


@dataclass(frozen=True, slots=True)
class PreparedRun:
    """A prepared run.

    Args:
        config: resolved, as in ``run.yaml``.
        plan: of the whole pipeline.
        sources: outside content of its nodes, by node name.
        device: resolved.
        gaps_in_guarantee: what a private adaptation does not cover.
    """

    config: RunConfig
    plan: Plan
    sources: Mapping[str, Source]
    device: str
    gaps_in_guarantee: Sequence[str] = ()


def prepare_run(config: RunConfig, device: str, listener: Progress) -> PreparedRun:
    """The prepared run on the corpus of its configuration.

    Args:
        config: as set by the user.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        listener: gets warnings about the corpus and its language.

    Raises:
        ConfigError: no corpus, no language, or settings that contradict each other.
        CorpusError: the corpus has errors.
        InputError: the configured unlabeled texts do not exist.
        ModelNotFoundError: a local model lacks weights that it names.
        ModelNotUsableError: the folder of a local model is damaged.
    """
    loaded = load(config.corpus)
    splits = make_splits(loaded.corpus, loaded.splits, config.split)
    for line in [*loaded.left_out(str(config.corpus.path)), *_shared_group_warnings(splits)]:
        listener.message(line)
    texts = _load_unlabeled(config, loaded, listener)
    device, precision = resolve_computing(device, config.precision)
    placed = config.model_copy(update={"output": str(output_folder(config))})
    corpus = loaded.corpus
    resolved = resolve_run(placed, language=corpus.language, precision=precision, origin=corpus.origin)
    refuse_one_group(splits["train"], resolved.train)
    _inspect_models(resolved)
    stages = (resolved.pseudonymize, resolved.adapt, resolved.synthesize, resolved.train, resolved.train_synthetic)
    for line in language_warnings(loaded.corpus, stages):
        listener.message(line)
    gaps = gaps_in_guarantee(resolved)
    for line in [f"warning: {ADAPTATION_ONLY}", *(f"  {gap}" for gap in gaps)] if gaps else []:
        listener.message(line)
    sources = {NodeName.IMPORT: import_source(loaded)}
    if texts is not None:
        sources[NodeName.UNLABELED] = import_source(texts)
    plan = pipeline_plan(
        resolved,
        source_digest=content_digest(loaded),
        origin=loaded.corpus.origin,
        texts_digest=None if texts is None else content_digest(texts),
        audited=resolved.audit.enabled is not False,
    )
    return PreparedRun(resolved.config(), plan, sources, device, gaps)


def _inspect_models(config: ResolvedRun) -> None:
    """Check the folders of local models; starters have digests, and what is on a hub is checked when it is loaded."""
    encoders = (config.train.encoder, config.train_synthetic.encoder)
    named: set[tuple[str, Kind]] = {(config.adapt.base, "causal"), *((encoder, "encoder") for encoder in encoders)}
    for name, kind in sorted(named):
        folder = Path(name).expanduser()
        if name != SCRATCH and find(name, kind) is None and folder.is_dir():
            inspect_folder(folder)


def load(config: CorpusConfig) -> LoadedCorpus:
    """The corpus of a configuration.

    Raises:
        ConfigError: the configuration names none, or its language is unknown.
        CorpusError: the corpus has errors.
    """
    if config.path is None:
        raise ConfigError(["corpus.path: no corpus; give one with --corpus PATH"])
    loaded = read_corpus(
        config.path,
        format=config.format,
        language=config.language,
        group_by=config.group_by,
        discontinuous=config.discontinuous,
        layout=config.layout,
        origin=config.origin,
        skip_invalid=config.skip_invalid,
    )
    if loaded.corpus.language is None:
        raise ConfigError(
            ["corpus.language: the corpus does not state its language; set it, for example with --language es"]
        )
    return loaded


def refuse_one_group(documents: Corpus, config: TrainConfig) -> None:
    """Refuse a training that holds documents out for validation where all are of one group.

    Raises:
        CorpusError: there is only one group.
    """
    needs_two = config.keep == "best" or config.target_recall is not None
    if needs_two and len({document.unit for document in documents}) < 2:
        raise CorpusError(
            "the documents that the gold model learns from are one group, but train.keep: best and "
            "train.target_recall need two; give more documents or groups, or use keep: last and no target"
        )


def _shared_group_warnings(splits: Mapping[Split, Corpus]) -> list[str]:
    """Warnings about the splits of the corpus, one line each."""
    counts = count_shared_groups(splits)
    return [
        f"warning: {count} group{'' if count == 1 else 's'} of documents occur{'s' if count == 1 else ''} in both "
        f"{left} and {right} of the corpus's own splits; the scores may be too high: keep each group in one split"
        for (left, right), count in counts.items()
        if count
    ]


def _load_unlabeled(config: RunConfig, loaded: LoadedCorpus, listener: Progress) -> LoadedCorpus | None:
    """The unlabeled texts of a configuration, without documents of the corpus that the run does not learn from.

    Raises:
        InputError: no such texts, or no texts left.
        CorpusError: they have errors.
    """
    path = config.corpus.unlabeled
    if path is None:
        return None
    corpus = loaded.corpus
    texts = read_texts(path, language=corpus.language, origin=corpus.origin)
    parts = make_splits(corpus, loaded.splits, config.split)
    used = {*parts["train"].doc_ids, *parts["validation"].doc_ids}
    kept = without(texts, corpus.filter(lambda document: document.doc_id not in used))
    if len(kept) < len(texts):
        listener.message(f"{path}: left out {len(texts) - len(kept)} texts that are test documents")
    if not len(kept):
        raise InputError(f"{path}: all texts are test documents; give other texts, or leave corpus.unlabeled out")
    return LoadedCorpus(kept, format="texts")


def output_folder(config: RunConfig) -> Path:
    """The run folder: as configured, else ``runs/`` and the name of the corpus."""
    if config.output is not None:
        return Path(config.output).expanduser()
    if config.corpus.path is None:
        raise ConfigError(["output: no run folder; give one with --output PATH"])
    path = Path(config.corpus.path).expanduser().resolve()
    name = path.name if path.is_dir() else path.stem
    return Path("runs") / (re.sub(r"[^\w.-]+", "-", name).strip("-.") or "corpus")


def store_folder(config: RunConfig) -> Path:
    """The store: as configured, else ``.deidsynth`` next to the run folder."""
    return Path(config.store).expanduser() if config.store is not None else output_folder(config).parent / ".deidsynth"


def check_places(config: RunConfig) -> None:
    """Check that the output can be written, before anything is read or loaded; of a store only if there is none yet."""
    if config.corpus.path is None:
        return
    refuse_unwritable(output_folder(config), "--output")
    if not store_folder(config).is_dir():
        refuse_unwritable(store_folder(config), "--output" if config.store is None else "--store")


def check_store(plan: Plan, keys: Mapping[str, str], store: Store, option: str = "--store") -> None:
    """Check that a store can be written, unless it has all artifacts of a plan: then it may be on a read-only disk.

    Raises:
        InputError: something has to be computed, and the store cannot be written.
    """
    if not all(store.has(keys[node.name], node.stage) for node in plan):
        refuse_unwritable(store.root, option)


def resolve_computing(device: str, precision: str) -> tuple[str, str]:
    """Device and precision with ``auto`` resolved."""
    if device == "cpu" and precision != "auto":
        return device, precision
    # Brings torch, which importing this module must not.
    from deidsynth.models.devices import resolve_device, resolve_precision

    device = resolve_device(device)
    return device, resolve_precision(precision, device)


def import_source(loaded: LoadedCorpus) -> Source:
    """A writer of the import artifact: the documents and their splits."""

    def write(output: Path) -> dict[str, Any]:
        write_jsonl(loaded.corpus, output / DOCUMENTS)
        (output / PARTS).write_text(json.dumps(dict(loaded.splits)), encoding="utf-8")
        return {
            "n_documents": len(loaded.corpus),
            "n_entities": loaded.corpus.n_entities,
            "format": loaded.format,
            "skipped": dict(loaded.skipped),
        }

    return write
