"""What one GPU does: adaptation, sampling, tagging and annotation with models of 1 and 7 billion random weights.

    python benchmarks/gpu.py --output build/gpu            # minutes; a section that is there is not measured again
    python benchmarks/gpu.py --output build/gpu --base bases/smollm2 --corpus DATA/meddocan      # the last section too
    python benchmarks/gpu.py --output /tmp/tiny --tiny     # the same on tiny models, on any machine

But for the last section nothing is loaded from disk: the models have the shapes of known ones and random weights, made
on the device; the texts are invented notes. Each section runs in a process of its own with a time limit, so that one
that fails or hangs costs no other; it writes OUTPUT/SECTION.json, and the table of all is printed at the end.

adaptation    ten optimizer steps of ``adapt``: all weights of 1B (fp32, autocast), LoRA on 7B (bf16), with and without
              gradient checkpointing; tokens/s, peak memory, and FLOPs as a share of those of a square matrix product
sampling      256 documents of 256 tokens: the engine `generate` of `deidsynth synthesize`, and transformers'
              ``generate`` at the best of three batch sizes
continuous    the same documents: the engine `continuous` (paged attention)
tagging       200 training steps of a 12-layer encoder, and annotation with it
corpus        a pretrained language model, such as SmolLM2-135M, on a corpus: a LoRA of as many passes as fit, bits per
              character of held-out documents, 64 sampled documents (in OUTPUT/corpus, never printed). Stopped by its
              limit, it goes on with the next call; only with --base and --corpus
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import transformers
from _gpu_corpus import Pace, on_corpus
from _gpu_measuring import Result, guarded, peak_gib, release, reset_peak, timed_tokens
from _gpu_models import SHAPES, TINY, Shape, model_of, words
from peft import get_peft_model
from transformers import BertConfig, BertForTokenClassification, GenerationConfig, PreTrainedTokenizerFast

from deidsynth import load_corpus
from deidsynth.cli.terminal import print_json, tell
from deidsynth.config import AdaptConfig, TrainConfig, resolve_adapt, resolve_train
from deidsynth.demo import invented_corpus
from deidsynth.models.devices import Compute, resolve_device, resolve_precision
from deidsynth.models.language_model.adaptation import TokenSplit, adapt_to_tokens
from deidsynth.models.language_model.causal_lm import Adaptable, checkpoint_layers, peft_config
from deidsynth.models.tagger.prediction import predict
from deidsynth.models.tagger.token_classifier import Tagger
from deidsynth.models.tagger.token_data import training_chunks
from deidsynth.models.tagger.training import train_tagger
from deidsynth.models.training.utilization import product_flops_per_second, training_flops_per_token
from deidsynth.sampling.continuous import ContinuousEngine
from deidsynth.sampling.engine import Engine, Request, SamplingSettings
from deidsynth.sampling.local import LocalEngine
from deidsynth.starters import FOLDER
from deidsynth.tagging import TagSet

LIMITS = {"adaptation": 150, "sampling": 120, "continuous": 90, "tagging": 90, "corpus": 150}
"""Seconds that a section has."""
DOCUMENT_TOKENS = 800
N_STEPS = 10
N_SAMPLES = 256
SAMPLE_TOKENS = 256
TAGGER_STEPS = 200
SEED = 1


def adaptation(options: argparse.Namespace, device: str, precision: str) -> Iterator[Result]:
    """Ten steps of each shape."""
    shapes = TINY if options.tiny else SHAPES
    wanted = [("llama-1b", "full", False), ("bloom-1b", "full", False)]
    wanted += [("llama-7b", "lora", False), ("llama-7b", "lora", True), ("bloom-7b", "lora", True)]
    ceiling = product_flops_per_second(device, precision)
    yield {"what": "matrix product", "flops_per_second": ceiling}
    for name, method, checkpointed in wanted:
        yield {"what": name, "method": method, "gradient_checkpointing": checkpointed} | guarded(
            lambda name=name, method=method, checkpointed=checkpointed: adapted(
                shapes[name], method, checkpointed, ceiling, device, precision
            )
        )


def adapted(shape: Shape, method: str, checkpointed: bool, ceiling: float, device: str, precision: str) -> Result:
    """Ten optimizer steps; the first two are not timed."""
    dtype = torch.bfloat16 if method == "lora" and device != "cpu" else torch.float32
    model = model_of(shape, dtype, device, SEED)
    config = resolve_adapt(
        AdaptConfig(
            base="random-weights",
            method=method,
            batch_tokens=16_384 if device != "cpu" else 2048,
            epochs=1.0,
            validation=0.0,
            checkpoint_seconds=3600,
            gradient_checkpointing=checkpointed,
        ),
        control_codes=False,
    )
    if method == "lora":
        model = get_peft_model(model, peft_config(config, model, ()))
    if checkpointed:
        checkpoint_layers(model)
    chance = torch.Generator().manual_seed(SEED)
    n_documents = (N_STEPS + 1) * config.batch_tokens // DOCUMENT_TOKENS
    lengths = torch.randint(DOCUMENT_TOKENS // 2, 3 * DOCUMENT_TOKENS // 2, (n_documents,), generator=chance).tolist()
    documents = [torch.randint(3, shape.vocabulary, (n,), generator=chance).tolist() for n in lengths]
    reset_peak(device)
    times, n_targets = [time.perf_counter()], list[int]()
    with tempfile.TemporaryDirectory() as scratch:
        points = adapt_to_tokens(
            Adaptable(model, words(shape.vocabulary), method),
            TokenSplit(documents, (), 0),
            config,
            Compute(SEED, device, precision, Path(scratch)),
            {},
        )
        for point in points:
            times.append(time.perf_counter())
            n_targets.append(point.n_targets)
            if len(n_targets) == N_STEPS:
                break
    rate = sum(n_targets[2:]) / (times[-1] - times[2])
    per_token = training_flops_per_token(model, DOCUMENT_TOKENS)
    if method == "lora":
        per_token *= 2 / 3  # frozen weights need no gradients of their own
    return {
        "n_parameters": sum(weight.numel() for weight in model.parameters()),
        "tokens_per_second": round(rate),
        "peak_gib": peak_gib(device),
        "mfu": round(rate * per_token / ceiling, 3),
    }


def sampling(options: argparse.Namespace, device: str, precision: str) -> Iterator[Result]:
    """256 documents by the engine `generate`, and by plain ``generate`` at three batch sizes."""
    shapes = TINY if options.tiny else SHAPES
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    for name, sizes in (("llama-1b", (64, 128, 256)), ("llama-7b", (256,))):
        model = model_of(shapes[name], dtype, device, SEED).eval()
        engine = LocalEngine(model, words(shapes[name].vocabulary))
        yield {"what": name, "engine": "deidsynth, generate", "batch": N_SAMPLES} | sampled(engine, device)
        for size in sizes:
            yield {"what": name, "engine": "generate", "batch": size} | guarded(
                lambda model=model, size=size: timed_tokens(lambda: generated(model, size, device), device)
            )
        del model, engine
        release()


def continuous(options: argparse.Namespace, device: str, precision: str) -> Iterator[Result]:
    """256 documents by the engine `continuous`."""
    shapes = TINY if options.tiny else SHAPES
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    for name in ("llama-1b", "llama-7b"):
        model = model_of(shapes[name], dtype, device, SEED).eval()
        engine = ContinuousEngine(model, words(shapes[name].vocabulary))
        yield {"what": name, "engine": "deidsynth, continuous", "batch": N_SAMPLES} | sampled(engine, device)
        del model, engine
        release()


def sampled(engine: Engine, device: str) -> Result:
    """Tokens per second of 256 documents by an engine, in one batch."""
    settings = SamplingSettings(max_length_tokens=SAMPLE_TOKENS, batch_size=N_SAMPLES)
    requests = [Request(number, "", number) for number in range(N_SAMPLES)]
    return guarded(
        lambda: timed_tokens(
            lambda: sum(sample.n_tokens for sample in engine.sample_batch(requests, settings, SEED)), device
        )
    )


def generated(model: Any, size: int, device: str) -> int:
    """Tokens of 256 documents by plain ``generate``."""
    n_tokens = 0
    for _ in range(N_SAMPLES // size):
        ids = torch.ones(size, 1, dtype=torch.long, device=device)
        with torch.inference_mode():
            output = model.generate(ids, generation_config=generation_config())
        n_tokens += int((output[:, 1:] > 2).sum())
    return n_tokens


def generation_config() -> GenerationConfig:
    """Nucleus sampling, as `deidsynth synthesize` asks for it."""
    return GenerationConfig(
        do_sample=True,
        top_p=0.95,
        top_k=0,
        max_new_tokens=SAMPLE_TOKENS,
        bos_token_id=1,
        eos_token_id=2,
        pad_token_id=0,
    )


def tagging(options: argparse.Namespace, device: str, precision: str) -> Iterator[Result]:
    """200 steps of a 12-layer encoder of 768 (the shape of BERT and XLM-R base) on invented notes; then annotation."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(FOLDER / "starter-encoder")
    corpus = invented_corpus("sv", 24 if options.tiny else 256, SEED)
    tag_set = TagSet.of(corpus.label_scheme())
    torch.manual_seed(SEED)
    model = BertForTokenClassification(
        BertConfig(
            vocab_size=len(tokenizer),
            num_labels=len(tag_set.tags),
            **(
                {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
                if options.tiny
                else {}
            ),
        )
    )
    tagger = Tagger(model, tokenizer, tag_set, window_tokens=510)
    chunks = training_chunks(corpus, tokenizer, tag_set, max_words=256, max_tokens=510)
    for size in (4, 8) if options.tiny else (16, 64):
        config = resolve_train(
            TrainConfig(encoder="random-weights", batch_size=size, epochs=1e4, keep="last", checkpoint_seconds=3600),
            language="sv",
        )
        yield {"what": "12-layer encoder, training", "batch": size} | guarded(
            lambda config=config: tagger_steps(tagger, chunks, config, device, precision)
        )
    notes = list(corpus) * (1 if options.tiny else 4)
    for size in (32, 128):
        yield {"what": "12-layer encoder, annotation", "batch": size} | guarded(
            lambda size=size: annotated(tagger, notes, size, device, precision)
        )


def tagger_steps(tagger: Tagger, chunks: Any, config: Any, device: str, precision: str) -> Result:
    """Steps of training; the first ten are not timed."""
    reset_peak(device)
    n_steps = TAGGER_STEPS if device != "cpu" else 12
    with tempfile.TemporaryDirectory() as scratch:
        times, n_targets = list[float](), list[int]()
        for point in train_tagger(tagger, chunks, config, Compute(SEED, device, precision, Path(scratch)), {}):
            times.append(time.perf_counter())
            n_targets.append(point.n_targets)
            if len(times) == n_steps:
                break
    seconds = times[-1] - times[9]
    return {
        "steps_per_second": round((n_steps - 10) / seconds, 2),
        "tokens_per_second": round(sum(n_targets[10:]) / seconds),
        "peak_gib": peak_gib(device),
    }


def annotated(tagger: Tagger, notes: list[Any], batch_size: int, device: str, precision: str) -> Result:
    """Documents per second, decoding included."""
    tagger.model.eval()
    list(predict(tagger, notes[:64], batch_size=batch_size, device=device, precision=precision))
    reset_peak(device)
    began = time.perf_counter()
    n_notes = len(list(predict(tagger, notes, batch_size=batch_size, device=device, precision=precision)))
    return {"documents_per_second": round(n_notes / (time.perf_counter() - began), 1), "peak_gib": peak_gib(device)}


def corpus(options: argparse.Namespace, device: str, precision: str) -> Iterator[Result]:
    """A pretrained language model on a corpus; with ``--tiny``, the smallest starter on invented notes."""
    del precision  # as `deidsynth adapt` and `deidsynth synthesize` choose it
    if options.tiny:
        pace = Pace(LIMITS["corpus"], n_documents=4, max_length_tokens=60, most_epochs=0.2)
        base, documents = "starter-xs", invented_corpus("es", 30, SEED)
    else:
        pace, base = Pace(LIMITS["corpus"]), str(options.base)
        documents = load_corpus(options.corpus, language="es", group_by=options.group_by)
    for name, measure in on_corpus(base, documents, options.output / "corpus", pace, device, SEED):
        reset_peak(device)
        yield {"what": Path(base).name, "measured": name} | guarded(
            lambda measure=measure: measure() | {"peak_gib": peak_gib(device)}
        )


SECTIONS: dict[str, Callable[[argparse.Namespace, str, str], Iterator[Result]]] = {
    "adaptation": adaptation,
    "sampling": sampling,
    "continuous": continuous,
    "tagging": tagging,
    "corpus": corpus,
}


def measured(section: str, options: argparse.Namespace) -> None:
    """Run one section in this process and write what it found after each measurement."""
    device = resolve_device(options.device)
    precision = resolve_precision("auto", device)
    about = {"device": torch.cuda.get_device_name() if device.startswith("cuda") else device, "precision": precision}
    about |= {"torch": torch.__version__, "transformers": transformers.__version__, "seed": SEED}
    rows: list[Result] = []
    for row in SECTIONS[section](options, device, precision):
        rows.append(row)
        tell(f"{section}: {json.dumps(row)}")
        written = {"about": about, "whole": False, "rows": rows}
        (options.output / f"{section}.json").write_text(json.dumps(written, indent=1), encoding="utf-8")
    written = {"about": about, "whole": True, "rows": rows}
    (options.output / f"{section}.json").write_text(json.dumps(written, indent=1), encoding="utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--output", type=Path, required=True, help="folder for the results")
    parser.add_argument(
        "--only", nargs="+", choices=sorted(SECTIONS), default=list(SECTIONS), help="sections to measure"
    )
    parser.add_argument("--base", type=Path, help="folder of a language model, for the section corpus")
    parser.add_argument("--corpus", type=Path, help="a corpus in Spanish, for the section corpus")
    parser.add_argument("--group-by", default=r"^(.+)-\d+$", metavar="REGEX", help="group of a document, from its id")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--tiny", action="store_true", help="tiny models, to try the script")
    parser.add_argument("--section", choices=sorted(SECTIONS), help=argparse.SUPPRESS)
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    if options.section:
        measured(options.section, options)
        return
    found: dict[str, Any] = {}
    for section in options.only:
        if section == "corpus" and not options.tiny and None in (options.base, options.corpus):
            tell("corpus: left out; give --base and --corpus")
            continue
        path = options.output / f"{section}.json"
        if not (path.exists() and json.loads(path.read_text(encoding="utf-8"))["whole"]):
            command = [sys.executable, __file__, "--output", str(options.output), "--section", section]
            command += ["--device", options.device, *(["--tiny"] if options.tiny else [])]
            command += ["--group-by", options.group_by]
            for name in ("base", "corpus"):
                command += [f"--{name}", str(given)] if (given := getattr(options, name)) else []
            began = time.monotonic()
            try:
                subprocess.run(command, timeout=LIMITS[section], check=False)
            except subprocess.TimeoutExpired:
                tell(f"{section}: stopped after {LIMITS[section]} s; what it had measured stays")
            tell(f"{section}: {time.monotonic() - began:.0f} s")
        if path.exists():
            found[section] = json.loads(path.read_text(encoding="utf-8"))
    print_json(found)


if __name__ == "__main__":
    main()
