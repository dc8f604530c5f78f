"""The optional libraries of private adaptation."""

from __future__ import annotations

import importlib
from typing import Any

from deidsynth.errors import MissingExtraError


def private_library(name: str) -> Any:
    """A module of Opacus or of dp-accounting.

    Raises:
        MissingExtraError: the extra ``dp`` is not installed.
    """
    try:
        return importlib.import_module(name)
    except ImportError:
        raise MissingExtraError("adapt.private", "dp") from None


def check_extra() -> None:
    """Check that both libraries are installed.

    Raises:
        MissingExtraError: the extra ``dp`` is not installed.
    """
    for name in ("opacus.optimizers", "dp_accounting.pld"):
        private_library(name)
