"""Reading and validation of the data files of invented notes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError

from deidsynth.errors import ConfigError
from deidsynth.plain_data import PlainDataError, read_yaml


class Checked(BaseModel):
    """Base class of the file contents: frozen, without unknown keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def broken_references(self) -> list[str]:
        """A line for each unresolved id."""
        return []


CheckedType = TypeVar("CheckedType", bound=Checked)


def language_folder(language: str) -> Traversable:
    """The folder of a language."""
    return files("deidsynth.demo") / "data" / language


def read(model: type[CheckedType], folder: Traversable, name: str) -> CheckedType:
    """The content of a file of a language.

    Raises:
        ConfigError: with a line for each problem: no such file, not YAML, a duplicate id, an unknown or missing key,
            or a reference to a missing id.
    """
    source = f"{folder.name}/{name}"
    try:
        checked = model.model_validate(read_yaml(folder.joinpath(name).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise ConfigError(["no such file; create it, or remove its name from notes.yaml"], source) from None
    except PlainDataError as error:
        raise ConfigError([str(error)], source) from None
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()]
        raise ConfigError(problems, source) from None
    if broken := checked.broken_references():
        raise ConfigError(broken, source)
    return checked


def unknown(place: str, ids: Collection[str], known: Collection[str]) -> Iterator[str]:
    """A line for each unknown id."""
    for each in ids:
        if each not in known:
            yield f"{place}: no {each!r}; there are {', '.join(known)}"
