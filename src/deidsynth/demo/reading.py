"""Reading and validation of the data files of invented notes."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from deidsynth.errors import ConfigError


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
        checked = model.model_validate(_plain(folder.joinpath(name).read_text(encoding="utf-8"), source))
    except FileNotFoundError:
        raise ConfigError(["no such file; create it, or remove its name from notes.yaml"], source) from None
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


def _plain(text: str, source: str) -> Any:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)(text)
    try:
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        place = f"line {error.problem_mark.line + 1}: " if error.problem_mark else ""
        raise ConfigError([f"{place}not valid YAML; put phrases in double quotes"], source) from None
    if repeated := list(_repeated_keys(node)):
        raise ConfigError(repeated, source)
    return loader.construct_document(node)


def _repeated_keys(node: yaml.Node | None) -> Iterator[str]:
    """A line for each duplicate key of a mapping, of which YAML would keep only the last one."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen = set[str]()
    for key, value in node.value:
        if key.value in seen:
            yield f"line {key.start_mark.line + 1}: duplicate id {key.value!r}; ids must be unique"
        seen.add(key.value)
        yield from _repeated_keys(value)
