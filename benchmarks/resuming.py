"""Whether a sampling that is killed again and again ends with the bytes of one that nobody disturbed.

    python benchmarks/resuming.py MODEL CORPUS [--documents 500] [--kills 10]

MODEL is a folder that `deidsynth adapt` made, CORPUS gives the prompts and is what the filters compare with.
`deidsynth synthesize` runs once undisturbed; then again into another file, killed by SIGKILL at times drawn from the
seed, and started anew, until it has been killed as often as asked for and is left to end.

Exit code 1 if a byte differs.
"""

from __future__ import annotations

import argparse
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from deidsynth.cli.terminal import print_json, tell
from deidsynth.digests import file_digest
from deidsynth.errors import InputError

START_SECONDS = 8.0
"""Earliest kill after a start: by then the model is loaded and a batch is under way."""


def command(options: argparse.Namespace, output: Path) -> list[str]:
    """The sampling."""
    given = [str(options.model), "--prompts-from", str(options.corpus), "--train", str(options.corpus)]
    given += ["--n-documents", str(options.documents), "--output", str(output), "--language", options.language]
    given += ["--seed", str(options.seed), "--set", f"batch_size={options.batch_size}", "--device", "cpu", "--quiet"]
    return [sys.executable, "-m", "deidsynth", "synthesize", *given]


def finish(program: Sequence[str]) -> float:
    """Run to the end.

    Returns:
        Seconds.

    Raises:
        InputError: the command fails.
    """
    began = time.monotonic()
    done = subprocess.run(program, check=False, capture_output=True, text=True)
    if done.returncode:
        raise InputError(f"deidsynth synthesize ended with {done.returncode}: {done.stderr.strip()[-300:]}")
    return time.monotonic() - began


def kill_after(program: Sequence[str], seconds: float) -> bool:
    """Start, and kill after so many seconds.

    Returns:
        Whether it was still running.
    """
    process = subprocess.Popen(program, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints."""
    chance = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as folder:
        undisturbed, disturbed = Path(folder) / "undisturbed.jsonl", Path(folder) / "disturbed.jsonl"
        seconds = finish(command(options, undisturbed))
        tell(f"undisturbed: {seconds:.0f} s")
        share = max(1.0, (seconds - START_SECONDS) / (options.kills + 1))
        kills = list[float]()
        while len(kills) < options.kills:
            after = START_SECONDS + chance.uniform(0.3, 1.3) * share
            if not kill_after(command(options, disturbed), after):
                break
            kills.append(after)
            tell(f"killed {len(kills)} of {options.kills} after {after:.1f} s")
        resumed = 0.0 if disturbed.exists() else finish(command(options, disturbed))
        return {
            "n_documents": options.documents,
            "n_kills": len(kills),
            "seconds_undisturbed": seconds,
            "seconds_of_the_last_start": resumed,
            "bytes": undisturbed.stat().st_size,
            "equal": file_digest(undisturbed) == file_digest(disturbed),
        }


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--documents", type=int, default=500, metavar="N")
    parser.add_argument("--kills", type=int, default=10, metavar="N")
    parser.add_argument("--batch-size", type=int, default=16, metavar="N")
    parser.add_argument("--language", default="es")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one object instead of a line")
    return parser


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit code.
    """
    options = arguments().parse_args(given)
    try:
        result = benchmark(options)
    except InputError as error:
        tell(f"error: {error}")
        return error.exit_code
    if options.json:
        print_json(result)
    else:
        outcome = "the same bytes" if result["equal"] else "OTHER BYTES"
        print(f"{result['n_documents']} documents, killed {result['n_kills']} times: {outcome}")
    return 0 if result["equal"] and result["n_kills"] == options.kills else 1


if __name__ == "__main__":
    sys.exit(main())
