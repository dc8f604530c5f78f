"""How long-running work reports progress, independent of who displays it."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Protocol, Self


def format_seconds(seconds: float) -> str:
    """A duration as ``0.4 s``, ``12 s``, ``3:05`` or ``1:02:03``."""
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    hours, rest = divmod(whole, 3600)
    minutes, left = divmod(rest, 60)
    return f"{hours}:{minutes:02}:{left:02}" if hours else f"{minutes}:{left:02}"


class Task(Protocol):
    """One piece of work with a known or unknown number of units; a context manager."""

    def advance(self, n: float = 1, **info: str | float) -> None:
        """Count ``n`` finished units; ``info`` (such as ``loss=1.2``) is shown beside the bar. Never corpus text."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class Progress(Protocol):
    """The interface that stages report progress to."""

    def task(self, name: str, total: float | None, unit: str = "") -> Task:
        """Begin a piece of work of ``total`` units."""

    def message(self, text: str) -> None:
        """Report one line that is worth keeping."""

    def metrics(self, name: str, values: Mapping[str, float]) -> None:
        """Record one point of a curve."""


class SilentTask:
    """A task that shows nothing."""

    def advance(self, n: float = 1, **info: str | float) -> None:
        """Count nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class SilentProgress:
    """Ignores all reports."""

    def task(self, name: str, total: float | None, unit: str = "") -> Task:
        """A task that shows nothing."""
        return SilentTask()

    def message(self, text: str) -> None:
        """Drop the line."""

    def metrics(self, name: str, values: Mapping[str, float]) -> None:
        """Drop the point."""
