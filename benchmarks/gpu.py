"""What one GPU does: adaptation, sampling, tagging and annotation with models of 1 and 7 billion random weights.

    python benchmarks/gpu.py --output build/gpu            # minutes; a section that is there is not measured again
    python benchmarks/gpu.py --output build/gpu --base bases/smollm2 --corpus DATA/meddocan      # the last section too
    python benchmarks/gpu.py --output /tmp/tiny --tiny     # the same on tiny models, on any machine

But for the last section nothing is loaded from disk: the models have the shapes of known ones and random weights, made
on the device; the texts are invented notes. Each section runs in a process of its own with a time limit, so that one
that fails or hangs costs no other; it writes OUTPUT/SECTION.json, and the table of all is printed at the end.

adaptation    ten optimizer steps of ``adapt``: all weights of 1B (fp32, autocast), LoRA on 7B (bf16), with and without
              gradient checkpointing; tokens/s, peak memory, and FLOPs as a share of those of a square matrix product
sampling      256 documents of 256 tokens: `deidsynth synthesize`'s engine, and ``generate`` at the best of three
              batch sizes
continuous    the same through transformers' continuous batching (paged attention)
tagging       200 training steps of a 12-layer encoder, and annotation with it
corpus        a pretrained language model, such as SmolLM2-135M, on a corpus: a LoRA of as many passes as fit, bits per
              character of held-out documents, 64 sampled documents (in OUTPUT/corpus, never printed). Stopped by its
              limit, it goes on with the next call; only with --base and --corpus
"""

from __future__ import annotations

import argparse
import gc
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
import transformers
from _gpu_corpus import Pace, on_corpus
from peft import get_peft_model
from tokenizers import Tokenizer, models as token_models
from transformers import (
    BertConfig,
    BertForTokenClassification,
    BloomConfig,
    BloomForCausalLM,
    ContinuousBatchingConfig,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedTokenizerFast,
)

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
from deidsynth.sampling.engine import Request, SamplingSettings
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

Result = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """The shape of a known language model.

    Args:
        family: ``llama`` or ``bloom``.
        layers: number of them.
        width: of the hidden states.
        inner: of the gated layer; BLOOM's is always four times the width.
        heads: of attention.
        key_heads: of keys and values.
        vocabulary: number of tokens.
        tied: whether input and output embeddings are the same.
    """

    family: str
    layers: int
    width: int
    inner: int
    heads: int
    key_heads: int
    vocabulary: int
    tied: bool


SHAPES = {
    "llama-1b": Shape("llama", 16, 2048, 8192, 32, 8, 128_256, True),
    "bloom-1b": Shape("bloom", 24, 1536, 0, 16, 16, 250_880, True),
    "llama-7b": Shape("llama", 32, 4096, 11_008, 32, 32, 32_000, False),
    "bloom-7b": Shape("bloom", 30, 4096, 0, 32, 32, 50_257, True),
}
TINY = {
    name: replace(shape, layers=2, width=64, inner=96, heads=4, key_heads=min(4, shape.key_heads), vocabulary=500)
    for name, shape in SHAPES.items()
}


def model_of(shape: Shape, dtype: torch.dtype, device: str) -> Any:
    """A model of random weights, made on the device."""
    sizes = {"vocab_size": shape.vocabulary, "pad_token_id": 0, "bos_token_id": 1, "eos_token_id": 2}
    config: Any
    if shape.family == "llama":
        config = LlamaConfig(
            hidden_size=shape.width,
            intermediate_size=shape.inner,
            num_hidden_layers=shape.layers,
            num_attention_heads=shape.heads,
            num_key_value_heads=shape.key_heads,
            max_position_embeddings=4096,
            tie_word_embeddings=shape.tied,
            **sizes,
        )
    else:
        config = BloomConfig(hidden_size=shape.width, n_layer=shape.layers, n_head=shape.heads, **sizes)
    torch.manual_seed(SEED)
    before = torch.get_default_dtype()
    torch.set_default_dtype(dtype)
    try:
        with torch.device(device):
            return (LlamaForCausalLM if shape.family == "llama" else BloomForCausalLM)(config)
    finally:
        torch.set_default_dtype(before)


def words(vocabulary: int) -> PreTrainedTokenizerFast:
    """A tokenizer with a vocabulary of numbers, for models that see token ids alone."""
    known = {"<pad>": 0, "<s>": 1, "</s>": 2} | {f"w{number}": number for number in range(3, vocabulary)}
    return PreTrainedTokenizerFast(
        tokenizer_object=Tokenizer(token_models.WordLevel(known, unk_token="<pad>")),
        pad_token="<pad>",
        bos_token="<s>",
        eos_token="</s>",
    )


def adaptation(shapes: dict[str, Shape], device: str, precision: str) -> Iterator[Result]:
    """Ten steps of each shape."""
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
    model = model_of(shape, dtype, device)
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


def sampling(shapes: dict[str, Shape], device: str, precision: str) -> Iterator[Result]:
    """256 documents through our engine, and through ``generate`` at three batch sizes."""
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    for name, sizes in (("llama-1b", (64, 128, 256)), ("llama-7b", (256,))):
        model = model_of(shapes[name], dtype, device).eval()
        engine = LocalEngine(model, words(shapes[name].vocabulary))
        settings = SamplingSettings(max_length_tokens=SAMPLE_TOKENS, batch_size=N_SAMPLES)
        requests = [Request(number, "", number) for number in range(N_SAMPLES)]
        yield {"what": name, "engine": "deidsynth", "batch": N_SAMPLES} | guarded(
            lambda engine=engine, requests=requests, settings=settings: timed_tokens(
                lambda: sum(sample.n_tokens for sample in engine.sample_batch(requests, settings, SEED)), device
            )
        )
        for size in sizes:
            yield {"what": name, "engine": "generate", "batch": size} | guarded(
                lambda model=model, size=size: timed_tokens(lambda: generated(model, size, device), device)
            )
        del model, engine
        release()


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


