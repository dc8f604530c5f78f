"""How long scoring takes: a million tagged tokens here, with seqeval and with nervaluate.

    pip install seqeval nervaluate
    OMP_NUM_THREADS=1 python benchmarks/scoring.py

All score the very same lists of tag strings, invented and seeded: sentences of about 20 tokens, a tenth of the tokens
inside entities of 20 labels. Predictions are gold but for a share of the entities, which are dropped, mistaken for
another label, cut short or followed by a spurious one. The tags stay well-formed, so that all count the same and the
figures are compared exactly; on malformed tags nervaluate counts otherwise (`deidsynth.metrics.sequences`).

What is timed, from the lists to the figures, in turns on one core:

ours        ``score_tags``: counts by label and over all labels
seqeval     strict, IOB2, micro average: ``seqeval.metrics.v1.precision_recall_fscore_support``
nervaluate  ``Evaluator(..., loader="list").evaluate()``: four measures, over all labels and by label; it has no fewer
documents   ``deidsynth.metrics.score`` on documents with the same entities, which exist before the clock starts: all of
            its measures, of which strict is compared; it has no fewer. Not part of the ratios.
"""

from __future__ import annotations

import argparse
import os
import platform
import random
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import _command
import numpy as np

from deidsynth.documents import Document, Entity
from deidsynth.errors import CheckFailedError, InputError
from deidsynth.metrics import score
from deidsynth.metrics.sequences import score_tags

RIVALS = ("seqeval", "nervaluate")
SYSTEMS = ("ours", *RIVALS, "documents")
SENTENCES_PER_DOCUMENT = 25
LENGTHS = (1, 1, 2, 3)  # of entities, in tokens
DENSITY = 0.1  # share of the tokens inside entities

Span = tuple[int, int, str]
Ratios = tuple[float, float, float]


@dataclass(frozen=True, repr=False)
class Sentence:
    """A sentence: its number of tokens, and its entities in order."""

    length: int
    gold: tuple[Span, ...]
    predicted: tuple[Span, ...]


def sentences(n_tokens: int, n_labels: int, noise: float, seed: int) -> list[Sentence]:
    """Invented sentences with so many tokens in all.

    Args:
        n_tokens: in all sentences.
        n_labels: how many labels there are.
        noise: share of the entities that are not predicted as they are.
        seed: of all choices.
    """
    source = random.Random(seed)
    labels = [f"LABEL_{number}" for number in range(n_labels)]
    mean = sum(LENGTHS) / len(LENGTHS)
    begin = DENSITY / (DENSITY + (1 - DENSITY) * mean)  # chance that a free token begins an entity
    made, left = list[Sentence](), n_tokens
    while left:
        length = min(left, source.randint(10, 30))
        gold, at = list[Span](), 0
        while at < length:
            if source.random() < begin:
                end = min(length, at + source.choice(LENGTHS))
                gold.append((at, end, source.choice(labels)))
                at = end
            else:
                at += 1
        made.append(Sentence(length, tuple(gold), predicted(gold, length, labels, noise, source)))
        left -= length
    return made


def predicted(
    gold: Sequence[Span], length: int, labels: Sequence[str], noise: float, source: random.Random
) -> tuple[Span, ...]:
    """The entities with noise: some dropped, with another label, cut short, or followed by one that is wrong."""
    found = list[Span]()
    for number, (start, end, label) in enumerate(gold):
        fault = source.choice(("drop", "label", "end", "more")) if source.random() < noise else ""
        free = gold[number + 1][0] if number + 1 < len(gold) else length
        if fault == "drop":
            continue
        if fault == "label":
            label = source.choice(labels)
        elif fault == "end" and end - start > 1:
            end -= 1
        found.append((start, end, label))
        if fault == "more" and end < free:
            found.append((end, end + 1, source.choice(labels)))
    return tuple(found)


