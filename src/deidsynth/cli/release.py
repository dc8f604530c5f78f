"""``deidsynth release``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.runs import RunPath
from deidsynth.cli.terminal import make_progress, print_json, print_table, tell
from deidsynth.digests import hex_of
from deidsynth.errors import CheckFailedError
from deidsynth.release.bundle import Bundle, release
from deidsynth.release.examination import Examination, examine
from deidsynth.release.refusals import Refusal


def release_command(
    run: RunPath,
    output: Annotated[Path, typer.Option("--output", "-o", metavar="DIR", help="New folder for the bundle.")],
    accept: Annotated[
        str | None,
        typer.Option(
            "--accept",
            metavar="REASON",
            help="Release although measures fail or have no verdict, or a base model is of unknown origin; the reason "
            "stands in the bundle. Missing lineage and real text are never accepted.",
        ),
    ] = None,
    audit: Annotated[
        Path | None,
        typer.Option(
            "--audit",
            metavar="FILE",
            help="The audit.json of deidsynth audit, with its page beside it, instead of the run's own.",
        ),
    ] = None,
    license_id: Annotated[
        str,
        typer.Option("--license", metavar="ID", help="License of corpus and model, as model hubs name it: cc-by-4.0."),
    ] = "unknown",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Write the bundle of what may leave: synthetic corpus and model, card, data sheet, audit and checksums.

    Exit code 1, and nothing is written, if the audit did not pass, lineage is missing, a model saw real text, or the
    run is not as it was written; all reasons are named.
    """
    progress = make_progress(quiet)
    found = examine(run, audit, progress)
    try:
        bundle = release(found, output, accept=accept, license_id=license_id, progress=progress)
    except CheckFailedError:
        if json:
            print_json({"released": False, "reasons": _plain(found.refusals)})
        raise
    if json:
        print_json(_told(bundle, found))
        return
    _show(bundle, found, quiet)


def _show(bundle: Bundle, found: Examination, quiet: bool) -> None:
    rows = [[part.name, part.about, f"{part.n_files:,}", f"{part.n_bytes:,}"] for part in bundle.parts]
    print_table(["part", "what", "files", "bytes"], rows, title=str(bundle.path))
    for refusal in bundle.accepted:
        tell(f"accepted: {refusal}", quiet)
    verdict = "" if found.audit is None else found.audit.verdict.replace("-", " ")
    tell(f"verdict of the audit: {verdict}; released: {bundle.path}", quiet)
    tell(f"digest of checksums.txt, for those who check the bundle: {hex_of(bundle.checksums)}", quiet)


def _told(bundle: Bundle, found: Examination) -> dict[str, object]:
    return {
        "released": True,
        "path": str(bundle.path),
        "verdict": None if found.audit is None else found.audit.verdict,
        "accepted": {"reason": bundle.reason, "in_spite_of": _plain(bundle.accepted)} if bundle.accepted else None,
        "parts": [
            {"name": part.name, "about": part.about, "n_files": part.n_files, "n_bytes": part.n_bytes}
            for part in bundle.parts
        ],
        "checksums": bundle.checksums,
    }


def _plain(refusals: tuple[Refusal, ...]) -> list[dict[str, object]]:
    return [{"what": each.what, "reason": each.reason, "may_be_accepted": each.may_be_accepted} for each in refusals]
