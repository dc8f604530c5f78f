"""What finds identifiers on the same weights: documents per second, peak memory, what is found and what is missed.

    python benchmarks/deidentify.py [--model MODEL] [--language es] [--documents 100] [--repetitions 5]

tagger                  `deidsynth.Tagger`
deidentifier            `deidsynth.Deidentifier`, from text to text: with patterns, further mentions, masks and the
                        check of what is left
presidio                Presidio with `DeidsynthRecognizer`, a text at a time as Presidio calls it
presidio-transformers   Presidio with its own recognizer for transformers, with its own settings
spacy                   spaCy with the component `deidsynth`
pipeline                `transformers.pipeline("token-classification")`, simple, with a stride

Every tool runs in a fresh process, in turns; seconds are of processor time, so that other work on the machine counts
little. The notes are invented. Beside the timed ones, each tool gets notes that begin after 300 sentences in which
nothing is to be found, and texts on which software stumbles; an exception on any text is counted. Without ``--model``,
a tiny tagger is trained first, which finds little: then only times mean anything.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import _command
from _deidentify_tool import TOOLS

import deidsynth as ds
from deidsynth.cli.terminal import tell
from deidsynth.config.surrogates import NAME_KINDS
from deidsynth.errors import InputError
from deidsynth.models.tagger.token_classifier import load_tagger
from deidsynth.surrogates.labels import kind_of
from deidsynth.tagging import trim
from deidsynth.workflow.alone import model_folder

MEGABYTE = 1_000_000
BYTES_OF_RSS_UNIT = 1 if sys.platform == "darwin" else 1024
TINY = {"encoder": "scratch", "scratch": {"hidden_size": 32, "layers": 1, "vocabulary_size": 400}, "epochs": 1}
FILLER = {"es": "El paciente evoluciona bien. ", "sv": "Patienten mår bättre idag. "}
N_FILLERS = 300
ODD = (
    "",
    " \n\t ",
    "\u2028",
    "\U0001f600" * 200 + " Ana\r\n",
    "x" * 20_000,
    "\u202eאבג",
    "[SEP] <s> </s> <pad> [MASK]",
)
OURS = "tagger"


@dataclass(frozen=True)
class Run:
    """What one process of a tool gave.

    Args:
        seconds: of processor time for the notes.
        load_seconds: until the first of them was done.
        peak_megabytes: of memory.
        notes: spans of the notes; None where there was an exception.
        others: those of the other texts.
    """

    seconds: float
    load_seconds: float
    peak_megabytes: float
    notes: list[Any]
    others: list[Any]


def after_fillers(note: ds.Document, filler: str) -> ds.Document:
    """The note after many sentences without anything to be found."""
    before = filler * N_FILLERS
    moved = (ds.Entity(each.start + len(before), each.end + len(before), each.label) for each in note.entities)
    return ds.Document(note.doc_id, before + note.text, tuple(moved))


def prepared(options: argparse.Namespace, folder: Path) -> Path:
    """The folder with the weights of the model: the one that was named, else one trained on invented notes.

    Raises:
        InputError: it is an ensemble.
    """
    source = options.model
    if source is None:
        corpus = ds.invented_corpus(options.language, 40, seed=options.seed + 1)
        quick = {**TINY, "task_adaptive_pretraining": {"epochs": 0}}
        source = ds.train(corpus, output=folder / "ner", progress=False, **quick).folder
    tagger = load_tagger(str(model_folder(Path(source))))
    if len(tagger.models) > 1:
        raise InputError(f"{source}: is an ensemble, of which the others load one model; give a single one as --model")
    return model_folder(Path(source))


def measured(tool: str, model: Path, language: str, texts: Path) -> Run:
    """One process of a tool.

    Raises:
        InputError: it ends with an error.
    """
    script = Path(__file__).with_name("_deidentify_tool.py")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "TOKENIZERS_PARALLELISM": "false"}
    with tempfile.TemporaryFile() as errors, tempfile.TemporaryFile() as output:
        command = [sys.executable, str(script), tool, str(model), language, str(texts)]
        process = subprocess.Popen(command, stdout=output, stderr=errors, env=environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            errors.seek(0)
            raise InputError(f"{tool} ended with {process.returncode}: {errors.read().decode()[-500:]}")
        output.seek(0)
        found = json.load(output)
    return Run(peak_megabytes=usage.ru_maxrss * BYTES_OF_RSS_UNIT / MEGABYTE, **found)


def found_in(document: ds.Document, spans: Sequence[Sequence[Any]] | None) -> ds.Document:
    """The document with what a tool found: trimmed, and of two spans that overlap the first."""
    entities, last = list[ds.Entity](), 0
    for start, end, label in sorted(map(tuple, spans or ())):
        start, end = trim(document.text, start, end)
        if last <= start < end:
            entities.append(ds.Entity(start, end, label))
            last = end
    return document.with_entities(entities)


def names_missed(gold: Sequence[ds.Document], found: Sequence[ds.Document]) -> tuple[int, int]:
    """How many names are not found at their offsets, and how many there are."""
    names = [
        (number, entity.key)
        for number, document in enumerate(gold)
        for entity in document.entities
        if kind_of(entity.label) in NAME_KINDS
    ]
    missed = sum(key not in {entity.key for entity in found[number].entities} for number, key in names)
    return missed, len(names)


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What every tool does."""
    notes = ds.invented_corpus(options.language, options.documents, seed=options.seed)
    long = [after_fillers(note, FILLER[options.language]) for note in notes[: options.long_documents]]
    with tempfile.TemporaryDirectory() as folder:
        texts = Path(folder) / "texts.json"
        model = prepared(options, Path(folder))
        runs: dict[str, list[Run]] = {tool: [] for tool in options.tools}
        for repetition in range(options.repetitions):
            others = [] if repetition else [*(each.text for each in long), *ODD]
            texts.write_text(json.dumps({"notes": [each.text for each in notes], "others": others}), encoding="utf-8")
            for tool, done in runs.items():
                done.append(measured(tool, model, options.language, texts))
                tell(f"{repetition + 1}: {tool}, {len(notes) / done[-1].seconds:.1f} documents/s")
    return summary(runs, notes, long)


