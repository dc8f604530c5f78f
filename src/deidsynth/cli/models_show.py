"""``deidsynth models show``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.terminal import print_json, print_table, tell
from deidsynth.config.surrogates import Kind
from deidsynth.models.labels import labels_in
from deidsynth.privacy.audit.identifiers import COMMON, QUASI
from deidsynth.surrogates.labels import kind_of
from deidsynth.workflow.alone import model_folder


def show_command(
    model: Annotated[Path, typer.Argument(metavar="MODEL", help="Folder of a tagger, as deidsynth train wrote it.")],
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Show the labels of a tagger: what a policy can name, with the kind of value that each marks.

    Nothing is loaded but the configuration. A kind is empty where the package does not know the label.
    """
    kinds = {label: kind_of(label) for label in labels_in(model_folder(model))}
    rows = [{"label": label, "kind": kind, "identifier": _identifier(kind)} for label, kind in kinds.items()]
    if json:
        print_json({"path": str(model), "labels": rows})
        return
    print_table(
        ["label", "kind", "identifier"],
        [[row["label"] or "", row["kind"] or "", row["identifier"] or ""] for row in rows],
    )
    tell(
        "direct: points to one person by itself; quasi: together with other values; common: its values stand in any "
        "text, and the privacy audit does not look for them",
        quiet,
    )


def _identifier(kind: Kind | None) -> str:
    """How far a value of a kind points to a person, as the privacy audit takes it; an unknown kind is direct."""
    if kind in COMMON:
        return "common"
    return "quasi" if kind in QUASI else "direct"
