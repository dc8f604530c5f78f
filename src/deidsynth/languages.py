"""Codes of languages: ISO 639-1, their English names, and what to write instead of what is no such code."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import yaml

MULTILINGUAL = "xx"
"""What spaCy calls a pipeline of no language in particular."""


def name_of(code: str) -> str:
    """The English name of a language by its code of two letters; any other code unchanged.

    >>> name_of("no")
    'Norwegian'
    """
    names = _table()[0]
    return names[code][0] if code in names else code


def named(code: str) -> str:
    """The name and the code of a language, for messages.

    >>> named("no")
    'Norwegian (no)'
    """
    name = name_of(code)
    return code if name == code else f"{name} ({code})"


def language_code(value: object) -> str | None:
    """A code of two letters (ISO 639-1) or three (ISO 639-3) in lower case, or None for None.

    Raises:
        ValueError: the value is not formed like such a code.
    """
    if value is None:
        return None
    if isinstance(value, str) and re.fullmatch("[A-Za-z]{2,3}", value):
        return value.lower()
    raise ValueError("expected a code of two or three letters, such as es or sv")


def checked_code(value: object) -> str | None:
    """As ``language_code``, but a code of two letters must be one of ISO 639-1: for what a user asks for.

    Raises:
        ValueError: it is not; the message says what to write, if that can be told.
    """
    try:
        code = language_code(value)
    except ValueError as error:
        raise ValueError(f"{error}{_meant(value)}") from None
    if code is not None and len(code) == 2 and code not in _table()[0]:
        raise ValueError(f"not a code of ISO 639-1, expected one such as es or sv{_meant(code)}")
    return code


def what_is_wrong(code: str) -> str | None:
    """The remedy for a code that is known to nothing here although its language may be; None if it is in order."""
    meant = _table()[1].get(code)
    if meant is not None:
        return f"language {code}: write {meant}, the code of ISO 639-1 for {name_of(meant)}"
    if len(code) == 2 and code not in _table()[0]:
        return f"language {code}: not a code of ISO 639-1; set the right one with --language"
    return None


def _meant(value: object) -> str:
    """The end of a message that names the code that was probably meant."""
    code = _table()[1].get(value.strip().casefold()) if isinstance(value, str) else None
    return "" if code is None else f"; write {code} for {name_of(code)}"


@cache
def _table() -> tuple[dict[str, list[str]], dict[str, str]]:
    """Name and other codes of every code, and the code for every name, code of three letters, or mistaken country."""
    file = resources.files("deidsynth") / "languages.yaml"
    table = yaml.safe_load(file.read_text(encoding="utf-8"))
    languages: dict[str, list[str]] = table["languages"]
    meant: dict[str, str] = dict(table["countries"])
    for code, names in languages.items():
        meant |= {name.casefold(): code for name in names}
    return languages, meant
