"""Audit: what a synthetic corpus and models give away of the training documents, beside held-out documents."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from deidsynth.config import AuditConfig
from deidsynth.corpora import read_jsonl
from deidsynth.digests import file_digest, tree_digest
from deidsynth.files import write_atomically, write_json
from deidsynth.models.membership.language_model import language_model_membership
from deidsynth.models.membership.tagger import tagger_membership
from deidsynth.privacy.audit.auditing import concluded, measure_text
from deidsynth.privacy.audit.figures import VALIDITY, Measured
from deidsynth.privacy.audit.gate import Tolerances
from deidsynth.privacy.audit.sides import Sides, sides_of
from deidsynth.report.audit_page import render_audit
from deidsynth.stages.artifacts import AUDIT, AUDIT_PAGE, CORPUS, MODEL
from deidsynth.stages.audit import LANGUAGE_MODEL, TAGGER
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.small_models import is_small, one_thread


class MakeAudit:
    """``synthetic``, ``train``, ``held_out`` and models in; ``audit.json`` and ``audit.html`` out."""

    def run(
        self, config: AuditConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        """Measure, judge and write."""
        tolerances = Tolerances.read(config.gate)
        synthetic, train, held_out = (read_jsonl(inputs[role] / CORPUS) for role in ("synthetic", "train", "held_out"))
        sides = sides_of(train, held_out)
        with context.progress.task("audit", 3, "steps") as task:
            measured = measure_text(sides, synthetic, labels=config.labels, seed=context.seed)
            task.advance(1)
            measured += _of_models(config, sides, inputs, context, train.language)
            task.advance(1)
            found = concluded(sides, measured, train, synthetic, tolerances=tolerances, seed=context.seed)
            task.advance(1)
        figures = found.to_dict() | {"audited": _audited(inputs)}
        write_json(output / AUDIT, figures)
        write_atomically(output / AUDIT_PAGE, render_audit(figures))
        verdicts = Counter(each.verdict for each in found.measures if each.measured.name != VALIDITY)
        return {
            "verdict": found.verdict,
            "n_train_groups": found.n_train,
            "n_held_out_groups": found.n_held_out,
            "n_passed": verdicts["pass"],
            "n_failed": verdicts["fail"],
            "n_without_verdict": verdicts["no-verdict"],
        }


def _audited(inputs: Mapping[str, Path]) -> dict[str, str]:
    """Digests of what was audited and may be released: by them a release knows that the audit is of the same."""
    taggers = [folder for role, folder in inputs.items() if role.startswith(TAGGER)]
    found = {"synthetic": file_digest(inputs["synthetic"] / CORPUS)}
    return found | ({"tagger": tree_digest(taggers[0] / MODEL)} if len(taggers) == 1 else {})


def _of_models(
    config: AuditConfig, sides: Sides, inputs: Mapping[str, Path], context: StageContext, language: str | None
) -> list[Measured]:
    """The measures of all models that were given."""
    found = list[Measured]()
    for role, folder in inputs.items():
        if role != LANGUAGE_MODEL and not role.startswith(TAGGER):
            continue
        model = folder / MODEL
        device, precision, seed = context.device, context.precision, context.seed
        # Threads that share a small step wait for each other, the more so on a busy machine.
        with one_thread(wanted=is_small(model, context.device)):
            if role == LANGUAGE_MODEL:
                found.append(
                    language_model_membership(sides, model, config.base, device=device, precision=precision, seed=seed)
                )
            else:
                spoken, name = config.language or language, role.removeprefix(TAGGER)
                found.append(
                    tagger_membership(
                        sides,
                        model,
                        of=name,
                        language=spoken,
                        labels=config.labels,
                        device=device,
                        precision=precision,
                        seed=seed,
                    )
                )
    return found
