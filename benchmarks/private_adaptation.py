"""What differential privacy costs a language model: bits per character on held-out groups of the training split.

    python benchmarks/private_adaptation.py --corpus DATA/meddocan --epsilon 8

A fifth of the groups of the training split is held out; the base is adapted with LoRA to the rest, once as
``deidsynth adapt`` does it and once with each budget. The numbers of a private adaptation are public constants, here
chosen for 400 groups. Held-out texts are measured in rows of the base's context, ends of text included in the bits but
not in the characters.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from deidsynth.cli.terminal import print_json, tell
from deidsynth.config import AdaptConfig, ResolvedAdaptConfig, parse, resolve_adapt
from deidsynth.corpora import hold_out, read_corpus
from deidsynth.documents import Document
from deidsynth.models.devices import Compute, resolve_device, resolve_precision
from deidsynth.models.language_model.adaptation import TokenSplit, adapt_to_tokens, validation_loss
from deidsynth.models.language_model.added_tokens import AddedTokens
from deidsynth.models.language_model.causal_lm import Adaptable, adaptable_model, context_length
from deidsynth.models.language_model.packing import SpecialTokenIds, pack, token_ids
from deidsynth.models.private.accounting import budget_of
from deidsynth.models.private.adapter import private_adapter
from deidsynth.models.private.poisson import by_group
from deidsynth.models.private.training import private_steps

DATA = Path(os.environ.get("DEIDSYNTH_DATA", Path(__file__).resolve().parents[2] / "shared" / "data"))
N_PUBLIC_GROUPS = 400


def main() -> None:
    """Measure every arm and print one object."""
    asked = _arguments()
    torch.set_num_threads(asked.threads)
    device = resolve_device(asked.device)
    compute = Compute(asked.seed, device, resolve_precision("auto", device), Path(tempfile.mkdtemp()))
    loaded = read_corpus(asked.corpus)
    documents = [each for each in loaded.corpus if loaded.splits[each.doc_id] == "train"]
    train, held_out = hold_out(documents, 0.2, asked.seed)
    held_out = held_out[: asked.measured]
    arms: dict[str, Any] = {}
    for epsilon in (*asked.epsilon, None):
        name = "none" if epsilon is None else f"epsilon_{epsilon:g}"
        arms[name] = _arm(_config(asked, epsilon), train, held_out, compute)
        tell(f"{name}: {arms[name]}")
    print_json({"base": asked.base, "n_train": len(train), "n_held_out": len(held_out), "arms": arms})


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=DATA / "meddocan")
    parser.add_argument("--base", default="starter")
    parser.add_argument("--epsilon", type=float, nargs="*", default=[8.0])
    parser.add_argument("--epochs", type=float, default=None, help="of adaptation without a budget")
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--rate", type=float, default=0.1, help="probability that a group takes part in a step")
    parser.add_argument("--length", type=int, default=512, help="tokens that are read of each document, if private")
    parser.add_argument("--learning-rate", type=float, default=None, help="of private adaptation")
    parser.add_argument("--plain-learning-rate", type=float, default=None, help="of adaptation without a budget")
    parser.add_argument("--measured", type=int, default=100, help="held-out documents that are measured, at most")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    return parser.parse_args()


def _config(asked: argparse.Namespace, epsilon: float | None) -> ResolvedAdaptConfig:
    data: dict[str, Any] = {"base": asked.base, "method": "lora", "validation": 0.0}
    data["learning_rate"] = asked.plain_learning_rate if epsilon is None else asked.learning_rate
    if epsilon is None:
        data["epochs"] = asked.epochs
    else:
        data["sequence_length"] = asked.length
        data["private"] = {
            "epsilon": epsilon,
            "sampling_rate": asked.rate,
            "expected_batch": asked.rate * N_PUBLIC_GROUPS,
            "steps": asked.steps,
        }
    return resolve_adapt(parse(AdaptConfig, data))


def _arm(
    config: ResolvedAdaptConfig, train: Sequence[Document], held_out: Sequence[Document], compute: Compute
) -> dict[str, Any]:
    torch.manual_seed(compute.seed)
    is_private = config.private.is_on
    made = (
        private_adapter(config, AddedTokens(), compute.device)
        if is_private
        else adaptable_model(config, (), compute.device)
    )
    facts: dict[str, Any] = {"before": _bits(made, held_out, compute), "learning_rate": config.learning_rate}
    tell(f"before: {facts['before']} bits per character")
    tokens = [token_ids(made.tokenizer, document.text) for document in train]
    if is_private:
        budget = budget_of(config.private)
        facts |= {"noise_multiplier": budget.noise_multiplier, "epsilon": budget.epsilon}
        special, groups = SpecialTokenIds.of(made.tokenizer), by_group(train, tokens)
        steps = private_steps(made.model, groups, special, config, budget.noise_multiplier, compute)
    else:
        steps = adapt_to_tokens(made, TokenSplit(tokens, (), 0), config, compute, {})
    began, n_steps = time.monotonic(), 0
    for point in steps:
        n_steps = point.step
        if point.step % 10 == 0:
            tell(f"{point.step} of {point.n_steps}, loss {point.train_loss:.3f}, {time.monotonic() - began:.0f} s")
    after = _bits(made, held_out, compute)
    return {**facts, "after": after, "steps": n_steps, "seconds": round(time.monotonic() - began, 1)}


def _bits(made: Adaptable, held_out: Sequence[Document], compute: Compute) -> float:
    """Bits per character of the held-out documents."""
    length = min(2048, context_length(made.model.config))
    rows = pack([token_ids(made.tokenizer, each.text) for each in held_out], SpecialTokenIds.of(made.tokenizer), length)
    n_characters = sum(len(each.text) for each in held_out)
    made.model.to(compute.device)
    return round(validation_loss(made.model, rows, n_characters, 8192, compute.device, compute.precision)[1], 4)


if __name__ == "__main__":
    main()
