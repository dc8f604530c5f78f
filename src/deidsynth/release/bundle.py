"""The bundle: written whole or not at all, readable for everybody, and nothing in it but what is listed here."""

from __future__ import annotations

import json
import os
import re
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from deidsynth import __version__
from deidsynth.corpora import write_corpus
from deidsynth.corpora.output import encodable, refuse_lost_characters, refuse_occupied, refuse_unwritable
from deidsynth.digests import file_digest, file_digests, hex_of
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CheckFailedError, InputError, UnrepresentableError
from deidsynth.files import whole_folder, write_json
from deidsynth.locks import hold_output
from deidsynth.progress import Progress, SilentProgress
from deidsynth.release.describing import described
from deidsynth.release.examination import Examination
from deidsynth.release.finished_run import TAGGER
from deidsynth.release.refusals import Refusal, told
from deidsynth.release.traces import find_traces
from deidsynth.stages.artifacts import AUDIT, AUDIT_PAGE
from deidsynth.workflow.run_folder import RunFolder

CHECKSUMS = "checksums.txt"
RECORD = "RELEASE.json"
SCHEMA_VERSION = 1
PARTS = {
    "corpus/corpus.jsonl": "the synthetic corpus, a JSON object a line",
    "corpus/brat": "the same as brat standoff",
    "model": "the synthetic model, an ordinary Hugging Face folder",
    "model/README.md": "its model card",
    "DATASHEET.md": "the data sheet of the corpus",
    AUDIT_PAGE: "the privacy audit, a page",
    AUDIT: "the privacy audit, its figures",
    RECORD: "what was released, and in spite of what",
    "VERIFY.md": "how to check that all is as it was released",
    CHECKSUMS: "the digest of every file",
}
"""What is in a bundle, with a line about each."""

_TEMPLATES = {"model/README.md": "model_card.md.j2", "DATASHEET.md": "data_sheet.md.j2", "VERIFY.md": "verify.md.j2"}
_PLACES = ("_name_or_path", "name_or_path")
_MOST_REASON = 1_000
_LICENSE = re.compile(r"[a-z0-9][a-z0-9.+-]{0,60}")


@dataclass(frozen=True, slots=True)
class Part:
    """A part of a bundle: a file, or a folder of several."""

    name: str
    about: str
    n_files: int
    n_bytes: int


@dataclass(frozen=True, slots=True)
class Bundle:
    """A bundle that was written.

    Args:
        path: its folder.
        parts: what is in it.
        accepted: what it was released in spite of.
        reason: why; None if nothing had to be accepted.
        checksums: digest of its list of checksums, which stands for all of it.
    """

    path: Path
    parts: tuple[Part, ...]
    accepted: tuple[Refusal, ...]
    reason: str | None
    checksums: str


def release(
    found: Examination,
    output: Path,
    *,
    accept: str | None = None,
    license_id: str = "unknown",
    progress: Progress | None = None,
) -> Bundle:
    """Write the bundle of a run that may leave.

    Args:
        found: the run, examined.
        output: folder of the bundle; absent or empty.
        accept: why it is released although something speaks against it that may be accepted.
        license_id: the license of corpus and model, as model hubs name it.
        progress: listener for progress.

    Raises:
        CheckFailedError: it may not leave; every reason is named.
        IntegrityError: the audit has figures that cannot be shown.
        InputError: the output is in use or inside the run, or reason or license are no such thing.
        UnrepresentableError: brat cannot hold the corpus.
        StorageError: the disk is full or not writable.
    """
    listener = progress or SilentProgress()
    reason = None if accept is None else _reason(accept)
    if not _LICENSE.fullmatch(license_id):
        raise InputError("--license: expected the id of a license as model hubs name it, such as cc-by-4.0 or mit")
    _check_output(found, output)
    if found.hindrances(accepted=reason is not None):
        raise CheckFailedError(told(found.run.path, found.refusals, accepted=reason is not None))
    accepted = found.refusals
    with hold_output(output, listener.message):
        refuse_occupied(output)  # another command may have finished it since
        with listener.task("write the bundle", None), whole_folder(output) as folder:
            folder.chmod(0o700)  # until all of it is there and has been checked
            _write(found, folder, accepted, reason if accepted else None, license_id)
            _open(folder)
        checksums = file_digest(output / CHECKSUMS)
    return Bundle(output, tuple(_parts(output)), accepted, reason if accepted else None, checksums)


def _check_output(found: Examination, output: Path) -> None:
    """Check that a bundle can be written there.

    Raises:
        InputError: it is in use, cannot be written, or is inside the run folder or its store.
    """
    place, run = output.resolve(), found.run
    for inside in (run.path, *((Path(run.record.store),) if run.record.store else ())):
        if place.is_relative_to(inside.resolve()):
            raise InputError(f"{output}: inside {inside}, which is private; choose another --output")
    if output.is_file():
        raise InputError(f"{output}: is a file; choose another folder for the bundle with --output")
    refuse_occupied(output)
    refuse_unwritable(output.parent, "--output")


