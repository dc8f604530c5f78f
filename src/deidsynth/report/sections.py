"""What each section of the page shows, as plain data for the template. A part that a report lacks gives None."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from typing import Any

from markupsafe import Markup

from deidsynth.report import figures, formats, pipeline_diagram, sampling_table
from deidsynth.report.tables import MEASURES, MODELS, RATIOS, LabelRow, f1_gap, label_rows, part

LANGUAGES = {
    "ca": "Catalan", "da": "Danish", "de": "German", "en": "English", "es": "Spanish", "fi": "Finnish", "fr": "French",
    "it": "Italian", "nl": "Dutch", "no": "Norwegian", "pt": "Portuguese", "sv": "Swedish",
}  # fmt: skip
MEASURE_NAMES = {
    "strict": ("Strict", "exact beginning, exact end, right label"),
    "span": ("Span", "exact beginning and end, any label"),
    "merged": ("Merged", "as span, neighbors joined (MEDDOCAN’s rule)"),
    "token": ("Token", "each word, number or sign of an entity by itself"),
}
CURVES = {
    "adapt": ("Language model", "Adaptation to the training notes; notes never seen in training give the dashed line."),
    "gold_pretraining": ("Gold model, before tagging", "Filling in hidden words of the gold training notes."),
    "gold": ("Gold model", "Trained on the gold notes. It also labels the synthetic notes."),
    "synthetic_pretraining": ("Synthetic model, before tagging", "Filling in hidden words of the synthetic notes."),
    "synthetic": ("Synthetic model", "Trained on synthetic notes with machine-made labels, and on nothing else."),
}
CORPORA = {"train": "Gold, training", "validation": "Gold, validation", "test": "Gold, test", "synthetic": "Synthetic"}
STAGES = {
    "import": "Read the corpus",
    "select-train": "Set training notes apart",
    "select-validation": "Set validation notes apart",
    "select-test": "Set test notes apart",
    "adapt": "Adapt the language model",
    "synthesize": "Write synthetic notes",
    "gold": "Train the gold model",
    "annotate": "Label the synthetic notes",
    "annotate-machine": "Label the synthetic notes a second time",
    "synthetic": "Train the synthetic model",
    "evaluate-gold": "Score the gold model",
    "evaluate-synthetic": "Score the synthetic model",
    "memorization": "Compare the wording",
}
FACTS = {
    "strict_f1": "strict F1",
    "token_f1": "token F1",
    "validation_f1": "validation F1",
    "n_cut_entities": "entities cut by a chunk’s end",
    "n_lost_entities": "entities that no token holds",
    "n_misaligned_entities": "entities that tags cannot give back exactly",
    "n_boundaries_within_words": "entity ends inside a word",
    "n_tokens_filled_in": "tokens read for filling in",
    "n_tokens_tagged": "tokens read for tagging",
    "n_tokens_seen": "tokens read",
    "n_notes_checked": "notes checked",
    "n_notes_passing": "notes that may be shown",
    "n_notes_with_long_runs": "notes with a long copied run",
    "n_notes_with_rare_entities": "notes with a rare real value",
    "recall_train": "wording of training notes that recurs",
    "recall_held_out": "wording of unseen notes that recurs",
    **sampling_table.FACTS,
    **sampling_table.MORE_FACTS,
}
WEAK_GAP = 0.2
STATUS = {"done": "computed", "cached": "kept from before"}


def headline(report: Mapping[str, Any]) -> dict[str, Any]:
    """The sentence and the two figures at the top of the page."""
    tiles = []
    for measure, name in (("token", "Token F1"), ("strict", "Strict F1")):
        gold, synthetic = (part(report, "models", model, measure) for model in MODELS)
        gap = part(report, "difference").get(f"{measure}_f1", f1_gap(gold, synthetic))
        tiles.append(
            {
                "name": name,
                "what": MEASURE_NAMES[measure][1],
                "gold": formats.score(gold.get("f1")),
                "synthetic": formats.score(synthetic.get("f1")),
                "difference": formats.difference(gap),
                "figure": figures.dumbbell(gold.get("f1"), synthetic.get("f1"), width=440),
            }
        )
    return {"sentence": _sentence(report), "tiles": tiles, "miss": _missed(report)}


def _sentence(report: Mapping[str, Any]) -> str:
    gold, synthetic = (formats.number(part(report, "models", model, "token").get("f1")) for model in MODELS)
    if gold is None or synthetic is None:
        return "This run has no token F1 for both models, so they cannot be compared."
    gap = formats.difference(synthetic - gold)
    place = {"+": f"{gap[1:]} above", formats.MINUS: f"{gap[1:]} below"}.get(gap[0], "level with")
    return (
        f"A model trained on synthetic notes alone reaches {formats.score(synthetic)} token F1, "
        f"{place} the model trained on the gold notes."
    )


def shared_groups(report: Mapping[str, Any]) -> str | None:
    """A sentence where test documents belong to groups (a patient, an article) that training has seen, else None."""
    counts = part(report, "shared_groups")
    told = [
        f"{formats.count(number)} with the {which} notes"
        for which, key in (("training", "train_test"), ("validation", "validation_test"))
        if (number := formats.number(counts.get(key)))
    ]
    if not told:
        return None
    return (
        f"The test notes share groups, such as a patient or a case: {' and '.join(told)}. "
        "The corpus parts them so. Both models are scored partly on what they may have met in training."
    )


def _missed(report: Mapping[str, Any]) -> list[dict[str, str]]:
    """How many identifying tokens each model left unfound, in words for the limits section."""
    missed = []
    for model in MODELS:
        counts = part(report, "models", model, "token")
        fn, tp = formats.number(counts.get("fn")), formats.number(counts.get("tp"))
        if fn is not None and tp is not None and fn + tp:
            missed.append({"model": model, "missed": formats.count(fn), "all": formats.count(fn + tp)})
    return missed


def about(report: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Language, data, time and machine of the run, as name and value."""
    language = report.get("language")
    test = part(report, "corpora", "test").get("n_documents") or part(report, "models", "gold").get("n_documents")
    seconds = [formats.number(stage.get("duration_seconds")) for stage in report.get("stages") or ()]
    known = [second for second in seconds if second is not None]
    items = [
        ("Language", LANGUAGES.get(str(language), str(language)) if language else None),
        ("Data", f"{report['origin']} notes" if report.get("origin") else None),
        ("Scored on", f"{formats.count(test)} held-out documents" if formats.number(test) else None),
        ("Computing time", formats.duration(sum(known)) if known else None),
        ("Device", report.get("device")),
        ("Made", str(report["created"]).replace("T", " ").removesuffix("+00:00") if report.get("created") else None),
    ]
    return [(name, str(value)) for name, value in items if value]


