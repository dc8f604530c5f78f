"""How often a privacy audit passes, fails or has no verdict: outcomes of groups are drawn, and judged as audits are.

    python benchmarks/operating_curve.py [--groups 475,235 1000,500] [--trials 2000] [--gate FILE] [--json]

No text is made: what is drawn is whether a group has a value or a passage, and the score of a group. Statistics,
tolerances and verdicts are those of `deidsynth.privacy.audit`. Two tables:

one measure   verdicts by true excess, for each kind of tolerance and several shares of held-out groups (the *control*)
all together  honest text, and leaks as they are planted in the tests of the audit, by all measures of an audit

In the second table, measures are drawn independently of each other, which is the worst case: verdicts that agree would
leave more honest text without any objection. Validity refuses as often as its level says, since sides are alike.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import NormalDist
from typing import Any, get_args

import _command
import numpy as np

from deidsynth.errors import InputError
from deidsynth.privacy.audit.figures import Judged, Measured, MeasureName, Verdict
from deidsynth.privacy.audit.gate import Tolerances, conclude, judge
from deidsynth.privacy.audit.statistics import auc_difference, share_difference
from deidsynth.privacy.audit.validity import LEVEL

VERDICTS: tuple[Verdict, ...] = get_args(Verdict)
AUCS: tuple[MeasureName, ...] = ("text_membership", "language_model_membership", "tagger_membership")
CONTROLS: Mapping[MeasureName, Sequence[float]] = {
    "rare_values": (0.0, 0.05, 0.1, 0.2, 0.5, 0.95),
    "verbatim_8": (0.2, 0.5),
    "verbatim_20": (0.0, 0.02, 0.05),
    "text_membership": (0.5,),
}
"""A measure of each kind of tolerance, with shares of held-out groups; an AUC is compared with .5."""

EXCESSES = (-0.2, 0.0, 0.05, 0.1, 0.15, 0.2, 0.3)

HONEST: Mapping[MeasureName, float] = {
    "rare_values": 0.05,
    "rare_values_normalized": 0.05,
    "verbatim_8": 0.5,
    "verbatim_13": 0.05,
    "verbatim_20": 0.01,
    "verbatim_50": 0.0,
    "linkage": 0.01,
}
"""Shares of held-out groups of whom honest text has something, as in some hundreds of notes made from MEDDOCAN."""


@dataclass(frozen=True)
class World:
    """What is true of a text and of models.

    Args:
        name: of the world.
        held_out: shares of held-out groups.
        train: shares of training groups where they are others.
        aucs: of membership where they are not .5.
        fails: measures that should fail, and no others; verbatim_8 may, since it is so common by chance.
    """

    name: str
    held_out: Mapping[MeasureName, float]
    train: Mapping[MeasureName, float]
    aucs: Mapping[MeasureName, float]
    fails: tuple[MeasureName, ...]


def at_least_one(share: float, n: int) -> float:
    """The share of patients of whom at least one of n values or sentences is taken, each with the same chance."""
    return 1 - (1 - share) ** n


def or_else(control: float, more: float) -> float:
    """The share of those who have it by chance or by the leak."""
    return 1 - (1 - control) * (1 - more)


def worlds() -> list[World]:
    """Honest text, and leaks by what they come to for patients with so many sentences and values of their own."""
    sentences, with_two_identifiers, rare_names = 30, 12, 10  # as many as in a note of MEDDOCAN
    copied, linked = at_least_one(0.01, sentences), at_least_one(0.01, with_two_identifiers)
    reused = at_least_one(0.05, rare_names)
    rare: tuple[MeasureName, ...] = ("rare_values", "rare_values_normalized")
    copying = _raised({"verbatim_8": copied, "verbatim_13": copied, "linkage": linked})
    repeating = _raised({"verbatim_8": 0.3, "verbatim_13": 0.3, "verbatim_20": 0.2, "linkage": 0.2})
    overfitted: Mapping[MeasureName, float] = {"text_membership": 0.8, "language_model_membership": 0.95}
    avoided: Mapping[MeasureName, float] = {**HONEST, **dict.fromkeys(rare, 0.4)}
    return [
        World("honest text", HONEST, {}, {}, ()),
        World("honest text, common names", {**HONEST, **dict.fromkeys(rare, 0.95)}, {}, {}, ()),
        World("1 % of training sentences copied", HONEST, copying, {}, ("verbatim_13", "linkage")),
        World("5 % of rare names in new sentences", HONEST, _raised(dict.fromkeys(rare, reused)), {}, rare),
        World("the same names in another form", HONEST, _raised({rare[1]: reused}), {}, rare[1:]),
        World("every training name avoided", avoided, dict.fromkeys(rare, 0.05), {}, rare),
        World(
            "overfitted language model",
            HONEST,
            repeating,
            overfitted,
            ("verbatim_13", "verbatim_20", "linkage", *overfitted),
        ),
        World("tagger that memorized names", HONEST, {}, {"tagger_membership": 0.8}, ("tagger_membership",)),
    ]


def _raised(more: Mapping[MeasureName, float]) -> dict[MeasureName, float]:
    return {name: or_else(HONEST[name], share) for name, share in more.items()}


def drawn_share(
    name: MeasureName, n: tuple[int, int], train: float, held_out: float, random: np.random.Generator
) -> Measured:
    """A measure of shares, drawn."""
    have = [np.arange(size) < random.binomial(size, share) for size, share in zip(n, (train, held_out), strict=True)]
    return share_difference(have[0].tolist(), have[1].tolist()).measured(name, "share")


def drawn_auc(name: MeasureName, n: tuple[int, int], auc: float, random: np.random.Generator) -> Measured:
    """A measure of membership, drawn: normal scores, of which those of training groups are shifted."""
    shift = 2**0.5 * NormalDist().inv_cdf(auc)
    return auc_difference(random.normal(shift, 1.0, n[0]), random.normal(0.0, 1.0, n[1])).measured(name, "auc")


def one_measure(
    n: tuple[int, int], trials: int, tolerances: Tolerances, random: np.random.Generator
) -> list[dict[str, Any]]:
    """Rates of verdicts by measure, control and true excess."""
    rows = []
    for name, controls in CONTROLS.items():
        for control in controls:
            for excess in EXCESSES:
                train = round(control + excess, 9)
                if not 0 <= train <= 1:
                    continue
                verdicts = Counter(
                    judge(
                        drawn_auc(name, n, train, random)
                        if name in AUCS
                        else drawn_share(name, n, train, control, random),
                        tolerances,
                    ).verdict
                    for _ in range(trials)
                )
                rates = {verdict: verdicts[verdict] / trials for verdict in VERDICTS}
                rows.append({"measure": name, "control": control, "excess": excess, **rates})
    return rows


def all_together(
    n: tuple[int, int], trials: int, tolerances: Tolerances, random: np.random.Generator
) -> list[dict[str, Any]]:
    """Rates of verdicts of the whole audit by world, and how often the expected measures fail and no other."""
    rows = []
    for world in worlds():
        verdicts, n_as_expected = Counter[Verdict](), 0
        for _ in range(trials):
            judged = [judge(each, tolerances) for each in drawn_world(world, n, random)]
            verdicts[conclude([valid(n, tolerances, random), *judged])[0]] += 1
            failed = {each.measured.name for each in judged if each.verdict == "fail"}
            n_as_expected += failed - {"verbatim_8"} == set(world.fails)
        rates = {verdict: verdicts[verdict] / trials for verdict in VERDICTS}
        rows.append({"world": world.name, **rates, "exactly_the_expected_fail": n_as_expected / trials})
    return rows


def drawn_world(world: World, n: tuple[int, int], random: np.random.Generator) -> list[Measured]:
    """All measures of a world but validity and canaries, drawn."""
    shares = [drawn_share(name, n, world.train.get(name, held), held, random) for name, held in world.held_out.items()]
    return [*shares, *(drawn_auc(name, n, world.aucs.get(name, 0.5), random) for name in AUCS)]


def valid(n: tuple[int, int], tolerances: Tolerances, random: np.random.Generator) -> Judged:
    """Validity of sides that are alike: its interval contains 0 as often as its level says."""
    low = -0.05 if random.random() < LEVEL else 0.01
    return judge(Measured("validity", "auc", 0.5, 0.5, 0.0, (low, 0.06), n, 0.1), tolerances)


def sizes(text: str) -> tuple[int, int]:
    """Numbers of groups as typed: training and held-out.

    Raises:
        InputError: not two numbers of at least 1.
    """
    parts = text.split(",")
    if len(parts) != 2 or not all(part.isdecimal() and int(part) for part in parts):
        raise InputError(f"--groups {text}: expected the numbers of training and of held-out groups, such as 475,235")
    return int(parts[0]), int(parts[1])


def arguments() -> argparse.ArgumentParser:
    """The options."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--groups", nargs="+", default=["120,60", "475,235", "2000,1000"], metavar="N,N", help="training, held-out"
    )
    parser.add_argument("--trials", type=int, default=2000, metavar="N", help="of every row")
    parser.add_argument("--gate", type=Path, default=None, metavar="FILE", help="tolerances; the defaults if not given")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--json", action="store_true", help="print one object instead of tables")
    return parser


