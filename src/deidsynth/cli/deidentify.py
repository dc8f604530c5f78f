"""``deidsynth deidentify``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from deidsynth.cli.guard import INTERRUPTED
from deidsynth.cli.inputs import prepare_output, refuse_standard_output, stream_texts
from deidsynth.cli.options import AsJson, Device, FromTexts, Ids, Layout, Mode, Quiet, SkipInvalid
from deidsynth.cli.terminal import make_progress, print_facts, tell
from deidsynth.corpora.folders import refuse_unsafe_names
from deidsynth.corpora.formats.jsonl import SUFFIX as JSON_LINES
from deidsynth.corpora.formats.registry import SUFFIXES
from deidsynth.corpora.note_formats import TEXT, named_files, other_files, plain_format
from deidsynth.errors import InputError
from deidsynth.workflow.alone import model_folder, refuse_occupied


def deidentify_command(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model, such as RUN/models/synthetic.")],
    source: Annotated[
        Path, typer.Argument(metavar="INPUT", help=".txt file, folder of them, or a corpus in any known format.")
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File for a .txt file; folder for a folder; for a corpus a .jsonl file, or a folder of .txt files.",
        ),
    ],
    mode: Annotated[
        Mode, typer.Option("--mode", metavar="tag|mask", help="Tag entities, or mask them with their label.")
    ] = Mode.MASK,
    ids: Annotated[
        Ids,
        typer.Option(
            "--ids",
            metavar="keep|number",
            help="Document ids and file names: keep those that hold nothing found in the text, or number all.",
        ),
    ] = Ids.KEEP,
    from_format: FromTexts = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find identifying information in texts and tag or mask it. A model misses some: review the result.

    Of a corpus, the texts are read and written, in place of its own entities those that were found; nothing else of it
    is written but the document ids.
    """
    refuse_standard_output(output)
    weights = model_folder(model)
    if output.resolve() == source.resolve():
        raise InputError(f"{output}: is the same as the input; choose another output")
    format = plain_format(source) if from_format == "auto" else from_format
    texts = stream_texts(source, quiet, format=format, layout=layout, skip_invalid=skip_invalid)
    to_folder = _writes_folder(source, output, format)
    if to_folder:
        refuse_occupied(output)
        if format != TEXT and ids is Ids.KEEP:
            refuse_unsafe_names(texts.doc_ids, "a folder of texts")
    else:
        prepare_output(output)
    n_skipped = _tell_skipped(source, format, quiet)
    # Brings torch, so only after the cheap checks.
    from deidsynth.deidentification import Renaming, deidentify, write_file, write_folder

    kind_of_mark: Literal["tag", "mask"] = "tag" if mode is Mode.TAG else "mask"
    renaming = Renaming(texts.doc_ids, number_all=ids is Ids.NUMBER)
    documents = deidentify(weights, texts, kind_of_mark, device=device, rename=renaming, progress=make_progress(quiet))
    try:
        if to_folder:
            written = write_folder(documents, texts.like, output, tell=partial(tell, quiet=quiet))
        else:
            as_jsonl = format != TEXT
            written = write_file(documents, texts.like, output, as_jsonl=as_jsonl, tell=partial(tell, quiet=quiet))
    except KeyboardInterrupt:
        tell(f"interrupted: nothing was written to {output}; run the same command again to start over")
        raise typer.Exit(INTERRUPTED) from None
    if renaming.n_hidden:
        tell(f"{renaming.n_hidden} document ids held what was found in their text; they are numbers now", quiet)
    if ids is Ids.KEEP:
        tell("other names and ids are those of the input; --ids number writes numbers instead", quiet)
    labels = written.label_counts
    counts = {"n_documents": written.n_documents, "n_entities": sum(labels.values()), "n_skipped_files": n_skipped}
    facts = {**counts, "labels": labels} if json else {**counts, **labels}
    print_facts(
        facts, f"wrote {output}; no model finds everything, so review the result before sharing it", json, quiet
    )


def _tell_skipped(source: Path, format: str, quiet: bool) -> int:
    """The number of files in a folder that are not read, after naming them."""
    skipped = other_files(source, format) if source.is_dir() else []
    if skipped:
        kind = ".txt" if format == TEXT else f"in {format} format"
        files = f"{len(skipped)} file{'' if len(skipped) == 1 else 's'}"
        tell(f"{source}: skipped {files} that are not {kind}: {named_files(skipped, source)}", quiet)
    return len(skipped)


def _writes_folder(source: Path, output: Path, format: str) -> bool:
    """Whether the output is a folder of texts: for a folder of them, and for a corpus unless it is named ``.jsonl``.

    Raises:
        InputError: the output is named like a corpus in another format.
    """
    if format == TEXT:
        return source.is_dir()
    if output.suffix == JSON_LINES or (source.suffix == JSON_LINES and source.is_file() and not output.is_dir()):
        return False
    if output.suffix.lower() in SUFFIXES and not output.is_dir():
        raise InputError(
            f"{output}: de-identified documents are written as JSON lines or as a folder of .txt files; give a name "
            f"that ends in {JSON_LINES}, or a folder (deidsynth corpus convert makes other formats of JSON lines)"
        )
    return True
