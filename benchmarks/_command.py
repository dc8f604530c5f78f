"""What every benchmark does on the command line: options, errors in one line, a table or JSON."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import Any

from deidsynth.cli.guard import INTERRUPTED
from deidsynth.cli.terminal import print_json, tell
from deidsynth.errors import DeidsynthError


def run(
    arguments: Callable[[], argparse.ArgumentParser],
    benchmark: Callable[[argparse.Namespace], dict[str, Any]],
    table: Callable[[dict[str, Any]], str],
    given: Sequence[str] | None = None,
) -> int:
    """Run a benchmark, and print what it found.

    Args:
        arguments: makes the parser, which has ``--json``.
        benchmark: what is measured, by the options.
        table: the result as text.
        given: arguments; by default those of the process.

    Returns:
        The exit code.
    """
    options = arguments().parse_args(given)
    try:
        result = benchmark(options)
    except DeidsynthError as error:
        tell(f"error: {error}")
        return error.exit_code
    except KeyboardInterrupt:
        tell("interrupted")
        return INTERRUPTED
    if options.json:
        print_json(result)
    else:
        print(table(result))
    return 0
