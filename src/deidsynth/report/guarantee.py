"""What the guarantee of a private adaptation does not cover."""

from __future__ import annotations

from deidsynth.config import ADAPTATION_ONLY
from deidsynth.report.content import RunReport
from deidsynth.showing import visible


def guarantee(report: RunReport) -> str | None:
    """A warning for a run whose language model is private and whose corpus is not, else None."""
    gaps = report.gaps_in_guarantee
    return f"{ADAPTATION_ONLY} ({'; '.join(visible(gap) for gap in gaps)})" if gaps else None
