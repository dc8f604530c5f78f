"""The files of the invented notes: found in the package, read, and checked before anything is drawn from them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from importlib.resources import files
from importlib.resources.abc import Traversable
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError

from deidsynth.errors import ConfigError


class Checked(BaseModel):
    """Base of what the files hold: frozen, and strict about its keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    def broken_references(self) -> list[str]:
        """A line for each id that names nothing."""
        return []


CheckedType = TypeVar("CheckedType", bound=Checked)


def language_folder(language: str) -> Traversable:
    """Where the files of a language are."""
    return files("deidsynth.demo") / "data" / language


def read(model: type[CheckedType], folder: Traversable, name: str) -> CheckedType:
    """What a file of a language holds.

    Raises:
        ConfigError: with a line for each fault: no such file, not YAML, an id twice, an unknown or missing key, or a
            reference to an id that is not there.
    """
    source = f"{folder.name}/{name}"
    try:
        checked = model.model_validate(_plain(folder.joinpath(name).read_text(encoding="utf-8"), source))
    except FileNotFoundError:
        raise ConfigError(["no such file; write it, or take its name out of notes.yaml"], source) from None
    except ValidationError as error:
        problems = [f"{'.'.join(map(str, detail['loc']))}: {detail['msg']}" for detail in error.errors()]
        raise ConfigError(problems, source) from None
    if broken := checked.broken_references():
        raise ConfigError(broken, source)
    return checked


def unknown(place: str, ids: Collection[str], known: Collection[str]) -> Iterator[str]:
    """A line for each id that names nothing known."""
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
    """A line for each key that a mapping has twice, of which YAML keeps only the last one."""
    if not isinstance(node, yaml.MappingNode):
        return
    seen = set[str]()
    for key, value in node.value:
        if key.value in seen:
            yield f"line {key.start_mark.line + 1}: the id {key.value!r} is given twice; each needs its own"
        seen.add(key.value)
        yield from _repeated_keys(value)
