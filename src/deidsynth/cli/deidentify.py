"""``deidsynth deidentify``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Literal

import typer

from deidsynth.cli.options import AsJson, Device, Mode, Quiet
from deidsynth.documents import Corpus, Document


def deidentify_command(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model, such as RUN/models/synthetic.")],
    source: Annotated[Path, typer.Argument(metavar="INPUT", help="Folder of .txt files, a .txt or a .jsonl file.")],
    output: Annotated[
        Path, typer.Option("--output", "-o", metavar="PATH", help="Folder, or file where INPUT is a file.")
    ],
    mode: Annotated[
        Mode, typer.Option("--mode", metavar="tag|mask", help="Tag what was found, or mask it with its label.")
    ] = Mode.MASK,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find identifying information in texts and tag it or mask it. A model misses some: look at the result."""
    from deidsynth.cli.inputs import load_texts, prepare_output
    from deidsynth.cli.standalone import model_folder, refuse_occupied
    from deidsynth.cli.terminal import make_progress, print_facts
    from deidsynth.deidentify import deidentify
    from deidsynth.errors import InputError

    weights = model_folder(model)
    texts = load_texts(source)
    if output.resolve() == source.resolve():
        raise InputError(f"{output}: is the input itself; choose another output")
    if source.is_dir():
        refuse_occupied(output)
    else:
        prepare_output(output)
    kind: Literal["tag", "mask"] = "tag" if mode is Mode.TAG else "mask"
    documents = deidentify(weights, texts, kind, device=device, progress=make_progress(quiet))
    written = _write(documents, texts, source, output)
    facts = {"n_documents": len(written), "n_entities": written.n_entities, **written.label_counts()}
    print_facts(
        facts, f"wrote {output}; no model finds everything, so look at the result before it leaves", json, quiet
    )


def _write(documents: Iterable[Document], texts: Corpus, source: Path, output: Path) -> Corpus:
    """The documents as they were written: a file for each, or one file."""
    from deidsynth.corpora import write_jsonl

    if source.suffix == ".jsonl":
        corpus = Corpus(tuple(documents), texts.origin, "silver", texts.language)
        write_jsonl(corpus, output)
        return corpus
    done = []
    for document in documents:
        target = output / f"{document.doc_id}.txt" if source.is_dir() else output
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("w", encoding="utf-8", newline="") as stream:
            stream.write(document.text)
        done.append(document)
    return Corpus(tuple(done), texts.origin, "silver", texts.language)
