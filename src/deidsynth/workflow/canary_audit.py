"""An audit with canaries: the adaptation of a run once more, with planted texts, in a twin that nobody releases."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from deidsynth.config import ResolvedAdaptConfig, ResolvedCanariesConfig, RunConfig
from deidsynth.files import write_json
from deidsynth.privacy.audit.figures import Measured
from deidsynth.privacy.audit.gate import Tolerances, judge
from deidsynth.progress import Progress, SilentProgress
from deidsynth.stages import STAGES
from deidsynth.stages.artifacts import CANARIES as FIGURES
from deidsynth.stages.canaries import CANARIES
from deidsynth.workflow.alone import refuse_occupied
from deidsynth.workflow.pipeline_plan import NodeName
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.preparation import prepare_run
from deidsynth.workflow.results import Surroundings
from deidsynth.workflow.scheduler import check_nodes, execute
from deidsynth.workflow.store import Store

STORE = ".deidsynth"
"""The store, in the output folder: what was computed before a kill is not computed again."""


def audit_canaries(
    config: RunConfig, output: Path, *, n_canaries: int, progress: Progress | None = None, device: str = "auto"
) -> dict[str, Any]:
    """The measure with canaries, as ``canaries.json`` has it: a lower bound of epsilon by right guesses, and exposure.

    The twin reads what the language model of the run reads, with its settings, and is not kept.

    Args:
        config: of the run. Where its output is does not matter.
        output: folder for the store and ``canaries.json``.
        n_canaries: planted texts, of which a coin inserts half.
        progress: listener for progress.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        InputError: the folder has something else in it, or as for `run`.
        ConfigError: as for `run`.
        CorpusError: as for `run`.
    """
    if not (output / STORE).is_dir():
        refuse_occupied(output)
    tolerances = Tolerances.read(config.audit.gate)
    listener = progress or SilentProgress()
    prepared = prepare_run(config.model_copy(update={"output": str(output), "store": None}), device, listener)
    adapt = prepared.plan[NodeName.ADAPT]
    assert isinstance(adapt.config, ResolvedAdaptConfig)
    twin = Node(
        CANARIES.name,
        CANARIES.name,
        ResolvedCanariesConfig(adapt=adapt.config, n_canaries=n_canaries),
        {"train": adapt.inputs["train"]},
        seed=adapt.seed,
        precision=adapt.precision,
        external={f"adapt.{key}": value for key, value in adapt.external.items()},
    )
    plan, store = Plan((*prepared.plan.ancestors(NodeName.ADAPT), twin)), Store(output / STORE)
    check_nodes(plan, store, STAGES, prepared.device)
    sources = {name: source for name, source in prepared.sources.items() if name in {node.name for node in plan}}
    outcome = execute(plan, store, STAGES, sources=sources, surroundings=Surroundings(prepared.device, listener))
    path = outcome.results[CANARIES.name].artifact.path / FIGURES
    found = judge(Measured.from_dict(json.loads(path.read_text(encoding="utf-8"))), tolerances).to_dict()
    write_json(output / FIGURES, found)
    return found
