"""What deidsynth keeps beside the weights of a model: ``deidsynth.json``, with a version of its own."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from deidsynth.errors import ModelNotUsableError
from deidsynth.files import write_atomically
from deidsynth.models.language_model.added_tokens import AddedTokens

FILE = "deidsynth.json"
SCHEMA_VERSION: Final = 1

_STRICT = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class TaggerSettings(BaseModel):
    """How a tagger is used.

    Args:
        window_tokens: longest window that it should see, special tokens left out.
        whole_words: whether its entities never begin or end inside a word.
        transitions: what decoding adds for each tag after each other one; one row for each tag.
        outside_threshold: probability of being outside up to which a token is never left outside.
        ensemble_size: how many models there are, the one in the folder included.
    """

    model_config = _STRICT

    window_tokens: Annotated[int, Field(ge=1)]
    whole_words: bool
    transitions: tuple[tuple[float, ...], ...] | None = None
    outside_threshold: float | None = None
    ensemble_size: Annotated[int, Field(ge=1)] = 1


class ModelSettings(BaseModel):
    """The content of the file; a model has what its kind needs.

    Args:
        schema_version: of this type; a file of another version is refused.
        tagger: of a token classifier.
        added_tokens: of a language model that writes more than text.
        control_codes: which control codes its training documents have, and how many documents have them; sampling takes
            from here what it is not given documents for.
    """

    model_config = _STRICT

    schema_version: Literal[1] = SCHEMA_VERSION
    tagger: TaggerSettings | None = None
    added_tokens: AddedTokens | None = None
    control_codes: tuple[tuple[tuple[str, ...], Annotated[int, Field(ge=1)]], ...] = ()

    def save(self, folder: Path) -> None:
        """Write the file into the folder of a model."""
        write_atomically(folder / FILE, self.model_dump_json(exclude_none=True) + "\n")

    @classmethod
    def load(cls, folder: Path) -> ModelSettings:
        """The settings of the model in a folder; empty ones where no file says more.

        Raises:
            ModelNotUsableError: the file is damaged, or of another version of deidsynth.
        """
        path = folder / FILE
        if not path.is_file():
            return cls()
        try:
            plain = json.loads(path.read_text(encoding="utf-8"))
            version = plain.get("schema_version")
            if version == SCHEMA_VERSION:
                return cls.model_validate(plain)
        except (OSError, ValueError, AttributeError, RecursionError):
            raise ModelNotUsableError(
                f"{path}: cannot be read; copy the model again, or train or adapt it again"
            ) from None
        found = "no schema version" if version is None else f"schema version {json.dumps(version)}"
        raise ModelNotUsableError(
            f"{path}: {found}, this deidsynth reads {SCHEMA_VERSION}; train or adapt the model again"
        )
