"""One stage alone: the user's files laid out as a stage's inputs, and its output put where the user wants it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from deidsynth.cli.inputs import refuse_unwritable_output
from deidsynth.cli.terminal import tell
from deidsynth.config import StageConfig
from deidsynth.digests import canonical_json, digest, file_digests, hex_of
from deidsynth.documents import Corpus, Document
from deidsynth.errors import InputError, ModelNotFoundError, ModelNotUsableError
from deidsynth.files import storage_errors
from deidsynth.progress import Progress
from deidsynth.workflow.executors.launched import Launched

if TYPE_CHECKING:
    from deidsynth.stages.stage import Stage, StageContext

FACTS = "stage.json"
"""Beside the output of a stage run alone: what was run, on what configuration, and what it counted."""

_WEIGHTS = ("config.json", "adapter_config.json")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What surrounds a stage run alone, before it is resolved for this machine."""

    seed: int
    progress: Progress
    precision: str = "auto"
    device: str = "auto"
    process: Launched = field(default_factory=Launched)


def run_stage(
    name: str, config: StageConfig, inputs: Mapping[str, Corpus | Path], output: Path, around: Surroundings
) -> Mapping[str, Any]:
    """The facts of a stage that has written its files into ``output``.

    A killed command leaves a hidden folder beside ``output``; the same command takes it up again. One that fails
    leaves it only where there is something to take up, and never the copy of the inputs.

    Args:
        name: of the stage.
        config: its configuration.
        inputs: by role, a corpus or the folder of a model.
        output: a folder that is absent or empty.
        around: seed, precision, device and listener.

    Raises:
        InputError: the output folder holds something.
        ModelNotFoundError: an input folder holds no model, or not all of it.
        ModelNotUsableError: an input folder holds a model that is damaged, or of another kind.
    """
    refuse_occupied(output)
    task = _task(name, config, inputs, output, around)
    work, identity = task.work, task.identity
    with _private_work(work), storage_errors(work, refusals=False), around.progress.task(name, None):
        folders = {role: _lay_out(value, work / "inputs" / role) for role, value in inputs.items()}
        with _models_as_given(inputs, folders):
            facts: Mapping[str, Any] = task.stage.run(config, folders, work / "output", task.context)
    (work / "output" / FACTS).write_text(
        json.dumps({**identity, "facts": dict(facts)}, indent=2, ensure_ascii=False), encoding="utf-8"
    )
    if _has_real_text(inputs):
        (work / "output").chmod(0o700)
    if output.is_dir():
        output.rmdir()
    (work / "output").rename(output)
    shutil.rmtree(work)
    return facts


def share_stage(
    name: str, config: StageConfig, inputs: Mapping[str, Corpus | Path], output: Path, around: Surroundings
) -> None:
    """Take part in a stage that the first process of the same command runs, and write nothing of it.

    Its checkpoints are read where the first process writes them, so all must see the folder of the output. Its inputs
    lie in a hidden folder beside it, which is removed; after a kill, the same command removes it.

    Args:
        name: see ``run_stage``, like the following ones.
        config: see there.
        inputs: see there.
        output: see there.
        around: see there; the process is not the first.
    """
    task = _task(name, config, inputs, output, around)
    own = task.work.with_suffix(f".process-{around.process.rank}")
    try:
        own.mkdir(mode=0o700, exist_ok=True)
        own.chmod(0o700)
        folders = {role: _lay_out(value, own / role) for role, value in inputs.items()}
        task.stage.run(config, folders, own, task.context)
    finally:
        shutil.rmtree(own, ignore_errors=True)


@dataclass(frozen=True, slots=True)
class _Task:
    """A stage that is about to run: what makes it the same as another, and the folder that a killed one leaves."""

    stage: Stage
    context: StageContext
    identity: Mapping[str, Any]
    work: Path


def _task(
    name: str, config: StageConfig, inputs: Mapping[str, Corpus | Path], output: Path, around: Surroundings
) -> _Task:
    for value in inputs.values():
        if isinstance(value, Path):
            model_folder(value)
    from deidsynth.models.devices import resolve_device, resolve_precision  # after the cheap checks: it loads torch
    from deidsynth.stages import STAGES
    from deidsynth.stages.stage import StageContext

    stage, process = STAGES[name], around.process
    device = resolve_device(around.device)
    if process.count > 1:
        if device not in ("cpu", "cuda"):
            raise InputError(f"device {device}: several processes cannot share it; use auto, cuda or cpu")
        device = resolve_device(f"cuda:{process.local_rank}") if device == "cuda" else device
    precision = resolve_precision(around.precision, device)
    identity = {
        "stage": stage.name,
        "version": stage.version,
        "config": config.model_dump(mode="json"),
        "seed": around.seed,
        "precision": precision,
        "inputs": {role: _identity(value) for role, value in inputs.items()},
    }
    work = output.parent / f".{output.name}.{hex_of(digest(identity))[:12]}.partial"
    context = StageContext(work / "scratch", around.seed, precision, device, around.progress)
    return _Task(stage, context, identity, work)


