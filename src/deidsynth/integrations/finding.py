"""What every integration wraps: a ``Deidentifier``, of which it uses what is found and nothing is replaced."""

from __future__ import annotations

from pathlib import Path

from deidsynth.deidentification.runtime import Deidentifier
from deidsynth.workflow.alone import model_folder as model_folder


def load_finder(
    model: str | Path,
    *,
    language: str | None = None,
    patterns: bool = True,
    second_pass: bool = True,
    known: str | Path | None = None,
    device: str = "auto",
    precision: str = "auto",
) -> Deidentifier:
    """A trained tagger with what is sought around it.

    Args:
        model: folder of a tagger.
        language: ISO 639-1 code of the texts; by default that of the model.
        patterns: whether values are found by pattern.
        second_pass: whether further mentions of names are sought.
        known: file of known values.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``fp32`` or ``bf16``.

    Raises:
        InputError: a file that cannot be read, an unknown language or device.
        ModelNotFoundError: the folder holds no model.
        ModelNotUsableError: the model is not a tagger.
    """
    policy = {"language": language, "detect": {"patterns": patterns, "second_pass": second_pass}}
    return Deidentifier.load(model, policy=policy, known=known, device=device, precision=precision)
