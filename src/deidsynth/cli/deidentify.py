"""``deidsynth deidentify``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from deidsynth.cli.guard import INTERRUPTED
from deidsynth.cli.inputs import count_other_files, load_texts, prepare_output, refuse_standard_output
from deidsynth.cli.options import AsJson, Device, Mode, Quiet
from deidsynth.cli.terminal import make_progress, print_facts, tell
from deidsynth.corpora.texts import read_notes
from deidsynth.errors import InputError
from deidsynth.workflow.alone import model_folder, refuse_occupied


def deidentify_command(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model, such as RUN/models/synthetic.")],
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="Folder of .txt files, a .txt or a .jsonl file.")],
    output: Annotated[Path, typer.Option("--output", "-o", metavar="PATH", help="Folder, or file if INPUT is a file.")],
    mode: Annotated[
        Mode, typer.Option("--mode", metavar="tag|mask", help="Tag entities, or mask them with their label.")
    ] = Mode.MASK,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find identifying information in texts and tag or mask it. A model misses some: review the result."""
    refuse_standard_output(output)
    weights = model_folder(model)
    if output.resolve() == source.resolve():
        raise InputError(f"{output}: is the same as the input; choose another output")
    texts = read_notes(source) if source.suffix != ".jsonl" else load_texts(source, quiet)
    skipped = 0
    if source.is_dir():
        refuse_occupied(output)
        skipped = count_other_files(source)
    else:
        prepare_output(output)
    if skipped:
        tell(f"{source}: skipped {skipped} file{'' if skipped == 1 else 's'} that are not .txt", quiet)
    # Brings torch, so only after the cheap checks.
    from deidsynth.deidentification import deidentify, write_file, write_folder

    kind: Literal["tag", "mask"] = "tag" if mode is Mode.TAG else "mask"
    documents = deidentify(weights, texts, kind, device=device, progress=make_progress(quiet))
    try:
        if source.is_dir():
            written = write_folder(documents, texts, output)
        else:
            written = write_file(documents, texts, output, as_jsonl=source.suffix == ".jsonl")
    except KeyboardInterrupt:
        tell(f"interrupted: nothing was written to {output}; run the same command again to start over")
        raise typer.Exit(INTERRUPTED) from None
    counts = {"n_documents": len(written), "n_entities": written.n_entities, "n_skipped_files": skipped}
    labels = written.label_counts()
    facts = {**counts, "labels": labels} if json else {**counts, **labels}
    print_facts(
        facts, f"wrote {output}; no model finds everything, so review the result before sharing it", json, quiet
    )
