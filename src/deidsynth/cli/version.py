"""``deidsynth version``."""

from __future__ import annotations

from deidsynth import __version__
from deidsynth.cli.options import AsJson, Quiet
from deidsynth.cli.terminal import print_json
from deidsynth.workflow.store.manifest import package_versions


def version_command(json: AsJson = False, quiet: Quiet = False) -> None:
    """Print the versions of deidsynth and of the libraries that it depends on."""
    if json:
        print_json(package_versions())
    elif quiet:
        print(__version__)
    else:
        for name, version in package_versions().items():
            print(f"{name} {version or 'not installed'}")
