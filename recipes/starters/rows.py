"""Rows of token ids for every step of a training: the same at every call, without repeats until a source is used up."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from settings import BLOCK_TOKENS, MIXTURE, SEED, Phase, Starter
from torch import Tensor


def _shuffled_blocks(streams: dict[str, np.ndarray], n_blocks: int) -> list[tuple[str, int]]:
    """Blocks in the shares of the mixture, in random order; a source that is too small comes again."""
    chance = np.random.default_rng(SEED)
    chosen: list[tuple[str, int]] = []
    for source, share in MIXTURE.items():
        there = len(streams[source]) // BLOCK_TOKENS
        if there == 0:
            raise SystemExit(f"{source}: fewer than {BLOCK_TOKENS} tokens; run prepare.py on the whole texts")
        wanted = round(share * n_blocks)
        numbers: list[int] = []
        while len(numbers) < wanted:
            numbers += chance.permutation(there).tolist()
        chosen += [(source, number) for number in numbers[:wanted]]
    return [chosen[place] for place in chance.permutation(len(chosen))]


@dataclass(frozen=True)
class _Stretch:
    """The steps of one phase."""

    first_step: int
    n_steps: int
    rows_per_step: int
    length: int
    starts: list[tuple[str, int]]


class Rows:
    """The rows of every step.

    Args:
        folder: of the token streams, one ``SOURCE.npy`` each.
        starter: how many tokens, in which phases.
    """

    def __init__(self, folder: Path, starter: Starter) -> None:
        self._streams = {source: np.load(folder / f"{source}.npy", mmap_mode="r") for source in MIXTURE}
        blocks = _shuffled_blocks(self._streams, starter.n_tokens // BLOCK_TOKENS)
        self._stretches: list[_Stretch] = []
        taken, step = 0.0, 0
        for number, phase in enumerate(starter.phases):
            part = blocks[round(taken * len(blocks)) : round((taken + phase.share) * len(blocks))]
            taken += phase.share
            self._stretches.append(self._stretch(part, phase, number, step, starter.batch_tokens))
            step += self._stretches[-1].n_steps
        self.n_steps = step

    def _stretch(
        self, blocks: list[tuple[str, int]], phase: Phase, number: int, first_step: int, batch_tokens: int
    ) -> _Stretch:
        starts = [
            (source, block * BLOCK_TOKENS + offset)
            for source, block in blocks
            for offset in range(0, BLOCK_TOKENS, phase.length)
        ]
        order = np.random.default_rng([SEED, number]).permutation(len(starts))
        rows_per_step = batch_tokens // phase.length
        n_steps = len(starts) // rows_per_step
        return _Stretch(first_step, n_steps, rows_per_step, phase.length, [starts[place] for place in order])

    def __call__(self, step: int) -> Tensor:
        """The rows of a step, zero-based. Shape (n_rows, length)."""
        stretch = next(each for each in self._stretches if step < each.first_step + each.n_steps)
        first = (step - stretch.first_step) * stretch.rows_per_step
        rows = [
            self._streams[source][at : at + stretch.length]
            for source, at in stretch.starts[first : first + stretch.rows_per_step]
        ]
        return torch.from_numpy(np.stack(rows).astype(np.int64))


def held_out_rows(folder: Path, length: int, limit: int) -> Tensor:
    """Rows from the beginning of every held-out source, in the shares of the mixture. Shape (at most limit, length)."""
    rows: list[np.ndarray] = []
    for source, share in MIXTURE.items():
        ids = np.load(folder / f"{source}.npy")
        wanted = min(round(share * limit), len(ids) // length)
        rows += list(ids[: wanted * length].reshape(wanted, length))
    return torch.from_numpy(np.stack(rows).astype(np.int64))
