"""Progress in a notebook or a terminal, for who calls this package from Python: bars by tqdm."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

from tqdm.auto import tqdm

from deidsynth.progress import Progress, SilentProgress, Task


class ProgressBars:
    """A bar for each piece of work whose size is known, and a line for each message."""

    def task(self, name: str, total: float | None, unit: str = "") -> Task:
        """A bar; work of unknown size has none."""
        return _Bar(name, total, unit)

    def message(self, text: str) -> None:
        """Print the line above the bars."""
        tqdm.write(text)

    def metrics(self, name: str, values: Mapping[str, float]) -> None:
        """Points of curves are not shown: the bar has their last values."""


class _Bar:
    def __init__(self, name: str, total: float | None, unit: str) -> None:
        hidden = total is None
        self._bar: Any = tqdm(total=total, desc=name, unit=f" {unit}" if unit else "it", disable=hidden, leave=False)

    def advance(self, n: float = 1, **info: str | float) -> None:
        """Move the bar on, with the latest figures beside it."""
        if info:
            self._bar.set_postfix(info, refresh=False)
        self._bar.update(n)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()


def listener_of(progress: bool | Progress) -> Progress:
    """Bars for True, silence for False, and any other listener as it is."""
    if isinstance(progress, bool):
        return ProgressBars() if progress else SilentProgress()
    return progress
