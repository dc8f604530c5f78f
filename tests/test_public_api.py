from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import deidsynth


def listed() -> list[str]:
    """The names of the stub, which is the one list of them."""
    stub = Path(inspect.getfile(deidsynth)).with_suffix(".pyi")
    tree = ast.parse(stub.read_text(encoding="utf-8"))
    return [alias.name for node in tree.body if isinstance(node, ast.ImportFrom) for alias in node.names]


def test_all_is_sorted_and_names_each_once() -> None:
    assert deidsynth.__all__ == sorted(deidsynth.__all__)
    assert len(set(deidsynth.__all__)) == len(deidsynth.__all__)


def test_all_equals_what_the_stub_lists() -> None:
    assert deidsynth.__all__ == sorted(listed())


@pytest.mark.parametrize("name", deidsynth.__all__)
def test_every_public_name_resolves(name: str) -> None:
    value = getattr(deidsynth, name)
    assert value.__module__.startswith("deidsynth.")
    assert value.__name__ == name
    assert value.__doc__


def test_no_public_name_hides_a_module() -> None:
    folder = Path(inspect.getfile(deidsynth)).parent
    modules = {path.stem for path in folder.glob("*.py")} | {path.name for path in folder.iterdir() if path.is_dir()}
    assert not modules & set(deidsynth.__all__)


def test_errors_are_all_public() -> None:
    from deidsynth import errors

    raised = {name for name, value in vars(errors).items() if isinstance(value, type) and issubclass(value, Exception)}
    assert raised <= set(deidsynth.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="nonsense"):
        _ = deidsynth.nonsense


def test_dir_lists_the_public_names() -> None:
    assert dir(deidsynth) == deidsynth.__all__