def _reason(accept: str) -> str:
    """The reason in one line."""
    reason = " ".join(accept.split())
    if not reason or len(reason) > _MOST_REASON or not reason.isprintable():
        raise InputError(f"--accept: give a reason, of at most {_MOST_REASON} characters: it will stand in the bundle")
    return reason


def _write(found: Examination, folder: Path, accepted: Sequence[Refusal], reason: str | None, license_id: str) -> None:
    if found.corpus is None or found.audit is None:
        raise ValueError("a run that may not leave")
    corpus = _numbered(found.corpus)
    (folder / "corpus").mkdir()
    for name, format in (("corpus/corpus.jsonl", "jsonl"), ("corpus/brat", "brat")):
        write_corpus(corpus, folder / name, format, splits={})
    _copy_model(found.run.path / TAGGER, folder / "model")
    write_json(folder / AUDIT, found.audit.content)
    _write_text(folder / AUDIT_PAGE, found.audit.page())
    report = RunFolder(found.run.path).report()
    content = described(found.run, corpus, report, found.audit, license_id=license_id, reason=reason)
    content |= {"accepted": [str(each) for each in accepted], "is_audit_of_run": found.is_audit_of_run}
    content |= {"version": __version__, "parts": PARTS}
    content["n_left_out"] = len(found.corpus) - len(corpus)
    environment = Environment(
        loader=PackageLoader("deidsynth.release"),
        autoescape=False,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["plain"] = plain
    for name, template in _TEMPLATES.items():
        _write_text(folder / name, environment.get_template(template).render(content))
    _write_text(folder / RECORD, json.dumps(_record(found, corpus, content), indent=2, ensure_ascii=False) + "\n")
    if traces := find_traces(folder, found.run):
        raise CheckFailedError(
            f"not released: {', '.join(traces)} would hold a path of this machine or a digest of private data; nothing "
            "was written"
        )
    sums = "".join(f"{hex_of(digest)}  {name}\n" for name, digest in file_digests(folder).items())
    _write_text(folder / CHECKSUMS, sums)


def _numbered(corpus: Corpus) -> Corpus:
    """The corpus with running ids, and without scores, which tell how sure a model is that has seen real notes.

    Left out are notes with characters that are not read back: a language model may write a NUL.

    Raises:
        UnrepresentableError: no note is left.
    """
    kept = [document for document in corpus if _is_read_back(document)]
    if not kept:
        raise UnrepresentableError("every note of the synthetic corpus has characters that are not read back")
    width = len(str(len(kept)))
    return corpus.with_documents(
        replace(document.without_scores(), doc_id=f"note-{number:0{width}d}", group=None, split=None)
        for number, document in enumerate(kept, start=1)
    )


def _is_read_back(document: Document) -> bool:
    try:
        refuse_lost_characters(document, number=1)
        return any(encodable([document]))
    except UnrepresentableError:
        return False


def _copy_model(source: Path, target: Path) -> None:
    """Copy a model folder, without the places that a file of it may name as those that it was loaded from."""
    shutil.copytree(source, target, copy_function=shutil.copyfile)
    for path in (*target.rglob("config.json"), *target.rglob("tokenizer_config.json")):
        content = json.loads(path.read_text(encoding="utf-8"))
        if any(key in content for key in _PLACES):
            kept = {key: value for key, value in content.items() if key not in _PLACES}
            _write_text(path, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")


def _record(found: Examination, corpus: Corpus, content: dict[str, Any]) -> dict[str, Any]:
    accepted = content["accepted"]
    return {
        "schema_version": SCHEMA_VERSION,
        "deidsynth": __version__,
        "created": datetime.now(UTC).date().isoformat(),
        "verdict": None if found.audit is None else found.audit.summary.verdict,
        "audit": "of the run" if found.is_audit_of_run else "given apart from the run",
        "accepted": {"reason": content["reason"], "in_spite_of": accepted} if accepted else None,
        "license": content["license"],
        "corpus": {
            "n_documents": len(corpus),
            "n_entities": corpus.n_entities,
            "n_left_out": content["n_left_out"],
            "origin": corpus.origin,
            "annotation": corpus.annotation,
            "language": corpus.language,
            "lineage": content["sources"],
        },
        "model": {"base": content["model"]["base"], "n_models": content["model"]["n_models"]},
    }


def plain(text: str) -> str:
    """Text with nothing in it that Markdown or HTML would take for more than text."""
    return re.sub(r"([\\`*_{}\[\]<>#|!&~])", r"\\\1", text)


def _write_text(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8", newline="\n")


def _open(folder: Path) -> None:
    """Let everybody read a folder and all below it."""
    for path in (*folder.rglob("*"), folder):
        if os.name == "posix":
            path.chmod(0o755 if path.is_dir() else 0o644)


def _parts(folder: Path) -> Iterable[Part]:
    sizes = {path.relative_to(folder).as_posix(): path.stat().st_size for path in folder.rglob("*") if path.is_file()}
    for name, about in PARTS.items():
        own = [each for each in sizes if each == name or (each.startswith(f"{name}/") and each not in PARTS)]
        yield Part(name, about, len(own), sum(sizes[each] for each in own))
