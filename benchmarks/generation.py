"""How fast documents are sampled on the processor: our loop for Llama-type models beside ``generate``.

    python benchmarks/generation.py                                       # the starter as it is shipped
    python benchmarks/generation.py --model adapted/model --prompts prompts.jsonl

A fresh process for every run, in turns; the median counts. All sample with the same settings (temperature 1, top-p, no
top-k, no longer than ``--max-length-tokens``) from the same prompts, and documents end where the model ends them.
Chance differs, and so do the texts; tokens per second are new tokens, EOS included.

Ours and OpenVINO sample ``--documents`` in each of ``--repetitions`` runs. The others take up to ten times as long and
sample the first ``--slow-documents`` of them in ``--slow-repetitions`` runs: by default one full batch, once, so that
all is done within 25 minutes on two processors. Rates are compared, and the output tells documents and runs of each.

ours         ``deidsynth.sampling.cpu_decoding``
generate     transformers' ``generate``, a call for every batch, at the best of ``--generate-batch-sizes``: where there
             are several, each is tried first, and the trial of the best is its first run
stretches    ``generate`` for 64 tokens at a time, finished rows dropped in between (``deidsynth.sampling.decoding``),
             which is how all other models are sampled; in batches of ``--batch-size``
ctranslate2  in the environment of ``--ctranslate2-python``, which needs ctranslate2 and transformers with torch; not
             measured without; in float32 where it has no bfloat16 on the processor
openvino     OpenVINO GenAI's continuous batching, no more than ``--batch-size`` documents at a time, in the environment
             of ``--openvino-python``, which needs openvino-genai and optimum-intel with torch; not measured without

The floor is the time that the arithmetic of our documents takes at this processor's rate of large matrix products, or
that reading weights (once a step of a batch) and caches takes at its rate of reading memory, whichever is longer; both
rates are measured between the repetitions. Without ``--model``, the starter's documents are as long as its pretraining
text taught it; an adapted model's are as long as those of its corpus. The clock starts when packages and model are
loaded; the preparation of kernels counts.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

import _command

from deidsynth.cli.terminal import tell
from deidsynth.errors import CheckFailedError, InputError
from deidsynth.models.devices import resolve_precision
from deidsynth.models.language_model.causal_lm import context_length, load_causal_lm
from deidsynth.models.language_model.packing import SpecialTokenIds, token_ids
from deidsynth.starters import resolve

RUN = Path(__file__).with_name("_generation_run.py")
SLOW = ("generate", "stretches", "ctranslate2")

Run = dict[str, Any]


def specification(options: argparse.Namespace) -> tuple[Run, Run]:
    """What every run is given, and what a step of the model costs (see ``floor``).

    Raises:
        InputError: the prompts cannot be read or leave no room.
        ModelNotFoundError: no such model.
    """
    folder = resolve(options.model, "causal")
    model, tokenizer = load_causal_lm(folder, "cpu", "fp32")
    special = SpecialTokenIds.of(tokenizer)
    texts = prompt_texts(options.prompts, options.prompt_characters)
    ids = [[special.bos, *token_ids(tokenizer, text)] for text in texts]
    max_length = min(context_length(model.config), options.max_length_tokens)
    if max(map(len, ids)) >= max_length:
        raise InputError(f"--max-length-tokens {max_length}: a prompt of {max(map(len, ids))} tokens leaves no room")
    config: Any = model.config
    heads, layers = config.num_attention_heads, config.num_hidden_layers
    size = getattr(config, "head_dim", None) or config.hidden_size // heads
    linear = sum(module.weight.numel() for module in model.modules() if hasattr(module, "in_features"))
    given = {
        "model": folder,
        "precision": options.precision,
        "threads": options.threads,
        "special_token_ids": asdict(special),
        "top_p": options.top_p,
        "max_length": max_length,
        "prompts": [ids[number % len(ids)] for number in range(options.documents)],
    }
    bytes_each = 2 if options.precision == "bf16" else 4
    kv_heads = getattr(config, "num_key_value_heads", None) or heads
    return given, {
        "flops_per_token": 2 * linear,
        "flops_per_place": 4 * heads * size * layers,
        "bytes_per_step": bytes_each * linear,
        "bytes_per_place": bytes_each * 2 * kv_heads * size * layers,
    }


def prompt_texts(path: Path | None, n_characters: int) -> list[str]:
    """First characters of the documents of a file; one empty prompt where there is none.

    Raises:
        InputError: the file cannot be read or has no text.
    """
    if path is None:
        return [""]
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
        found = [json.loads(line)["text"][:n_characters] for line in lines if line.strip()]
    except (OSError, UnicodeError, ValueError, KeyError, TypeError):
        raise InputError(f"--prompts {path}: expected lines of JSON, each with a text") from None
    if not found:
        raise InputError(f"--prompts {path}: no documents")
    return found


def run(given: Run, system: str, batch_size: int = 0, seed: int = 0, python: str = sys.executable) -> Run:
    """One system in a process of its own.

    Raises:
        CheckFailedError: it failed; what it said is on standard error.
    """
    spec = {**given, "system": system, "batch_size": batch_size, "seed": seed}
    environment = os.environ | {"OMP_NUM_THREADS": str(given["threads"]), "TRANSFORMERS_VERBOSITY": "error"}
    done = subprocess.run(
        [python, str(RUN)], input=json.dumps(spec), stdout=subprocess.PIPE, text=True, env=environment, check=False
    )
    if done.returncode:
        raise CheckFailedError(f"{system}, batches of {batch_size}: ended with exit code {done.returncode}")
    result: Run = json.loads(done.stdout.splitlines()[-1])
    if "lengths" in result:
        result["n_tokens"] = sum(map(sum, result["lengths"]))
        result["tokens_per_second"] = result["n_tokens"] / result["seconds"]
    return result


def floor(done: Run, prompts: Sequence[Sequence[int]], cost: Mapping[str, float], rates: Mapping[str, float]) -> Run:
    """The least time in which the documents of a run could have been sampled.

    Args:
        done: the run.
        prompts: token ids of all of its documents.
        cost: FLOPs of a token (linear layers) and of a place that a token attends to, bytes of the weights, which
            every step of a batch reads, and of a place in the caches.
        rates: of the processor.

    Returns:
        FLOPs, bytes, seconds of each at the processor's rates, and the longer of both.
    """
    lengths = [each for batch in done["lengths"] for each in batch]
    before = [len(prompt) for prompt in prompts]
    # The first new token comes from reading the prompt; the others attend to all places up to their own.
    places = sum(n * p + n * (n - 1) // 2 for n, p in zip(lengths, before, strict=True))
    tokens = sum(lengths) + sum(p - 1 for p in before)
    flops = tokens * cost["flops_per_token"] + places * cost["flops_per_place"]
    steps = sum(max(batch) for batch in done["lengths"])
    n_bytes = steps * cost["bytes_per_step"] + places * cost["bytes_per_place"]
    seconds = {"arithmetic": flops / rates["flops_per_second"], "memory": n_bytes / rates["bytes_per_second"]}
    return {"flops": flops, "bytes": n_bytes, "seconds_by": seconds, "seconds": max(seconds.values())}


def best_batch_size(given: Run, sizes: Sequence[int], seed: int) -> tuple[int, dict[int, Run]]:
    """The batch size at which ``generate`` is fastest, and the runs of all sizes that were tried."""
    if len(sizes) == 1:
        return sizes[0], {}
    tried = {size: run(given, "generate", size, seed) for size in sizes}
    return max(tried, key=lambda size: float(tried[size]["tokens_per_second"])), tried


def rival_pythons(options: argparse.Namespace) -> dict[str, str]:
    """The interpreters of the rivals that are measured."""
    given = {"ctranslate2": options.ctranslate2_python, "openvino": options.openvino_python}
    return {name: python for name, python in given.items() if python}


def in_turns(
    given: Run, batch_sizes: Mapping[str, int], options: argparse.Namespace, runs: dict[str, list[Run]]
) -> list[dict[str, float]]:
    """Add to the runs of every system until it has all of its repetitions.

    Returns:
        The processor's rates, which are measured before each turn.
    """
    few = {**given, "prompts": given["prompts"][: options.slow_documents]}
    pythons = rival_pythons(options)
    measured: list[dict[str, float]] = []
    for repetition in range(options.repetitions):
        measured.append(run(given, "rates"))
        seed = 1000 * (options.seed + repetition)
        for name, size in batch_sizes.items():
            if name in SLOW and len(runs[name]) >= options.slow_repetitions:
                continue
            tell(f"repetition {repetition + 1}: {name}, batches of {size}")
            runs[name].append(run(few if name in SLOW else given, name, size, seed, pythons.get(name, sys.executable)))
    return measured


def summary(runs: Sequence[Run], batch_size: int) -> Run:
    """Medians over the repetitions of a system, and its single figures."""
    each = ("tokens_per_second", "seconds", "processor_seconds", "seconds_to_first", "peak_mib", "loaded_mib")
    n_documents = sum(map(len, runs[0]["lengths"]))
    return {
        "batch_size": batch_size,
        "n_documents": n_documents,
        "n_runs": len(runs),
        **{name: statistics.median(one[name] for one in runs) for name in each},
        "tokens_per_processor_second": statistics.median(one["n_tokens"] / one["processor_seconds"] for one in runs),
        "tokens_per_document": statistics.mean(one["n_tokens"] / n_documents for one in runs),
        "share_ended": statistics.mean(one["n_ended"] / n_documents for one in runs),
        "all_tokens_per_second": [one["tokens_per_second"] for one in runs],
    }


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="starter", help="starter, or folder of a Llama-type model")
    parser.add_argument("--prompts", type=Path, default=None, metavar="JSONL", help="documents that begin so")
    parser.add_argument("--prompt-characters", type=int, default=32, metavar="N", help="of each, from its beginning")
    parser.add_argument("--documents", type=int, default=200, metavar="N")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="of ours and of stretches")
    parser.add_argument("--generate-batch-sizes", default="16,64", metavar="N,N", help="of which the fastest counts")
    parser.add_argument("--max-length-tokens", type=int, default=2048, metavar="N", help="BOS and prompt included")
    parser.add_argument("--top-p", type=float, default=0.95)
    parser.add_argument("--precision", choices=("auto", "bf16", "fp32"), default="auto", help="of all systems")
    parser.add_argument("--threads", type=int, default=1, metavar="N")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="of which the median counts")
    parser.add_argument("--slow-documents", type=int, default=64, metavar="N", help=f"of {', '.join(SLOW)}")
    parser.add_argument("--slow-repetitions", type=int, default=1, metavar="N", help="of these, at most as many as all")
    parser.add_argument("--ctranslate2-python", default=None, metavar="PYTHON", help="of an environment with it")
    parser.add_argument("--openvino-python", default=None, metavar="PYTHON", help="of an environment with it")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one object instead of a table")
    return parser


def checked_sizes(options: argparse.Namespace) -> list[int]:
    """The batch sizes for ``generate``.

    Raises:
        InputError: an option is out of bounds.
    """
    names = ("documents", "batch_size", "max_length_tokens", "prompt_characters", "threads", "repetitions")
    for name in (*names, "slow_documents", "slow_repetitions"):
        if getattr(options, name) < 1:
            raise InputError(f"--{name.replace('_', '-')} {getattr(options, name)}: expected at least 1")
    if not 0 < options.top_p <= 1:
        raise InputError(f"--top-p {options.top_p}: expected more than 0, at most 1")
    sizes = options.generate_batch_sizes.split(",")
    if not all(each.strip().isdecimal() and int(each) for each in sizes):
        raise InputError(f"--generate-batch-sizes {options.generate_batch_sizes}: expected numbers with commas")
    return sorted({int(each) for each in sizes})


def benchmark(options: argparse.Namespace) -> Run:
    """What ``--json`` prints.

    Raises:
        InputError: an option or the prompts are at fault.
        CheckFailedError: a system failed.
    """
    sizes = checked_sizes(options)
    options.precision = resolve_precision(options.precision, "cpu")
    given, cost = specification(options)
    few = {**given, "prompts": given["prompts"][: options.slow_documents]}
    best, tried = best_batch_size(few, sizes, options.seed)
    batch_sizes = {"ours": options.batch_size, "generate": best, "stretches": options.batch_size}
    rivals = ("ctranslate2", "openvino")
    batch_sizes |= dict.fromkeys(rival_pythons(options), options.batch_size)
    runs: dict[str, list[Run]] = {name: [] for name in batch_sizes}
    runs["generate"] += [tried[best]] if tried else []
    measured = in_turns(given, batch_sizes, options, runs)
    rates = {name: max(each[name] for each in measured) for name in measured[0]}
    systems = {name: summary(each, batch_sizes[name]) for name, each in runs.items()}
    least = [floor(each, given["prompts"], cost, rates) for each in runs["ours"]]
    ours = systems["ours"]["tokens_per_second"]
    return {
        "model": options.model,
        "n_documents": options.documents,
        "n_prompts": len({tuple(each) for each in given["prompts"]}),
        "max_length_tokens": given["max_length"],
        "top_p": options.top_p,
        "precision": options.precision,
        "threads": options.threads,
        "seed": options.seed,
        "repetitions": options.repetitions,
        "versions": {
            "python": platform.python_version(),
            **{name: version(name) for name in ("torch", "transformers")},
            **{name: each[0]["version"] for name, each in runs.items() if name in rivals},
        },
        "systems": systems,
        "generate_tokens_per_second_by_batch_size": {
            str(size): each["tokens_per_second"] for size, each in tried.items()
        },
        **{f"ratio_to_{name}": ours / each["tokens_per_second"] for name, each in systems.items() if name != "ours"},
        "not_measured": [name for name in rivals if name not in runs],
        "rates": rates,
        "cost": cost,
        "floor": least,
        "ratio_to_floor": statistics.median(
            each["seconds"] / bound["seconds"] for each, bound in zip(runs["ours"], least, strict=True)
        ),
    }


def table(result: Run) -> str:
    """Markdown: a row for every system, and what was measured."""
    lines = [
        "| system | batch | documents | runs | tokens/s | slowest to fastest | tokens/document | ended | first, s "
        "| peak MiB | ours |"
    ]
    lines.append("|---" * 11 + "|")
    for name, each in result["systems"].items():
        speeds = each["all_tokens_per_second"]
        ratio = result["systems"]["ours"]["tokens_per_second"] / each["tokens_per_second"]
        lines.append(
            f"| {name} | {each['batch_size']} | {each['n_documents']} | {each['n_runs']} | "
            f"{each['tokens_per_second']:,.0f} | {min(speeds):,.0f} to "
            f"{max(speeds):,.0f} | {each['tokens_per_document']:,.0f} | {each['share_ended']:.0%} | "
            f"{each['seconds_to_first']:.1f} | {each['peak_mib']:,.0f} | {ratio:.1f}x |"
        )
    rates, bound = result["rates"], result["floor"][0]
    missing = ", ".join(result["not_measured"]) or "none"
    versions = ", ".join(f"{name} {number}" for name, number in result["versions"].items())
    return "\n".join(
        [
            *lines,
            "",
            f"{result['n_prompts']} prompts, {result['precision']}, {result['threads']} threads, top-p "
            f"{result['top_p']:g}, at most {result['max_length_tokens']} tokens, seed {result['seed']}. {versions}.",
            f"Floor: {bound['flops'] / 1e9:,.0f} GFLOP at {rates['flops_per_second'] / 1e9:,.0f} GFLOP/s, "
            f"{bound['bytes'] / 1e9:,.0f} GB at {rates['bytes_per_second'] / 1e9:,.0f} GB/s; ours takes "
            f"{result['ratio_to_floor']:.1f} times as long. Not measured: {missing}.",
        ]
    )


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit code.
    """
    return _command.run(arguments, benchmark, table, given)


if __name__ == "__main__":
    sys.exit(main())
