"""Bits per character of language models on the held-out general texts of the starters.

    python recipes/starters/prepare.py --data DATA                       # cleans the texts, holds out 1 %
    python recipes/bases/evaluate.py build/bases/smollm2 build/bases/smollm2-es-sv

Prints a line for each model: bits per character by source. Every source is read in rows of 1,024 tokens of the model's
own tokenizer, so that models with other tokenizers are measured on stretches of other lengths.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import language_adapter
from transformers import AutoModelForCausalLM

from deidsynth.models.devices import resolve_device, resolve_precision
from deidsynth.models.loading import load_any_tokenizer, load_model


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="+", help="folders of language models")
    parser.add_argument("--texts", type=Path, default=language_adapter.ROOT / "build" / "starters")
    parser.add_argument("--rows", type=int, default=language_adapter.HELD_OUT_ROWS, help="of each source, at most")
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda")
    options = parser.parse_args()
    device = resolve_device(options.device)
    for name in options.models:
        tokenizer, model = load_any_tokenizer(name), load_model(AutoModelForCausalLM, name).to(device)
        found = language_adapter.bits_per_character(
            model, tokenizer, options.texts / "heldout", device, resolve_precision("auto", device), options.rows
        )
        print(json.dumps({"model": name, "rows": options.rows, "bits_per_character": found}), flush=True)


if __name__ == "__main__":
    main()