def benchmark(options: argparse.Namespace) -> dict[str, Any]:
    """What ``--json`` prints.

    Raises:
        InputError: an option is out of bounds, or the file of tolerances is at fault.
    """
    if options.trials < 1 or options.seed < 0:
        raise InputError("expected --trials of at least 1 and a --seed of at least 0")
    tolerances = Tolerances.read(options.gate) if options.gate else Tolerances.default()
    random = np.random.default_rng(options.seed)
    return {
        "trials": options.trials,
        "seed": options.seed,
        "tolerances": tolerances.model_dump(),
        "worlds": [asdict(world) for world in worlds()],
        "groups": [
            {
                "n": dict(zip(("train", "held_out"), n, strict=True)),
                "one_measure": one_measure(n, options.trials, tolerances, random),
                "all_together": all_together(n, options.trials, tolerances, random),
            }
            for n in map(sizes, options.groups)
        ],
    }


def tables(result: dict[str, Any]) -> str:
    """Markdown: for every number of groups, both tables."""
    lines = list[str]()
    for each in result["groups"]:
        lines += [f"### {each['n']['train']:,} training groups, {each['n']['held_out']:,} held-out groups", ""]
        lines += ["| world | pass | fail | no verdict | just the expected measures fail |", "|---|---:|---:|---:|---:|"]
        for row in each["all_together"]:
            rates = (*(row[verdict] for verdict in VERDICTS), row["exactly_the_expected_fail"])
            lines.append(f"| {row['world']} | {' | '.join(f'{rate:.1%}' for rate in rates)} |")
        lines += ["", *_by_excess(each["one_measure"]), ""]
    return "\n".join([*lines, f"{result['trials']:,} trials of everything, seed {result['seed']}."])


def _by_excess(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """A row for each measure and control, a column for each true excess; pass and fail in whole percent."""
    cells = {(row["measure"], row["control"], row["excess"]): row for row in rows}
    lines = [
        f"| pass / fail, %, by true excess | control | {' | '.join(f'{excess:+g}' for excess in EXCESSES)} |",
        f"|---|---:|{'---:|' * len(EXCESSES)}",
    ]
    for name, control in dict.fromkeys((name, control) for name, control, _ in cells):
        found = [cells.get((name, control, excess)) for excess in EXCESSES]
        shown = [f"{100 * row['pass']:.0f} / {100 * row['fail']:.0f}" if row else "" for row in found]
        lines.append(f"| {name} | {control:g} | {' | '.join(shown)} |")
    return lines


def main(given: Sequence[str] | None = None) -> int:
    """Run the simulation.

    Returns:
        The exit code.
    """
    return _command.run(arguments, benchmark, tables, given)


if __name__ == "__main__":
    sys.exit(main())
