"""The options that say what happens to what is found: policy, mode, key and known values."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from deidsynth.cli.options import Mode
from deidsynth.cli.terminal import tell
from deidsynth.config.parsing import load_data, parse
from deidsynth.config.policy import Policy
from deidsynth.errors import InputError

if TYPE_CHECKING:
    from deidsynth.deidentification.runtime import Deidentifier

_OPEN_TO_OTHERS = 0o077

PolicyFile = Annotated[
    Path | None, typer.Option("--policy", metavar="FILE", help="YAML file that says what happens to each label.")
]
ModeOfAll = Annotated[
    Mode | None,
    typer.Option(
        "--mode",
        metavar="tag|mask|number|remove|surrogate",
        help="What happens to all labels, in place of a policy: tag, mask with the label, number, remove, or "
        "replace by an invented value. Default: mask.",
    ),
]
Known = Annotated[
    Path | None,
    typer.Option("--known", metavar="FILE", help="CSV or JSONL file with values that are known of patients."),
]
KeyFile = Annotated[
    Path | None,
    typer.Option("--key-file", metavar="FILE", help="File of random bytes that surrogates are derived from."),
]


def asked_policy(path: Path | None, mode: Mode | None, language: str | None) -> Policy:
    """The policy of the options.

    Raises:
        InputError: both a policy and a mode are given, or the file cannot be read.
        ConfigError: the policy has faults, or the language is none.
    """
    if path is not None and mode is not None:
        raise InputError("--mode: a policy says what happens to each label; leave --mode or --policy out")
    data: dict[str, Any] = {"default": (mode or Mode.MASK).value} if path is None else load_data(path)
    if language is not None:
        data = {**data, "language": language}
    return parse(Policy, data, "--mode" if path is None else str(path), typed=path is None)


def tell_unused(found_by: Deidentifier, quiet: bool) -> None:
    """Warn of labels of the policy that nothing finds, such as misspelled ones."""
    if found_by.unused_labels:
        unused, labels = ", ".join(found_by.unused_labels), ", ".join(found_by.findable)
        tell(f"warning: the policy names labels that nothing finds: {unused}; found are {labels}", quiet)


def read_key(path: Path, quiet: bool) -> bytes:
    """The bytes of a key file.

    Raises:
        InputError: it cannot be read.
    """
    try:
        if path.stat().st_mode & _OPEN_TO_OTHERS:
            tell(
                f"{path}: others may read the key, which gives away what surrogates stand for: chmod 600 {path}", quiet
            )
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); give a file of random bytes") from None
