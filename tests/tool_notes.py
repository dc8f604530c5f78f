"""Texts in which every tool must find the same."""

from __future__ import annotations

NAME, PLACE = "Alvedina Kvistlund", "Vindheim"
NOTE = f"{NAME}, 31 år, kom från {PLACE} den 3/3."
ODD = f"\U0001f600 {NAME}, 31 år,\r\nkom från {PLACE} den 3/3.\r\n"
LONG = "Mår bättre nu. " * 300 + NOTE
ENTITIES = [("NAME", NAME), ("CITY", PLACE)]
TEXTS = {"plain": NOTE, "emoji and CRLF": ODD, "300 sentences": LONG}
