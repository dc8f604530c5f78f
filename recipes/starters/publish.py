"""Put the pretrained starters into the package: weights in bf16, tokenizer, model card, and the catalog of digests.

    python recipes/starters/publish.py

Reads ``NAME/{model,curve.jsonl,evaluation.json}`` and ``prepare.json`` from the work folder, and copies the training
logs to ``recipes/starters/logs``.
"""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import torch
from card import card
from prepare import LANGUAGES
from settings import ROOT, STARTERS, VERSION, arguments
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from deidsynth.digests import file_digests

PACKAGE = ROOT / "src" / "deidsynth" / "starters"
LOGS = ROOT / "recipes" / "starters" / "logs"
LARGEST_BYTES = 25_000_000
TAGGING_DROPOUT = 0.1
NAMES = {"starter": "starter", "starter-xs": "starter-xs", "starter-encoder": "starter"}
"""What a user calls each: the encoder has the name of the language model beside it."""
ABOUT = {
    "starter": "Llama-type language model for Swedish and Spanish, to be adapted",
    "starter-xs": "a quarter of its size: faster, and plainer text",
    "starter-encoder": "ModernBERT-type encoder for Swedish and Spanish, to be fine-tuned",
}


def published(name: str, work: Path) -> dict[str, Any]:
    """The catalog's row of a starter whose folder has been written."""
    starter, source, target = STARTERS[name], work / name, PACKAGE / name
    causal = starter.kind == "causal"
    auto: Any = AutoModelForCausalLM if causal else AutoModelForMaskedLM
    model = auto.from_pretrained(source / "model", dtype=torch.bfloat16)
    if not causal:  # for the training that follows; none was used here
        model.config.embedding_dropout = model.config.mlp_dropout = model.config.classifier_dropout = TAGGING_DROPOUT
    if target.exists():
        shutil.rmtree(target)
    model.save_pretrained(target)
    AutoTokenizer.from_pretrained(source / "model").save_pretrained(target)
    curve = [json.loads(line) for line in (source / "curve.jsonl").read_text(encoding="utf-8").splitlines()]
    evaluation = json.loads((source / "evaluation.json").read_text(encoding="utf-8"))
    prepared = json.loads((work / "prepare.json").read_text(encoding="utf-8"))
    n_parameters = sum(weight.numel() for weight in model.parameters())
    (target / "README.md").write_text(card(name, n_parameters, curve, evaluation, prepared), encoding="utf-8")
    LOGS.mkdir(exist_ok=True)
    shutil.copy(source / "curve.jsonl", LOGS / f"{name}.jsonl")
    for path in target.iterdir():
        if path.stat().st_size >= LARGEST_BYTES:
            raise SystemExit(f"{path}: larger than {LARGEST_BYTES} bytes")
    return {
        "name": NAMES[name],
        "kind": starter.kind,
        "folder": name,
        "version": VERSION,
        "n_parameters": n_parameters,
        "about": ABOUT[name],
        "languages": sorted(LANGUAGES),
        "files": file_digests(target),
    }


def main() -> None:
    """Run the command."""
    options = arguments(__doc__).parse_args()
    rows = [published(name, options.work) for name in STARTERS]
    text = json.dumps(rows, indent=1, ensure_ascii=False) + "\n"
    (PACKAGE / "catalog.json").write_text(text, encoding="utf-8")
    for row in rows:
        print(row["folder"], row["n_parameters"])


if __name__ == "__main__":
    main()
