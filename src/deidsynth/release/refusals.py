"""Why a run is not released."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Refusal:
    """A reason against a release.

    Args:
        what: the part of the run that it concerns.
        reason: a sentence with its remedy, without text, paths or digests: it may stand in a bundle.
        may_be_accepted: whether somebody responsible may decide to release nevertheless.
    """

    what: str
    reason: str
    may_be_accepted: bool = False

    def __str__(self) -> str:
        return f"{self.what}: {self.reason}"


def told(run: Path, refusals: Sequence[Refusal], *, accepted: bool) -> str:
    """All reasons in one message, and which of them ``--accept`` concerns.

    Args:
        run: the run folder.
        refusals: the reasons, at least one.
        accepted: whether a reason was given for those that may be accepted.
    """
    never = [refusal for refusal in refusals if not refusal.may_be_accepted]
    some = [refusal for refusal in refusals if refusal.may_be_accepted]
    count = len(refusals)
    lines = [f"{run}: not released, for {count} reason{'' if count == 1 else 's'}"]
    lines += [f"  {refusal}" for refusal in never]
    lines += [f"  {refusal}{' (accepted)' if accepted else ''}" for refusal in some]
    if never:
        which = "none of these" if not some else f"the first {'one' if len(never) == 1 else len(never)}"
        lines.append(f"{which} can be accepted: what changed, or may hold real text, is not released")
    if some and not accepted:
        which = "the others" if never else "this" if count == 1 else "these"
        lines.append(f'--accept "REASON" releases in spite of {which}, and the reason then stands in the bundle')
    return "\n".join(lines)