def stages(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The drawing of the pipeline and one card for each stage."""
    listed: Sequence[Mapping[str, Any]] = report.get("stages") or ()
    if not listed:
        return None
    cards = []
    for stage in listed:
        facts = [
            (FACTS.get(key) or formats.title(key), formats.fact(key, value))
            for key, value in part(stage, "facts").items()
        ]
        status = str(stage.get("status") or "")
        name = str(stage.get("name") or stage.get("stage") or "stage")
        cards.append(
            {
                "title": STAGES.get(name, formats.title(name)),
                "name": name,
                "lane": _lane(stage),
                "status": STATUS.get(status, status),
                "duration": formats.duration(stage.get("duration_seconds")),
                "facts": [(name, value) for name, value in facts if value is not None],
            }
        )
    return {
        **{layout: pipeline_diagram.flow(listed, layout) for layout in ("wide", "tall")},
        "cards": cards,
    }


def _lane(stage: Mapping[str, Any]) -> str:
    key = pipeline_diagram.box_of(stage)
    return next((box.kind for box in pipeline_diagram.BOXES if box.key == key), "plain")


def scores(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """The rows of the comparison and of the labels."""
    if not any(part(report, "models", model) for model in MODELS):
        return None
    by_measure = {
        measure: (part(report, "models", "gold", measure), part(report, "models", "synthetic", measure))
        for measure in MEASURES
    }
    by_label = label_rows(report)
    lows = (_low(list(by_measure.values())), _low([(row.gold, row.synthetic) for row in by_label]))
    overall = [
        {"name": MEASURE_NAMES[measure][0], "what": MEASURE_NAMES[measure][1], **_pair(*pair, lows[0])}
        for measure, pair in by_measure.items()
        if any(pair)
    ]
    labels = [
        {"label": breakable(row.label), "support": formats.count(row.support)} | _pair(row.gold, row.synthetic, lows[1])
        for row in by_label
    ]
    leaks = {model: part(report, "models", model).get("leak") for model in MODELS}
    known = any(formats.number(leak) is not None for leak in leaks.values())
    leak = {model: formats.score(value) for model, value in leaks.items()} if known else None
    return {
        "overall": overall,
        "labels": labels,
        "weak": _weak_labels(by_label),
        "leak": leak,
        "lows": [f"{low:g}" for low in lows],
    }


def _weak_labels(rows: Sequence[LabelRow]) -> list[str]:
    """A sentence on labels that the synthetic model never gets right, and one on those where it falls far behind."""
    never, behind = [], []
    for row in rows:
        f1, gap = formats.number(row.synthetic.get("f1")), f1_gap(row.gold, row.synthetic)
        shown = f"{row.label} (gold {formats.score(row.gold.get('f1'))}, support {formats.count(row.support)})"
        if row.support and f1 == 0:
            never.append(shown)
        elif gap is not None and round(gap, 9) < -WEAK_GAP:
            behind.append(shown)
    told = (
        (never, "The synthetic model never gets these labels right, its F1 is 0"),
        (behind, f"The F1 of the synthetic model is more than {WEAK_GAP} below that of the gold model"),
    )
    return [f"{sentence}: {', '.join(labels)}." for labels, sentence in told if labels]


def _low(pairs: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]]) -> float:
    """Where the drawn scale of F1 begins: a tenth at or below every value, at most 0.5."""
    known = [formats.number(counts.get("f1")) for pair in pairs for counts in pair]
    return min([0.5, *(math.floor(value * 10) / 10 for value in known if value is not None)])


def breakable(label: str) -> Markup:
    """A label that may be broken after its underscores."""
    return Markup("_<wbr>").join(label.split("_"))


def _pair(gold: Mapping[str, Any], synthetic: Mapping[str, Any], low: float) -> dict[str, Any]:
    gap = f1_gap(gold, synthetic)
    shown = formats.difference(gap)
    return {
        "gold": _shown_counts(gold),
        "synthetic": _shown_counts(synthetic),
        "difference": shown,
        "direction": {"+": "up", formats.MINUS: "down"}.get(shown[0], "level"),
        "figure": figures.dumbbell(gold.get("f1"), synthetic.get("f1"), low=low),
    }


def _shown_counts(counts: Mapping[str, Any]) -> dict[str, str]:
    ratios = {ratio: formats.score(counts.get(ratio)) for ratio in RATIOS}
    return ratios | {name: formats.count(counts.get(name)) for name in ("tp", "fp", "fn")}


def curves(report: Mapping[str, Any]) -> list[dict[str, Any]]:
    """A chart for every training that has a curve."""
    shown = []
    recorded = part(report, "curves")
    for key in [*(name for name in CURVES if name in recorded), *(name for name in recorded if name not in CURVES)]:
        points = [point for point in recorded[key] or () if formats.number(point.get("step")) is not None]
        series = {name: _series(points, f"{name}_loss") for name in ("train", "validation")}
        if not any(series.values()):
            continue
        name, what = CURVES.get(key, (formats.title(key), ""))
        last = [f"{which} {formats.significant(line[-1][1])}" for which, line in series.items() if line]
        steps = max(line[-1][0] for line in series.values() if line)
        caption = f"After {formats.count(steps)} steps: {', '.join(last)}."
        shown.append(
            {
                "name": name,
                "what": what,
                "caption": caption,
                "has_validation": bool(series["validation"]),
                "figure": figures.line_chart(series, f"Loss of the {name.lower()} over steps. {caption}"),
            }
        )
    return shown


def _series(points: Sequence[Mapping[str, Any]], key: str) -> list[figures.Point]:
    known = [(formats.number(point.get("step")), formats.number(point.get(key))) for point in points]
    return sorted((x, y) for x, y in known if x is not None and y is not None)


def corpora(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """Sizes and lengths of every corpus, and the labels of gold beside synthetic."""
    known = {name: part(report, "corpora", name) for name in CORPORA}
    known = {name: described for name, described in known.items() if described}
    if not known:
        return None
    high = max((formats.number(part(described, "words").get("max")) or 0.0) for described in known.values())
    rows = []
    for name, described in known.items():
        quantiles = part(described, "words")
        rows.append(
            {
                "name": CORPORA[name],
                "lane": "synthetic" if name == "synthetic" else "gold",
                "counts": [
                    formats.count(described.get(key)) for key in ("n_documents", "n_groups", "n_words", "n_entities")
                ],
                "per_document": _per_document(described),
                "lengths": [formats.count(quantiles.get(key)) for key in ("min", "p25", "median", "p75", "max")],
                "figure": figures.quantile_strip(quantiles, high),
            }
        )
    return {"rows": rows, "labels": _label_shares(known.get("train", {}), known.get("synthetic", {}))}


def _per_document(described: Mapping[str, Any]) -> str:
    documents, entities = formats.number(described.get("n_documents")), formats.number(described.get("n_entities"))
    return f"{entities / documents:.1f}" if documents and entities is not None else formats.DASH


def _label_shares(gold: Mapping[str, Any], synthetic: Mapping[str, Any]) -> list[dict[str, Any]]:
    counts = [
        {label: formats.number(entry.get("count")) or 0.0 for label, entry in part(described, "labels").items()}
        for described in (gold, synthetic)
    ]
    if not all(counts):
        return []
    totals = [sum(of.values()) or 1.0 for of in counts]
    labels = sorted({*counts[0], *counts[1]}, key=lambda label: (-counts[0].get(label, 0), label))
    shares = {label: [of.get(label, 0.0) / total for of, total in zip(counts, totals, strict=True)] for label in labels}
    top = max(max(pair) for pair in shares.values()) or 1.0
    return [
        {
            "label": breakable(label),
            "counts": [formats.count(of.get(label, 0.0)) for of in counts],
            "shares": [formats.percent(share) for share in shares[label]],
            "figure": figures.dumbbell(*shares[label], width=180, high=top),
        }
        for label in labels
    ]


def overlap(report: Mapping[str, Any]) -> dict[str, Any] | None:
    """What of the training text stands again in the synthetic text, beside text that no model has seen."""
    found = part(report, "memorization")
    if not found:
        return None
    recalls = {key: formats.number(part(found, key).get("recall")) for key in ("train", "held_out")}
    names = {"train": "Training notes", "held_out": "Notes that no model saw"}
    bars = [
        {"key": key, "name": names[key], "recall": formats.percent(recall), "width": f"{100 * (recall or 0.0):.2f}"}
        for key, recall in recalls.items()
    ]
    checked, passing = (formats.number(found.get(f"n_notes_{which}")) for which in ("checked", "passing"))
    return {
        "n": found.get("n", 5),
        "bars": bars,
        "ratio": _ratio(recalls["train"], recalls["held_out"]),
        "checked": formats.count(checked),
        "passing": formats.count(passing),
        "passing_share": formats.percent(passing / checked) if checked and passing is not None else None,
        "max_run_words": found.get("max_run_words", 12),
        "min_groups": found.get("min_groups", 3),
        "min_entity_characters": found.get("min_entity_characters"),
        "with_runs": _known_count(found.get("n_notes_with_long_runs")),
        "with_values": _known_count(found.get("n_notes_with_rare_entities")),
    }


def _known_count(value: Any) -> str | None:
    return None if formats.number(value) is None else formats.count(value)


def _ratio(train: float | None, held_out: float | None) -> str | None:
    return f"{train / held_out:.1f}" if train and held_out else None


def colophon(report: Mapping[str, Any]) -> dict[str, Any]:
    """Versions and configuration, for who wants to repeat the run."""
    config = part(report, "config")
    return {
        "versions": [(name, str(version)) for name, version in part(report, "versions").items()],
        "config": json.dumps(config, indent=2, ensure_ascii=False) if config else None,
    }
