"""How often the privacy audit tells planted leaks from clean text: verdicts over many seeds in worlds with known truth.

    OMP_NUM_THREADS=1 python benchmarks/planted_leaks.py
    OMP_NUM_THREADS=1 python benchmarks/planted_leaks.py --seeds 5 --world clean --world copies --json

Every seed is a world of its own: invented patients whose notes follow one grammar, of whom ``--train`` may have been
read and ``--held-out`` have not, and a synthetic corpus of ``--notes`` notes for each kind of generator
(`tests/privacy/audit/planted_worlds.py`):

clean             the same grammar and name list; no patient was read
short name list   the same with 300 last names in the place of 4,000: rare names come up by chance with many patients
copies            1 % of the training sentences are copied
rare names        5 % of the names that one patient has stand in new sentences
disguised values  the same with other case, without accents or with initials, and birth dates in another format
suppressed        no name of a training patient ever occurs
whole notes       a note of every tenth training patient is copied
memorized         of five notes four repeat every other sentence of a note of 80 % of the patients
prompted          a fifth of the notes begins as a note of a held-out patient does
both read         a note of every tenth patient of both sides is copied
shared groups     clean, but a tenth of the held-out patients are training patients as well
shared and copies shared groups and copies
other hospital    clean, but the notes of held-out patients follow another grammar

Printed for each world and measure: verdicts, how often the 95 % interval excludes 0 whatever the tolerance, the mean
figures, and the limits between which a tolerance would have given the right verdict with 19 of 20 seeds.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

import _command
import numpy as np

from deidsynth.cli.terminal import tell
from deidsynth.errors import InputError
from deidsynth.privacy.audit.figures import Measured, Verdict
from deidsynth.privacy.audit.gate import Tolerances, judge
from deidsynth.privacy.audit.linkage import linkage
from deidsynth.privacy.audit.matching import EXACT, NORMALIZED, UniqueValues
from deidsynth.privacy.audit.rare_values import rare_values, rare_values_normalized
from deidsynth.privacy.audit.sides import sides_of
from deidsynth.privacy.audit.text_membership import text_membership
from deidsynth.privacy.audit.validity import validity
from deidsynth.privacy.audit.verbatim import verbatim

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "privacy" / "audit"))

from planted_worlds import World, synthetic, with_shared_groups, world

VERDICTS: tuple[Verdict, ...] = ("pass", "fail", "no-verdict")


@dataclass(frozen=True)
class Planted:
    """What is planted in a world."""

    generator: str = "clean"
    n_last: int = 4000
    shared: float = 0.0
    shifted: bool = False


WORLDS = {
    "clean": Planted(),
    "short name list": Planted(n_last=300),
    "copies": Planted("copies"),
    "rare names": Planted("rare names"),
    "disguised values": Planted("disguised values"),
    "suppressed": Planted("suppressed"),
    "whole notes": Planted("whole notes"),
    "memorized": Planted("memorized"),
    "prompted": Planted("prompted"),
    "both read": Planted("both read"),
    "shared groups": Planted(shared=0.1),
    "shared and copies": Planted("copies", shared=0.1),
    "other hospital": Planted(shifted=True),
}


def measures(worlds: Sequence[str], seed: int, options: argparse.Namespace) -> Iterator[tuple[str, Measured]]:
    """All measures that need no model, for one seed, each with the name of its world."""
    by_patients: dict[Planted, list[str]] = {}
    for name in worlds:
        by_patients.setdefault(replace(WORLDS[name], generator="clean"), []).append(name)
    for patients, names in by_patients.items():
        found = made(patients, seed, options)
        sides = sides_of(found.train_corpus, found.held_out_corpus)
        valid = validity(sides, seed=seed)
        values = [UniqueValues(sides, writing) for writing in (EXACT, NORMALIZED)]
        for name in names:
            text = synthetic(found, WORLDS[name].generator, seed)
            yield name, valid
            exact, normalized = (each.found_among(text) for each in values)
            of_values = rare_values(exact), rare_values_normalized(normalized), linkage(normalized)
            for each in (*of_values, text_membership(sides, text), *verbatim(sides, text)):
                yield name, each


def made(planted: Planted, seed: int, options: argparse.Namespace) -> World:
    """The patients of one seed."""
    found = world(
        seed,
        options.train,
        options.held_out,
        n_notes=options.notes,
        n_last=planted.n_last,
        shifted=planted.shifted,
    )
    return with_shared_groups(found, planted.shared, seed) if planted.shared else found


def row(found: Sequence[Measured], tolerances: Tolerances) -> dict[str, Any]:
    """One measure in one world, over all seeds."""
    verdicts = [judge(each, tolerances).verdict for each in found]
    figures = [each for each in found if each.interval is not None]
    summary: dict[str, Any] = {"n": len(found), "verdicts": {each: verdicts.count(each) for each in VERDICTS}}
    if not figures:
        return summary
    low, high = (np.array([each.interval[end] for each in figures if each.interval]) for end in (0, 1))
    detectable = [each.detectable for each in figures if each.detectable is not None]
    return {
        **summary,
        "excludes_0": {"above": int((low > 0).sum()), "below": int((high < 0).sum())},
        "train": fmean(each.train or 0.0 for each in figures),
        "held_out": fmean(each.held_out or 0.0 for each in figures),
        "interval": [float(low.mean()), float(high.mean())],
        "detectable": fmean(detectable) if detectable else None,
        "passes_from": float(np.quantile(np.maximum(high, -low), 0.95)),
        "fails_below": float(np.quantile(np.maximum(low, -high), 0.05)),
    }


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=20, metavar="N", help="worlds of each kind")
    parser.add_argument("--first-seed", type=int, default=1, metavar="N")
    parser.add_argument("--train", type=int, default=475, metavar="N", help="training patients")
    parser.add_argument("--held-out", type=int, default=235, metavar="N", help="held-out patients")
    parser.add_argument("--notes", type=int, default=None, metavar="N", help="of a synthetic corpus (twice --train)")
    parser.add_argument("--world", action="append", choices=WORLDS, help="only this kind; may be given several times")
    parser.add_argument("--gate", type=Path, default=None, metavar="FILE", help="tolerances other than the defaults")
    parser.add_argument("--json", action="store_true", help="print one object instead of tables")
    return parser


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints.

    Raises:
        InputError: an option is out of bounds.
    """
    for name in ("seeds", "train", "held_out", "notes"):
        if getattr(options, name) is not None and getattr(options, name) < 1:
            raise InputError(f"--{name.replace('_', '-')} {getattr(options, name)}: expected at least 1")
    tolerances = Tolerances.read(options.gate)
    worlds = tuple(dict.fromkeys(options.world or WORLDS))
    found: dict[str, dict[str, list[Measured]]] = {name: {} for name in worlds}
    started = time.perf_counter()
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        for name, each in measures(worlds, seed, options):
            found[name].setdefault(each.name, []).append(each)
        tell(f"seed {seed}: {time.perf_counter() - started:.0f} s")
    return {
        "n_train": options.train,
        "n_held_out": options.held_out,
        "n_notes": options.notes or 2 * options.train,
        "seeds": [options.first_seed, options.first_seed + options.seeds - 1],
        "worlds": {name: {of: row(all_, tolerances) for of, all_ in rows.items()} for name, rows in found.items()},
        "duration_seconds": time.perf_counter() - started,
    }


