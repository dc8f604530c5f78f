"""Ages: those over 89 are told as 90+, all others stay, since dates keep their intervals."""

from __future__ import annotations

import re

from deidsynth.surrogates.date_shift import OLDEST
from deidsynth.surrogates.known_words import is_known
from deidsynth.surrogates.shapes import listed
from deidsynth.surrogates.surface_formats import NUMBER_WORDS

_PIECES = re.compile(r"(\d+)(?:[.,]\d+)?|[^\W\d_]+")
_IN_A_YEAR = {
    **dict.fromkeys(listed(
            "mån månad månader mes meses month months mo mos mon monat monate monaten mois måneder "
            "måned mnd maanden maand mdr kuukautta kk mesi mese"
), 12),
    **dict.fromkeys(listed(
            "vecka veckor semana semanas sem week weeks wk wks woche wochen semaine semaines uker "
            "uke weken wk uger uge viikkoa vk settimane"
), 52),
    **dict.fromkeys(listed(
            "dag dagar día dia días dias day days tag tage tagen jour jours dager dagen dage päivää "
            "giorni"
), 365),
    **dict.fromkeys(listed("horas hour hours"), 8766),
}  # fmt: skip
"""How many of a unit are in a year, of all languages together; any other word, or none, is years.

So is a single letter: ``92 m`` may be months, and may be a man of 92.
"""
_ONE = frozenset(listed("un una uno ett en one ein eine einen une én een ett"))


def written_age(text: str, language: str) -> str | None:
    """An age as it may be told: as it is up to 89 years, else with 90+; None if it cannot be read.

    >>> [written_age(age, "es") for age in ("89 años", "102 años", "15 meses", "María")]
    ['89 años', '90+ años', '15 meses', None]

    Args:
        text: such as ``53 años``.
        language: of the text.
    """
    pieces = list(_PIECES.finditer(text))
    words = [piece[0].casefold() for piece in pieces if piece[1] is None]
    numbers = NUMBER_WORDS.get(language, ())
    if not all(word in _ONE or word in numbers or is_known(word, "age", language) for word in words):
        return None
    if not any(piece[1] or piece[0].casefold() in _ONE or piece[0].casefold() in numbers for piece in pieces):
        return None
    texts, last = list[str](), 0
    for index, piece in enumerate(pieces):
        if piece[1] is None:
            continue
        unit = pieces[index + 1][0].casefold() if index + 1 < len(pieces) else ""
        in_a_year = _IN_A_YEAR.get(unit, 1)
        if int(piece[1]) >= OLDEST * in_a_year:
            if in_a_year > 1:
                return None
            texts += text[last : piece.start()], f"{OLDEST}+"
            last = piece.end()
    return "".join([*texts, text[last:]])
