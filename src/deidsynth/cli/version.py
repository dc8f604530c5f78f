"""``deidsynth version``."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version as version_of

from deidsynth import __version__
from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.terminal import print_json

_PACKAGES = ("torch", "transformers", "peft", "accelerate", "tokenizers", "safetensors")


def version_command(json: AsJson = False, quiet: Quiet = False) -> None:
    """Print the versions of deidsynth and of the libraries that it depends on."""
    if json:
        print_json(versions())
    elif quiet:
        print(__version__)
    else:
        for name, version in versions().items():
            print(f"{name} {version or 'not installed'}")


def versions() -> dict[str, str | None]:
    """The versions of this package, of Python and of libraries that affect results; None if not installed."""
    found: dict[str, str | None] = {"deidsynth": __version__, "python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version_of(name)
        except PackageNotFoundError:
            found[name] = None
    return found
