"""What model card and data sheet say, from manifests, report and audit of a run: names, settings and counts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from deidsynth.corpora import describe
from deidsynth.documents import Corpus
from deidsynth.languages import name_of
from deidsynth.models.settings_file import ModelSettings
from deidsynth.release.audit_record import AuditRecord
from deidsynth.release.finished_run import CORPUS, TAGGER, FinishedRun
from deidsynth.release.lineage import base_named
from deidsynth.report import formats
from deidsynth.report.content import RunReport
from deidsynth.report.model_tables import label_rows
from deidsynth.report.tables import to_markdown
from deidsynth.report.uncertainty import known, level, size_of_test
from deidsynth.stages import STAGES
from deidsynth.workflow.store import Artifact, Manifest

SETTINGS: Mapping[str, tuple[str, ...]] = {
    "adapt": ("method", "epochs", "learning_rate", "optimizer", "annotations", "control_codes"),
    "synthesize": (
        "prompts.source", "prompts.words", "prompts.pii", "annotations", "temperature", "top_p", "top_k", "min_p",
        "max_length_tokens", "filters.mode", "filters.max_run_words", "filters.near_duplicate_share",
    ),
    "annotate-inline": ("agreement",),
    "train": (
        "epochs", "learning_rate", "optimizer", "batch_size", "keep", "ensemble_size", "mention_replacement",
        "format_variation", "target_recall", "task_adaptive_pretraining.epochs",
    ),
}  # fmt: skip
"""Settings of each stage that are told: numbers and choices, never paths."""

BASES = {"adapt": "base", "base": "base", "train": "encoder"}
"""The key of each stage that names the model that it begins from."""


def header(run: FinishedRun, language: str, license_id: str) -> str:
    """The YAML header of the model card, as model hubs read it."""
    base = base_named(_tagger(run).manifest, "encoder")
    data: dict[str, Any] = {
        "language": [language],
        "license": license_id,
        "library_name": "transformers",
        "pipeline_tag": "token-classification",
        "tags": ["de-identification", "clinical", "synthetic-data", "deidsynth"],
    }
    if base is not None and "/" in base:
        data["base_model"] = base
    return yaml.safe_dump(data, sort_keys=False).rstrip()


def described(
    run: FinishedRun, corpus: Corpus, report: RunReport, audit: AuditRecord, *, license_id: str, reason: str | None
) -> dict[str, Any]:
    """All that the templates need.

    Args:
        run: may leave.
        corpus: that of the bundle.
        report: of the run.
        audit: of the run.
        license_id: as hubs name it.
        reason: why it is released although something speaks against it; None if nothing does.
    """
    artifact, tagger = _corpus(run), _tagger(run)
    facts, language = describe(corpus), corpus.language or report.language
    settings = ModelSettings.load(run.path / TAGGER).tagger
    return {
        "header": header(run, language, license_id),
        "language": name_of(language),
        "license": license_id,
        "corpus": facts,
        "count": formats.count,
        "labels_table": to_markdown(
            ("label", "entities"), [(label, formats.count(each["count"])) for label, each in facts["labels"].items()]
        ),
        "lengths_table": _lengths(facts),
        "model": {
            "n_models": 1 if settings is None else settings.ensemble_size,
            "base": shown_base(tagger.manifest),
            "n_documents": formats.count(tagger.manifest.facts.get("n_documents")),
            "n_entities": formats.count(tagger.manifest.facts.get("n_entities")),
            "n_parameters": formats.count(tagger.manifest.facts.get("n_parameters")),
            "settings": settings_table(tagger.manifest),
            "versions": ", ".join(
                f"{name} {version}" for name, version in tagger.manifest.versions.items() if version is not None
            ),
            "commit": tagger.manifest.git_commit,
        },
        "steps": [step(each) for each in run.line_of(artifact)],
        "sources": sources(artifact.manifest),
        "scores_table": _scores(report),
        "of_labels_table": _of_labels(report),
        "tested": size_of_test(report),
        "level": level(report),
        "origin": report.origin,
        "verdict": audit.verdict.replace("-", " "),
        "audit_table": _audit(audit),
        "not_run": sorted(audit.not_run),
        "reason": reason,
        "created": artifact.manifest.created[:10],
    }


def _corpus(run: FinishedRun) -> Artifact:
    return _there(run, CORPUS)


def _tagger(run: FinishedRun) -> Artifact:
    return _there(run, TAGGER)


def _there(run: FinishedRun, target: str) -> Artifact:
    found = run.artifact_of(target)
    if found is None:
        raise KeyError(target)  # the examination refuses such a run
    return found


def step(artifact: Artifact) -> dict[str, Any]:
    """One step on the way to the corpus: its name, the model that it began from, its settings and its figures."""
    manifest = artifact.manifest
    stage = STAGES.get(manifest.stage)
    titles = {} if stage is None else stage.facts
    rows = [
        (title, shown)
        for key, title in titles.items()
        if (shown := formats.fact(key, manifest.facts.get(key))) is not None
    ]
    return {
        "title": manifest.stage if stage is None else stage.title,
        "name": manifest.name,
        "date": manifest.created[:10],
        "base": shown_base(manifest) if manifest.stage in BASES else None,
        "settings": settings_table(manifest),
        "figures": to_markdown(("figure", "value"), rows) if rows else "",
    }


def settings_table(manifest: Manifest) -> str:
    """The told settings of a stage; empty if there are none."""
    rows = []
    for dotted in SETTINGS.get(manifest.stage, ()):
        value: Any = manifest.config
        for key in dotted.split("."):
            value = value.get(key) if isinstance(value, Mapping) else None
        rows.append((f"`{dotted}`", _shown(value)))
    return to_markdown(("setting", "value"), rows) if rows else ""


def _shown(value: Any) -> str:
    if value is None or value == []:
        return "none"
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


def shown_base(manifest: Manifest) -> str:
    """The model that a training began from, in words."""
    name = base_named(manifest, BASES[manifest.stage])
    if name is None:
        return "a local folder, whose name stays private"
    if name == "scratch":
        return "new weights, and a tokenizer from its training text"
    return f"`{name}`" if "/" in name else f"`{name}`, which comes with deidsynth"


def sources(manifest: Manifest) -> list[str]:
    """The data that an artifact goes back to, in words: kinds, counts, splits and stages."""
    told = []
    for kind, entries in sorted(manifest.lineage.items()):
        if not entries:
            continue
        count = len(entries)
        parts = sorted({part for entry in entries for part in entry.get("parts", ())})
        via = list(dict.fromkeys(stage for entry in entries for stage in entry.get("via", ())))
        words = f"{kind.replace('_', ' ')}: {count} source{'' if count == 1 else 's'}"
        words += f", split{'' if len(parts) == 1 else 's'} {', '.join(parts)}" if parts else ""
        told.append(f"{words}, through {', '.join(via)}")
    return told


def _lengths(facts: Mapping[str, Any]) -> str:
    ends = ("min", "p25", "median", "p75", "max")
    rows = [(what, *(formats.count(facts[what][end]) for end in ends)) for what in ("words", "chars", "entities")]
    return to_markdown(("in a document", *ends), rows)


def _scores(report: RunReport) -> str:
    scores, of = report.models.synthetic, report.uncertainty.synthetic
    rows = []
    for measure in ("strict", "token"):
        found = scores.measures[measure]
        cells = [
            f"{formats.score(getattr(found, ratio))} [{formats.interval(known(getattr(of[measure], ratio)))}]"
            for ratio in ("precision", "recall", "f1")
        ]
        rows.append((measure, *cells, formats.score(report.models.gold.measures[measure].f1)))
    return to_markdown(("measure", "precision", "recall", "F1", "F1 of a model trained on the gold notes"), rows)


def _of_labels(report: RunReport) -> str:
    rows = [
        (
            row.label,
            *(formats.score(value) for value in (row.synthetic.precision, row.synthetic.recall, row.synthetic.f1)),
        )
        for row in label_rows(report.models)
    ]
    return to_markdown(("label", "precision", "recall", "F1"), rows)


def _audit(audit: AuditRecord) -> str:
    rows = [
        (
            each.shown,
            formats.score(each.train),
            formats.score(each.held_out),
            f"{formats.difference(each.difference)} [{formats.difference_interval(each.interval)}]",
            formats.difference_interval(each.tolerance),
            formats.score(each.detectable),
            each.verdict.replace("-", " "),
        )
        for each in audit.measures
    ]
    headers = ("measure", "training", "held-out", "difference", "tolerated", "smallest leak detectable", "verdict")
    return to_markdown(headers, rows)
