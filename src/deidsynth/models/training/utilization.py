"""Model FLOPs utilization: the FLOPs that a model needs, as a share of what the device achieves.

FLOPs are counted as in Chowdhery et al. 2022 (PaLM, appendix B): six operations per weight and token, and those
of attention over the whole document; recomputation and padding do not count. The rate of the device is
measured with a matrix product in the same precision.
"""

from __future__ import annotations

import time
from typing import Any

import torch
from torch import nn

PRODUCT_SIZE = {"cpu": 1536, "cuda": 8192, "mps": 4096}
ROUNDS = 5


def training_flops_per_token(model: nn.Module, row_tokens: float) -> float:
    """FLOPs per token, forward and backward, with all weights trained.

    Args:
        model: a causal language model.
        row_tokens: context length of a token: its document's length, as attention stays within documents.
    """
    config: Any = getattr(model, "config", None)
    embedding: Any = getattr(model, "get_input_embeddings", lambda: None)()
    n_weights = sum(weight.numel() for weight in model.parameters())
    if embedding is not None and not getattr(config, "tie_word_embeddings", False):
        n_weights -= embedding.weight.numel()  # a lookup, not a product
    layers, width = (int(getattr(config, name, 0) or 0) for name in ("num_hidden_layers", "hidden_size"))
    return float(6 * n_weights + 12 * layers * width * row_tokens)


def product_flops_per_second(device: str, precision: str) -> float:
    """FLOPs per second of a square matrix product, the best of a few rounds; takes less than a second."""
    kind = device.partition(":")[0]
    size = PRODUCT_SIZE.get(kind, PRODUCT_SIZE["cpu"])
    dtype = torch.bfloat16 if precision == "bf16" else torch.float32
    left, right = (torch.ones(size, size, device=device, dtype=dtype) for _ in range(2))
    best = float("inf")
    for _ in range(ROUNDS):
        began = time.perf_counter()
        product = left @ right
        float(product[0, 0])  # wait for the device
        best = min(best, time.perf_counter() - began)
    return float(2 * size**3 / best)
