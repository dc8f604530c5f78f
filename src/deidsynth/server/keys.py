"""API keys: a file with the name and the digest of each; a key itself is shown once and stored nowhere."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from deidsynth.config.parsing import StageConfig, parse
from deidsynth.errors import InputError
from deidsynth.files import write_json
from deidsynth.plain_data import read_json

PREFIX = "dsk_"
"""Begins every key, so that scanners for secrets can find one that was pasted somewhere."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_DIGEST = re.compile(r"[0-9a-f]{64}")


class _KeyFile(StageConfig):
    """What the file holds."""

    schema_version: Literal[1] = Field(description="of this file")
    keys: dict[str, str] = Field(description="SHA-256 of each key, by the name of who has it")

    @field_validator("keys")
    @classmethod
    def _are_names_and_digests(cls, keys: dict[str, str]) -> dict[str, str]:
        if not all(_NAME.fullmatch(name) and _DIGEST.fullmatch(digest) for name, digest in keys.items()):
            raise ValueError("expected names with SHA-256 digests; make the file with deidsynth serve-keys")
        return keys


@dataclass(frozen=True, slots=True, repr=False)
class ApiKeys:
    """The keys that a service accepts.

    Args:
        digests: SHA-256 of each, by name.
    """

    digests: Mapping[str, str]

    def __repr__(self) -> str:
        return f"ApiKeys({len(self.digests)})"

    def owner(self, key: str) -> str | None:
        """The name of a key; None if it is unknown. It takes as long whatever the key.

        A plain digest is enough: the keys are random, 256 bits long, and cannot be guessed from it.
        """
        given = _digest(key)
        found = None
        for name, digest in self.digests.items():
            if hmac.compare_digest(digest, given):
                found = name
        return found


def read_keys(path: Path) -> ApiKeys:
    """The keys of a file.

    Raises:
        InputError: no such file, or it is no file of keys, or holds none.
    """
    if not path.is_file():
        raise InputError(f"{path}: no such file; make one with: deidsynth serve-keys {path} --add NAME")
    found = _read(path)
    if not found.digests:
        raise InputError(f"{path}: holds no key; add one with: deidsynth serve-keys {path} --add NAME")
    return found


def names_of(path: Path) -> tuple[str, ...]:
    """The names of the keys of a file, sorted; none if it is absent.

    Raises:
        InputError: it is no file of keys.
    """
    return tuple(sorted(_read(path).digests)) if path.exists() else ()


def add_key(path: Path, name: str) -> str:
    """A new key, whose digest is now in the file under that name; the file is made where it is absent.

    Raises:
        InputError: the name is taken or has other characters than letters, digits, ``.``, ``_`` and ``-``.
    """
    if not _NAME.fullmatch(name):
        raise InputError(
            "--add: a name has letters, digits, '.', '_' and '-', 64 at most, and begins with none of these"
        )
    known = dict(_read(path).digests) if path.exists() else {}
    if name in known:
        raise InputError(f"{path}: there is a key named {name}; remove it first, or choose another name")
    key = PREFIX + secrets.token_urlsafe(32)
    _write(path, {**known, name: _digest(key)})
    return key


def remove_key(path: Path, name: str) -> None:
    """Remove a key by its name; a running service takes no notice until it is started again.

    Raises:
        InputError: no such key.
    """
    known = dict(_read(path).digests) if path.exists() else {}
    if known.pop(name, None) is None:
        raise InputError(f"{path}: no key has that name; deidsynth serve-keys {path} lists them")
    _write(path, known)


def _digest(key: str) -> str:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).hexdigest()


def _read(path: Path) -> ApiKeys:
    try:
        data = read_json(path.read_bytes())
    except ValueError:
        data = None
    if not isinstance(data, dict):
        raise InputError(f"{path}: not a file of API keys; make one with: deidsynth serve-keys FILE --add NAME")
    return ApiKeys(parse(_KeyFile, data, source=str(path)).keys)


def _write(path: Path, digests: Mapping[str, str]) -> None:
    write_json(path, {"schema_version": 1, "keys": dict(sorted(digests.items()))}, private=True)