def summary(runs: dict[str, list[Run]], notes: ds.Corpus, long: Sequence[ds.Document]) -> dict[str, Any]:
    """The figures of every tool, and how many times as fast ours is."""
    tools, ratios = {}, {}
    for tool, done in runs.items():
        first = done[0]
        found = [found_in(document, spans) for document, spans in zip(notes, first.notes, strict=True)]
        after = [found_in(document, spans) for document, spans in zip(long, first.others, strict=False)]
        missed, n_names = names_missed(long, after)
        tools[tool] = {
            "documents_per_second": len(notes) / statistics.median(each.seconds for each in done),
            "load_seconds": statistics.median(each.load_seconds for each in done),
            "peak_megabytes": first.peak_megabytes,
            "strict_f1": ds.score(notes, notes.with_documents(found)).strict.f1,
            "exceptions": sum(each is None for each in [*first.notes, *first.others]),
            "names_missed_in_notes": names_missed(list(notes), found)[0],
            "names_missed_after_300_sentences": missed,
            "names_after_300_sentences": n_names,
        }
        if OURS in runs and tool != OURS:
            pairs = zip(runs[OURS], done, strict=True)
            ratios[f"ratio_to_{tool}"] = statistics.median(their.seconds / own.seconds for own, their in pairs)
    return {"n_documents": len(notes), "n_characters": sum(len(each.text) for each in notes), "tools": tools, **ratios}


def table(result: dict[str, Any]) -> str:
    """The result as Markdown."""
    lines = [
        "| tool | documents/s | load s | peak MB | strict F1 | exceptions | names missed after 300 sentences |",
        "|---|---|---|---|---|---|---|",
    ]
    for tool, each in result["tools"].items():
        f1 = "" if each["strict_f1"] is None else f"{each['strict_f1']:.3f}"
        missed = f"{each['names_missed_after_300_sentences']} of {each['names_after_300_sentences']}"
        speed = f"{each['documents_per_second']:.1f} | {each['load_seconds']:.1f} | {each['peak_megabytes']:,.0f}"
        lines.append(f"| {tool} | {speed} | {f1} | {each['exceptions']} | {missed} |")
    return "\n".join(lines)


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--model", type=Path, help="folder of a tagger of invented notes; by default a tiny one is made"
    )
    parser.add_argument("--language", choices=sorted(FILLER), default="es", help="of the invented notes")
    parser.add_argument("--documents", type=int, default=100, help="invented notes that are timed")
    parser.add_argument("--long-documents", type=int, default=20, help="of these, to be found after 300 sentences")
    parser.add_argument("--tools", nargs="+", choices=list(TOOLS), default=list(TOOLS))
    parser.add_argument("--repetitions", type=int, default=5)
    parser.add_argument("--seed", type=int, default=9)
    parser.add_argument("--json", action="store_true")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Measure, and print what was found."""
    return _command.run(arguments, benchmark, table, given)


if __name__ == "__main__":
    sys.exit(main())
