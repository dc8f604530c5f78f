"""A Spanish and Swedish adapter (LoRA) for a language model that was pretrained on English.

    python recipes/starters/prepare.py --data DATA                       # cleans the texts, holds out 1 %
    deidsynth models import smollm2-135m --output build/bases/smollm2
    python recipes/bases/language_adapter.py --base build/bases/smollm2 --output build/adapters/smollm2-es-sv
    deidsynth models import smollm2-135m --adapter build/adapters/smollm2-es-sv --output build/bases/smollm2-es-sv

It is trained on the general texts of the starters, half of the tokens Spanish and half Swedish, without clinical text.
Seeded; a killed training continues from its last checkpoint. Writes the adapter (bf16), ``curve.jsonl``,
``evaluation.json`` with bits per character of held-out texts before and after, and ``adapter.json``, by which
``deidsynth models import --adapter`` knows which base it is for.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from peft import LoraConfig, TaskType, get_peft_model
from torch import Tensor
from transformers import AutoModelForCausalLM

from deidsynth.models.bases.adapter import describe_adapter
from deidsynth.models.bases.card import MERGED
from deidsynth.models.bases.catalog import PackagedBase, catalog
from deidsynth.models.devices import autocast, resolve_device, resolve_precision
from deidsynth.models.language_model.causal_lm import loss_sum
from deidsynth.models.language_model.packing import IGNORED, Packed, SpecialTokenIds
from deidsynth.models.loading import load_tokenizer
from deidsynth.models.training.loop import LoopSettings, Objective, training_steps

ROOT = Path(__file__).resolve().parents[2]
MIXTURE = {"ELTeC-spa": 0.5, "riksdagen-interpellations": 0.3, "sfs": 0.05, "ELTeC-swe": 0.15}
"""Share of the tokens that each source has; more than the starters' of the prose of today."""
SEED = 1
ROW_TOKENS = 1024
RANK = 32
LEARNING_RATE = 8e-4
HELD_OUT_ROWS = 24
EVALUATIONS = 6


