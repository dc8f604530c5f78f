"""How the synthetic notes compare with the real ones: figures that describe, without a verdict."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from deidsynth.report.audit_details import Details, details_of


def fidelity_of(fidelity: Mapping[str, Any]) -> Details | None:
    """The figures of a comparison; None if there was none."""
    return details_of(fidelity) if fidelity else None
