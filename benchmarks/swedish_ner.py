"""Swedish news: a tagger from the starter, one from scratch, and spaCy's CNN, in domain and out of it.

    python benchmarks/swedish_ner.py --data DATA

Trains on the training part of ``swedish_ner_corpus`` and scores its test part and, for the labels that both have
(PER, LOC, ORG), ``uner_swedish_pud``. All systems see the same tokens and are scored by deidsynth on the same spans.
No open Swedish clinical corpus with PHI labels exists, so that these figures say nothing of clinical text.
spaCy has a virtual environment of its own (``--spacy-python``, by default made in the work folder) and its own
recommended configuration; a tenth of the training sentences is its development set.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from _columns import Sentence, documents, read_sentences

from deidsynth import Corpus, read_jsonl, score, write_jsonl

ROOT = Path(__file__).resolve().parents[1]
SHARED_LABELS = {"PER", "LOC", "ORG"}
SPACY_SCRIPT = Path(__file__).with_name("_spacy_cnn.py")


def command(arguments: list[str]) -> None:
    """Run a command; its messages go to standard error."""
    subprocess.run(arguments, check=True, stdout=sys.stderr)


def deidsynth_model(encoder: str, work: Path, settings: list[str], seed: int) -> tuple[float, dict[str, Corpus]]:
    """Seconds of training, and what the model finds in each test corpus."""
    program = [sys.executable, "-m", "deidsynth"]
    began = time.monotonic()
    sets = [part for each in settings for part in ("--set", each)]
    model = work / encoder / "model"
    train = [*program, "train", str(work / "train.jsonl"), "-o", str(model), "--encoder", encoder, "--seed", str(seed)]
    command([*train, *sets])
    seconds = time.monotonic() - began
    found: dict[str, Corpus] = {}
    for name in ("news", "pud"):
        target = work / encoder / f"{name}.jsonl"
        command([*program, "annotate", str(model), str(work / f"{name}.jsonl"), "-o", str(target)])
        found[name] = read_jsonl(target)
    return seconds, found


def spacy_model(work: Path, python: Path | None, max_steps: int, seed: int) -> tuple[float, dict[str, Corpus]]:
    """The same for spaCy's CNN."""
    if python is None:
        python = work / "spacy-venv" / "bin" / "python"
        if not python.exists():
            command([sys.executable, "-m", "venv", str(python.parents[1])])
            command([str(python), "-m", "pip", "install", "--quiet", "spacy"])
    folder = work / "spacy"
    folder.mkdir(exist_ok=True)
    command([str(python), str(SPACY_SCRIPT), str(work), str(folder), str(max_steps), str(seed)])
    seconds = json.loads((folder / "seconds.json").read_text(encoding="utf-8"))
    found: dict[str, Corpus] = {}
    for name in ("news", "pud"):
        tagged = json.loads((folder / f"{name}.json").read_text(encoding="utf-8"))
        sentences: list[Sentence] = [[(token, tag) for token, tag in sentence] for sentence in tagged]
        found[name] = documents(sentences, name)
    return seconds, found


def without(corpus: Corpus, labels: set[str]) -> Corpus:
    """The corpus with entities of the given labels only."""
    return Corpus(
        tuple(
            type(each)(each.doc_id, each.text, tuple(entity for entity in each.entities if entity.label in labels))
            for each in corpus
        )
    )


def figures(gold: dict[str, Corpus], found: dict[str, Corpus]) -> dict[str, dict[str, float | None]]:
    """Strict and token F1 on each test corpus."""
    result: dict[str, dict[str, float | None]] = {}
    for name, corpus in gold.items():
        predicted = found[name] if name == "news" else without(found[name], SHARED_LABELS)
        scores = score(list(corpus), list(predicted))
        result[name] = {"strict_f1": scores.strict.f1, "token_f1": scores.token.f1}
    return result


def prepare(data: Path, work: Path) -> dict[str, Corpus]:
    """Write the corpora for all systems into the work folder.

    Returns:
        The test corpora.
    """
    news = data / "swedish_ner_corpus"
    sentences = {
        "train": read_sentences(news / "train_corpus.txt", 0, 1),
        "news": read_sentences(news / "test_corpus.txt", 0, 1),
        "pud": read_sentences(data / "uner_swedish_pud" / "sv_pud-ud-test.iob2", 1, 2),
    }
    corpora: dict[str, Corpus] = {}
    for name, each in sentences.items():
        corpora[name] = documents(each, name, SHARED_LABELS if name == "pud" else None)
        target = work / f"{name}.jsonl"
        target.unlink(missing_ok=True)
        write_jsonl(corpora[name], target)
        (work / f"{name}.sentences.json").write_text(json.dumps(each, ensure_ascii=False), encoding="utf-8")
    return {name: corpora[name] for name in ("news", "pud")}


def main() -> None:
    """Run the benchmark."""
    parser = argparse.ArgumentParser(description=__doc__)
    shared = Path(os.environ.get("DEIDSYNTH_DATA", ROOT.parent / "shared" / "data"))
    parser.add_argument("--data", type=Path, default=shared)
    parser.add_argument("--work", type=Path, default=ROOT / "build" / "swedish_ner")
    parser.add_argument("--systems", default="starter,scratch,spacy")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="keys of train")
    parser.add_argument("--spacy-python", type=Path, default=None, help="Python of an environment with spaCy")
    parser.add_argument("--spacy-max-steps", type=int, default=20_000, help="spaCy's own limit by default")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    options.work.mkdir(parents=True, exist_ok=True)
    gold = prepare(options.data, options.work)
    results: dict[str, Any] = {}
    for system in options.systems.split(","):
        place = options.work / f"{system}-{options.seed}.json"
        if not place.exists():
            if system == "spacy":
                seconds, found = spacy_model(options.work, options.spacy_python, options.spacy_max_steps, options.seed)
            else:
                seconds, found = deidsynth_model(system, options.work, options.set, options.seed)
            record = {"training_seconds": round(seconds, 1), **figures(gold, found)}
            place.write_text(json.dumps(record) + "\n", encoding="utf-8")
        results[system] = json.loads(place.read_text(encoding="utf-8"))
    if options.json:
        print(json.dumps(results))
        return
    print("| system | news strict F1 | news token F1 | PUD strict F1 | PUD token F1 | training |")
    print("|---|---|---|---|---|---|")
    for system, row in results.items():
        cells = [row[name][way] for name in ("news", "pud") for way in ("strict_f1", "token_f1")]
        print(f"| {system} | " + " | ".join(f"{each:.3f}" for each in cells) + f" | {row['training_seconds']:.0f} s |")


if __name__ == "__main__":
    main()