@contextmanager
def _private_work(work: Path) -> Iterator[None]:
    """The folder of a stage under way; where the stage fails, what cannot be taken up again is removed."""
    work.mkdir(mode=0o700, exist_ok=True)
    work.chmod(0o700)
    for part in ("inputs", "output", "scratch"):
        (work / part).mkdir(exist_ok=True)
    try:
        yield
    except BaseException as error:
        shutil.rmtree(work / "inputs", ignore_errors=True)
        interrupted = not isinstance(error, Exception)
        if interrupted or any(path.is_file() for path in (work / "scratch").rglob("*")):
            tell(f"unfinished work is in {work}; the same command goes on from it, or remove it")
        else:
            shutil.rmtree(work, ignore_errors=True)
        raise


@contextmanager
def _models_as_given(inputs: Mapping[str, Corpus | Path], folders: Mapping[str, Path]) -> Iterator[None]:
    """A context in which faults of a model name the path that the user gave, not the link to it."""
    from deidsynth.stages.artifacts import MODEL

    try:
        yield
    except (ModelNotFoundError, ModelNotUsableError) as error:
        message = str(error)
        for role, value in inputs.items():
            if isinstance(value, Path):
                message = message.replace(str(folders[role] / MODEL), str(value))
        raise type(error)(message) from error


def _has_real_text(inputs: Mapping[str, Corpus | Path]) -> bool:
    return any(isinstance(value, Corpus) and value.origin == "real" for value in inputs.values())


def run_stage_to_file(
    name: str, config: StageConfig, inputs: Mapping[str, Corpus | Path], output: Path, around: Surroundings
) -> Mapping[str, Any]:
    """The facts of a stage whose ``corpus.jsonl`` has been put at ``output``.

    Raises:
        InputError: the output file exists.
    """
    from deidsynth.stages.artifacts import CORPUS

    if output.exists():
        raise InputError(f"{output}: exists already; remove it or choose another file")
    folder = output.with_name(f".{output.name}.done")
    if folder.is_dir():
        shutil.rmtree(folder)
    facts = run_stage(name, config, inputs, folder, around)
    if _has_real_text(inputs):
        (folder / CORPUS).chmod(0o600)
    (folder / CORPUS).rename(output)
    shutil.rmtree(folder)
    return facts


def refuse_occupied(folder: Path) -> None:
    """Make sure that a folder is absent or empty, and that the one above it exists and can be written in.

    Raises:
        InputError: it is a file, holds something, or cannot be written.
    """
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; choose another folder for the output")
    if folder.is_dir() and any(folder.iterdir()):
        raise InputError(f"{folder}: is not empty; remove it or choose another folder for the output")
    refuse_unwritable_output(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)


def model_folder(path: Path) -> Path:
    """The folder with the weights: the path itself, or ``model`` in it as stages write it.

    Raises:
        ModelNotFoundError: neither holds a model.
    """
    for folder in (path, path / "model"):
        if any((folder / file).is_file() for file in _WEIGHTS):
            return folder
    raise ModelNotFoundError(
        f"{path}: holds no model (no config.json); give the folder that `deidsynth adapt` or `deidsynth train` wrote, "
        "or a folder in Hugging Face form"
    )


def counted_corpus(n_documents: int) -> Corpus:
    """A corpus of empty documents, for a stage that only counts them."""
    return Corpus(tuple(Document(str(number), "") for number in range(1, n_documents + 1)), origin="synthetic")


def _identity(value: Corpus | Path) -> str:
    if isinstance(value, Path):
        return digest(file_digests(model_folder(value)))
    return digest([canonical_json(_plain(value))])


def _plain(corpus: Corpus) -> dict[str, Any]:
    documents = [
        [document.doc_id, document.text, [list(entity.key) for entity in document.entities], document.group]
        for document in corpus
    ]
    return {"origin": corpus.origin, "annotation": corpus.annotation, "documents": documents}


def _lay_out(value: Corpus | Path, folder: Path) -> Path:
    """The folder of an input artifact: ``corpus.jsonl``, or a link ``model`` to the weights."""
    from deidsynth.corpora import write_jsonl
    from deidsynth.stages.artifacts import CORPUS, MODEL

    if folder.exists():
        shutil.rmtree(folder)
    folder.mkdir()
    if isinstance(value, Path):
        (folder / MODEL).symlink_to(model_folder(value).resolve(), target_is_directory=True)
    else:
        write_jsonl(value, folder / CORPUS)
    return folder
