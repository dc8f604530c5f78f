"""Exact nucleus (top-p) sampling from many distributions, without sorting them.

A token is drawn from all. If the tokens before it hold less than ``top_p``, it is in the nucleus and kept; else it and
all tokens after it are removed and another is drawn from the rest. As the nucleus is never removed, what
is kept is distributed as within the nucleus.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from deidsynth.errors import ModelNotUsableError

BLOCK = 128
MARGIN = 1e-5  # of probability: sums this close to the bound are checked token by token
NEARLY_ONE = 1 - 2**-20


def draw(logits: Tensor, temperature: float, top_p: float, top_k: int, generator: torch.Generator) -> Tensor:
    """One token of each row, distributed as with transformers' ``generate``.

    Tokens are ordered by probability; of equal tokens, those with higher ids come first, as
    in transformers' warper.

    Args:
        logits: float32; overwritten. Shape (n_rows, vocabulary).
        temperature: above 0.
        top_p: probability mass of the nucleus; 1: off.
        top_k: only tokens at least as likely as the k-th (including ties); 0: off.
        generator: of the random numbers.

    Returns:
        Token ids. Shape (n_rows,).

    Raises:
        ModelNotUsableError: the logits are no numbers.
    """
    if temperature != 1.0:
        logits.div_(temperature)
    if 0 < top_k < logits.shape[-1]:
        least = torch.topk(logits, top_k).values[:, -1:]
        logits.masked_fill_(logits < least, -torch.inf)
    masses = torch.softmax(logits, -1)
    require_finite(masses[:, 0])  # what is no number makes its whole row so
    tokens = categorical(masses, generator)
    if top_p >= 1.0:
        return tokens
    rows = _uncertain(masses, tokens, top_p)
    while len(rows):
        drawn = tokens[rows]
        before = _before(masses[rows], drawn)
        sums = before.sum(-1)
        outside = ((sums >= top_p) & (sums > 0)).nonzero().flatten()
        rows = rows[outside]
        if len(rows):
            masses[rows] = before[outside]
            tokens[rows] = categorical(masses[rows], generator)
    return tokens


def require_finite(values: Tensor) -> None:
    """Check probabilities or logits before a token is drawn.

    Raises:
        ModelNotUsableError: some are not finite.
    """
    if not torch.isfinite(values).all():
        raise ModelNotUsableError(
            "the probabilities of the language model are not finite; use precision: fp32, adapt with a lower learning "
            "rate, or put back its config.json"
        )


def categorical(masses: Tensor, generator: torch.Generator) -> Tensor:
    """One index of each row, with probability proportional to its mass: first the block, then the index in it.

    Args:
        masses: not negative, some positive in each row. Shape (n_rows, n).
        generator: of the random numbers.

    Returns:
        Shape (n_rows,).
    """
    n_rows, n = masses.shape
    whole = n - n % BLOCK
    blocks = masses[:, :whole].view(n_rows, -1, BLOCK).sum(-1)
    if whole < n:
        blocks = torch.cat([blocks, masses[:, whole:].sum(-1, keepdim=True)], -1)
    upto = blocks.double().cumsum_(-1)
    chance = torch.rand(n_rows, 1, dtype=torch.float64, generator=generator)
    goal = chance * upto[:, -1:]
    block = torch.searchsorted(upto, goal, right=True)
    rest = goal - (upto.gather(1, block) - blocks.gather(1, block))
    places = block * BLOCK + torch.arange(BLOCK)
    inner = masses.gather(1, places.clamp(max=n - 1)).masked_fill_(places >= n, 0.0).double().cumsum_(-1)
    # The sum of a block and its cumulative sum round differently: an index past the end becomes the last with mass.
    rest = torch.minimum(rest, inner[:, -1:] * NEARLY_ONE)
    return (block * BLOCK + torch.searchsorted(inner, rest, right=True)).flatten()


def _uncertain(masses: Tensor, tokens: Tensor, top_p: float) -> Tensor:
    """Rows whose token may be outside the nucleus; the tokens of all others are inside. Shape (n_uncertain,).

    It uses vectorized passes; comparing and selecting would take five times as long.
    """
    own = masses.gather(1, tokens[:, None])
    rows = (
        (own[:, 0] <= 1 - top_p + MARGIN).nonzero().flatten()
    )  # for any other token, the rest together has too little mass
    own = own[rows]
    # The mass of all other tokens at least as likely: at least that of the tokens before this one.
    likely = functional.threshold(masses[rows].div_(own), NEARLY_ONE, 0.0, inplace=True)
    upto = likely.sum(-1, keepdim=True).sub_(1).mul_(own)
    return rows[upto[:, 0] >= top_p - MARGIN]


def _before(masses: Tensor, tokens: Tensor) -> Tensor:
    """The masses without the token of each row and those after it. Shape of ``masses``."""
    own = masses.gather(1, tokens[:, None])
    earlier = (masses > own) | ((masses == own) & (torch.arange(masses.shape[-1]) > tokens[:, None]))
    return masses * earlier
