"""Which numbers nobody can have."""

from __future__ import annotations

import re

from deidsynth.surrogates.telephones import SWEDISH_RANGES


def is_fictitious_swedish(number: str) -> bool:
    """Whether a Swedish number, in any writing, lies in one of the ranges that PTS keeps for fiction."""
    digits = re.sub(r"\D", "", number.replace("(0)", ""))
    for lead in ("0046", "46"):
        if digits.startswith(lead):
            digits = "0" + digits[len(lead) :]
            break
    return any(
        digits.startswith(area) and digits[len(area) :].isdigit() and first <= int(digits[len(area) :]) <= last
        for area, first, last in SWEDISH_RANGES
    )
