"""Pretrain one starter; a killed training goes on from its last checkpoint when the command is given again.

    python recipes/starters/pretrain.py starter
    python recipes/starters/pretrain.py starter-xs
    python recipes/starters/pretrain.py starter-encoder --compile

Writes ``NAME/model/`` (fp32) and ``NAME/curve.jsonl`` into the work folder. Run prepare.py before.
"""

from __future__ import annotations

import argparse
import json
import platform
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from rows import Rows, held_out_rows
from settings import SEED, SPECIAL_TOKENS, STARTERS, Starter, arguments
from tokenizers import Tokenizer
from torch import Tensor, nn
from transformers import (
    LlamaConfig,
    LlamaForCausalLM,
    ModernBertConfig,
    ModernBertForMaskedLM,
    PreTrainedTokenizerFast,
)
from wrapped import wrapped_tokenizer

from deidsynth.models.devices import autocast, resolve_device, resolve_precision
from deidsynth.models.tagger.masking import MaskedBatch, mask_tokens, masked_loss_sum
from deidsynth.models.training.loop import LoopSettings, Objective, training_steps

EVALUATIONS = 12
HELD_OUT_ROWS = 256
LONGEST_EAGER = 512
CHECKPOINT_SECONDS = 120.0


def fresh_model(starter: Starter, n_tokens: int, ids: dict[str, int]) -> nn.Module:
    """A model of random weights."""
    torch.manual_seed(SEED)
    if starter.kind == "causal":
        return LlamaForCausalLM(
            LlamaConfig(
                vocab_size=n_tokens,
                pad_token_id=ids["<pad>"],
                bos_token_id=ids["<s>"],
                eos_token_id=ids["</s>"],
                **starter.shape,
            )
        )
    return ModernBertForMaskedLM(
        ModernBertConfig(
            vocab_size=n_tokens,
            pad_token_id=ids["<pad>"],
            cls_token_id=ids["<s>"],
            sep_token_id=ids["</s>"],
            bos_token_id=None,
            eos_token_id=None,
            **starter.shape,
        )
    )


def next_token_loss_sum(model: Any, ids: Tensor) -> Tensor:
    """Negative log-likelihood of every token but the first of each row, in nats, summed."""
    states = model.model(input_ids=ids, use_cache=False).last_hidden_state
    logits = model.lm_head(states[:, :-1])
    return nn.functional.cross_entropy(logits.float().flatten(0, 1), ids[:, 1:].flatten(), reduction="sum")


def causal_objective(rows: Rows, device: str) -> Objective[Tensor]:
    """Predict the next token."""
    return Objective(
        lambda step: [rows(step).to(device)], next_token_loss_sum, lambda ids: ids.shape[0] * (ids.shape[1] - 1)
    )


def encoder_objective(rows: Rows, tokenizer: Any, share: float) -> Objective[MaskedBatch]:
    """Fill in hidden tokens; every row begins with ``<s>`` and ends with ``</s>``, as in use."""

    def batches(step: int) -> list[MaskedBatch]:
        return [masked(rows(step), tokenizer, share, step)]

    return Objective(batches, masked_loss_sum, lambda batch: batch.n_targets)


def masked(ids: Tensor, tokenizer: Any, share: float, number: int) -> MaskedBatch:
    """Rows with hidden tokens, the same ones for the same number."""
    ids = ids.clone()
    ids[:, 0], ids[:, -1] = tokenizer.cls_token_id, tokenizer.sep_token_id
    shown, labels = mask_tokens(ids, tokenizer, share, torch.Generator().manual_seed(SEED * 1_000_003 + number))
    return MaskedBatch(shown, None, labels)


@dataclass(frozen=True)
class Training:
    """A model with what it is trained and measured on.

    Args:
        model: to train, in place.
        tokenizer: of the model, for use.
        objective: batches by step, and their loss.
        held: batches that the held-out loss is measured on.
        settings: of the loop.
    """

    model: Any
    tokenizer: PreTrainedTokenizerFast
    objective: Objective[Any]
    held: Sequence[Any]
    settings: LoopSettings

    def held_out_loss(self) -> float:
        """Mean loss on held-out rows, in nats a target."""
        self.model.eval()
        with torch.inference_mode(), autocast(self.settings.device, self.settings.precision):
            total = sum(float(self.objective.loss_sum(self.model, batch)) for batch in self.held)
        return total / sum(self.objective.n_targets(batch) for batch in self.held)


