"""An audit of a recipe: it is run twice, on random halves of the training groups with roles swapped.

In one run a group is trained on and in the other one held out, so the two sides are the same groups. What comes out is
evidence on the recipe, since the synthetic corpora of the halves are not those that are released.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from deidsynth.config import RunConfig
from deidsynth.corpora import read_jsonl
from deidsynth.documents import Corpus
from deidsynth.files import write_atomically, write_json
from deidsynth.privacy.audit.auditing import judged_audit
from deidsynth.privacy.audit.fidelity import fidelity
from deidsynth.privacy.audit.figures import OF_HALVES, Measured
from deidsynth.privacy.audit.gate import Tolerances
from deidsynth.privacy.audit.pooling import pooled
from deidsynth.progress import Progress, SilentProgress
from deidsynth.report.audit_page import render_audit
from deidsynth.stages.artifacts import AUDIT, AUDIT_PAGE, CORPUS
from deidsynth.workflow.alone import refuse_occupied
from deidsynth.workflow.pipeline import RunResult, run
from deidsynth.workflow.pipeline_plan import NodeName
from deidsynth.workflow.store import Artifact

FOLDERS = ("half-1", "half-2")
"""The two run folders, beside the audit of both."""

_ON_THE_PAGE = (
    "Design",
    "The recipe was run twice, on random halves of the patients with roles swapped: the notes of every patient were "
    "used in one run and held out in the other. This is evidence on the recipe; what is released has its own audit.",
)


def audit_halves(
    config: RunConfig, output: Path, *, progress: Progress | None = None, device: str = "auto"
) -> dict[str, Any]:
    """The audit of a recipe, as ``audit.json`` has it: two runs on halves of the training groups, judged together.

    The runs stay in ``half-1`` and ``half-2`` of the output folder, with one store; a second call goes on where the
    first was stopped. Validation documents give the prompts of both runs, and the test documents of the corpus are not
    read.

    Args:
        config: of the run. Its seed of the split determines the halves; where its output is does not matter.
        output: folder for the two runs, ``audit.json`` and ``audit.html``.
        progress: listener for progress.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.

    Raises:
        InputError: the folder has something else in it, or as for `run`.
        ConfigError: as for `run`.
        CorpusError: as for `run`, or too few groups.
    """
    tolerances = Tolerances.read(config.audit.gate)
    if not (output / FOLDERS[0]).is_dir():
        refuse_occupied(output)
    listener = progress or SilentProgress()
    halves = []
    for number, folder in enumerate(FOLDERS, start=1):
        listener.message(f"half {number} of {len(FOLDERS)}: {output / folder}")
        halves.append(_artifacts(run(_halved(config, number, output / folder), progress=listener, device=device)))
    audits = [json.loads((each[NodeName.AUDIT].path / AUDIT).read_text(encoding="utf-8")) for each in halves]
    described = fidelity(_joined(halves, NodeName.TRAIN), _joined(halves, NodeName.ANNOTATE), seed=config.seed)
    found = _pooled(audits, described, tolerances)
    write_json(output / AUDIT, found)
    write_atomically(output / AUDIT_PAGE, render_audit(found, title="Privacy audit of a recipe", facts=[_ON_THE_PAGE]))
    return found


def _halved(config: RunConfig, number: int, folder: Path) -> RunConfig:
    """The run on one half, with an audit."""
    changes = {
        "split": config.split.model_copy(update={"half": number}),
        "audit": config.audit.model_copy(update={"enabled": True}),
        "output": str(folder),
    }
    return config.model_copy(update=changes)


def _artifacts(result: RunResult) -> dict[str, Artifact]:
    return {each.name: each.artifact for each in result.results}


def _joined(halves: Sequence[Mapping[str, Artifact]], node: str) -> Corpus:
    """The documents of a node of both runs."""
    corpora = [read_jsonl(each[node].path / CORPUS) for each in halves]
    named = zip(FOLDERS, corpora, strict=True)
    return corpora[0].with_documents(
        replace(document, doc_id=f"{folder}/{document.doc_id}") for folder, corpus in named for document in corpus
    )


def _pooled(
    audits: Sequence[Mapping[str, Any]], described: Mapping[str, Any], tolerances: Tolerances
) -> dict[str, Any]:
    """Two audits as one."""
    first, second = ([Measured.from_dict(each) for each in audit["measures"]] for audit in audits)
    others = {(each.name, each.of): each for each in second}
    n_train, n_held_out = (sum(audit["n_groups"][side] for audit in audits) for side in ("train", "held_out"))
    removed = {reason: sum(audit["removed"][reason] for audit in audits) for reason in audits[0]["removed"]}
    found = judged_audit(
        [pooled(each, others[each.name, each.of]) for each in first],
        n=(n_train, n_held_out),
        removed=removed,
        described=described,
        tolerances=tolerances,
    )
    return found.to_dict() | {"design": OF_HALVES}
