"""``deidsynth models list``."""

from __future__ import annotations

from deidsynth.cli.options import AsJson, Quiet

BASES = (
    {
        "name": "scratch",
        "for": "adapt --base, train --encoder",
        "about": "a small model made afresh from the training text: no download, no GPU",
    },
)
"""The models that need neither a folder nor a download."""


def list_command(json: AsJson = False, quiet: Quiet = False) -> None:
    """List the models that can be named without a download; a hub id or a local folder works wherever a name does."""
    from deidsynth.cli.terminal import print_json, print_table, tell

    if json:
        print_json(list(BASES))
        return
    print_table(["name", "for", "what it is"], [[base["name"], base["for"], base["about"]] for base in BASES])
    tell("a hub id or a local folder in Hugging Face form works wherever a name does", quiet)
