"""How many documents a second a tagger annotates: here, and in ``transformers.pipeline("token-classification")``.

    python benchmarks/annotation.py MODEL CORPUS [--spacy-python ENVIRONMENT/bin/python]

MODEL is a token classifier that `deidsynth train` wrote; CORPUS any annotated corpus, whose test part is annotated.

ours              ``predict`` as `deidsynth annotate` calls it: overlapping windows of whole sentences, the best valid
                  sequence of the whole document, a score for every entity
pipeline          the documents whole, which the pipeline cuts with the same longest window and overlap (``stride``)
pipeline-chunks   the documents cut beforehand into windows of whole sentences without overlap: the fastest way
                  that a user could take, with nothing to see beyond a window's edge
spacy             spaCy's CNN of its own size with weights as drawn, in an environment of its own; another model, which
                  reads less and knows nothing, beside the rest for orientation

The pipelines run at every batch size and precision offered on a few documents first; the fastest is timed. All are
timed in turns. The figures beside the times say how near the predictions are: strict F1 against gold, and against ours.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _command
import torch
import transformers
from transformers import pipeline

from deidsynth.cli.terminal import tell
from deidsynth.config import AnnotateConfig, SplitConfig
from deidsynth.corpora import make_splits, read_corpus
from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError
from deidsynth.metrics import score
from deidsynth.models.devices import KeptMemory, resolve_precision
from deidsynth.models.tagger.chunks import fill_tokens, sentences
from deidsynth.models.tagger.prediction import predict
from deidsynth.models.tagger.token_classifier import Tagger, load_tagger
from deidsynth.models.tagger.token_data import tokenize
from deidsynth.tagging import trim

BATCH_SIZES = (1, 2, 4, 8, 16, 32)
N_TRIED = 12  # documents on which a pipeline's settings are chosen

Annotate = Callable[[Sequence[Document]], list[Document]]


def with_spans(document: Document, found: Sequence[tuple[int, int, str]]) -> Document:
    """The document with spans trimmed to what is no blank; of two that overlap, the first stays."""
    entities, end = list[Entity](), 0
    for start, stop, label in sorted(found):
        start, stop = trim(document.text, start, stop)
        if end <= start < stop:
            entities.append(Entity(start, stop, label))
            end = stop
    return document.with_entities(entities)


def ours(tagger: Tagger, precision: str) -> Annotate:
    """As the package annotates."""
    return lambda documents: list(predict(tagger, documents, precision=precision))


def whole(folder: str, dtype: torch.dtype, batch_size: int, window: int) -> Annotate:
    """The pipeline on whole documents, which it cuts with overlap."""
    tagger = load_tagger(folder)
    tagger.tokenizer.model_max_length = window + 2
    call = pipeline(
        "token-classification",
        model=tagger.model.to(dtype),
        tokenizer=tagger.tokenizer,
        aggregation_strategy="simple",
        stride=round(AnnotateConfig().overlap * window),
        device="cpu",
    )

    def annotate(documents: Sequence[Document]) -> list[Document]:
        found = call([document.text for document in documents], batch_size=batch_size)
        return [
            with_spans(document, [(each["start"], each["end"], each["entity_group"]) for each in one])
            for document, one in zip(documents, found, strict=True)
        ]

    return annotate


def in_chunks(folder: str, dtype: torch.dtype, batch_size: int, window: int) -> Annotate:
    """The pipeline on windows without overlap; the cutting is timed with it."""
    tagger = load_tagger(folder)
    call = pipeline(
        "token-classification",
        model=tagger.model.to(dtype),
        tokenizer=tagger.tokenizer,
        aggregation_strategy="simple",
        device="cpu",
    )

    def annotate(documents: Sequence[Document]) -> list[Document]:
        pieces, starts = list[str](), list[tuple[int, int]]()
        for number, document in enumerate(documents):
            _, offsets = tokenize(tagger.tokenizer, document.text)
            for first, last in fill_tokens(offsets, sentences(document.text), window):
                pieces.append(document.text[offsets[first][0] : offsets[last - 1][1]])
                starts.append((number, offsets[first][0]))
        spans: list[list[tuple[int, int, str]]] = [[] for _ in documents]
        for (number, start), one in zip(starts, call(pieces, batch_size=batch_size), strict=True):
            spans[number] += [(start + each["start"], start + each["end"], each["entity_group"]) for each in one]
        return [with_spans(document, one) for document, one in zip(documents, spans, strict=True)]

    return annotate


def fastest(
    make: Callable[[str, torch.dtype, int, int], Annotate],
    folder: str,
    window: int,
    documents: Sequence[Document],
    batch_sizes: Sequence[int],
) -> tuple[Annotate, str]:
    """The fastest settings on a few documents, second pass each, and what they are."""
    best: tuple[float, Annotate, str] | None = None
    for dtype in (torch.float32, torch.bfloat16):
        for batch_size in batch_sizes:
            annotate = make(folder, dtype, batch_size, window)
            annotate(documents)
            began = time.perf_counter()
            annotate(documents)
            seconds = time.perf_counter() - began
            tell(f"{make.__name__}, {dtype}, batch {batch_size}: {len(documents) / seconds:.1f} documents/s")
            if best is None or seconds < best[0]:
                best = seconds, annotate, f"{str(dtype).removeprefix('torch.')}, batch {batch_size}"
    assert best is not None
    return best[1], best[2]


def spacy_seconds(python: Path, documents: Sequence[Document], labels: Sequence[str], options: Any) -> dict[str, Any]:
    """Seconds of spaCy's CNN, and its version."""
    with tempfile.TemporaryDirectory() as folder:
        texts, names = Path(folder) / "texts.json", Path(folder) / "labels.json"
        texts.write_text(json.dumps([document.text for document in documents]), encoding="utf-8")
        names.write_text(json.dumps(list(labels)), encoding="utf-8")
        program = [str(python), str(Path(__file__).with_name("_spacy_speed.py")), str(texts), str(names)]
        program += [options.language, str(options.repetitions)]
        done = subprocess.run(program, check=False, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"{python}: spaCy did not run there; install spacy in that environment")
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return found


