"""``deidsynth deidentify``."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deidsynth.cli.deidentify_inputs import Asked, Inputs, at_hand, read_inputs, refuse_used
from deidsynth.cli.guard import INTERRUPTED
from deidsynth.cli.inputs import refuse_standard_output
from deidsynth.cli.options import AsJson, Device, FromTexts, GroupBy, Ids, Language, Layout, Quiet, SkipInvalid
from deidsynth.cli.policies import KeyFile, Known, ModeOfAll, PolicyFile, asked_policy, read_key, tell_unused
from deidsynth.cli.terminal import make_progress, print_facts, tell
from deidsynth.deidentification.inputs.columns import Columns
from deidsynth.deidentification.partial import Partial
from deidsynth.digests import file_digest, tree_digest
from deidsynth.errors import CheckFailedError, InputError
from deidsynth.workflow.alone import model_folder

if TYPE_CHECKING:
    from deidsynth.deidentification.runtime import Deidentifier
    from deidsynth.deidentification.writing import Outcome

_SHOWN = 20
"""Documents that were not written and are named, at most."""


def deidentify_command(
    model: Annotated[Path, typer.Argument(help="Folder of a trained model, such as RUN/models/synthetic.")],
    sources: Annotated[
        list[Path],
        typer.Argument(
            metavar="INPUT",
            help=".txt file, folder of them, or a corpus in any known format; with --column, tables and JSON; - for "
            "standard input.",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "--output",
            "-o",
            metavar="PATH",
            help="File for a .txt file; folder for a folder; for a corpus a .jsonl file, or a folder of .txt files; "
            "for a table a file of the same kind, or a folder; for several inputs a folder.",
        ),
    ],
    policy: PolicyFile = None,
    mode: ModeOfAll = None,
    known: Known = None,
    key_file: KeyFile = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            "--column",
            metavar="NAME",
            help="Column with the texts of a table, or path in JSON, such as patients[].notes[].text; may be repeated. "
            "All others stay as they are.",
        ),
    ] = None,
    patient_column: Annotated[
        str | None,
        typer.Option("--patient-column", metavar="NAME", help="Column, or path in JSON, with the patient."),
    ] = None,
    group_by: GroupBy = None,
    private: Annotated[
        Path | None,
        typer.Option(
            "--private",
            metavar="DIR",
            help="Folder for the mapping from replacements to originals, for its owner only; by default none is kept.",
        ),
    ] = None,
    ids: Annotated[
        Ids,
        typer.Option(
            "--ids",
            metavar="keep|number",
            help="Document ids and file names: keep those that hold nothing found in the text, or number all.",
        ),
    ] = Ids.KEEP,
    language: Language = None,
    from_format: FromTexts = "auto",
    layout: Layout = None,
    skip_invalid: SkipInvalid = False,
    device: Device = "auto",
    json: AsJson = False,
    quiet: Quiet = False,
) -> None:
    """Find identifying information in texts and replace it. A model misses some: review the result.

    Of a corpus, the texts are read and written, in place of its own entities those that were found; nothing else of it
    is written but the document ids. With --column, tables and JSON keep all that is not named. A document that cannot
    be de-identified is not written and is named, and the command ends with exit code 1. A command that was stopped
    goes on where it was when it is called again.
    """
    refuse_standard_output(output)
    weights = model_folder(model)
    chosen = asked_policy(policy, mode, language)
    key = None if key_file is None else read_key(key_file, quiet)
    columns = None if column is None else Columns(tuple(column), patient_column)
    if patient_column is not None and columns is None:
        raise InputError("--patient-column: is for tables and JSON; name the texts with --column, or use --group-by")
    if private is not None:
        refuse_used(private, output)
    say = partial(tell, quiet=quiet)
    if columns is not None and patient_column is None and chosen.scope == "patient":
        say("warning: no --patient-column: every text is a patient of its own, with dates shifted on their own")
    asked = Asked(from_format, layout, skip_invalid, columns, ids is Ids.NUMBER, group_by, quiet)
    with at_hand(sources, output, from_format) as given:
        inputs = read_inputs(given, output, asked)
        # Brings torch, so only after the cheap checks.
        from deidsynth.deidentification import runtime, writing

        def load(key: bytes | None) -> Deidentifier:
            made = runtime.Deidentifier.load(model, policy=chosen, key=key, known=known, device=device)
            tell_unused(made, quiet)
            return made

        to = writing.Destination(output, inputs.file, any(source.is_private for source in inputs.sources), private)
        content = tree_digest(weights)
        identity = {
            "model": content,
            "known": None if known is None else file_digest(known),
            "inputs": inputs.states,
            "asked": [from_format, layout, skip_invalid, column, patient_column, group_by, ids.value, inputs.file],
        }
        facts = {"model": {"digest": content}, "n_inputs": len(sources), "n_skipped_files": inputs.n_skipped}
        try:
            outcome = writing.write(
                inputs.sources,
                to,
                policy=chosen,
                key=key,
                load=load,
                identity=identity,
                facts={**facts, "has_known_values": known is not None},
                tell=say,
                progress=make_progress(quiet),
            )
        except KeyboardInterrupt:
            tell(_interrupted(output, has_standard_input=given.standard_input is not None))
            raise typer.Exit(INTERRUPTED) from None
    if known is not None and "known value" not in outcome.counts.by_source:
        say(
            "warning: no known value was found beyond what the model found; a patient's are sought only in texts "
            "of that patient (--patient-column, --group-by)"
        )
    _conclude(outcome, inputs, output, ids, as_json=json, quiet=quiet)


def _interrupted(output: Path, *, has_standard_input: bool) -> str:
    left = Partial.beside(output)
    if left.is_dir():
        same = (
            "the same command again, with the same standard input," if has_standard_input else "the same command again"
        )
        return f"interrupted: what is done is kept in {left}; run {same} to continue, or remove it"
    return f"interrupted: nothing was written to {output}; run the same command again to start over"


def _conclude(outcome: Outcome, inputs: Inputs, output: Path, ids: Ids, *, as_json: bool, quiet: bool) -> None:
    """Say what was written and what was not.

    Raises:
        CheckFailedError: some documents were not written.
    """
    counts = outcome.counts
    if counts.n_renamed:
        ids_held = "1 document id" if counts.n_renamed == 1 else f"{counts.n_renamed} document ids"
        tell(f"{ids_held} held what was found in the text, and became numbers", quiet)
    if ids is Ids.KEEP:
        tell("other names and ids are those of the input; --ids number writes numbers instead", quiet)
    for label, count in outcome.masked_without_surrogate.items():
        tell(f"{label}: {count} masked without surrogate", quiet)
    labels = counts.by_label
    plain: dict[str, Any] = {
        "n_documents": counts.n_documents,
        "n_entities": sum(labels.values()),
        "n_skipped_files": inputs.n_skipped,
    }
    if counts.n_failed:
        plain["n_failed"] = counts.n_failed
    facts = {**plain, "labels": labels} if as_json else {**plain, **labels}
    review = "no model finds everything, so review the result before sharing it"
    done = f"wrote {output}; {review}" if counts.n_documents else f"no text was written to {output}"
    print_facts(facts, done, as_json, quiet)
    if counts.n_failed:
        for each in outcome.failures[:_SHOWN]:
            tell(f"not written: {each['place']}: {each['reason']}")
        more = f", of which {_SHOWN} are named above" if counts.n_failed > _SHOWN else ""
        raise CheckFailedError(
            f"{counts.n_failed} of {counts.n_failed + counts.n_documents} documents could not be de-identified and "
            f"were not written{more}{f'; the others are in {output}' if counts.n_documents else ''}"
        )