def tables(result: dict[str, Any]) -> str:
    """Markdown: verdicts by world and measure, then the figures of each world."""
    names = list(next(iter(result["worlds"].values())))
    lines = [
        f"{result['n_train']} training and {result['n_held_out']} held-out patients, {result['n_notes']} synthetic "
        f"notes, seeds {result['seeds'][0]} to {result['seeds'][1]}. Pass / fail / no verdict:",
        "",
        "| world | " + " | ".join(names) + " |",
        "|---" * (len(names) + 1) + "|",
    ]
    for world_name, rows in result["worlds"].items():
        cells = [" / ".join(str(rows[name]["verdicts"][each]) for each in VERDICTS) for name in names]
        lines.append(f"| {world_name} | " + " | ".join(cells) + " |")
    for world_name, rows in result["worlds"].items():
        lines += [
            "",
            f"### {world_name}",
            "",
            "| measure | train | held-out | mean interval | excludes 0 | detectable | passes from | fails below |",
            "|---|---|---|---|---|---|---|---|",
        ]
        lines += [f"| {name} | {_figures(rows[name])} |" for name in names]
    return "\n".join(lines)


def _figures(found: dict[str, Any]) -> str:
    if "train" not in found:
        return " | ".join(["-"] * 7)
    detectable = "-" if found["detectable"] is None else f"{found['detectable']:.3f}"
    low, high = found["interval"]
    cells = [
        f"{found['train']:.3f}",
        f"{found['held_out']:.3f}",
        f"{low:+.3f} to {high:+.3f}",
        f"{found['excludes_0']['above']} above, {found['excludes_0']['below']} below",
        detectable,
        f"{found['passes_from']:.3f}",
        f"{found['fails_below']:.3f}",
    ]
    return " | ".join(cells)


def main(given: Sequence[str] | None = None) -> int:
    """Run the benchmark.

    Returns:
        The exit code.
    """
    return _command.run(arguments, benchmark, tables, given)


if __name__ == "__main__":
    sys.exit(main())
