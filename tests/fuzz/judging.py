"""What must hold for every command, whatever it is given."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any

from fuzz.bases import SECRET
from fuzz.case import Case
from fuzz.worker import Outcome

LONGEST_SECONDS = 10.0
"""Of processor time, which a busy machine does not lengthen."""

CHECKS = ("corpus check", "runs verify", "release")
"""Verbs whose exit code 1 means that a check said no."""

TOLD = ("artifacts", "endpoints")
"""Kinds for which exit code 3 is right where the message is one of ours: an artifact that does not match its manifest,
or a server without a usable answer."""

_UNEXPECTED = re.compile(r"unexpected (\w+)(?: at (\S+:\d+))?")
_CONTROL = re.compile(r"[\0-\x08\x0b-\x1f\x7f]")


@dataclass(frozen=True)
class Fault:
    """A property that did not hold.

    Args:
        broken: the property.
        verb: of the command.
        detail: type and place of an exception, or what was seen.
    """

    broken: str
    verb: str
    detail: str = ""

    def __str__(self) -> str:
        return f"{self.verb}: {self.broken}{': ' if self.detail else ''}{self.detail}"


def verb_of(command: tuple[str, ...]) -> str:
    """The verb of a command, with its group."""
    return " ".join(command[: 2 if command[0] in ("corpus", "runs", "study", "models") else 1])


def faults_of(case: Case, outcome: Outcome) -> list[Fault]:
    """The properties that a command of a case broke."""
    verb, (out, err) = verb_of(outcome.command), outcome.printed
    found: list[Fault] = []
    if outcome.raised:
        found.append(Fault("traceback", verb, outcome.raised))
    elif outcome.exit_code not in _allowed(case, outcome):
        found.append(Fault(f"exit code {outcome.exit_code}", verb, _told(err)))
    if outcome.seconds > LONGEST_SECONDS:
        found.append(Fault(f"more than {LONGEST_SECONDS:.0f} s", verb))
    if SECRET in _without_labels(out) + err:
        found.append(Fault("a planted token was printed", verb))
    if _CONTROL.search(out + err):
        found.append(Fault("control characters were printed", verb))
    return found


def _allowed(case: Case, outcome: Outcome) -> set[int]:
    """0 and 2; 1 where a check said no; 3 where the input is no file of the user, and the message is one of ours."""
    if case.exit_code is not None:
        return {case.exit_code}
    checks = {1} if verb_of(outcome.command) in CHECKS else set()
    told = {3} if case.kind in TOLD and not _UNEXPECTED.search(outcome.printed[1]) else set()
    return {0, 2} | checks | told


def _told(err: str) -> str:
    """Type and place of an unexpected exception, or the first line of a message."""
    if found := _UNEXPECTED.search(err):
        return f"{found[1]} at {found[2] or '?'}"
    return err.strip().partition("\n")[0][:200]


def _without_labels(out: str) -> str:
    """What was printed but for the labels of a corpus, which verbs print on purpose: damage may make a text a label."""
    try:
        plain: Any = json.loads(out)
    except ValueError:
        return out
    return json.dumps({**plain, "labels": None}, ensure_ascii=False) if isinstance(plain, dict) else out
