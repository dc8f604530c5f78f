"""The whole pipeline as one call: a corpus and a configuration in; models, a synthetic corpus and a report out."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deidsynth import stages as package
from deidsynth.config import CorpusConfig, ResolvedRun, RunConfig, SplitConfig, resolve_run
from deidsynth.corpora import (
    LoadedCorpus,
    content_digest,
    make_splits,
    read_corpus,
    read_jsonl,
    write_jsonl,
)
from deidsynth.corpora.output import refuse_unwritable
from deidsynth.corpora.texts import read_texts, without
from deidsynth.documents import Document
from deidsynth.errors import ConfigError, InputError
from deidsynth.metrics import Scores
from deidsynth.progress import Progress, SilentProgress
from deidsynth.report.content import RunReport
from deidsynth.report.document import render_html
from deidsynth.stages.specification import StageSpec
from deidsynth.workflow.executors.launched import refuse_several_processes
from deidsynth.workflow.executors.workers import Workers
from deidsynth.workflow.pipeline_plan import NodeName, pipeline_plan
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.results import NodeResult, Source, Surroundings
from deidsynth.workflow.run_folder import Publication, RunFolder
from deidsynth.workflow.scheduler import check_nodes, execute
from deidsynth.workflow.store import Artifact, Store
from deidsynth.workflow.summary import count_shared_groups, report_source, summarize

N_SHOWN_NOTES = 12


@dataclass(frozen=True, slots=True)
class RunResult:
    """What a run gave.

    Args:
        folder: the run folder; ``report.html`` in it is for people.
        report: what the run says of itself, the content of ``report.json``.
        results: one for every node of the plan, in order.
        unchanged: whether everything was there already and nothing was done.
    """

    folder: Path
    report: RunReport
    results: list[NodeResult]
    unchanged: bool

    @property
    def gold(self) -> Scores:
        """Scores of the model trained on the gold notes."""
        return self.report.models.gold

    @property
    def synthetic(self) -> Scores:
        """Scores of the model trained on synthetic notes alone."""
        return self.report.models.synthetic


def run(
    config: RunConfig,
    *,
    progress: Progress | None = None,
    stages: Mapping[str, StageSpec] | None = None,
    device: str = "auto",
    workers: int = 1,
    extend: Callable[[Plan], Plan] = lambda plan: plan,
) -> RunResult:
    """Models, a synthetic corpus and a report from an annotated corpus; what is there already is not made again.

    Args:
        config: the configuration; ``corpus.path`` is needed.
        progress: who listens.
        stages: other stages than the package's own, by name.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        workers: processes that run independent stages at once; the threads are divided among them.
        extend: gives the plan that is run, such as one with further nodes; those of the pipeline have to be in it.

    Raises:
        ConfigError: no corpus, no language, or settings that contradict each other.
        InputError: several processes were launched, or the output folder or the store cannot be written in.
        CorpusError: the corpus has faults.
        ModelNotFoundError: a base model or an encoder is not there.
        ModelNotUsableError: a method of adaptation does not work on the device.
        OutputInUseError: another run is using the output folder.
        StorageError: the disk is full; run again when there is space, finished stages are kept.
    """
    refuse_several_processes()
    listener = progress or SilentProgress()
    _check_places(config)
    loaded = load(config.corpus)
    for line in _warnings(loaded, config.split):
        listener.message(line)
    texts = load_unlabeled(config, loaded, listener)
    device, precision = resolve_computing(device, config.precision)
    resolved = _settle(config, loaded, precision)
    settled = resolved.config()
    folder, store = RunFolder(output_folder(config)), Store(store_folder(config))
    plan, stages = extend(plan_run(resolved, loaded, texts)), package.STAGES if stages is None else stages
    check_nodes(plan, store, stages, device)
    with folder.claim():
        folder.write_config(settled)
        keys = plan.keys(stages)
        folder.write_plan({node.name: {"stage": node.stage, "key": keys[node.name]} for node in plan.order()}, store)
        sources = {NodeName.IMPORT: import_source(loaded)}
        if texts:
            sources[NodeName.UNLABELED] = import_source(texts)
        outcome = execute(
            plan,
            store,
            stages,
            sources=sources,
            surroundings=Surroundings(device, listener),
            run_pass=Workers(workers) if workers > 1 else None,
            shards=workers,
        )
        results = list(outcome.results.values())
        artifacts = {result.name: result.artifact for result in results}
        published = folder.publish(_publications(plan, artifacts, stages), store=store, artifacts=artifacts)
        made_from = report_source(settled, artifacts)
        if folder.has_report(made_from):
            unchanged = not published and all(result.status == "cached" for result in results)
            return RunResult(folder.path, folder.report(), results, unchanged)
        report = summarize(settled, plan, results, stages, device)
        folder.write_report(report, _render(folder, report), made_from)
        return RunResult(folder.path, report, results, unchanged=False)


def _publications(plan: Plan, artifacts: Mapping[str, Artifact], stages: Mapping[str, StageSpec]) -> list[Publication]:
    """What the nodes of a plan show in the run folder."""
    return [
        Publication(target, artifacts[node.name], plan.stage_of(node, stages).outputs[output])
        for node in plan
        for output, target in node.published.items()
    ]


def preview(
    config: RunConfig, *, stages: Mapping[str, StageSpec] | None = None, device: str = "auto"
) -> list[dict[str, Any]]:
    """What a run would do, in order: ``name``, ``stage``, ``key`` and whether the artifact is ``present``.

    Raises:
        ConfigError: no corpus, or no language.
        CorpusError: the corpus has faults.
    """
    loaded = load(config.corpus)
    _, precision = resolve_computing(device, config.precision)
    texts = load_unlabeled(config, loaded, SilentProgress())
    plan, store = plan_run(_settle(config, loaded, precision), loaded, texts), Store(store_folder(config))
    keys = plan.keys(package.STAGES if stages is None else stages)
    return [
        {
            "name": node.name,
            "stage": node.stage,
            "key": keys[node.name],
            "present": store.has(keys[node.name], node.stage),
        }
        for node in plan.order()
    ]


def load(config: CorpusConfig) -> LoadedCorpus:
    """The corpus that a configuration names.

    Raises:
        ConfigError: it names none, or its language is not known.
        CorpusError: the corpus has faults.
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
    )
    if loaded.corpus.language is None:
        raise ConfigError(["corpus.language: the corpus does not say its language; give it, such as --language es"])
    return loaded