def tags(length: int, spans: Sequence[Span]) -> list[str]:
    """The tags of one sentence."""
    made = ["O"] * length
    for start, end, label in spans:
        made[start:end] = [f"B-{label}"] + [f"I-{label}"] * (end - start - 1)
    return made


def documents(made: Sequence[Sentence], side: str) -> list[Document]:
    """Documents of 25 sentences each, every token a word of three letters; ``side`` is gold or predicted."""
    found = []
    for first in range(0, len(made), SENTENCES_PER_DOCUMENT):
        entities, before = list[Entity](), 0
        for sentence in made[first : first + SENTENCES_PER_DOCUMENT]:
            spans: tuple[Span, ...] = getattr(sentence, side)
            entities += [Entity(4 * (before + start), 4 * (before + end) - 1, label) for start, end, label in spans]
            before += sentence.length
        found.append(Document(f"d{first}", " ".join(["abc"] * before), tuple(entities)))
    return found


def systems(made: Sequence[Sentence]) -> dict[str, Callable[[], Ratios]]:
    """What is timed, by name; each call gives precision, recall and F1."""
    from nervaluate import Evaluator
    from seqeval.metrics.v1 import precision_recall_fscore_support
    from seqeval.scheme import IOB2

    gold, found = ([tags(each.length, getattr(each, side)) for each in made] for side in ("gold", "predicted"))
    gold_documents, found_documents = (documents(made, side) for side in ("gold", "predicted"))
    labels = sorted({label for each in made for _, _, label in (*each.gold, *each.predicted)})

    def ours() -> Ratios:
        micro = score_tags(gold, found).micro
        return micro.precision or 0.0, micro.recall or 0.0, micro.f1 or 0.0

    def seqeval() -> Ratios:
        precision, recall, f1, _ = precision_recall_fscore_support(
            gold, found, average="micro", scheme=IOB2, zero_division=0
        )
        return float(precision), float(recall), float(f1)

    def nervaluate() -> Ratios:
        strict = Evaluator(gold, found, tags=labels, loader="list").evaluate()["overall"]["strict"]
        return strict.precision, strict.recall, strict.f1

    def of_documents() -> Ratios:
        strict = score(gold_documents, found_documents).strict
        return strict.precision or 0.0, strict.recall or 0.0, strict.f1 or 0.0

    return {"ours": ours, "seqeval": seqeval, "nervaluate": nervaluate, "documents": of_documents}


def time_all(timed: dict[str, Callable[[], Ratios]], repetitions: dict[str, int]) -> tuple[dict[str, Any], Ratios]:
    """Seconds of every repetition by system, taken in turns, and the figures that all agree on.

    Raises:
        CheckFailedError: two systems disagree by more than the rounding of a float.
    """
    seconds: dict[str, list[float]] = {name: [] for name in timed}
    figures: dict[str, Ratios] = {}
    for repetition in range(max(repetitions.values())):
        for name, call in timed.items():
            if repetition < repetitions[name]:
                started = time.perf_counter()
                figures[name] = call()
                seconds[name].append(time.perf_counter() - started)
    for name, ratios in figures.items():
        if not np.allclose(ratios, figures["ours"], rtol=0, atol=1e-12):
            raise CheckFailedError(f"precision, recall and F1 of {name} are {ratios}, ours {figures['ours']}")
    return seconds, figures["ours"]


def bootstrap_seconds(n_documents: int, n_resamples: int, seed: int) -> float:
    """Seconds of the intervals of precision, recall and F1 over so many invented documents."""
    from deidsynth.metrics.resampling import bootstrap

    counts = np.random.default_rng(seed).poisson((20.0, 2.0, 2.0), (n_documents, 3))
    started = time.perf_counter()
    bootstrap(counts, n_resamples=n_resamples, seed=seed)
    return time.perf_counter() - started


