"""What patterns, a second pass and known values add to a model, and what they cost.

    python benchmarks/detection.py GOLD PREDICTED [--language es] [--json]

No model is run: PREDICTED is the corpus with the entities of a model, such as the ``predictions.jsonl``
of an evaluation or what ``deidsynth annotate`` wrote. Known values are the names in the gold entities of a document,
without labels, as a register of patients would have them; they are known perfectly, so theirs is the most that they can
add. A character is missed if it is in a gold entity and in no entity that was found; white space does not count.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import _command

from deidsynth.config.detection import Detection
from deidsynth.config.surrogates import NAME_KINDS
from deidsynth.corpora.loading import load_corpus
from deidsynth.deidentification.detectors import Detectors
from deidsynth.deidentification.known_values import KnownValue, KnownValues
from deidsynth.documents import Corpus, Document
from deidsynth.metrics.counts import Counts
from deidsynth.metrics.entities import paired_documents
from deidsynth.metrics.measures import character, strict
from deidsynth.surrogates.labels import kind_of

ARMS = {
    "model": (False, False, False),
    "+ patterns": (True, False, False),
    "+ second pass": (False, True, False),
    "+ known values": (False, False, True),
    "+ patterns, second pass": (True, True, False),
    "+ all": (True, True, True),
}
"""Whether there are patterns, a second pass, known values."""


def known_names(gold: Sequence[Document]) -> KnownValues:
    """The names in the gold entities of documents, by their ids."""
    return KnownValues({document.doc_id: map(KnownValue, names(document)) for document in gold})


def names(document: Document) -> list[str]:
    """The names of a document, first and last names that follow each other as one."""
    places: list[tuple[int, int]] = []
    for entity in document.entities:
        if kind_of(entity.label) in NAME_KINDS:
            if places and document.text[places[-1][1] : entity.start] == " ":
                places[-1] = (places[-1][0], entity.end)
            else:
                places.append((entity.start, entity.end))
    return [document.text[start:end] for start, end in places]


def measure(gold: Corpus, predicted: Corpus, language: str | None) -> dict[str, Any]:
    """Scores and sources of what each arm finds."""
    labels = sorted(predicted.label_counts())
    pairs = paired_documents(gold, predicted)
    known = known_names(gold)
    found: dict[str, Any] = {}
    for arm, (patterns, again, values) in ARMS.items():
        detection = Detection(patterns=patterns, second_pass=again)
        detectors = Detectors(detection, language=language, labels=labels, known=known if values else None)
        entities, characters, sources = Counts(), Counts(), Counter[str]()
        for right, by_model in pairs:
            result = detectors(replace(by_model, group=right.doc_id))
            entities += strict(right, result.document)
            characters += character(right, result.document)
            sources.update(result.sources)
        found[arm] = {
            "strict": {"precision": entities.precision, "recall": entities.recall, "f1": entities.f1},
            "missed_characters": characters.fn,
            "needless_characters": characters.fp,
            "sources": dict(sources),
        }
    return {"n_documents": len(gold), "n_entities": gold.n_entities, "language": language, "arms": found}


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """The scores of all arms on two corpora."""
    gold, predicted = (load_corpus(path) for path in (options.gold, options.predicted))
    return measure(gold, predicted, options.language or gold.language)


def table(result: dict[str, Any]) -> str:
    """Markdown: a row for each arm."""
    lines = [
        "| found by | precision | recall | strict F1 | characters missed | needless characters | new entities |",
        "|---|---|---|---|---|---|---|",
    ]
    for arm, each in result["arms"].items():
        figures = " | ".join(f"{each['strict'][name]:.4f}" for name in ("precision", "recall", "f1"))
        new = sum(count for source, count in each["sources"].items() if source != "model")
        lines.append(f"| {arm} | {figures} | {each['missed_characters']:,} | {each['needless_characters']:,} | {new} |")
    return "\n".join([*lines, "", f"{result['n_documents']} documents, {result['n_entities']:,} gold entities."])


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description="what is found around a model")
    parser.add_argument("gold", type=Path, help="corpus with the entities that are right")
    parser.add_argument("predicted", type=Path, help="the same documents with the entities of a model")
    parser.add_argument("--language", help="ISO 639-1 code; by default what the gold corpus says")
    parser.add_argument("--json", action="store_true", help="print JSON")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit code.
    """
    return _command.run(arguments, benchmark, table, given)


if __name__ == "__main__":
    sys.exit(main())
