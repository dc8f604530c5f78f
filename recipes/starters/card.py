"""The model card of a starter."""

from __future__ import annotations

from typing import Any

from settings import MIXTURE, SEED, STARTERS, VERSION, Starter

SOURCES = {
    "ELTeC-spa": ("Spanish novels, 1840-1920 (ELTeC-spa)", "texts in the public domain; markup CC BY 4.0"),
    "riksdagen-interpellations": ("written questions to Swedish ministers, 1994-2024", "reuse of public documents"),
    "sfs": ("Swedish statutes (sfs)", "no copyright in statutes; collection MIT"),
    "ELTeC-swe": ("Swedish novels, 1840-1920 (ELTeC-swe)", "texts in the public domain; markup CC BY 4.0"),
}
HEAD = """---
language: [sv, es]
license: mit
library_name: transformers
pipeline_tag: {task}
---
# deidsynth {name}, version {version}

{about}

**Intended use.** A base: {use}. It is not a product, and on its own it writes and knows little.
It comes with deidsynth, and loads in transformers as any folder does.

**Known gaps.** It has read novels, statutes and parliament: no clinical language, no web text, no dialogue of today.
The novels spell and think as their century did. They and the questions to ministers name real public figures, so it may
repeat such names. It has seen no Spanish written after about 1920.

## Training data

| source | license | share | documents | tokens there |
|---|---|---|---|---|
{sources}

1 % of the documents of every source was held out. Clinical text is no part of it.

## Training

| | |
|---|---|
{facts}

## Held-out figures

{evaluation}

## Loss

Mean over the targets in nats: in training since the row before, and on held-out rows of 128 tokens.

| step | tokens | training | held-out |
|---|---|---|---|
{curve}
"""


def card(
    name: str, n_parameters: int, curve: list[dict[str, Any]], evaluation: dict[str, Any], prepared: dict[str, Any]
) -> str:
    """The card as Markdown.

    Args:
        name: of the starter.
        n_parameters: counted.
        curve: what pretrain.py wrote; the first line tells of the machine.
        evaluation: what evaluate.py wrote.
        prepared: what prepare.py wrote.
    """
    starter = STARTERS[name]
    causal = starter.kind == "causal"
    about, *points = curve
    sizes = {source: prepared["sizes"][f"train/{source}"] for source in MIXTURE}
    sources = [
        f"| {SOURCES[source][0]} | {SOURCES[source][1]} | {share:.0%} "
        f"| {sizes[source]['documents']:,} | {sizes[source]['tokens']:,} |"
        for source, share in MIXTURE.items()
    ]
    measured = [point for point in points if "heldout_loss" in point]
    return HEAD.format(
        task="text-generation" if causal else "fill-mask",
        name=name,
        version=VERSION,
        about=_about(starter, n_parameters),
        use=(
            "to be adapted to a corpus with `deidsynth adapt`, and sampled from"
            if causal
            else "to be fine-tuned as a tagger with `deidsynth train`"
        ),
        sources="\n".join(sources),
        facts="\n".join(f"| {key} | {value} |" for key, value in _facts(starter, about, points[-1]).items()),
        evaluation=_evaluation(evaluation, causal),
        curve="\n".join(
            f"| {point['step']:,} | {point['tokens']:,} | {point['train_loss']:.3f} | {point['heldout_loss']:.3f} |"
            for point in measured
        ),
    )


def _about(starter: Starter, n_parameters: int) -> str:
    shape = starter.shape
    what = "causal language model of Llama type" if starter.kind == "causal" else "encoder of ModernBERT type"
    layers, width = shape["num_hidden_layers"], shape["hidden_size"]
    return f"A {what} for Swedish and Spanish: {n_parameters / 1e6:.1f} million parameters, {layers} layers of {width}."


def _facts(starter: Starter, about: dict[str, Any], last: dict[str, Any]) -> dict[str, str]:
    rows = ", then ".join(f"{phase.share:.0%} in rows of {phase.length}" for phase in starter.phases)
    objective = "next token" if starter.kind == "causal" else f"{starter.masked:.0%} of the tokens hidden"
    return {
        "objective": objective,
        "steps": f"{last['step']:,}",
        "tokens seen": f"{last['tokens']:,} ({rows})",
        "optimizer": f"Muon on the matrices of the layers, AdamW on the rest; rate {starter.learning_rate:g}",
        "batch": f"{starter.batch_tokens:,} tokens",
        "seed": str(SEED),
        "machine": f"{about['device']} ({about['machine']}), {about['threads']} threads, {about['precision']}",
        "duration": f"{last['seconds'] / 60:.0f} minutes",
    }


def _evaluation(evaluation: dict[str, Any], causal: bool) -> str:
    if causal:
        rows = [f"| {source} | {bits:.3f} |" for source, bits in evaluation.items()]
        return "\n".join(["| source | bits per character |", "|---|---|", *rows])
    rows = [f"| {source} | {each['loss']:.3f} | {each['accuracy']:.3f} |" for source, each in evaluation.items()]
    return "\n".join(["| source | loss (nats) | hidden tokens found |", "|---|---|---|", *rows])
