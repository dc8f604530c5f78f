"""Terminal output: progress on standard error, results on standard output."""

from __future__ import annotations

import json
import re
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, SpinnerColumn, Task as RichTask, TaskID, TextColumn
from rich.table import Column, Table
from rich.text import Text

from deidsynth.progress import Progress as ProgressProtocol, SilentProgress, Task as TaskProtocol, format_seconds
from deidsynth.showing import for_terminal

PLAIN_INTERVAL_SECONDS = 10.0
"""Time between two lines of one task if standard error is not a terminal."""

WORTH_KEEPING_SECONDS = 2.0
"""A finished task leaves a line if it took at least this long."""

_RAW_IN_JSON = re.compile("[\x7f-\x9f\ud800-\udfff]")
"""What JSON leaves as it is, but a terminal takes for a control sequence, or cannot encode."""


def format_count(n: float) -> str:
    """A number of units as ``12,345`` or, if it is not an integer, ``1.5``."""
    return f"{n:,.0f}" if float(n).is_integer() else f"{n:,.1f}"


def format_rate(n: float, seconds: float, unit: str) -> str:
    """Units per second as ``3.4 step/s``, or seconds per unit as ``2.5 s/step``; empty if unknown."""
    name = unit or "it"
    if n <= 0 or seconds <= 0:
        return ""
    rate = n / seconds
    if rate >= 1:
        return f"{rate:,.0f} {name}/s" if rate >= 100 else f"{rate:.1f} {name}/s"
    return f"{1 / rate:.1f} s/{name.removesuffix('s')}"


def format_info(info: Mapping[str, str | float]) -> str:
    """The extra information of a task, as ``loss=1.234 epoch=2``."""
    return " ".join(
        f"{key}={value:.4g}" if isinstance(value, float) else f"{key}={value}" for key, value in info.items()
    )


class _State:
    """The state of one task, however it is displayed."""

    def __init__(self, name: str, total: float | None, unit: str, clock: Callable[[], float]) -> None:
        self.name, self.total, self.unit, self.clock = name, total, unit, clock
        self.done = 0.0
        self.info: dict[str, str | float] = {}
        self.started = clock()

    @property
    def elapsed_seconds(self) -> float:
        return self.clock() - self.started

    @property
    def remaining_seconds(self) -> float | None:
        if self.total is None or self.done <= 0:
            return None
        return max(0.0, (self.total - self.done) * self.elapsed_seconds / self.done)

    @property
    def is_counted(self) -> bool:
        """Whether there is a count to show; a task without total and units only shows what is in progress."""
        return self.total is not None or self.done > 0

    @property
    def count(self) -> str:
        if not self.is_counted:
            return ""
        total = "" if self.total is None else f"/{format_count(self.total)}"
        return f"{format_count(self.done)}{total}{' ' + self.unit if self.unit else ''}"

    def line(self, finished: bool) -> str:
        """One line of plain text for the task."""
        parts = [f"{self.name}: {self.count}", format_rate(self.done, self.elapsed_seconds, self.unit)]
        if finished:
            parts.append(f"took {format_seconds(self.elapsed_seconds)}")
        else:
            parts.append(f"{format_seconds(self.elapsed_seconds)} elapsed")
            if self.remaining_seconds is not None:
                parts.append(f"{format_seconds(self.remaining_seconds)} left")
        parts.append(format_info(self.info))
        return ", ".join(part for part in parts if part)


class _PlainTask:
    """A task as occasional lines of text."""

    def __init__(self, owner: TerminalProgress, state: _State) -> None:
        self._owner, self._state = owner, state
        self._reported = state.started

    def advance(self, n: float = 1, **info: str | float) -> None:
        state = self._state
        state.done += n
        state.info.update(info)
        now = state.clock()
        is_complete = state.total is not None and state.done >= state.total  # the final line follows
        if now - self._reported >= PLAIN_INTERVAL_SECONDS and not is_complete:
            self._reported = now
            self._owner.message(state.line(finished=False))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._owner.keep(self._state, failed=kind is not None)


class _StateColumn(ProgressColumn):
    """Count, rate, elapsed time, remaining time and info of a task."""

    max_refresh = 0.2

    def render(self, task: RichTask) -> Text:
        state: _State = task.fields["state"]
        parts = [state.count, format_rate(state.done, state.elapsed_seconds, state.unit)]
        parts.append(format_seconds(state.elapsed_seconds))
        if state.remaining_seconds is not None:
            parts.append(f"{format_seconds(state.remaining_seconds)} left")
        text = Text("  ".join(part for part in parts if part))
        info = format_info(state.info)
        return text.append(f"  {info}", style="dim") if info else text


class _BarTask:
    """A task as a live progress bar."""

    def __init__(self, owner: TerminalProgress, state: _State) -> None:
        self._owner, self._state = owner, state
        self._bar: TaskID | None = None

    def advance(self, n: float = 1, **info: str | float) -> None:
        self._state.done += n
        self._state.info.update(info)
        if self._bar is not None:
            self._owner.move_bar(self._bar, self._state)

    def __enter__(self) -> Self:
        self._bar = self._owner.open_bar(self._state)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._bar is not None:
            self._owner.close_bar(self._bar)
            self._bar = None
        self._owner.keep(self._state, failed=kind is not None)


