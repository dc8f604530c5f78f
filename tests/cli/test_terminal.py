from __future__ import annotations

import io
import json

import pytest
from rich.console import Console

from deidsynth.cli import terminal
from deidsynth.cli.terminal import TerminalProgress, format_rate, make_progress
from deidsynth.progress import SilentProgress, format_seconds

SHOWS_CURSOR = "\x1b[?25h"


class Clock:
    """Seconds that a test moves by hand."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0.44, "0.4 s"), (12.4, "12 s"), (59.6, "1:00"), (185, "3:05"), (3723, "1:02:03")]
)
def test_durations(seconds, shown) -> None:
    assert format_seconds(seconds) == shown


@pytest.mark.parametrize(
    ("n", "seconds", "unit", "shown"),
    [(10, 4, "step", "2.5 step/s"), (2, 5, "step", "2.5 s/step"), (5000, 10, "token", "500 token/s"), (0, 5, "x", "")],
)
def test_rates(n, seconds, unit, shown) -> None:
    assert format_rate(n, seconds, unit) == shown


def test_plain_output_tells_every_ten_seconds_with_rate_and_time_left() -> None:
    out, clock = io.StringIO(), Clock()
    progress = TerminalProgress(Console(file=out, width=200), clock)
    with progress.task("adapt", 100, "step") as task:
        for _ in range(50):
            clock.now += 0.5
            task.advance(1, loss=1.5)
    lines = out.getvalue().splitlines()
    assert lines[0] == "adapt: 20/100 step, 2.0 step/s, 10 s elapsed, 40 s left, loss=1.5"
    assert lines[-1] == "adapt: 50/100 step, 2.0 step/s, took 25 s, loss=1.5"
    assert len(lines) == 3


def test_plain_output_is_silent_about_short_work() -> None:
    out, clock = io.StringIO(), Clock()
    with TerminalProgress(Console(file=out), clock).task("read", 3) as task:
        clock.now += 1.0
        task.advance(3)
    assert out.getvalue() == ""


def test_plain_output_without_a_total_tells_no_time_left() -> None:
    out, clock = io.StringIO(), Clock()
    with TerminalProgress(Console(file=out, width=200), clock).task("sample", None, "document") as task:
        clock.now += 11.0
        task.advance(22)
    assert out.getvalue().splitlines()[0] == "sample: 22 document, 2.0 document/s, 11 s elapsed"


def test_failed_work_leaves_no_line_that_looks_done() -> None:
    out, clock = io.StringIO(), Clock()
    progress = TerminalProgress(Console(file=out), clock)
    with pytest.raises(ValueError, match="broken"), progress.task("adapt", 10):
        clock.now += 5.0
        raise ValueError("broken")
    assert out.getvalue() == ""


def on_a_terminal(clock: Clock) -> tuple[io.StringIO, TerminalProgress]:
    out = io.StringIO()
    return out, TerminalProgress(Console(file=out, force_terminal=True, width=120, color_system=None), clock)


def test_bars_close_after_the_last_of_nested_tasks() -> None:
    clock = Clock()
    out, progress = on_a_terminal(clock)
    with progress.task("run", 2) as outer:
        with progress.task("train", 10, "step") as inner:
            clock.now += 4.0
            inner.advance(10)
        assert SHOWS_CURSOR not in out.getvalue()
        outer.advance()
    assert out.getvalue().count(SHOWS_CURSOR) == 1
    assert "train: 10/10 step" in out.getvalue()


def test_work_without_a_count_is_shown_while_it_lasts_and_leaves_no_line() -> None:
    clock = Clock()
    out, progress = on_a_terminal(clock)
    with progress.task("reading", None):
        clock.now += 4.0
    assert "reading" in out.getvalue()
    assert "reading:" not in out.getvalue()


def test_an_error_inside_a_task_that_nobody_closed_gives_the_terminal_back() -> None:
    out, progress = on_a_terminal(Clock())
    with pytest.raises(ValueError, match="broken"), progress.task("step", None):
        progress.task("train", 10, "steps").__enter__()
        raise ValueError("broken")
    assert SHOWS_CURSOR in out.getvalue()
    with progress.task("again", 1) as task:
        task.advance()
    assert out.getvalue().count(SHOWS_CURSOR) == 2


def test_a_long_line_is_cut_and_not_wrapped() -> None:
    out, progress = on_a_terminal(Clock())
    task = progress.task("train", 10, "steps")
    task.advance(5, **{f"a_long_name_{number}": 1.5 for number in range(12)})
    with task:
        pass
    assert "a_long_name_0" in out.getvalue()
    assert "a_long_name_11" not in out.getvalue()


def test_quiet_listens_to_nothing() -> None:
    assert isinstance(make_progress(quiet=True), SilentProgress)
    assert isinstance(make_progress(quiet=False), TerminalProgress)


def test_json_is_all_that_goes_to_standard_output(capsys) -> None:
    terminal.print_json({"å": [1.5, None]})
    assert json.loads(capsys.readouterr().out) == {"å": [1.5, None]}


def test_tables_align_numbers_to_the_right(capsys) -> None:
    terminal.print_table(["name", "F1"], [["a", "0.5"], ["b", "n/a"]])
    lines = [line for line in capsys.readouterr().out.splitlines() if " a " in line or " b " in line]
    assert lines[0].index("0.5") == lines[1].index("n/a")


def test_brackets_in_a_cell_are_no_markup(capsys) -> None:
    terminal.print_table(["name"], [["[bold]x"]])
    assert "[bold]x" in capsys.readouterr().out


def test_plain_output_tells_the_end_once() -> None:
    out, clock = io.StringIO(), Clock()
    with TerminalProgress(Console(file=out, width=200), clock).task("evaluate", 2, "documents") as task:
        for _ in range(2):
            clock.now += 11.0
            task.advance()
    assert out.getvalue().splitlines() == [
        "evaluate: 1/2 documents, 11.0 s/document, 11 s elapsed, 11 s left",
        "evaluate: 2/2 documents, 11.0 s/document, took 22 s",
    ]
