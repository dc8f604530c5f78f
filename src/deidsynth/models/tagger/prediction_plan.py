"""How prediction uses a device: the size of batches, and what is done at the same time."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

Item = TypeVar("Item")
Result = TypeVar("Result")

CPU_BATCH_TOKENS = 2048  # a CPU batch that stays in its caches


@dataclass(frozen=True, slots=True)
class Plan:
    """How prediction uses a device.

    Args:
        batch_size: windows per batch.
        most_tokens: of a batch; None for no limit.
        bucket_tokens: the lengths of padded rows are multiples of this, so that few shapes occur.
        decodes_beside: whether documents are decoded in a thread beside the forward pass of the next ones.
    """

    batch_size: int
    most_tokens: int | None
    bucket_tokens: int
    decodes_beside: bool


def plan_of(device: str) -> Plan:
    """The plan of a device: small batches on a CPU, one after another; large ones on a GPU, beside the decoding."""
    if device == "cpu":
        return Plan(32, CPU_BATCH_TOKENS, 1, decodes_beside=False)
    return Plan(128, None, 64, decodes_beside=True)


def in_turn(items: Iterable[Item], work: Callable[[Item], Result], *, beside: bool) -> Iterator[Result]:
    """The results of work on items, in order.

    Args:
        items: made as they are needed.
        work: on one of them.
        beside: whether the next item is made while a thread works on the one before.
    """
    if not beside:
        yield from map(work, items)
        return
    with ThreadPoolExecutor(1) as pool:
        before: Future[Result] | None = None
        for item in items:
            now = pool.submit(work, item)
            if before is not None:
                yield before.result()
            before = now
        if before is not None:
            yield before.result()
