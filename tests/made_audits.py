"""Audits of runs that nobody made, as ``audit.json`` and its page."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from shutil import copyfile, copytree, rmtree
from typing import Any, get_args

from deidsynth.digests import file_digest, tree_digest
from deidsynth.privacy.audit.figures import Audit, Judged, Kind, Measured, MeasureName, Verdict
from deidsynth.stages.artifacts import CORPUS, MODEL
from deidsynth.stages.audit import TAGGER
from deidsynth.stages.specification import StageContext

NAMES = [name for name in get_args(MeasureName) if name not in ("language_model_membership", "canaries")]


def measure(name: MeasureName, verdict: Verdict = "pass") -> Judged:
    """A measure with this verdict, of 475 and 235 groups."""
    of = "synthetic" if name == "tagger_membership" else ""
    ends = {"pass": (-0.01, 0.01), "fail": (0.3, 0.4), "no-verdict": (-0.2, 0.2)}[verdict]
    kind: Kind = "auc" if name in ("validity", "text_membership", "tagger_membership") else "share"
    shares = (0.0, 0.0) if name in ("verbatim_20", "verbatim_50") else (0.11, 0.1)  # long runs hardly meet by chance
    measured = Measured(name, kind, *shares, sum(ends) / 2, ends, (475, 235), 0.03, of)
    return Judged(measured, verdict, (-0.02, 0.02), "a sentence")


def audit_of(
    run: Path, verdicts: Mapping[str, Verdict] | None = None, *, without: tuple[str, ...] = (), **changes: Any
) -> dict[str, Any]:
    """The audit of a run in which all measures pass but for those with another verdict."""
    found = {name: (verdicts or {}).get(name, "pass") for name in NAMES if name not in without}
    worst = next((each for each in ("fail", "no-verdict") if each in found.values()), "pass")
    measures = tuple(measure(name, verdict) for name, verdict in found.items())
    audit = Audit(worst, measures, "a sentence", 475, 235, {"groups": 15}, {"canaries": "they need a run of their own"})  # type: ignore[arg-type]
    digests = {
        "synthetic": file_digest(run / "synthetic" / "corpus.jsonl"),
        "tagger": tree_digest(run / "models" / "synthetic"),
    }
    return {**audit.to_dict(), "audited": digests, **changes}


def write_audit(folder: Path, audit: Mapping[str, Any]) -> Path:
    """The file of an audit; beside it stands a page, which a release makes anew."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "audit.html").write_text("<!doctype html><title>An older page</title>", encoding="utf-8")
    (folder / "audit.json").write_text(json.dumps(audit), encoding="utf-8")
    return folder / "audit.json"


@dataclass(frozen=True)
class MadeAudit:
    """Stands in for the audit of a run: says what it is told to."""

    verdicts: Mapping[str, Verdict] = field(default_factory=dict)
    name: str = "audit"

    def run(self, config: Any, inputs: Mapping[str, Path], output: Path, context: StageContext) -> Mapping[str, Any]:
        """Write the audit and its page."""
        rmtree(output / "run", ignore_errors=True)
        (output / "run" / "synthetic").mkdir(parents=True)
        (output / "run" / "models").mkdir()
        copyfile(inputs["synthetic"] / CORPUS, output / "run" / "synthetic" / CORPUS)
        copytree(inputs[f"{TAGGER}synthetic"] / MODEL, output / "run" / "models" / "synthetic")
        write_audit(output, audit_of(output / "run", self.verdicts))
        rmtree(output / "run")
        return {"verdict": "pass"}
