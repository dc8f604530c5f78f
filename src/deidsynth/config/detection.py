"""What is sought around a model: patterns, and further mentions of names."""

from __future__ import annotations

from pydantic import Field

from deidsynth.config.parsing import StageConfig


class Detection(StageConfig):
    """What is sought in a document beside what the model finds; docs/detection.md has what each adds."""

    patterns: bool = Field(
        True,
        description="find what has an unmistakable form: email addresses, URLs, IP addresses, telephone numbers, and "
        "national identification numbers of the language whose check digits are right; and make numbers whole of which "
        "the model found a piece",
    )
    second_pass: bool = Field(True, description="find further mentions of names that were found once in the document")