def f1(gold: Sequence[Document], found: Sequence[Document]) -> float | None:
    """Strict."""
    return score(gold, found).strict.f1


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints."""
    KeptMemory()
    loaded = read_corpus(options.corpus, language=options.language)
    gold = make_splits(loaded.corpus, loaded.splits, SplitConfig())["test"].documents[: options.documents]
    documents = [document.with_entities(()) for document in gold]
    tagger, precision = load_tagger(options.model), resolve_precision("auto", "cpu")
    systems: dict[str, Annotate] = {"ours": ours(tagger, precision)}
    settings = {"ours": precision}
    for name, make in (("pipeline", whole), ("pipeline-chunks", in_chunks)):
        some = documents[:N_TRIED]
        systems[name], settings[name] = fastest(
            make, options.model, tagger.window_tokens, some, options.batch_sizes or BATCH_SIZES
        )
    systems["ours"](documents[:N_TRIED])
    seconds: dict[str, list[float]] = {name: [] for name in systems}
    found: dict[str, list[Document]] = {}
    for _ in range(options.repetitions):
        for name, annotate in systems.items():
            began = time.perf_counter()
            found[name] = annotate(documents)
            seconds[name].append(time.perf_counter() - began)
    versions = {"torch": torch.__version__, "transformers": transformers.__version__}
    if options.spacy_python:
        spacy = spacy_seconds(options.spacy_python, documents, loaded.corpus.label_scheme().labels, options)
        seconds["spacy"], versions["spacy"] = spacy["seconds"], spacy["version"]
    rates = {name: len(documents) / statistics.median(each) for name, each in seconds.items()}
    return {
        "n_documents": len(documents),
        "n_characters": sum(len(document.text) for document in documents),
        "threads": torch.get_num_threads(),
        "window_tokens": tagger.window_tokens,
        "settings": settings,
        "versions": versions,
        "documents_per_second": rates,
        "all_seconds": seconds,
        "strict_f1": {name: f1(gold, each) for name, each in found.items()},
        "strict_f1_against_ours": {name: f1(found["ours"], each) for name, each in found.items()},
        **{f"ratio_to_{name.replace('-', '_')}": rates["ours"] / rates[name] for name in rates if name != "ours"},
    }


def table(result: dict[str, Any]) -> str:
    """Markdown."""
    rates, rows = result["documents_per_second"], []
    for name, rate in rates.items():
        cells = [name, result["settings"].get(name, "as drawn"), f"{rate:.1f}", f"{rates['ours'] / rate:.2f}"]
        cells += [
            "" if name not in result[key] else f"{result[key][name]:.4f}"
            for key in ("strict_f1", "strict_f1_against_ours")
        ]
        rows.append("| " + " | ".join(cells) + " |")
    head = "| system | settings | documents/s | ours is faster by | strict F1 | strict F1 against ours |"
    counts = f"{result['n_documents']} documents, {result['n_characters']:,} characters, {result['threads']} threads"
    return "\n".join([head, "|---|---|---|---|---|---|", *rows, "", f"{counts}, {result['versions']}"])


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model")
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--language", default="es")
    parser.add_argument("--documents", type=int, default=200, metavar="N")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="of which the median counts")
    parser.add_argument("--batch-sizes", type=int, nargs="+", metavar="N", help="offered to the pipelines")
    parser.add_argument("--spacy-python", type=Path, metavar="PYTHON", help="of an environment that has spaCy")
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit code.
    """
    return _command.run(arguments, benchmark, table, given)


if __name__ == "__main__":
    sys.exit(main())
