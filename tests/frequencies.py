"""Whether drawn classes have the distribution that they should have."""

from __future__ import annotations

import torch
from torch import Tensor
from transformers.generation.logits_process import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper


def nucleus(logits: Tensor, temperature: float = 1.0, top_p: float = 1.0, top_k: int = 0) -> Tensor:
    """What transformers would draw from. Shape of the logits."""
    ids = torch.zeros(len(logits), 1, dtype=torch.long)
    logits = TemperatureLogitsWarper(temperature)(ids, logits) if temperature != 1 else logits
    logits = TopKLogitsWarper(top_k)(ids, logits) if top_k else logits
    return (TopPLogitsWarper(top_p)(ids, logits) if top_p < 1 else logits).softmax(-1)


def check_frequencies(drawn: Tensor, expected: Tensor) -> None:
    """Chi-square of drawn tokens; rare tokens are one class. Fails by chance once in 30,000 times; seeds are fixed."""
    counts = torch.bincount(drawn, minlength=len(expected)).double()
    assert not counts[expected == 0].any()
    goal = expected.double() * len(drawn)
    often = goal >= 8
    counts = torch.cat([counts[often], counts[~often].sum()[None]])
    goal = torch.cat([goal[often], goal[~often].sum()[None]])
    counts, goal = counts[goal > 0], goal[goal > 0]
    freedom = max(1, len(goal) - 1)
    chi_square = float(((counts - goal) ** 2 / goal).sum())
    assert chi_square < freedom + 4 * (2 * freedom) ** 0.5 + 8