def training_of(starter: Starter, rows: Rows, options: argparse.Namespace) -> Training:
    """Everything that a starter is trained with, before the first step."""
    device = resolve_device(options.device)
    vocabulary = Tokenizer.from_file(str(options.work / "tokenizer.json"))
    tokenizer = wrapped_tokenizer(vocabulary, starter.kind)
    model: Any = fresh_model(
        starter, vocabulary.get_vocab_size(), {token: vocabulary.token_to_id(token) for token in SPECIAL_TOKENS}
    )
    if options.compile:
        model.model.compile(dynamic=False)
    held: Sequence[Any] = held_out_rows(options.work / "heldout", 128, HELD_OUT_ROWS).split(32)
    if starter.kind == "causal":
        objective: Objective[Any] = causal_objective(rows, device)
        held = [each.to(device) for each in held]
    else:
        objective = encoder_objective(rows, tokenizer, starter.masked)
        held = [masked(each, tokenizer, starter.masked, -number - 1) for number, each in enumerate(held)]
    settings = LoopSettings(
        n_steps=rows.n_steps,
        learning_rate=starter.learning_rate,
        warmup=0.02,
        weight_decay=starter.weight_decay,
        max_grad_norm=1.0,
        checkpoint_seconds=CHECKPOINT_SECONDS,
        device=device,
        precision=resolve_precision("auto", device),
        final_rate=0.02,
        muon=True,
    )
    return Training(model, tokenizer, objective, held, settings)


def trained(name: str, options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Train, and yield a line of the training log now and then; at the end the model is written."""
    starter, folder = STARTERS[name], options.work / name
    if options.tokens:
        starter = replace(starter, n_tokens=options.tokens)
    rows = Rows(options.work / "train", starter)
    training = training_of(starter, rows, options)
    model, settings = training.model, training.settings
    memory: dict[str, Any] = {"curve": [], "seconds": 0.0, "sum": 0.0, "count": 0}
    began = time.monotonic()
    steps = training_steps(model, training.objective, settings, folder / "checkpoint", memory)
    choose_attention(model, rows(0).shape[1], settings.device)
    for step in steps:
        now = time.monotonic()
        memory["seconds"], began = memory["seconds"] + now - began, now
        memory["sum"], memory["count"] = memory["sum"] + step.loss * step.n_targets, memory["count"] + step.n_targets
        measured = step.number % max(1, rows.n_steps // EVALUATIONS) == 0 or step.number == rows.n_steps
        if measured or step.number % max(1, rows.n_steps // 100) == 0:
            line = {
                "step": step.number,
                "n_steps": rows.n_steps,
                "tokens": step.number * starter.batch_tokens,
                "train_loss": round(memory["sum"] / memory["count"], 4),
                "rate": step.learning_rate,
                "seconds": round(memory["seconds"], 1),
            }
            if measured:
                line["heldout_loss"] = round(training.held_out_loss(), 4)
            memory["sum"], memory["count"] = 0.0, 0
            memory["curve"].append(line)
            yield line
        if step.number < rows.n_steps:
            choose_attention(model, rows(step.number).shape[1], settings.device)
    model.save_pretrained(folder / "model")
    training.tokenizer.save_pretrained(folder / "model")
    write_curve(folder / "curve.jsonl", memory["curve"], settings)


def write_curve(path: Path, curve: list[dict[str, Any]], settings: LoopSettings) -> None:
    """Write the training log, the circumstances first."""
    about = {"machine": platform.processor() or platform.machine(), "threads": torch.get_num_threads()}
    about |= {"device": settings.device, "precision": settings.precision, "torch": torch.__version__, "seed": SEED}
    path.write_text("".join(json.dumps(each) + "\n" for each in [about, *curve]), encoding="utf-8")


def choose_attention(model: Any, length: int, device: str) -> None:
    """On the processor, short rows are faster without fused attention."""
    wanted = "eager" if device == "cpu" and length <= LONGEST_EAGER else "sdpa"
    if model.config._attn_implementation != wanted:
        model.set_attn_implementation(wanted)


def main() -> None:
    """Run the command."""
    parser = arguments(__doc__)
    parser.add_argument("name", choices=sorted(STARTERS))
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    parser.add_argument("--compile", action="store_true", help="compile the layers; needs a C++ compiler")
    parser.add_argument("--tokens", type=int, help="to be seen (default: as in settings.py)")
    options = parser.parse_args()
    (options.work / options.name).mkdir(parents=True, exist_ok=True)
    for line in trained(options.name, options):
        print(json.dumps(line), flush=True)


if __name__ == "__main__":
    main()