def check_rivals() -> dict[str, str]:
    """Versions of Python, NumPy and the rivals.

    Raises:
        InputError: a rival is not installed.
    """
    found, missing = {"python": platform.python_version(), "numpy": np.__version__}, list[str]()
    for name in RIVALS:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            missing.append(name)
    if missing:
        raise InputError(f"the benchmark compares with {' and '.join(missing)}: pip install {' '.join(missing)}")
    return found


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=1_000_000, metavar="N")
    parser.add_argument("--labels", type=int, default=20, metavar="N")
    parser.add_argument("--noise", type=float, default=0.1, help="share of the entities predicted with a fault")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="of which the median counts")
    parser.add_argument(
        "--nervaluate-repetitions", type=int, default=None, metavar="N", help="where its 10 s a time are too many"
    )
    parser.add_argument("--bootstrap-documents", type=int, default=None, metavar="N", help="time intervals as well")
    parser.add_argument("--resamples", type=int, default=10_000, metavar="N", help="of the bootstrap")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    return parser


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints.

    Raises:
        InputError: an option is out of bounds or a rival is not installed.
        CheckFailedError: the systems disagree.
    """
    counts = ("tokens", "labels", "repetitions", "nervaluate_repetitions", "bootstrap_documents", "resamples")
    for name in counts:
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise InputError(f"--{name.replace('_', '-')} {getattr(options, name)}: expected at least 1")
    if not 0 <= options.noise <= 1:
        raise InputError(f"--noise {options.noise}: expected a share from 0 to 1")
    versions = check_rivals()
    made = sentences(options.tokens, options.labels, options.noise, options.seed)
    repetitions = dict.fromkeys(SYSTEMS, options.repetitions)
    repetitions["nervaluate"] = min(options.nervaluate_repetitions or options.repetitions, options.repetitions)
    runs, (precision, recall, f1) = time_all(systems(made), repetitions)
    seconds = {name: statistics.median(each) for name, each in runs.items()}
    result = {
        "n_tokens": options.tokens,
        "n_sentences": len(made),
        "n_entities": sum(len(each.gold) for each in made),
        "n_labels": options.labels,
        "noise": options.noise,
        "seed": options.seed,
        "repetitions": repetitions,
        "omp_num_threads": os.environ.get("OMP_NUM_THREADS"),
        "versions": versions,
        "precision": precision,
        "recall": recall,
        "f1": f1,
        "seconds": seconds,
        "all_seconds": runs,
        "ratio_to_seqeval": seconds["seqeval"] / seconds["ours"],
        "ratio_to_nervaluate": seconds["nervaluate"] / seconds["ours"],
    }
    if options.bootstrap_documents:
        result["bootstrap"] = {
            "n_documents": options.bootstrap_documents,
            "n_resamples": options.resamples,
            "seconds": bootstrap_seconds(options.bootstrap_documents, options.resamples, options.seed),
        }
    return result


def table(result: dict[str, Any]) -> str:
    """Markdown: a row for every system, and what was measured."""
    lines = ["| system | median s | fastest to slowest | repetitions | times ours |", "|---|---|---|---|---|"]
    for name, median in result["seconds"].items():
        runs = result["all_seconds"][name]
        span = f"{min(runs):.3f} to {max(runs):.3f}"
        lines.append(f"| {name} | {median:.3f} | {span} | {len(runs)} | {median / result['seconds']['ours']:.1f} |")
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    lines += [
        "",
        f"{result['n_tokens']:,} tokens, {result['n_sentences']:,} sentences, {result['n_entities']:,} entities, "
        f"{result['n_labels']} labels, noise {result['noise']:g}, seed {result['seed']}. All agree: "
        f"precision {result['precision']:.4f}, recall {result['recall']:.4f}, F1 {result['f1']:.4f}. {versions}.",
    ]
    if "bootstrap" in result:
        drawn = result["bootstrap"]
        lines.append(
            f"Bootstrap of {drawn['n_documents']:,} documents, {drawn['n_resamples']:,} resamples: "
            f"{drawn['seconds']:.2f} s."
        )
    return "\n".join(lines)


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit code.
    """
    return _command.run(arguments, benchmark, table, given)


if __name__ == "__main__":
    sys.exit(main())
