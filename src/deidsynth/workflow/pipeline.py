"""The whole pipeline: a corpus and a configuration in; models, a synthetic corpus and a report out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deidsynth import stages as package
from deidsynth.config import RunConfig, parse
from deidsynth.corpora import (
    read_jsonl,
)
from deidsynth.documents import Document
from deidsynth.errors import InputError
from deidsynth.metrics import Scores
from deidsynth.progress import Progress, SilentProgress
from deidsynth.progress_bars import listener_of
from deidsynth.report.content import RunReport
from deidsynth.report.document import render_html
from deidsynth.stages.specification import StageSpec
from deidsynth.workflow.executors.launched import refuse_several_processes
from deidsynth.workflow.executors.workers import Workers
from deidsynth.workflow.pipeline_plan import SYNTHETIC_CORPUS, TEST_FOLDER
from deidsynth.workflow.plan import Plan
from deidsynth.workflow.predictions import ERRORS_PAGE, write_errors_page
from deidsynth.workflow.preparation import check_places, check_store, output_folder, prepare_run, store_folder
from deidsynth.workflow.results import NodeResult, Surroundings
from deidsynth.workflow.run_folder import Publication, RunFolder
from deidsynth.workflow.scheduler import check_nodes, execute
from deidsynth.workflow.store import Artifact, Store
from deidsynth.workflow.summary import report_source, summarize

N_SHOWN_NOTES, N_LEAST_CERTAIN_NOTES = 12, 6


@dataclass(frozen=True, slots=True)
class RunResult:
    """The result of a run.

    Args:
        folder: the run folder, with ``report.html``.
        report: the content of ``report.json``.
        results: of all nodes of the plan, in order.
        unchanged: whether all artifacts already existed and nothing was computed.
    """

    folder: Path
    report: RunReport
    results: list[NodeResult]
    unchanged: bool

    @property
    def gold(self) -> Scores:
        """Scores of the model trained on gold notes."""
        return self.report.models.gold

    @property
    def synthetic(self) -> Scores:
        """Scores of the model trained only on synthetic notes."""
        return self.report.models.synthetic


def run(
    config: RunConfig | Mapping[str, Any],
    *,
    progress: bool | Progress = True,
    stages: Mapping[str, StageSpec] | None = None,
    device: str = "auto",
    workers: int = 1,
    extend: Callable[[Plan], Plan] = lambda plan: plan,
) -> RunResult:
    """Run the pipeline on an annotated corpus: models, a synthetic corpus and a report. Existing artifacts are reused.

    Args:
        config: the configuration, or the keys of one; ``corpus.path`` is required.
        progress: bars by default, False for silence, or a listener.
        stages: stages to use instead of the package's own, by name.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        workers: processes that run independent stages in parallel; the threads are divided among them.
        extend: gives the plan that is run, such as one with more nodes; it must keep those of the pipeline.

    Raises:
        ConfigError: no corpus, no language, or settings that contradict each other.
        InputError: several processes were launched, or the output folder or the store is not writable.
        CorpusError: the corpus has errors.
        ModelNotFoundError: a base model or an encoder does not exist.
        ModelNotUsableError: a method of adaptation does not work on the device.
        OutputInUseError: another run is using the output folder.
        StorageError: the disk is full; finished stages are kept for the next run.
    """
    refuse_several_processes()
    if not isinstance(config, RunConfig):
        config = parse(RunConfig, config, source="run")
    listener = listener_of(progress)
    check_places(config)
    if config.corpus.path is not None:
        RunFolder(output_folder(config)).check_free()
    prepared = prepare_run(config, device, listener)
    folder, store = RunFolder(output_folder(config)), Store(store_folder(config))
    plan, stages = extend(prepared.plan), package.STAGES if stages is None else stages
    check_store(plan, plan.keys(stages), store, "--output" if config.store is None else "--store")
    check_nodes(plan, store, stages, prepared.device)
    with folder.claim():
        folder.write_plan(_planned(plan, stages), store)
        folder.write_config(prepared.config)
        outcome = execute(
            plan,
            store,
            stages,
            sources=prepared.sources,
            surroundings=Surroundings(prepared.device, listener),
            run_pass=Workers(workers) if workers > 1 else None,
            shards=workers,
        )
        results = list(outcome.results.values())
        artifacts = {result.name: result.artifact for result in results}
        published = folder.publish(_publications(plan, artifacts, stages), store=store, artifacts=artifacts)
        made_from = report_source(prepared.config, artifacts)
        is_current = folder.has_report(made_from)
        if published or not is_current or not folder.has(ERRORS_PAGE):
            write_errors_page(folder.path, prepared.config.corpus.language or "")
        if is_current:
            unchanged = not published and all(result.status == "cached" for result in results)
            return RunResult(folder.path, folder.report(), results, unchanged)
        report = summarize(
            prepared.config, plan, results, stages, prepared.device, gaps_in_guarantee=prepared.gaps_in_guarantee
        )
        folder.write_report(report, _render(folder, report), made_from)
        return RunResult(folder.path, report, results, unchanged=False)


def _planned(plan: Plan, stages: Mapping[str, StageSpec]) -> dict[str, dict[str, str]]:
    """Stage and key of every node."""
    keys = plan.keys(stages)
    return {node.name: {"stage": node.stage, "key": keys[node.name]} for node in plan.order()}


def _publications(plan: Plan, artifacts: Mapping[str, Artifact], stages: Mapping[str, StageSpec]) -> list[Publication]:
    """The outputs that the nodes of a plan publish in the run folder."""
    return [
        Publication(
            target,
            artifacts[node.name],
            plan.stage_of(node, stages).outputs[output],
            private=Path(target).parts[0] == TEST_FOLDER,
        )
        for node in plan
        for output, target in node.published.items()
    ]


def preview(
    config: RunConfig,
    *,
    stages: Mapping[str, StageSpec] | None = None,
    device: str = "auto",
    progress: Progress | None = None,
) -> list[dict[str, Any]]:
    """The steps of a run, in order: ``name``, ``stage``, ``key`` and whether the artifact is ``present``.

    Args:
        config: the configuration.
        stages: as for ``run``.
        device: as for ``run``.
        progress: gets the warnings that the run would begin with.

    Raises:
        ConfigError: no corpus, or no language.
        CorpusError: the corpus has errors.
    """
    plan = prepare_run(config, device, progress or SilentProgress()).plan
    store, keys = Store(store_folder(config)), plan.keys(package.STAGES if stages is None else stages)
    return [
        {
            "name": node.name,
            "stage": node.stage,
            "key": keys[node.name],
            "present": store.has(keys[node.name], node.stage),
        }
        for node in plan.order()
    ]


def render_report(path: Path) -> Path:
    """The path of ``report.html``, rendered again from the content of the run folder.

    Raises:
        InputError: no run folder, or the run is not finished.
        OutputInUseError: a run is using the folder.
    """
    folder = RunFolder(path)
    report = folder.report()
    with folder.claim():
        folder.write_report(report, _render(folder, report), folder.record().report or "")
        if (path / TEST_FOLDER).is_dir():
            write_errors_page(path, report.language)
    return path / "report.html"


def _render(folder: RunFolder, report: RunReport) -> str:
    shown, least_certain = shown_notes(folder.path, report)
    return render_html(report, shown, least_certain)


def shown_notes(folder: Path, report: RunReport) -> tuple[list[Document], list[Document]]:
    """The synthetic documents that a report shows, all of which passed the check for verbatim training text.

    Returns:
        Up to twelve, spread over the corpus; and up to six others whose entities have the lowest scores, lowest first.

    Raises:
        InputError: the run folder has no synthetic corpus.
    """
    place = folder / SYNTHETIC_CORPUS
    if not place.is_file():
        raise InputError(f"{place}: missing; run again to publish it")
    corpus = read_jsonl(place, language=report.language)
    passed = [index for index in report.memorization.shown if index < len(corpus)]
    count = min(N_SHOWN_NOTES, len(passed))
    spread = [passed[position * len(passed) // count] for position in range(count)]
    scored = []
    for index in sorted(set(passed) - set(spread)):
        scores = [each.score for each in corpus[index].entities if each.score is not None]
        if scores:
            scored.append((min(scores), index))
    lowest = [index for _, index in sorted(scored)[:N_LEAST_CERTAIN_NOTES]]
    return [corpus[index] for index in spread], [corpus[index] for index in lowest]
