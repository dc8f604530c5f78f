"""What the starters are: their shapes, the mixture of texts, and how long they are trained."""

from __future__ import annotations

import argparse
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VERSION = 1
SEED = 1
VOCABULARY_SIZE = 8000
SPECIAL_TOKENS = ("<pad>", "<s>", "</s>", "<mask>", "<unk>")
BLOCK_TOKENS = 2048
"""Texts are shuffled in blocks of this many tokens."""

MIXTURE = {"ELTeC-spa": 0.5, "riksdagen-interpellations": 0.25, "sfs": 0.1, "ELTeC-swe": 0.15}
"""Share of the tokens that each source has."""


@dataclass(frozen=True)
class Phase:
    """A stretch of training with rows of one length.

    Args:
        share: of all tokens.
        length: tokens in a row.
    """

    share: float
    length: int


@dataclass(frozen=True)
class Starter:
    """One model to pretrain.

    Args:
        kind: ``causal`` or ``encoder``.
        shape: of the transformers configuration.
        phases: short rows first.
        n_tokens: seen in all.
        batch_tokens: in one optimizer step.
        learning_rate: highest.
        weight_decay: on matrices.
        masked: share of the tokens that an encoder fills in.
    """

    kind: str
    shape: dict[str, Any]
    phases: tuple[Phase, ...]
    n_tokens: int
    batch_tokens: int = 4096
    learning_rate: float = 3e-3
    weight_decay: float = 0.05
    masked: float = 0.3


def _llama(hidden: int, inner: int, layers: int, heads: int) -> dict[str, Any]:
    return {
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": 1,
        "max_position_embeddings": 2048,
        "tie_word_embeddings": True,
    }


CAUSAL_PHASES = (Phase(0.75, 256), Phase(0.2, 1024), Phase(0.05, 2048))
ENCODER_SHAPE = {
    "hidden_size": 256,
    "intermediate_size": 512,
    "num_hidden_layers": 6,
    "num_attention_heads": 4,
    "local_attention": 128,
    "global_attn_every_n_layers": 3,
    "max_position_embeddings": 1024,
}
STARTERS = {
    "starter": Starter("causal", _llama(320, 864, 5, 5), CAUSAL_PHASES, 11_000_000),
    "starter-xs": Starter("causal", _llama(160, 432, 4, 5), CAUSAL_PHASES, 6_000_000),
    "starter-encoder": Starter("encoder", ENCODER_SHAPE, (Phase(0.88, 128), Phase(0.12, 512)), 20_000_000),
}


def arguments(about: str | None) -> argparse.ArgumentParser:
    """A command line with the options that every command here has."""
    parser = argparse.ArgumentParser(description=about)
    parser.add_argument(
        "--data",
        type=Path,
        default=Path(os.environ.get("DEIDSYNTH_DATA", ROOT.parent / "shared" / "data")),
        help="folder that holds pretrain/es.jsonl.xz and pretrain/sv.jsonl.xz (default: $DEIDSYNTH_DATA)",
    )
    parser.add_argument(
        "--work", type=Path, default=ROOT / "build" / "starters", help="folder for everything that is made on the way"
    )
    return parser