def texts_of(path: Path) -> list[str]:
    """The texts of a file that prepare.py wrote."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line)["text"] for line in lines]


def stream(tokenizer: Any, texts: list[str], limit: int | None = None) -> np.ndarray:
    """Token ids of texts one after another, each between BOS and EOS. Shape (n_tokens,)."""
    special, pieces, count = SpecialTokenIds.of(tokenizer), list[np.ndarray](), 0
    for first in range(0, len(texts), 64):
        encoded = tokenizer(texts[first : first + 64], add_special_tokens=False, verbose=False)["input_ids"]
        pieces += [np.array([special.bos, *ids, special.eos], dtype=np.uint32) for ids in encoded]
        count += sum(len(ids) for ids in encoded)
        if limit is not None and count >= limit:
            break
    return np.concatenate(pieces)


def row_starts(streams: dict[str, np.ndarray], n_rows: int) -> list[tuple[str, int]]:
    """Where each row begins: the sources in the shares of the mixture, in random order; a small source reappears."""
    chance = np.random.default_rng(SEED)
    chosen: list[tuple[str, int]] = []
    for source, share in MIXTURE.items():
        there, wanted = (len(streams[source]) - 1) // ROW_TOKENS, round(share * n_rows)
        numbers: list[int] = []
        while len(numbers) < wanted:
            numbers += chance.permutation(there).tolist()
        chosen += [(source, number * ROW_TOKENS) for number in numbers[:wanted]]
    return [chosen[place] for place in chance.permutation(len(chosen))]


def packed(ids: Tensor) -> Packed:
    """Rows of a stream, each with the token that follows it. Shape of ``ids`` (n_rows, length + 1)."""
    positions = torch.arange(ids.shape[1] - 1).expand(len(ids), -1)
    return Packed(ids[:, :-1].contiguous(), ids[:, 1:].contiguous(), positions)


def bits_per_character(
    model: Any, tokenizer: Any, folder: Path, device: str, precision: str, most_rows: int | None = None
) -> dict[str, float]:
    """Bits per character of each held-out source; the first token of a row is given, its characters not counted."""
    model.eval()
    found: dict[str, float] = {}
    most = HELD_OUT_ROWS if most_rows is None else most_rows
    for source in MIXTURE:
        ids = stream(tokenizer, texts_of(folder / f"{source}.jsonl"), (most + 1) * ROW_TOKENS)
        n_rows = min(most, (len(ids) - 1) // ROW_TOKENS)
        nats, characters = 0.0, 0
        for number in range(n_rows):
            row = torch.from_numpy(ids[number * ROW_TOKENS : (number + 1) * ROW_TOKENS + 1].astype(np.int64))[None]
            with torch.inference_mode(), autocast(device, precision):
                nats += float(loss_sum(model, packed(row)))
            characters += len(tokenizer.decode(row[0, 1:], skip_special_tokens=True))
        found[source] = round(nats / characters / math.log(2), 4)
    return found


def trained(
    model: Any, tokenizer: Any, options: argparse.Namespace, settings: LoopSettings
) -> Iterator[list[dict[str, Any]]]:
    """Train the adapter, and yield the training log now and then, from its first line, each time with one more."""
    limits = {source: int(options.tokens * share * 1.02) + 2 * ROW_TOKENS for source, share in MIXTURE.items()}
    streams = {
        source: stream(tokenizer, texts_of(options.texts / "train" / f"{source}.jsonl"), limit)
        for source, limit in limits.items()
    }
    rows_per_step = options.batch_tokens // ROW_TOKENS
    starts = row_starts(streams, settings.n_steps * rows_per_step)
    per_forward = max(1, options.micro_batch_tokens // ROW_TOKENS)

    def batches(step: int) -> list[Packed]:
        places = starts[step * rows_per_step : (step + 1) * rows_per_step]
        ids = np.stack([streams[source][at : at + ROW_TOKENS + 1] for source, at in places]).astype(np.int64)
        return [packed(some) for some in torch.from_numpy(ids).split(per_forward)]

    objective = Objective(batches, loss_sum, lambda rows: int((rows.labels != IGNORED).sum()))
    memory: dict[str, Any] = {"curve": [], "seconds": 0.0}
    began = time.monotonic()
    for step in training_steps(model, objective, settings, options.output / "checkpoint", memory):
        now = time.monotonic()
        memory["seconds"], began = memory["seconds"] + now - began, now
        if step.number % max(1, settings.n_steps // 60) == 0 or step.number == settings.n_steps:
            line = {
                "step": step.number,
                "n_steps": settings.n_steps,
                "tokens": step.number * options.batch_tokens,
                "train_loss": round(step.loss, 4),
                "rate": step.learning_rate,
                "seconds": round(memory["seconds"], 1),
            }
            memory["curve"].append(line)
            yield memory["curve"]


def packaged_base(folder: Path) -> PackagedBase | None:
    """The model of the catalog that a folder was imported from, by its card; None for any other, merged ones too."""
    path = folder / "README.md"
    card = path.read_text(encoding="utf-8") if path.is_file() else ""
    return next((base for base in catalog() if base.file_digest in card and MERGED not in card), None)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--base", type=Path, required=True, help="folder of the language model")
    parser.add_argument("--output", type=Path, required=True, help="folder for the adapter")
    parser.add_argument("--texts", type=Path, default=ROOT / "build" / "starters", help="what prepare.py wrote")
    parser.add_argument("--tokens", type=int, default=40_000_000, help="to be seen")
    parser.add_argument("--batch-tokens", type=int, default=65_536, help="of an optimizer step")
    parser.add_argument("--micro-batch-tokens", type=int, default=16_384, help="of a forward pass")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    options = parser.parse_args()
    options.output.mkdir(parents=True, exist_ok=True)
    device = resolve_device(options.device)
    precision = resolve_precision("auto", device)
    tokenizer = load_tokenizer(str(options.base))
    torch.manual_seed(SEED)
    bare: Any = AutoModelForCausalLM.from_pretrained(options.base, dtype=torch.float32).to(device)
    held = options.texts / "heldout"
    evaluation = {"before": bits_per_character(bare, tokenizer, held, device, precision)}
    print(json.dumps(evaluation), flush=True)
    model: Any = get_peft_model(
        bare,
        LoraConfig(
            r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0, target_modules="all-linear", task_type=TaskType.CAUSAL_LM
        ),
    )
    settings = LoopSettings(
        n_steps=max(1, options.tokens // options.batch_tokens),
        learning_rate=LEARNING_RATE,
        warmup=0.03,
        weight_decay=0.0,
        max_grad_norm=1.0,
        checkpoint_seconds=120.0,
        device=device,
        precision=precision,
        final_rate=0.02,
    )
    about = {"device": torch.cuda.get_device_name() if device.startswith("cuda") else device, "precision": precision}
    about |= {"torch": torch.__version__, "seed": SEED, "rank": RANK, "mixture": MIXTURE}
    for curve in trained(model, tokenizer, options, settings):
        print(json.dumps(curve[-1]), flush=True)
        (options.output / "curve.jsonl").write_text("".join(json.dumps(each) + "\n" for each in [about, *curve]))
    evaluation["after"] = bits_per_character(model, tokenizer, held, device, precision)
    print(json.dumps(evaluation), flush=True)
    (options.output / "evaluation.json").write_text(json.dumps(evaluation, indent=1) + "\n", encoding="utf-8")
    base = packaged_base(options.base)
    if base is not None:
        model.peft_config["default"].base_model_name_or_path = base.origin  # not a path of this machine
    model.to(torch.bfloat16).save_pretrained(options.output, save_embedding_layers=False)
    if base is not None:
        n_tokens = settings.n_steps * options.batch_tokens
        describe_adapter(
            options.output,
            base,
            name=options.output.name,
            about=f"trained on {n_tokens:,} tokens of Spanish and Swedish general text ({', '.join(MIXTURE)})",
            license_id=base.license,
            languages=("es", "sv"),
        )


if __name__ == "__main__":
    main()
