"""What a configuration leads to outside of itself, by content: models, files, what a server is asked for.

The digests are part of the key of an artifact. They are taken when a plan is made and again when a node runs, so that a
file that changed in between never gets into an artifact of the earlier key.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from deidsynth.config import AuditConfig, ResolvedAdaptConfig, ResolvedTrainConfig, StageConfig, SynthesizeConfig
from deidsynth.digests import digest, file_digest, tree_digest
from deidsynth.errors import InputError
from deidsynth.starters import SCRATCH, Kind, find

State = tuple[tuple[str, int, int, int, int], ...]
"""Name, size, number and times of every file below a path: it changes with any of them."""


def external_digests(config: StageConfig) -> dict[str, str]:
    """The digest of what a configuration leads to, by dotted key.

    Of an endpoint counts what it is asked for, wherever it is and however often it is asked.
    """
    found = {dotted: content_of(path) for dotted, path in _paths(config).items()}
    match config:
        case ResolvedAdaptConfig():
            found |= _starter("base", config.base, "causal")
        case ResolvedTrainConfig():
            found |= _starter("encoder", config.encoder, "encoder")
        case SynthesizeConfig() if config.endpoint.base_url is not None:
            asked = config.endpoint.model_dump(mode="json", include={"model", "takes", "prompts", "empty_prompt"})
            found["endpoint"] = digest(asked)
    return found


@contextmanager
def unchanged(config: StageConfig, planned: Mapping[str, str], discard: Callable[[], None]) -> Iterator[None]:
    """A context in which a stage uses what its configuration leads to: the same as planned, before and after.

    Args:
        config: of the stage.
        planned: the digests that were taken for the plan, by dotted key.
        discard: removes what was begun; called if something changed meanwhile, since it may be of either content.

    Raises:
        InputError: a file or folder is not what it was, or changed meanwhile.
    """
    paths = _paths(config)
    before = {dotted: state_of(path) for dotted, path in paths.items()}
    for dotted, path in paths.items():
        if content_of(path) != planned.get(dotted):
            raise changed(dotted, path)
    try:
        yield
    finally:
        moved = [dotted for dotted, path in paths.items() if state_of(path) != before[dotted]]
        if moved:
            discard()
    if moved:
        raise changed(moved[0], paths[moved[0]])


def changed(name: str, path: Path) -> InputError:
    """The error of a file or folder that is not what it was when the plan was made."""
    return InputError(
        f"{name}: {path} changed since the command began; nothing was made from it: run the same command again, and "
        "leave it alone meanwhile"
    )


def content_of(path: Path) -> str:
    """The digest of a file or a folder."""
    return tree_digest(path) if path.is_dir() else file_digest(path)


def state_of(path: Path) -> State:
    """The state of a file, or of all files below a folder, without reading them; empty if there is none."""
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    found = ((file, file.stat()) for file in files if file.is_file())
    return tuple((str(file), each.st_size, each.st_ino, each.st_mtime_ns, each.st_ctime_ns) for file, each in found)


def _paths(config: StageConfig) -> dict[str, Path]:
    """The files and folders that a configuration names and that are there, by dotted key."""
    named: dict[str, str | None] = {}
    match config:
        case ResolvedAdaptConfig() if _is_path(config.base, "causal"):
            named["base"] = config.base
        case ResolvedTrainConfig() if _is_path(config.encoder, "encoder"):
            named["encoder"] = config.encoder
        case SynthesizeConfig():
            named["prompts.file"] = config.prompts.file
        case AuditConfig():
            named |= {"gate": config.gate, "base": config.base}
    paths = {dotted: Path(value).expanduser() for dotted, value in named.items() if value is not None}
    return {dotted: path for dotted, path in paths.items() if path.is_dir() or path.is_file()}


def _is_path(model: str, kind: Kind) -> bool:
    return model != SCRATCH and find(model, kind) is None


def _starter(dotted: str, model: str, kind: Kind) -> dict[str, str]:
    """The digest of a starter; nothing for any other model."""
    starter = None if model == SCRATCH else find(model, kind)
    return {} if starter is None else {dotted: starter.digest}
