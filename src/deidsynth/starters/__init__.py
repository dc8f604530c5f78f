"""The small pretrained models that ship with the package: found by name, verified before use; torch-free.

Each is an ordinary Hugging Face folder next to this file. ``catalog.json`` lists them with the digest of every file.
"""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from deidsynth.digests import digest, file_digest
from deidsynth.errors import ModelNotFoundError, ModelNotUsableError

Kind = Literal["causal", "encoder"]
Base = Literal["scratch", "starter", "hub"]
"""What a model starts from; ``hub`` stands for any other model, by hub id or local folder."""

SCRATCH = "scratch"
FOLDER = Path(__file__).parent
CATALOG = "catalog.json"


@dataclass(frozen=True, slots=True)
class Starter:
    """One model of the catalog.

    Args:
        name: what users call it; a language model and an encoder may share a name.
        kind: ``causal`` or ``encoder``.
        folder: name of its folder.
        version: incremented with new weights.
        n_parameters: number of parameters.
        about: one-line description.
        languages: of the text that it was pretrained on, as codes of ISO 639-1.
        files: digest of every file of the folder, by relative path.
    """

    name: str
    kind: Kind
    folder: str
    version: int
    n_parameters: int
    about: str
    languages: list[str]
    files: dict[str, str]

    @property
    def path(self) -> Path:
        """Its folder."""
        return FOLDER / self.folder

    @property
    def digest(self) -> str:
        """The digest that represents it in artifact keys; its model card does not count."""
        return digest({name: content for name, content in self.files.items() if name != "README.md"})


@functools.cache
def catalog() -> tuple[Starter, ...]:
    """All starters of this installation.

    Raises:
        ModelNotFoundError: the catalog is missing or unreadable.
    """
    try:
        rows: list[dict[str, Any]] = json.loads((FOLDER / CATALOG).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelNotFoundError(
            f"{FOLDER / CATALOG}: cannot be read ({type(error).__name__}); reinstall deidsynth"
        ) from None
    return tuple(Starter(**row) for row in rows)


def is_starter(name: str) -> bool:
    """Whether a name is that of a starter of any kind; prefix ``./`` to mean a local folder of that name."""
    return any(starter.name == name for starter in catalog())


def kind_of_base(name: str) -> Base:
    """The kind of base that a model starts from."""
    if name == SCRATCH:
        return "scratch"
    return "starter" if is_starter(name) else "hub"


def find(name: str, kind: Kind) -> Starter | None:
    """The starter with a name, unverified; None for any other model.

    Raises:
        ModelNotUsableError: the only starter of that name is of the other kind.
    """
    named = [starter for starter in catalog() if starter.name == name]
    for starter in named:
        if starter.kind == kind:
            return starter
    if named:
        others = ", ".join(sorted(starter.name for starter in catalog() if starter.kind == kind))
        wanted = "a language model" if kind == "causal" else "an encoder"
        raise ModelNotUsableError(f"model {name!r} is not {wanted}; starters that are: {others}")
    return None


def resolve(name: str, kind: Kind) -> str:
    """The folder of a starter after verifying its files; any other name unchanged.

    Raises:
        ModelNotFoundError: a file is missing.
        ModelNotUsableError: a file has changed, or the starter is of the other kind.
    """
    starter = find(name, kind)
    return name if starter is None else str(_checked(starter))


def _checked(starter: Starter) -> Path:
    for file, expected in starter.files.items():
        path = starter.path / file
        if not path.is_file():
            raise ModelNotFoundError(f"starter {starter.name!r}: {path} is missing; reinstall deidsynth")
        if file_digest(path) != expected:
            raise ModelNotUsableError(
                f"starter {starter.name!r}: {path} is damaged or was changed (its digest is not that in the catalog); "
                "reinstall deidsynth, or copy the folder elsewhere to use a changed model by its path"
            )
    return starter.path