class TerminalProgress:
    """Progress bars if standard error is a terminal, otherwise a line every ten seconds.

    Args:
        console: where to write; standard error by default.
        clock: monotonic time in seconds.
    """

    def __init__(self, console: Console | None = None, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console if console is not None else stderr_console()
        self._clock = clock
        self._bars: Progress | None = None
        self._open: dict[TaskID, _State] = {}

    def task(self, name: str, total: float | None, unit: str = "") -> TaskProtocol:
        """A bar, or a task that writes lines."""
        state = _State(for_terminal(name), total, unit, self._clock)
        return _BarTask(self, state) if self._console.is_terminal else _PlainTask(self, state)

    def message(self, text: str) -> None:
        """Write one line above the bars."""
        self._console.print(Text(for_terminal(text)), soft_wrap=True)

    def metrics(self, name: str, values: Mapping[str, float]) -> None:
        """Curves go to the report, not to the terminal."""

    def keep(self, state: _State, failed: bool) -> None:
        """Leave a line for a finished task that counted something and took long enough."""
        if state.is_counted and not failed and state.elapsed_seconds >= WORTH_KEEPING_SECONDS:
            self.message(state.line(finished=True))

    def open_bar(self, state: _State) -> TaskID:
        """A new bar in the live display; outer bars without a count are hidden until it closes."""
        if self._bars is None:
            self._bars = Progress(
                SpinnerColumn(),
                TextColumn("{task.description}", markup=False),
                BarColumn(bar_width=20),
                _StateColumn(table_column=Column(no_wrap=True, overflow="ellipsis", ratio=1)),
                console=self._console,
                transient=True,
                expand=True,
            )
            self._bars.start()
        for above, outer in self._open.items():
            self._bars.update(above, visible=outer.is_counted)
        bar = self._bars.add_task(state.name, total=state.total, state=state)
        self._open[bar] = state
        return bar

    def move_bar(self, bar: TaskID, state: _State) -> None:
        """Update the bar of a task."""
        if self._bars is not None:
            self._bars.update(bar, completed=state.done)

    def close_bar(self, bar: TaskID) -> None:
        """Remove a bar, and inner bars that an error left open; the display stops with the last bar."""
        if self._bars is None or bar not in self._open:
            return
        while self._open:
            last, _ = self._open.popitem()
            self._bars.remove_task(last)
            if last == bar:
                break
        if self._open:
            self._bars.update(next(reversed(self._open)), visible=True)
        else:
            self._bars.stop()
            self._bars = None


def stderr_console() -> Console:
    """A console on the current standard error."""
    return Console(file=sys.stderr, highlight=False)


def make_progress(quiet: bool) -> ProgressProtocol:
    """The progress display of a command; silent if the user asked for quiet."""
    return SilentProgress() if quiet else TerminalProgress()


def tell(text: str, quiet: bool = False, style: str = "") -> None:
    """Write one line for the user to standard error."""
    if not quiet:
        stderr_console().print(Text(for_terminal(text), style=style), soft_wrap=True)


def print_line(text: str) -> None:
    """Write one line, or several, to standard output."""
    typer.echo(for_terminal(text))


def print_json(value: Any) -> None:
    """Write JSON, and nothing else, to standard output."""
    written = json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False)
    sys.stdout.write(_RAW_IN_JSON.sub(lambda found: f"\\u{ord(found[0]):04x}", written) + "\n")


def print_table(headers: Sequence[str], rows: Sequence[Sequence[str]], title: str | None = None) -> None:
    """Write a table to standard output; numeric columns other than the first are right-aligned."""
    table = Table(header_style="bold")
    for index, header in enumerate(headers):
        cells = [row[index] for row in rows]
        table.add_column(
            Text(for_terminal(header)), justify="right" if index and all(map(_is_numeric, cells)) else "left"
        )
    for row in rows:
        table.add_row(*(Text(for_terminal(cell)) for cell in row))
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = max(console.width, 120)
    if title is not None:
        console.print(Text(for_terminal(title), style="italic"), soft_wrap=True)
    console.print(table)


def print_facts(facts: Mapping[str, Any], headline: str, as_json: bool, quiet: bool) -> None:
    """Write the facts of a stage as JSON, or as a headline with a table of its plain values."""
    if as_json:
        print_json(dict(facts))
        return
    if quiet:
        return
    plain = {key: value for key, value in facts.items() if isinstance(value, str | int | float)}
    tell(headline)
    if plain:
        rows = [[key.removeprefix("n_").replace("_", " "), format_fact(value)] for key, value in plain.items()]
        print_table(["", "value"], rows)


def format_fact(value: str | int | float) -> str:
    """A plain value for a table."""
    if isinstance(value, bool | str):
        return str(value)
    return format_count(round(value)) if float(value).is_integer() or abs(value) >= 1000 else f"{value:.4g}"


def _is_numeric(cell: str) -> bool:
    bare = (
        cell.replace(",", "")
        .replace(":", "")
        .replace("\N{NARROW NO-BREAK SPACE}", "")
        .lstrip("+-\N{MINUS SIGN}")
        .removesuffix("%")
        .removesuffix(" s")
    )
    return not bare or bare in {"n/a", "\N{EN DASH}", "\N{EM DASH}"} or bare.replace(".", "", 1).isdigit()


def format_score(value: float | None) -> str:
    """A score with three decimals; ``n/a`` for 0/0."""
    return "n/a" if value is None else f"{value:.3f}"
