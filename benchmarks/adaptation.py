"""How many tokens a second adaptation learns from: here, and in a plain ``transformers.Trainer`` with padding.

    python benchmarks/adaptation.py path/to/meddocan --language es

Both adapt the same language model to the same training documents, in the same precision. Counted are tokens that are
predicted; filling is not.

ours      ``adapt`` as `deidsynth adapt` calls it: documents packed into rows, attention inside each document
trainer   ``Trainer`` with ``DataCollatorForLanguageModeling``: a document a row, cut at the same length, filled up to
          the longest of its batch, AdamW; at the fastest of the batch sizes offered, found on a few steps first (at 1
          nothing is filled up), and with as many documents a step as it takes by default, which is 8

The time is that of the training alone; models and data are there before. They take turns.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import _command
import torch
import transformers
from transformers import DataCollatorForLanguageModeling, Trainer, TrainingArguments

from deidsynth.cli.terminal import tell
from deidsynth.config import AdaptConfig, ResolvedAdaptConfig, SplitConfig, resolve_adapt
from deidsynth.corpora import make_splits, read_corpus
from deidsynth.documents import Document
from deidsynth.models.devices import Compute, resolve_device, resolve_precision
from deidsynth.models.language_model.adaptation import TokenSplit, adapt_to_tokens
from deidsynth.models.language_model.causal_lm import adaptable_model
from deidsynth.models.language_model.packing import token_ids

BATCH_SIZES = (1, 2, 4, 8, 16)
TRIED_TOKENS = 12_000
DEFAULT_SIZE = 8

Rate = tuple[int, float]
"""Tokens that were predicted, and the seconds it took."""


def ours(texts: Sequence[str], config: ResolvedAdaptConfig, device: str, precision: str) -> Rate:
    """One pass over the texts with our loop."""
    torch.manual_seed(1)
    adaptable = adaptable_model(config, texts, device)
    with tempfile.TemporaryDirectory() as scratch:
        compute = Compute(1, device, precision, Path(scratch))
        began = time.perf_counter()
        tokens = TokenSplit([token_ids(adaptable.tokenizer, text) for text in texts], (), 0)
        points = adapt_to_tokens(adaptable, tokens, config, compute, {})
        n_tokens = sum(point.n_targets for point in points)
        return n_tokens, time.perf_counter() - began


def trainer(texts: Sequence[str], config: ResolvedAdaptConfig, device: str, precision: str, batch_size: int) -> Rate:
    """One pass over the texts with transformers' trainer."""
    torch.manual_seed(1)
    adaptable = adaptable_model(config, texts, device)
    tokenizer: Any = adaptable.tokenizer
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    rows = [
        {"input_ids": [*tokenizer(text)["input_ids"], tokenizer.eos_token_id][: config.sequence_length]}
        for text in texts
    ]
    rows = [{**row, "attention_mask": [1] * len(row["input_ids"])} for row in rows]
    with tempfile.TemporaryDirectory() as scratch:
        arguments = TrainingArguments(
            scratch,
            per_device_train_batch_size=batch_size,
            num_train_epochs=1,
            learning_rate=1e-4,
            bf16=precision == "bf16",
            use_cpu=device == "cpu",
            save_strategy="no",
            logging_strategy="no",
            report_to=[],
            disable_tqdm=True,
        )
        collator = DataCollatorForLanguageModeling(tokenizer, mlm=False)
        model: Any = adaptable.model
        work = Trainer(model=model, args=arguments, train_dataset=rows, data_collator=collator)  # type: ignore[arg-type]
        began = time.perf_counter()
        work.train()
        seconds = time.perf_counter() - began
    return sum(len(row["input_ids"]) - 1 for row in rows), seconds


def fastest(texts: Sequence[str], run: Callable[[Sequence[str], int], Rate], sizes: Sequence[int]) -> int:
    """The batch size that learns from the most tokens a second, tried on a part of the texts."""
    some, n_characters = list[str](), 0
    for text in texts:
        some.append(text)
        n_characters += len(text)
        if n_characters > 4 * TRIED_TOKENS:
            break
    rates = {}
    for size in sizes:
        n_tokens, seconds = run(some, size)
        rates[size] = n_tokens / seconds
        tell(f"trainer, batch {size}: {rates[size]:,.0f} tokens/s")
    return max(rates, key=lambda size: rates[size])


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints."""
    device = resolve_device(options.device)
    precision = resolve_precision("auto", device)
    asked = AdaptConfig(base=options.base, epochs=1, validation=0, keep="last", checkpoint_seconds=1e9, method="full")
    config = resolve_adapt(asked)
    loaded = read_corpus(options.corpus, language=options.language)
    documents: Sequence[Document] = make_splits(loaded.corpus, loaded.splits, SplitConfig())["train"].documents
    texts = [document.text for document in documents[: options.documents]]

    def theirs(some: Sequence[str], size: int) -> Rate:
        return trainer(some, config, device, precision, size)

    size = fastest(texts, theirs, options.batch_sizes or BATCH_SIZES)
    sizes = {f"trainer, batch {each}": each for each in sorted({size, DEFAULT_SIZE})}
    runs: dict[str, list[Rate]] = {"ours": [], **{name: [] for name in sizes}}
    for _ in range(options.repetitions):
        runs["ours"].append(ours(texts, config, device, precision))
        for name, each in sizes.items():
            runs[name].append(theirs(texts, each))
    rates = {name: statistics.median(count / seconds for count, seconds in each) for name, each in runs.items()}
    return {
        "n_documents": len(texts),
        "n_tokens": {name: each[0][0] for name, each in runs.items()},
        "best_batch_size": size,
        "device": device,
        "precision": precision,
        "threads": torch.get_num_threads(),
        "versions": {"torch": torch.__version__, "transformers": transformers.__version__},
        "all_seconds": {name: [seconds for _, seconds in each] for name, each in runs.items()},
        "tokens_per_second": rates,
        "ratio_to_trainer": rates["ours"] / rates[f"trainer, batch {size}"],
        "ratio_to_default_trainer": rates["ours"] / rates[f"trainer, batch {DEFAULT_SIZE}"],
    }


def table(result: dict[str, Any]) -> str:
    """Markdown."""
    rates = result["tokens_per_second"]
    rows = [
        f"| {name} | {result['n_tokens'][name]:,} | {rate:,.0f} | {rates['ours'] / rate:.2f} |"
        for name, rate in rates.items()
    ]
    note = (
        f"{result['n_documents']} documents, {result['device']}, {result['precision']}, {result['threads']} threads, "
        f"the trainer's fastest batch size is {result['best_batch_size']}; {result['versions']}"
    )
    head = ["| system | tokens learned from | tokens/s | ours is faster by |", "|---|---|---|---|"]
    return "\n".join([*head, *rows, "", note])


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--base", default="starter", help="hub id, local folder or a name of `deidsynth models list`")
    parser.add_argument("--language", default="es")
    parser.add_argument("--documents", type=int, default=100, metavar="N")
    parser.add_argument("--repetitions", type=int, default=5, metavar="N", help="of which the median counts")
    parser.add_argument("--batch-sizes", type=int, nargs="+", metavar="N", help="offered to the trainer")
    parser.add_argument("--device", default="auto")
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