def continuous(shapes: dict[str, Shape], device: str, precision: str) -> Iterator[Result]:
    """256 documents through transformers' continuous batching.

    By default its cache takes nine tenths of the free memory, of a CPU too: there it gets what the documents need.
    """
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    small = ContinuousBatchingConfig(num_blocks=16, max_batch_tokens=256) if device == "cpu" else None
    for name in ("llama-1b", "llama-7b"):
        model = model_of(shapes[name], dtype, device).eval()

        def drawn(model: Any = model) -> int:
            outputs = model.generate_batch(
                [[1]] * N_SAMPLES, generation_config=generation_config(), continuous_batching_config=small
            )
            return sum(len(output.generated_tokens) for output in outputs.values())

        yield {"what": name, "engine": "continuous batching", "batch": N_SAMPLES} | guarded(
            lambda drawn=drawn: timed_tokens(drawn, device)
        )
        del model, drawn
        release()


def tagging(shapes: dict[str, Shape], device: str, precision: str) -> Iterator[Result]:
    """200 steps of a 12-layer encoder of 768 (the shape of BERT and XLM-R base) on invented notes; then annotation."""
    tokenizer = PreTrainedTokenizerFast.from_pretrained(FOLDER / "starter-encoder")
    tiny = shapes is TINY
    corpus = invented_corpus("sv", 24 if tiny else 256, SEED)
    tag_set = TagSet.of(corpus.label_scheme())
    torch.manual_seed(SEED)
    model = BertForTokenClassification(
        BertConfig(
            vocab_size=len(tokenizer),
            num_labels=len(tag_set.tags),
            **(
                {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 64}
                if tiny
                else {}
            ),
        )
    )
    tagger = Tagger(model, tokenizer, tag_set, window_tokens=510)
    chunks = training_chunks(corpus, tokenizer, tag_set, max_words=256, max_tokens=510)
    for size in (4, 8) if tiny else (16, 64):
        config = resolve_train(
            TrainConfig(encoder="random-weights", batch_size=size, epochs=1e4, keep="last", checkpoint_seconds=3600),
            language="sv",
        )
        yield {"what": "12-layer encoder, training", "batch": size} | guarded(
            lambda config=config: tagger_steps(tagger, chunks, config, device, precision)
        )
    notes = list(corpus) * (1 if tiny else 4)
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


def timed_tokens(draw: Callable[[], int], device: str) -> Result:
    """Tokens per second of one drawing."""
    reset_peak(device)
    began = time.perf_counter()
    n_tokens = draw()
    seconds = time.perf_counter() - began
    return {
        "n_tokens": n_tokens,
        "seconds": round(seconds, 2),
        "tokens_per_second": round(n_tokens / seconds),
        "peak_gib": peak_gib(device),
    }


def guarded(measure: Callable[[], Result]) -> Result:
    """A measurement, or why there is none."""
    try:
        return measure()
    except torch.OutOfMemoryError:
        return {"error": "out of memory"}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {str(error)[:300]}"}
    finally:
        release()


def release() -> None:
    """Give cached memory back."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()


def reset_peak(device: str) -> None:
    """Count peak memory from here."""
    if device.startswith("cuda"):
        torch.cuda.synchronize()
        torch.cuda.reset_peak_memory_stats()


def peak_gib(device: str) -> float | None:
    """Peak memory of the device, in GiB; None on the CPU."""
    return round(torch.cuda.max_memory_allocated() / 2**30, 1) if device.startswith("cuda") else None


def corpus(options: argparse.Namespace, device: str) -> Iterator[Result]:
    """A pretrained language model on a corpus; with ``--tiny``, the smallest starter on invented notes."""
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


SECTIONS: dict[str, Callable[[dict[str, Shape], str, str], Iterator[Result]]] = {
    "adaptation": adaptation,
    "sampling": sampling,
    "continuous": continuous,
    "tagging": tagging,
}


def rows_of(section: str, options: argparse.Namespace, device: str, precision: str) -> Iterator[Result]:
    """What a section measures, one measurement after the other."""
    if section == "corpus":
        return corpus(options, device)
    return SECTIONS[section](TINY if options.tiny else SHAPES, device, precision)


def measured(section: str, options: argparse.Namespace) -> None:
    """Run one section in this process and write what it found after each measurement."""
    device = resolve_device(options.device)
    precision = resolve_precision("auto", device)
    about = {"device": torch.cuda.get_device_name() if device.startswith("cuda") else device, "precision": precision}
    about |= {"torch": torch.__version__, "transformers": transformers.__version__, "seed": SEED}
    rows: list[Result] = []
    for row in rows_of(section, options, device, precision):
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
    parser.add_argument("--only", nargs="+", choices=sorted(LIMITS), default=list(LIMITS), help="sections to measure")
    parser.add_argument("--base", type=Path, help="folder of a language model, for the section corpus")
    parser.add_argument("--corpus", type=Path, help="a corpus in Spanish, for the section corpus")
    parser.add_argument("--group-by", default=r"^(.+)-\d+$", metavar="REGEX", help="group of a document, from its id")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--tiny", action="store_true", help="tiny models, to try the script")
    parser.add_argument("--section", choices=sorted(LIMITS), help=argparse.SUPPRESS)
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
