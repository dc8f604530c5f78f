"""``deidsynth audit --halves`` and ``--canaries``: audits of the recipe of a run, which is run for them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from deidsynth.cli.terminal import print_table, tell
from deidsynth.config import RunConfig
from deidsynth.errors import InputError
from deidsynth.progress import Progress


@dataclass(frozen=True, slots=True)
class Recipe:
    """What is asked for of a recipe.

    Args:
        option: ``--halves`` or ``--canaries``.
        config: file of the run's configuration.
        output: folder for what is computed.
    """

    option: str
    config: Path
    output: Path

    @classmethod
    def chosen(
        cls, options: Mapping[str, Path | None], output: Path | None, beside: Mapping[str, Any]
    ) -> Recipe | None:
        """The recipe that was given, or None.

        Args:
            options: the file that each option was given.
            output: the output folder.
            beside: other arguments by name, which audit something that is there already.

        Raises:
            InputError: there is something to audit beside a recipe, which makes it itself; or no output folder.
        """
        given = [(option, config) for option, config in options.items() if config is not None]
        if not given:
            return None
        option, config = given[0]
        others = [name for name, value in beside.items() if value] + [name for name, _ in given[1:]]
        if others:
            raise InputError(
                f"{option}: runs a recipe and audits what comes out, so that it cannot be used with "
                f"{', '.join(others)}; leave one or the other out"
            )
        if output is None:
            raise InputError(f"{option}: needs --output DIR, a folder for what it computes and finds")
        return cls(option, config, output)

    def audit(self, run: RunConfig, *, n_canaries: int, progress: Progress, device: str) -> dict[str, Any]:
        """What is found, as ``audit.json`` or, for canaries, ``canaries.json`` has it."""
        # Bring scikit-learn, which takes longer than the rest of the command line.
        if self.option == "--halves":
            from deidsynth.workflow.halves import audit_halves

            return audit_halves(run, self.output, progress=progress, device=device)
        from deidsynth.workflow.canary_audit import audit_canaries

        return audit_canaries(run, self.output, n_canaries=n_canaries, progress=progress, device=device)


def show_canaries(found: Mapping[str, Any], quiet: bool) -> None:
    """Print what canaries show."""
    details, epsilon = found["details"], found["train"]
    if epsilon is not None:
        guesses = f"{details['n_correct']} of {details['n_guesses']}"
        figures = (epsilon, details["largest_bound"], details["exposure_mean"], details["exposure_max"])
        cells = [f"{details['n_canaries']}", guesses, *(f"{figure:.2f}" for figure in figures)]
        columns = ["canaries", "right guesses", "epsilon at least", "if all were right", "mean exposure", "largest"]
        print_table(columns, [cells], title=f"Verdict: {found['verdict'].replace('-', ' ')}")
    tell(found["why"], quiet)
