"""Smaller cases with the same fault."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from fuzz.case import Case

Fails = Callable[[Case], bool]


def reduced(case: Case, fails: Fails, seconds: float) -> Case:
    """A case that still fails, with fewer commands, files and bytes.

    Args:
        case: fails.
        fails: whether a case has the fault that is looked for.
        seconds: after which no other smaller case is tried.
    """
    until = time.monotonic() + seconds
    made_progress = True
    while made_progress:
        made_progress = False
        for smaller in _smaller(case):
            if time.monotonic() > until:
                return case
            if fails(smaller):
                case, made_progress = smaller, True
                break
    return case


def _smaller(case: Case) -> Iterator[Case]:
    """Cases with something left out, large pieces first."""
    if len(case.commands) > 1:
        yield from (replace(case, commands=(command,)) for command in case.commands)
    for path in case.files:
        yield replace(case, files={other: content for other, content in case.files.items() if other != path})
    pieces = 2
    while pieces <= 64:
        for path, content in case.files.items():
            for shorter in _without_a_piece(content, pieces):
                yield replace(case, files={**case.files, path: shorter})
        if case.answer is not None:
            for shorter in _without_a_piece(case.answer, pieces):
                yield replace(case, answer=shorter)
        pieces *= 2


def _without_a_piece(content: bytes, pieces: int) -> Iterator[bytes]:
    step = len(content) // pieces
    if step:
        yield from (content[:start] + content[start + step :] for start in range(0, len(content), step))
