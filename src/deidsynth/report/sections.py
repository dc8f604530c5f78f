"""The sections of the page, as plain data for the template."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from markupsafe import Markup

from deidsynth.languages import name_of
from deidsynth.metrics.collapse import annotation_warning, training_warning
from deidsynth.metrics.counts import Counts
from deidsynth.report import figures, formats, pipeline_diagram, uncertainty
from deidsynth.report.content import Box, CorpusFigures, RunReport, StageEntry
from deidsynth.report.model_tables import MEASURES, LabelRow, f1_gap, label_rows

MEASURE_NAMES = {
    "strict": ("Strict", "exact boundaries, correct label"),
    "span": ("Span", "exact boundaries, any label"),
    "merged": ("Merged", "as span, adjacent entities merged (MEDDOCAN’s rule)"),
    "token": ("Token", "each word, number or punctuation mark of an entity"),
}
CURVES: Mapping[Box | None, tuple[str, str, str]] = {
    "adapt": (
        "Language model",
        "Adaptation to the training notes.",
        "",
    ),
    "train_gold": (
        "Gold model",
        "Trained on the gold notes. It also annotates the synthetic notes.",
        "Task-adaptive pretraining: masked language modeling on the gold training notes.",
    ),
    "train_synthetic": (
        "Synthetic model",
        "Trained only on synthetic notes with silver annotation.",
        "Task-adaptive pretraining: masked language modeling on the synthetic notes.",
    ),
}
"""By box of the training: its name, a description, and a description of its task-adaptive pretraining."""

CORPORA = {"train": "Gold, training", "validation": "Gold, validation", "test": "Gold, test", "synthetic": "Synthetic"}
WEAK_GAP = 0.2
STATUS = {"done": "computed", "cached": "cached"}


def headline(report: RunReport) -> dict[str, Any]:
    """The headline of the page with two figures."""
    gold, synthetic = report.models.gold, report.models.synthetic
    tiles = [
        {
            "name": name,
            "what": MEASURE_NAMES[measure][1],
            "gold": formats.score(gold.measures[measure].f1),
            "synthetic": formats.score(synthetic.measures[measure].f1),
            "difference": formats.difference(gap),
            "intervals": {
                **{model: formats.interval(ends) for model, ends in _f1_intervals(report, measure).items()},
                "difference": formats.difference_interval(uncertainty.known(gap_interval)),
            },
            "figure": figures.dumbbell(
                gold.measures[measure].f1,
                synthetic.measures[measure].f1,
                width=440,
                intervals=_f1_intervals(report, measure),
            ),
        }
        for measure, name, gap, gap_interval in (
            ("token", "Token F1", report.difference.token_f1, report.uncertainty.difference["token_f1"]),
            ("strict", "Strict F1", report.difference.strict_f1, report.uncertainty.difference["strict_f1"]),
        )
    ]
    return {
        "sentence": _sentence(gold.token.f1, synthetic.token.f1, report),
        "tiles": tiles,
        "miss": _missed(report),
        "level": uncertainty.level(report),
        "size": uncertainty.size_of_test(report),
        "few": uncertainty.few_notes(report),
        "chance": uncertainty.chance(report),
        "without_miss": [
            {
                "model": model,
                "told": each[0],
                "interval": f"{formats.percent(each[1][0])} to {formats.percent(each[1][1])}",
            }
            for model, each in uncertainty.without_miss(report).items()
            if each is not None
        ],
    }


def _f1_intervals(report: RunReport, measure: str) -> dict[str, tuple[float, float] | None]:
    found = {"gold": report.uncertainty.gold, "synthetic": report.uncertainty.synthetic}
    return {model: uncertainty.known(of[measure].f1) for model, of in found.items()}


def _sentence(gold: float | None, synthetic: float | None, report: RunReport) -> str:
    if gold is None or synthetic is None:
        return "This run has no token F1 of both models, so they cannot be compared."
    gap = formats.difference(synthetic - gold)
    few = f": measured on only {uncertainty.size_of_test(report)}" if uncertainty.few_notes(report) else ""
    place = {"+": f"{gap[1:]} above", formats.MINUS: f"{gap[1:]} below"}.get(gap[0], "level with")
    return (
        f"A model trained on synthetic notes alone reaches {formats.score(synthetic)} token F1, "
        f"{place} the model trained on the gold notes{few}."
    )


def shared_groups(report: RunReport) -> str | None:
    """A warning if test documents share groups (a patient, an article) with training documents, else None."""
    counts = report.shared_groups
    told = [
        f"{formats.count(number)} with the {which} notes"
        for which, number in (("training", counts.train_test), ("validation", counts.validation_test))
        if number
    ]
    if not told:
        return None
    return (
        f"The test notes share groups, such as a patient or a case: {' and '.join(told)}. These are the splits of the "
        "corpus. Both models are partly evaluated on cases that they may have seen in training."
    )


def weak_taggers(report: RunReport) -> list[str]:
    """A warning for each tagger of the run that learned or finds next to nothing."""
    warnings = {"train": training_warning, "annotate": annotation_warning}
    told = ((stage.title, warnings[stage.stage](stage.facts)) for stage in report.stages if stage.stage in warnings)
    return [f"{title}: {warning}." for title, warning in told if warning is not None]


def _missed(report: RunReport) -> list[dict[str, str]]:
    """The number of identifying tokens that each model missed, for the section on limits."""
    tokens = {"gold": report.models.gold.token, "synthetic": report.models.synthetic.token}
    return [
        {"model": model, "missed": formats.count(counts.fn), "all": formats.count(counts.support)}
        for model, counts in tokens.items()
        if counts.support
    ]


def about(report: RunReport) -> list[tuple[str, str]]:
    """Language, data, time and device of the run, as names and values."""
    return [
        ("Language", name_of(report.language)),
        ("Data", f"{report.origin} notes"),
        ("Evaluated on", f"{formats.count(report.corpora.test.n_documents)} held-out documents"),
        ("Computing time", formats.duration(sum(stage.duration_seconds for stage in report.stages))),
        ("Device", report.device),
        ("Made", report.created.replace("T", " ").removesuffix("+00:00")),
    ]


def stages(report: RunReport) -> dict[str, Any]:
    """The diagram of the pipeline, and one card for each stage."""
    return {
        **{layout: pipeline_diagram.flow(report.stages, layout) for layout in ("wide", "tall")},
        "cards": [_card(stage) for stage in report.stages],
    }


def _card(stage: StageEntry) -> dict[str, Any]:
    facts = [(stage.fact_title(name), formats.fact(name, value)) for name, value in stage.facts.items()]
    return {
        "title": stage.title,
        "name": stage.name,
        "lane": next((place.kind for place in pipeline_diagram.PLACES if place.box == stage.box), "plain"),
        "status": STATUS[stage.status],
        "duration": formats.duration(stage.duration_seconds),
        "facts": [(title, value) for title, value in facts if value is not None],
    }


def scores(report: RunReport) -> dict[str, Any]:
    """The rows of the comparison by measure and by label."""
    gold, synthetic = report.models.gold, report.models.synthetic
    by_measure = {measure: (gold.measures[measure], synthetic.measures[measure]) for measure in MEASURES}
    by_label = label_rows(report.models)
    lows = (_low(list(by_measure.values())), _low([(row.gold, row.synthetic) for row in by_label]))
    overall = [
        {
            "name": MEASURE_NAMES[measure][0],
            "what": MEASURE_NAMES[measure][1],
            **_pair(*pair, lows[0]),
            "intervals": {model: formats.interval(ends) for model, ends in _f1_intervals(report, measure).items()},
        }
        for measure, pair in by_measure.items()
    ]
    labels = [
        {"label": breakable(row.label), "support": formats.count(row.support)} | _pair(row.gold, row.synthetic, lows[1])
        for row in by_label
    ]
    known = gold.leak is not None or synthetic.leak is not None
    return {
        "overall": overall,
        "labels": labels,
        "weak": _weak_labels(by_label),
        "leak": {"gold": formats.score(gold.leak), "synthetic": formats.score(synthetic.leak)} if known else None,
        "lows": [f"{low:g}" for low in lows],
    }


def _weak_labels(rows: Sequence[LabelRow]) -> list[str]:
    """A sentence on labels with F1 0 of the synthetic model, and one on labels with a large gap to the gold model."""
    never, behind = [], []
    for row in rows:
        gap = f1_gap(row.gold, row.synthetic)
        shown = f"{row.label} (gold {formats.score(row.gold.f1)}, support {formats.count(row.support)})"
        if row.support and row.synthetic.f1 == 0:
            never.append(shown)
        elif gap is not None and round(gap, 9) < -WEAK_GAP:
            behind.append(shown)
    told = (
        (never, "The synthetic model never predicts these labels correctly, its F1 is 0"),
        (behind, f"The F1 of the synthetic model is more than {WEAK_GAP} below that of the gold model"),
    )
    return [f"{sentence}: {', '.join(labels)}." for labels, sentence in told if labels]


def _low(pairs: Sequence[tuple[Counts, Counts]]) -> float:
    """The start of the F1 scale: the tenth at or below all values, at most 0.5."""
    return min([0.5, *(math.floor(counts.f1 * 10) / 10 for pair in pairs for counts in pair if counts.f1 is not None)])


def breakable(label: str) -> Markup:
    """A label with possible line breaks after underscores."""
    return Markup("_<wbr>").join(label.split("_"))


def _pair(gold: Counts, synthetic: Counts, low: float) -> dict[str, Any]:
    shown = formats.difference(f1_gap(gold, synthetic))
    return {
        "gold": _shown_counts(gold),
        "synthetic": _shown_counts(synthetic),
        "difference": shown,
        "direction": {"+": "up", formats.MINUS: "down"}.get(shown[0], "level"),
        "figure": figures.dumbbell(gold.f1, synthetic.f1, low=low),
    }


def _shown_counts(counts: Counts) -> dict[str, str]:
    ratios = {"precision": counts.precision, "recall": counts.recall, "f1": counts.f1}
    numbers = {"tp": counts.tp, "fp": counts.fp, "fn": counts.fn}
    return {name: formats.score(value) for name, value in ratios.items()} | {
        name: formats.count(value) for name, value in numbers.items()
    }


def curves(report: RunReport) -> list[dict[str, Any]]:
    """A chart for each training with a curve."""
    shown = []
    for points, name, what in _trainings(report):
        series = {which: _series(points, f"{which}_loss") for which in ("train", "validation")}
        if not any(series.values()):
            continue
        last = [f"{which} {formats.significant(line[-1][1])}" for which, line in series.items() if line]
        steps = max(line[-1][0] for line in series.values() if line)
        caption = f"After {formats.count(steps)} steps: {', '.join(last)}."
        shown.append(
            {
                "name": name,
                "what": what,
                "caption": caption,
                "figure": figures.line_chart(series, f"Loss of the {name.lower()} over steps. {caption}"),
            }
        )
    return shown


def _trainings(report: RunReport) -> Iterator[tuple[Sequence[Mapping[str, Any]], str, str]]:
    """Points, name and description of each training, in the order of the diagram, then others."""
    drawn = sorted(report.stages, key=lambda stage: [*CURVES, stage.box].index(stage.box))
    for stage in drawn:
        name, what, before = CURVES.get(stage.box, (stage.title, "", ""))
        if pretraining := report.curves.get(f"{stage.name}_pretraining"):
            yield pretraining, f"{name}, pretraining", before
        if points := report.curves.get(stage.name):
            yield points, name, what


def _series(points: Sequence[Mapping[str, Any]], key: str) -> list[figures.Point]:
    return sorted((point["step"], point[key]) for point in points if point.get(key) is not None)


def corpora(report: RunReport) -> dict[str, Any]:
    """Sizes and lengths of the corpora, and the label distributions of gold and synthetic notes."""
    known: dict[str, CorpusFigures] = {name: getattr(report.corpora, name) for name in CORPORA}
    high = max((described.words.max for described in known.values() if described.words), default=0)
    rows = [
        {
            "name": CORPORA[name],
            "lane": "synthetic" if name == "synthetic" else "gold",
            "counts": [
                formats.count(count)
                for count in (described.n_documents, described.n_groups, described.n_words, described.n_entities)
            ],
            "per_document": _per_document(described),
            "lengths": [formats.count(value) for value in _five(described)],
            "figure": figures.quantile_strip(_five(described), high),
        }
        for name, described in known.items()
    ]
    return {"rows": rows, "labels": _label_shares(known["train"], known["synthetic"])}


def _five(described: CorpusFigures) -> tuple[float | None, ...]:
    """Minimum, quartiles and maximum of the words per document."""
    words = described.words
    return (None,) * 5 if words is None else (words.min, words.p25, words.median, words.p75, words.max)


def _per_document(described: CorpusFigures) -> str:
    documents = described.n_documents
    return f"{described.n_entities / documents:.1f}" if documents else formats.DASH


def _label_shares(gold: CorpusFigures, synthetic: CorpusFigures) -> list[dict[str, Any]]:
    counts = [{label: of.count for label, of in described.labels.items()} for described in (gold, synthetic)]
    if not all(counts):
        return []
    totals = [sum(of.values()) for of in counts]
    labels = sorted({*counts[0], *counts[1]}, key=lambda label: (-counts[0].get(label, 0), label))
    shares = {label: [of.get(label, 0) / total for of, total in zip(counts, totals, strict=True)] for label in labels}
    top = max(max(pair) for pair in shares.values())
    return [
        {
            "label": breakable(label),
            "counts": [formats.count(of.get(label, 0)) for of in counts],
            "shares": [formats.percent(share) for share in shares[label]],
            "figure": figures.dumbbell(*shares[label], width=180, high=top),
        }
        for label in labels
    ]


def memorization(report: RunReport) -> dict[str, Any]:
    """Training text that reappears in the synthetic text, compared with held-out text."""
    found = report.memorization
    recalls = {"train": found.train.recall, "held_out": found.held_out.recall}
    names = {"train": "Training notes", "held_out": "Held-out notes"}
    bars = [
        {"key": key, "name": names[key], "recall": formats.percent(recall), "width": f"{100 * (recall or 0.0):.2f}"}
        for key, recall in recalls.items()
    ]
    checked, passing = found.n_notes_checked, found.n_notes_passing
    return {
        "n": found.n,
        "bars": bars,
        "ratio": _ratio(**recalls),
        "checked": formats.count(checked),
        "passing": formats.count(passing),
        "passing_share": formats.percent(passing / checked) if checked else None,
        "max_run_words": found.max_run_words,
        "min_groups": found.min_groups,
        "min_entity_characters": found.min_entity_characters,
        "with_runs": formats.count(found.n_notes_with_long_runs),
        "with_values": formats.count(found.n_notes_with_rare_entities),
    }


def _ratio(train: float | None, held_out: float | None) -> str | None:
    return f"{train / held_out:.1f}" if train and held_out else None


def colophon(report: RunReport) -> dict[str, Any]:
    """Versions and configuration, for replication of the run."""
    return {
        "versions": [(name, str(version)) for name, version in report.versions.items()],
        "config": json.dumps(report.config, indent=2, ensure_ascii=False),
    }
