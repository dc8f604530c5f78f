"""Threads or processes for small models on a CPU: how fast each is on a quiet and on a busy machine.

    python benchmarks/threads.py                        # about 10 minutes on two cores
    python benchmarks/threads.py --only sampling

Every measurement runs in a fresh process with ``OMP_NUM_THREADS`` as stated, on invented notes and starters. The busy
machine has one more process that computes matrix products with one thread.

sampling, annotation   the stages of `deidsynth run`: one process with all threads (as for larger models), and as many
                       processes as threads, with one thread each (the default for small models)
tagging, adaptation    steps of training with one thread, with all of them, and with all of them where those that wait
                       sleep (``OMP_WAIT_POLICY=PASSIVE``); a run has other work for the other cores only while branches
                       are independent (`--workers`)
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from deidsynth.cli.terminal import print_json, print_table, tell
from deidsynth.config import AdaptConfig, AnnotateConfig, SynthesizeConfig, TrainConfig, resolve_adapt, resolve_train
from deidsynth.corpora import write_jsonl
from deidsynth.demo import invented_corpus
from deidsynth.models.devices import Compute, resolve_precision
from deidsynth.models.language_model.adaptation import TokenSplit, adapt_to_tokens
from deidsynth.models.language_model.causal_lm import adaptable_model
from deidsynth.models.language_model.packing import token_ids
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.models.tagger.token_data import training_chunks
from deidsynth.models.tagger.training import train_tagger
from deidsynth.stages.artifacts import CORPUS, MODEL
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work import small_models
from deidsynth.stages.work.annotate import Annotate
from deidsynth.stages.work.synthesize import Synthesize
from deidsynth.starters import resolve
from deidsynth.tagging import TagSet

SEED = 1
N_NOTES = 384
N_SAMPLED = 128
STEPS = {"tagging": 40, "adaptation": 12}
BUSY = "import torch; torch.set_num_threads(1); a = torch.rand(512, 512)\nwhile True: a = (a @ a).tanh()"

Measure = Callable[[Path], float]


def _corpus(folder: Path, n_documents: int) -> Path:
    folder.mkdir()
    write_jsonl(invented_corpus("sv", n_documents, SEED), folder / CORPUS)
    return folder


def _context(folder: Path) -> StageContext:
    (folder / "scratch").mkdir()
    (folder / "output").mkdir()
    return StageContext(folder / "scratch", seed=SEED, precision=resolve_precision("auto", "cpu"))


def sampling(folder: Path) -> float:
    """Documents of 200 tokens per second, sampled from the starter."""
    model = folder / "model"
    model.mkdir()
    (model / MODEL).symlink_to(resolve("starter", "causal"))
    notes = _corpus(folder / "notes", N_SAMPLED)
    config = SynthesizeConfig.model_validate(
        {"max_length_tokens": 200, "batch_size": 16, "filters": {"mode": "off"}, "prompts": {"language": "sv"}}
    )
    context, inputs = _context(folder), {"model": model, "prompts": notes, "train": notes}
    began = time.perf_counter()
    facts = Synthesize().run(config, inputs, folder / "output", context)
    return float(facts["n_documents"]) / (time.perf_counter() - began)


def annotation(folder: Path) -> float:
    """Notes per second, annotated by an untrained tagger."""
    notes = _corpus(folder / "notes", N_NOTES)
    tag_set = TagSet.of(invented_corpus("sv", 32, SEED).label_scheme())
    new_tagger(TrainConfig(encoder="starter"), tag_set, (), "cpu").save(folder / "tagger" / MODEL)
    context, inputs = _context(folder), {"texts": notes, "model": folder / "tagger"}
    began = time.perf_counter()
    facts = Annotate().run(AnnotateConfig(), inputs, folder / "output", context)
    return float(facts["n_documents"]) / (time.perf_counter() - began)


def tagging(folder: Path) -> float:
    """Steps per second of training a tagger from the starter."""
    corpus = invented_corpus("sv", 128, SEED)
    config = resolve_train(TrainConfig(encoder="starter", epochs=50, keep="last"), language="sv")
    tag_set = TagSet.of(corpus.label_scheme())
    tagger = new_tagger(config, tag_set, (), "cpu")
    chunks = training_chunks(corpus, tagger.tokenizer, tag_set, max_words=config.chunk_words, max_tokens=510)
    compute = Compute(SEED, "cpu", resolve_precision("auto", "cpu"), folder)
    return _steps_per_second(train_tagger(tagger, chunks, config, compute, {}), STEPS["tagging"])


def adaptation(folder: Path) -> float:
    """Steps per second of adapting the starter."""
    config = resolve_adapt(AdaptConfig(epochs=50, validation=0.0), control_codes=False)
    adaptable = adaptable_model(config, (), "cpu")
    ids = [token_ids(adaptable.tokenizer, note.text) for note in invented_corpus("sv", 128, SEED)]
    compute = Compute(SEED, "cpu", resolve_precision("auto", "cpu"), folder)
    points = adapt_to_tokens(adaptable, TokenSplit(ids, (), 0), config, compute, {})
    return _steps_per_second(points, STEPS["adaptation"])


def _steps_per_second(points: Iterator[Any], n_steps: int) -> float:
    for _, _ in zip(range(2), points, strict=False):  # not timed
        pass
    began = time.perf_counter()
    taken = sum(1 for _ in zip(range(n_steps), points, strict=False))
    return taken / (time.perf_counter() - began)


KINDS: dict[str, tuple[Measure, tuple[str, ...]]] = {
    "sampling": (sampling, ("threads", "processes")),
    "annotation": (annotation, ("threads", "processes")),
    "tagging": (tagging, ("one thread", "threads", "passive threads")),
    "adaptation": (adaptation, ("one thread", "threads", "passive threads")),
}


@contextlib.contextmanager
def _busy(wanted: bool) -> Iterator[None]:
    """A context in which another process computes."""
    other = subprocess.Popen([sys.executable, "-c", BUSY]) if wanted else None
    if other is not None:
        time.sleep(4)  # until it computes
    try:
        yield
    finally:
        if other is not None:
            other.kill()
            other.wait()


def measured(kind: str, way: str, threads: int) -> float:
    """One rate, measured in a process of its own."""
    command = [sys.executable, __file__, "--measure", kind, "--way", way]
    environment = os.environ | {"OMP_NUM_THREADS": "1" if way == "one thread" else str(threads)}
    if way == "passive threads":
        environment["OMP_WAIT_POLICY"] = "PASSIVE"
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    return float(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", choices=list(KINDS), default=list(KINDS), help="what to measure")
    parser.add_argument(
        "--threads", type=int, default=len(os.sched_getaffinity(0)), help="all threads (default: cores)"
    )
    parser.add_argument("--repetitions", type=int, default=2, help="the ways take turns; the best of each counts")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--measure", choices=list(KINDS), help=argparse.SUPPRESS)
    parser.add_argument("--way", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        if options.way == "threads":
            small_models.SMALL_BYTES = -1
        with tempfile.TemporaryDirectory() as folder:
            print(json.dumps(KINDS[options.measure][0](Path(folder))))
        return
    rows: list[dict[str, Any]] = []
    for kind in options.only:
        for busy in (False, True):
            best: dict[str, float] = {}
            with _busy(busy):
                for _ in range(options.repetitions):
                    for way in KINDS[kind][1]:
                        rate = measured(kind, way, options.threads)
                        best[way] = max(rate, best.get(way, 0.0))
                        tell(f"{kind}, {'busy' if busy else 'quiet'}, {way}: {rate:.2f}/s")
            rows += [
                {"kind": kind, "busy": busy, "way": way, "per_second": round(rate, 3)} for way, rate in best.items()
            ]
    about = {"threads": options.threads, "torch": torch.__version__, "seed": SEED}
    if options.json:
        print_json({"about": about, "rows": rows})
        return
    print_table(
        ["what", "machine", "way", "per second"],
        [[row["kind"], "busy" if row["busy"] else "quiet", row["way"], f"{row['per_second']:.2f}"] for row in rows],
    )


if __name__ == "__main__":
    main()
