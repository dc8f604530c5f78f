"""One stage alone: a plan of one node and its inputs, run by the scheduler in a store of its own.

The store is a hidden folder next to the output. It survives a kill, so that the same call resumes from it, and is
removed with the copies of the inputs once the output is complete. The user gets the artifact itself: its files and
its manifest.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from deidsynth import stages as package
from deidsynth.config import StageConfig
from deidsynth.corpora import LoadedCorpus, content_digest, write_jsonl
from deidsynth.corpora.output import refuse_unwritable
from deidsynth.corpora.provenance import Lineage, lineage_beside
from deidsynth.documents import Corpus
from deidsynth.errors import InputError, ModelNotFoundError, ModelNotUsableError
from deidsynth.files import (
    MANIFEST,
    make_private,
    make_private_folder,
    manifest_beside,
    refuse_special,
    replace_tree,
    write_atomically,
    write_json,
)
from deidsynth.locks import hold_output
from deidsynth.models.inspection import inspect_folder
from deidsynth.progress import Progress, SilentProgress
from deidsynth.stages.artifacts import CORPUS, MODEL
from deidsynth.stages.import_corpus import GIVEN_CORPUS, GIVEN_MODEL, ImportConfig
from deidsynth.workflow.executors.launched import Launched
from deidsynth.workflow.external import changed, content_of, external_digests, state_of
from deidsynth.workflow.language_support import language_warnings
from deidsynth.workflow.plan import Node, Plan
from deidsynth.workflow.preparation import resolve_computing
from deidsynth.workflow.results import Source, Surroundings
from deidsynth.workflow.scheduler import check_nodes, execute
from deidsynth.workflow.store import Artifact, Store
from deidsynth.workflow.store.manifest import is_of_real_text

Inputs = Mapping[str, Corpus | Path]
"""A corpus or the folder of a model, by role."""

_WEIGHTS = ("config.json", "adapter_config.json")


@dataclass(frozen=True, slots=True)
class Around:
    """The context of a stage that runs alone, before device and precision are resolved."""

    seed: int = 1
    progress: Progress = field(default_factory=SilentProgress)
    precision: str = "auto"
    device: str = "auto"
    process: Launched = field(default_factory=Launched)


def run_alone(stage: str, config: StageConfig, inputs: Inputs, output: Path, around: Around) -> Mapping[str, Any]:
    """Run a stage and move its artifact to ``output``; returns its facts.

    Args:
        stage: name of the stage.
        config: its resolved configuration.
        inputs: corpora and model folders, by role.
        output: a folder that is absent or empty.
        around: seed, precision, device and progress.

    Raises:
        InputError: the output folder is not empty, or an input model changed meanwhile.
        OutputInUseError: another process is writing to it.
        ModelNotFoundError: an input folder has no model, or an incomplete one.
        ModelNotUsableError: the model in an input folder is damaged, or of another kind.
    """
    refuse_occupied(output)
    with hold_output(output, around.progress.message):
        refuse_occupied(output)  # another command may have finished it since
        with _made(stage, config, inputs, output, around) as artifact:
            if is_private(_corpora(inputs), artifact.manifest.lineage):
                make_private(artifact.path)
            if output.is_dir():
                output.rmdir()
            replace_tree(artifact.path, output)
    return artifact.manifest.facts


def run_alone_to_file(
    stage: str, config: StageConfig, inputs: Inputs, output: Path, around: Around
) -> Mapping[str, Any]:
    """Run a stage and move its corpus to ``output``, with its manifest next to it; returns its facts.

    Raises:
        InputError: the output file exists, or an input model changed meanwhile.
        OutputInUseError: another process is writing to it.
    """
    refuse_existing(output)
    with hold_output(output, around.progress.message):
        refuse_existing(output)  # another command may have finished it since
        with _made(stage, config, inputs, output, around) as artifact:
            private = is_private(_corpora(inputs), artifact.manifest.lineage)
            manifest = artifact.manifest.with_files({output.name: artifact.manifest.files[CORPUS]})
            if private:
                make_private(artifact.path / CORPUS)
            write_atomically(manifest_beside(output), manifest.to_json(), private=private)
            replace_tree(artifact.path / CORPUS, output)
    return artifact.manifest.facts


def refuse_existing(output: Path) -> None:
    """Check that there is no output file yet.

    Raises:
        InputError: it exists, or is a device or a pipe.
    """
    refuse_special(output)
    if output.exists():
        done = _tidied_up(output, manifest_beside(output))
        raise InputError(f"{output}: exists already; remove it or choose another file{done}")


def _tidied_up(output: Path, manifest: Path) -> str:
    """What to add to a refusal: that a command killed when its output was there left a copy of its inputs, now gone."""
    left = _store_folder(output)
    if not manifest.is_file() or not left.is_dir():
        return ""
    shutil.rmtree(left, ignore_errors=True)
    return f" (removed {left}, which the command that wrote it had left when it was killed)"


def share_alone(stage: str, config: StageConfig, inputs: Inputs, output: Path, around: Around) -> None:
    """Take part in a stage that the first process of the same command runs, without writing its output.

    It reads the checkpoints of the first process, so all processes must see the output folder. Its inputs
    are in a hidden folder next to it, which is removed; after a kill, the same command removes it.

    Args:
        stage: as for ``run_alone``.
        config: as for ``run_alone``.
        inputs: as for ``run_alone``.
        output: as for ``run_alone``.
        around: as for ``run_alone``; the process is not the first.
    """
    plan, sources, device = _planned(stage, config, inputs, around)
    store, node = Store(_store_folder(output)), plan[stage]
    own = output.parent / f".{output.name}.process-{around.process.rank}"
    try:
        make_private_folder(own)
        paths = {}
        for role, name in node.inputs.items():
            paths[role] = own / role
            shutil.rmtree(paths[role], ignore_errors=True)
            paths[role].mkdir()
            sources[name](paths[role])
        scratch = store.work_of(plan.keys(package.STAGES)[stage], stage).scratch
        context = package.StageContext(scratch, around.seed, node.precision or "fp32", device, around.progress)
        package.STAGES[stage].run(config, paths, own, context)
    finally:
        shutil.rmtree(own, ignore_errors=True)


@contextmanager
def _made(stage: str, config: StageConfig, inputs: Inputs, output: Path, around: Around) -> Iterator[Artifact]:
    """A context with the artifact of a stage, to be moved out of its temporary store."""
    for line in _warnings(config, inputs):
        around.progress.message(line)
    plan, sources, device = _planned(stage, config, inputs, around)
    store = Store(_store_folder(output))
    check_nodes(plan, store, package.STAGES, device)
    make_private_folder(store.root)
    with _tidied(store, around.progress):
        surroundings = Surroundings(device, around.progress)
        with _models_as_given(plan, inputs, store), _models_unchanged(inputs, store):
            outcome = execute(plan, store, package.STAGES, sources=sources, surroundings=surroundings)
        yield outcome.results[stage].artifact
    shutil.rmtree(store.root)


def _warnings(config: StageConfig, inputs: Inputs) -> list[str]:
    """What the configuration lacks for the corpus whose entities it replaces, or whose text it learns."""
    read = (inputs.get(role) for role in ("prompts", "corpus", "train"))
    corpus = next((each for each in read if isinstance(each, Corpus)), None)
    return [] if corpus is None else language_warnings(corpus, [config])


def _planned(stage: str, config: StageConfig, inputs: Inputs, around: Around) -> tuple[Plan, dict[str, Source], str]:
    """The plan of the stage and its inputs, the sources of the inputs, and the device."""
    nodes, sources = [], {}
    for role, value in inputs.items():
        node, sources[role] = _given_model(role, value) if isinstance(value, Path) else _given_corpus(role, value)
        nodes.append(node)
    device, precision = _resolved(around)
    roles = {role: role for role in inputs}
    external = external_digests(config)
    node = Node(stage, stage, config, roles, seed=around.seed, precision=precision, external=external)
    return Plan((*nodes, node)), sources, device


def _resolved(around: Around) -> tuple[str, str]:
    device, process = around.device, around.process
    if process.count > 1:
        device, _ = resolve_computing(device, "fp32")
        if device not in ("cpu", "cuda"):
            raise InputError(f"device {device}: several processes cannot share it; use auto, cuda or cpu")
        device = f"cuda:{process.local_rank}" if device == "cuda" else device
    return resolve_computing(device, around.precision)


def _given_corpus(role: str, corpus: Corpus) -> tuple[Node, Source]:
    def write(output: Path) -> dict[str, Any]:
        write_jsonl(corpus, output / CORPUS)
        return {"n_documents": len(corpus), "n_entities": corpus.n_entities}

    source = content_digest(LoadedCorpus(corpus, format="given"))
    config = ImportConfig(language=corpus.language)
    # Without any text it goes back to nothing.
    lineage = corpus.lineage if any(document.text for document in corpus) else {}
    return (
        Node(role, GIVEN_CORPUS.name, config, source_digest=source, origin=corpus.origin, source_lineage=lineage),
        write,
    )


def _given_model(role: str, path: Path) -> tuple[Node, Source]:
    folder = model_folder(path)
    inspect_folder(folder)
    state = state_of(folder)
    source = content_of(folder)

    def write(output: Path) -> dict[str, Any]:
        if state_of(folder) != state:
            raise changed(role, path)
        (output / MODEL).unlink(missing_ok=True)
        (output / MODEL).symlink_to(folder.resolve(), target_is_directory=True)
        write_json(output / "weights.json", {"digest": source})  # what the link leads to is not digested
        return {}

    return Node(role, GIVEN_MODEL.name, source_digest=source, source_lineage=lineage_beside(folder)), write


def _store_folder(output: Path) -> Path:
    return output.parent / f".{output.name}.partial"


@contextmanager
def _tidied(store: Store, progress: Progress) -> Iterator[None]:
    """A context that, after a failure, keeps only what is needed to resume, and never a copy of the inputs."""
    try:
        yield
    except BaseException as error:
        shutil.rmtree(store.root / "artifacts", ignore_errors=True)
        begun = any(path.is_file() for path in store.root.glob("work/*/scratch/**/*"))
        if begun or not isinstance(error, Exception):
            progress.message(f"unfinished work is in {store.root}; the same command resumes it, or remove it")
        else:
            shutil.rmtree(store.root, ignore_errors=True)
        raise


@contextmanager
def _models_unchanged(inputs: Inputs, store: Store) -> Iterator[None]:
    """A context in which the models in the given folders are used; where one changes, nothing made with it is kept."""
    folders = {role: model_folder(value) for role, value in inputs.items() if isinstance(value, Path)}
    before = {role: state_of(folder) for role, folder in folders.items()}
    yield
    for role, folder in folders.items():
        if state_of(folder) != before[role]:
            shutil.rmtree(store.root, ignore_errors=True)
            raise changed(role, folder)


@contextmanager
def _models_as_given(plan: Plan, inputs: Inputs, store: Store) -> Iterator[None]:
    """A context in which errors of a model name the path given by the user, not the link to it."""
    try:
        yield
    except (ModelNotFoundError, ModelNotUsableError) as error:
        message, keys = str(error), plan.keys(package.STAGES)
        for role, value in inputs.items():
            if isinstance(value, Path):
                message = message.replace(str(store.folder_of(keys[role], GIVEN_MODEL.name) / MODEL), str(value))
        raise type(error)(message) from error


def is_private(corpora: Iterable[Corpus], lineage: Lineage) -> bool:
    """Whether what was made from corpora may go back to real text, as their origins or its lineage say."""
    return any(corpus.origin == "real" for corpus in corpora) or is_of_real_text(lineage)


def _corpora(inputs: Inputs) -> list[Corpus]:
    return [value for value in inputs.values() if isinstance(value, Corpus)]


def refuse_occupied(folder: Path) -> None:
    """Check that a folder is absent or empty, and that its parent exists and is writable.

    Raises:
        InputError: it is a file, is not empty, or cannot be written.
    """
    refuse_special(folder)
    if folder.exists() and not folder.is_dir():
        raise InputError(f"{folder}: is a file; choose another folder for the output")
    if folder.is_dir() and any(folder.iterdir()):
        done = _tidied_up(folder, folder / MANIFEST)
        raise InputError(f"{folder}: is not empty; remove it or choose another folder for the output{done}")
    refuse_unwritable_output(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)


def refuse_unwritable_output(path: Path) -> None:
    """Check that an output path can be written.

    Raises:
        InputError: a parent is a file, or the system denies writing.
    """
    try:
        refuse_unwritable(path.parent, "--output")
    except InputError as error:
        raise InputError(f"{path}: {error}") from None


def model_folder(path: Path) -> Path:
    """The folder with the weights: the path itself, or ``model`` in it, as written by stages.

    Raises:
        ModelNotFoundError: neither contains a model.
    """
    for folder in (path, path / MODEL):
        if any((folder / file).is_file() for file in _WEIGHTS):
            return folder
    raise ModelNotFoundError(
        f"{path}: no model (no config.json); give the folder that `deidsynth adapt` or `deidsynth train` wrote, "
        "or a folder in Hugging Face format"
    )
