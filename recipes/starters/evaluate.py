"""Measure a pretrained starter on the held-out texts.

    python recipes/starters/evaluate.py starter

Writes ``NAME/evaluation.json``: bits per character of every source (causal), or the loss and the share of hidden tokens
that are found (encoder).
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pretrain import masked, next_token_loss_sum
from settings import MIXTURE, STARTERS, arguments
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from deidsynth.models.devices import autocast, resolve_device, resolve_precision
from deidsynth.tagging import IGNORED

ROW_TOKENS = {"causal": 1024, "encoder": 256}
ROWS_AT_ONCE = 8


def rows_of(path: Path, length: int) -> torch.Tensor:
    """All whole rows of a stream, or one row of a stream that is shorter. Shape (n_rows, at most length)."""
    ids = np.load(path)
    length = min(length, len(ids))
    count = len(ids) // length
    return torch.from_numpy(ids[: count * length].reshape(count, length).astype(np.int64))


def bits_per_character(model: Any, tokenizer: Any, rows: torch.Tensor, device: str, precision: str) -> float:
    """Bits per character; the first token of each row is given, its characters are not counted."""
    nats, characters = 0.0, 0
    for batch in rows.split(ROWS_AT_ONCE):
        with torch.inference_mode(), autocast(device, precision):
            nats += float(next_token_loss_sum(model, batch.to(device)))
        characters += sum(len(tokenizer.decode(row[1:], skip_special_tokens=True)) for row in batch)
    return nats / characters / math.log(2)


def filling_in(
    model: Any, tokenizer: Any, rows: torch.Tensor, share: float, where: tuple[str, str]
) -> dict[str, float]:
    """Loss in nats and accuracy at the hidden tokens; ``where`` is device and precision."""
    device, precision = where
    nats, found, count = 0.0, 0, 0
    for number, batch in enumerate(rows.split(ROWS_AT_ONCE)):
        hidden = masked(batch, tokenizer, share, -number - 1)
        places = hidden.labels != IGNORED
        with torch.inference_mode(), autocast(device, precision):
            logits = model(input_ids=hidden.ids.to(device)).logits.float().cpu()[places]
        labels = hidden.labels[places]
        nats += float(torch.nn.functional.cross_entropy(logits, labels, reduction="sum"))
        found += int((logits.argmax(-1) == labels).sum())
        count += len(labels)
    return {"loss": round(nats / count, 4), "accuracy": round(found / count, 4)}


def main() -> None:
    """Run the command."""
    parser = arguments(__doc__)
    parser.add_argument("name", choices=sorted(STARTERS))
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    options = parser.parse_args()
    starter, folder = STARTERS[options.name], options.work / options.name
    device = resolve_device(options.device)
    precision = resolve_precision("auto", device)
    causal = starter.kind == "causal"
    auto: Any = AutoModelForCausalLM if causal else AutoModelForMaskedLM
    model = auto.from_pretrained(folder / "model").to(device).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder / "model")
    result: dict[str, Any] = {}
    for source in MIXTURE:
        rows = rows_of(options.work / "heldout" / f"{source}.npy", ROW_TOKENS[starter.kind])
        if causal:
            result[source] = round(bits_per_character(model, tokenizer, rows, device, precision), 4)
        else:
            result[source] = filling_in(model, tokenizer, rows, starter.masked, (device, precision))
        print(source, result[source], flush=True)
    (folder / "evaluation.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
