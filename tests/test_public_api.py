from __future__ import annotations

import ast
import inspect
from pathlib import Path

import pytest

import deidsynth


def typed_exports() -> set[str]:
    """The names that a type checker sees: the imports under TYPE_CHECKING."""
    tree = ast.parse(Path(inspect.getfile(deidsynth)).read_text(encoding="utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    return {alias.name for node in guarded.body if isinstance(node, ast.ImportFrom) for alias in node.names}


def test_all_is_sorted_and_names_each_once() -> None:
    assert deidsynth.__all__ == sorted(deidsynth.__all__)
    assert len(set(deidsynth.__all__)) == len(deidsynth.__all__)


def test_all_equals_what_the_package_exports() -> None:
    assert set(deidsynth.__all__) == typed_exports() | {"__version__"}
    assert set(deidsynth.__all__) == set(deidsynth._HOME_OF) | {"__version__"}


@pytest.mark.parametrize("name", deidsynth.__all__)
def test_every_public_name_resolves(name: str) -> None:
    value = getattr(deidsynth, name)
    if name != "__version__":
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
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        _ = deidsynth.nonsense


def test_dir_lists_the_public_names() -> None:
    assert dir(deidsynth) == deidsynth.__all__
