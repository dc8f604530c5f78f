"""The fuzzer as a command: as many inputs as one likes, or saved ones again.

PYTHONPATH=src:tests python -m fuzz --inputs 10000 --seed 7
PYTHONPATH=src:tests python -m fuzz --replay runs/fuzz/corpora-0123456789ab.json
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from collections import Counter
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from pathlib import Path

from fuzz.campaign import Campaign
from fuzz.case import Case
from fuzz.judging import Fault
from fuzz.runner import Worker
from fuzz.targets import TARGETS

FAILURES = Path("runs") / "fuzz"
REDUCING_SECONDS = 5.0
PROGRESS_SECONDS = 20.0


def main() -> int:
    """1 if an input broke a property, else 0."""
    parser = argparse.ArgumentParser(prog="python -m fuzz", description="Give deidsynth damaged inputs.")
    parser.add_argument("--inputs", type=int, default=1000, help="number of inputs, over all kinds")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other inputs")
    parser.add_argument("--kind", action="append", choices=TARGETS, help="only this kind; may be repeated")
    parser.add_argument("--workers", type=int, default=1, help="processes")
    parser.add_argument("--save", type=Path, default=FAILURES, help="folder for inputs that fail")
    parser.add_argument("--replay", nargs="+", type=Path, metavar="FILE", help="run these saved inputs instead")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="deidsynth-fuzz-") as folder:
        if options.replay:
            return replay(options.replay, Path(folder))
        return fuzz(options, Path(folder))


def replay(files: list[Path], folder: Path) -> int:
    """1 if one of the saved inputs breaks a property; what each command printed is shown."""
    failed = 0
    with Worker(folder) as worker:
        for file in files:
            case = Case.from_json(file.read_text(encoding="utf-8"))
            outcomes, _ = worker.outcomes(case)
            for outcome in outcomes:
                print(
                    f"$ deidsynth {' '.join(outcome.command)}\n{''.join(outcome.printed)}exit code {outcome.exit_code}"
                )
            found = worker.faults(case)
            failed += bool(found)
            print(f"{file}: {'; '.join(map(str, found)) or 'nothing broken'}")
    return int(failed > 0)


def fuzz(options: argparse.Namespace, folder: Path) -> int:
    """1 if an input broke a property; every distinct fault is told, with the file of a small input."""
    kinds = options.kind or list(TARGETS)
    campaigns = [
        Campaign(Worker(folder / str(number)), options.save) for number in range(min(options.workers, options.inputs))
    ]
    began, stopped = time.monotonic(), threading.Event()

    def work(number: int) -> None:
        for each in range(number, options.inputs, len(campaigns)):
            if not stopped.is_set():
                campaigns[number].run(kinds[each % len(kinds)], options.seed, [each])

    with ThreadPoolExecutor(len(campaigns)) as pool:
        waiting = {pool.submit(work, number) for number in range(len(campaigns))}
        try:
            while waiting:
                done, waiting = wait(waiting, PROGRESS_SECONDS, FIRST_EXCEPTION)
                for future in done:
                    future.result()  # raises what a thread raised
                tell_progress(campaigns, options.inputs)
        except KeyboardInterrupt:
            stopped.set()
        except BaseException:
            stopped.set()
            raise
    return tell(campaigns, time.monotonic() - began)


def tell_progress(campaigns: list[Campaign], n_inputs: int) -> None:
    """Print how many inputs are done and how many faults are found."""
    faults: set[Fault] = set().union(*(each.counts for each in campaigns))
    n_done = sum(each.n_cases for each in campaigns)
    print(f"{n_done} of {n_inputs} inputs, {len(faults)} distinct faults", file=sys.stderr, flush=True)


def tell(campaigns: list[Campaign], seconds: float) -> int:
    """Print figures and faults; 1 if there is a fault."""
    codes: Counter[str] = Counter()
    counts: Counter[Fault] = Counter()
    places: dict[Fault, Path] = {}
    for campaign in campaigns:
        codes += campaign.worker.codes
        counts += campaign.counts
        campaign.reduce(REDUCING_SECONDS)
        places |= campaign.saved
    n_cases = sum(each.n_cases for each in campaigns)
    print(f"{n_cases} inputs, {codes.total()} commands in {seconds:.0f} s")
    print(f"most memory: {max(each.worker.peak_bytes for each in campaigns) / 1e9:.2f} GB")
    slowest = max(each.worker.slowest for each in campaigns)
    print(f"slowest: {slowest[0]:.1f} s, {slowest[1][:100]}")
    for code, count in sorted(codes.items()):
        print(f"  {count:6} {code}")
    print(f"{len(counts)} distinct faults")
    for fault, count in counts.most_common():
        print(f"  {count:6} {fault}\n         {places[fault]}")
    for campaign in campaigns:
        campaign.worker.close()
    return int(bool(counts))


if __name__ == "__main__":
    sys.exit(main())