def _warnings(loaded: LoadedCorpus, split: SplitConfig) -> list[str]:
    """What a user should know of the parts that the corpus names, one line each."""
    counts = count_shared_groups(make_splits(loaded.corpus, loaded.splits, split))
    return [
        f"warning: {count} group{'' if count == 1 else 's'} of documents stand{'s' if count == 1 else ''} in both "
        f"{left} and {right}, as the corpus parts them; the scores may be too good: keep each group in one part"
        for (left, right), count in counts.items()
        if count
    ]


def load_unlabeled(config: RunConfig, loaded: LoadedCorpus, listener: Progress) -> LoadedCorpus | None:
    """The texts without labels that a configuration names, less those that are test documents.

    Raises:
        InputError: nothing there, or no texts left.
        CorpusError: faults in them.
    """
    path = config.corpus.unlabeled
    if path is None:
        return None
    corpus = loaded.corpus
    texts = read_texts(path, language=corpus.language, origin=corpus.origin)
    kept = without(texts, make_splits(corpus, loaded.splits, config.split)["test"])
    if len(kept) < len(texts):
        listener.message(f"{path}: left out {len(texts) - len(kept)} texts that are test documents")
    if not len(kept):
        raise InputError(f"{path}: every text is a test document; give other texts, or leave corpus.unlabeled out")
    return LoadedCorpus(kept, format="texts")


def plan_run(config: ResolvedRun, loaded: LoadedCorpus, texts: LoadedCorpus | None = None) -> Plan:
    """The plan of a run on a loaded corpus, perhaps with texts without labels."""
    corpus = loaded.corpus
    return pipeline_plan(
        config,
        source_digest=content_digest(loaded),
        origin=corpus.origin,
        texts_digest=None if texts is None else content_digest(texts),
    )


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
    """The store: as configured, else ``.deidsynth`` beside the run folder."""
    return Path(config.store).expanduser() if config.store is not None else output_folder(config).parent / ".deidsynth"


def _check_places(config: RunConfig) -> None:
    """Find out before anything is read or loaded whether there is a place for what the run makes."""
    if config.corpus.path is None:
        return
    refuse_unwritable(output_folder(config), "--output")
    RunFolder(output_folder(config)).check_free()
    refuse_unwritable(store_folder(config), "--output" if config.store is None else "--store")


def _settle(config: RunConfig, loaded: LoadedCorpus, precision: str) -> ResolvedRun:
    """The run, resolved."""
    placed = config.model_copy(update={"output": str(output_folder(config))})
    return resolve_run(placed, language=loaded.corpus.language, precision=precision)


def resolve_computing(device: str, precision: str) -> tuple[str, str]:
    """Device and precision with ``auto`` found out."""
    if device == "cpu" and precision != "auto":
        return device, precision
    # Only now, because it brings torch: importing this package must not.
    from deidsynth.models.devices import resolve_device, resolve_precision

    device = resolve_device(device)
    return device, resolve_precision(precision, device)


def import_source(loaded: LoadedCorpus) -> Source:
    """A writer of the import artifact: ``documents.jsonl`` and ``parts.json``."""

    def write(output: Path) -> dict[str, Any]:
        write_jsonl(loaded.corpus, output / "documents.jsonl")
        (output / "parts.json").write_text(json.dumps(dict(loaded.splits)), encoding="utf-8")
        return {
            "n_documents": len(loaded.corpus),
            "n_entities": loaded.corpus.n_entities,
            "format": loaded.format,
            "skipped": dict(loaded.skipped),
        }

    return write


def render_report(path: Path) -> Path:
    """The path of ``report.html``, made anew from what the run folder holds.

    Raises:
        InputError: no run folder, or the run is not finished.
        OutputInUseError: a run is using the folder.
    """
    folder = RunFolder(path)
    report = folder.report()
    with folder.claim():
        folder.write_report(report, _render(folder, report), folder.record().report or "")
    return path / "report.html"


def _render(folder: RunFolder, report: RunReport) -> str:
    return render_html(report, shown_notes(folder.path, report))


def shown_notes(folder: Path, report: RunReport) -> list[Document]:
    """Up to twelve synthetic documents that passed the check for verbatim training text, spread over the corpus.

    Raises:
        InputError: the run folder has lost its synthetic corpus.
    """
    place = folder / "synthetic" / "corpus.jsonl"
    if not place.is_file():
        raise InputError(f"{place}: missing; run again to publish it anew")
    corpus = read_jsonl(place, language=report.language)
    passed = [index for index in report.memorization.shown if index < len(corpus)]
    count = min(N_SHOWN_NOTES, len(passed))
    return [corpus[passed[position * len(passed) // count]] for position in range(count)]
