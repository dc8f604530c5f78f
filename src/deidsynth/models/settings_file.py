"""Settings that deidsynth saves with the weights of a model: ``deidsynth.json``, with its own schema version."""

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
    """Decoding settings of a tagger.

    Args:
        window_tokens: maximum length of a window, without special tokens.
        whole_words: whether decoding keeps entity boundaries at word boundaries.
        transitions: scores of tag transitions, which decoding adds; one row for each tag.
        outside_threshold: tokens whose probability of O is at most this are never tagged O.
        ensemble_size: number of models, including the one in the folder itself.
        entities_per_character: of the training documents, by which it is seen that a tagger finds next to nothing.
    """

    model_config = _STRICT

    window_tokens: Annotated[int, Field(ge=1)]
    whole_words: bool
    transitions: tuple[tuple[float, ...], ...] | None = None
    outside_threshold: float | None = None
    ensemble_size: Annotated[int, Field(ge=1)] = 1
    entities_per_character: Annotated[float, Field(ge=0.0)] | None = None


class ModelSettings(BaseModel):
    """The content of the file; each kind of model uses some of the keys.

    Args:
        schema_version: of this type; files of other versions are rejected.
        tagger: of a token classifier.
        added_tokens: of a language model with inline entity tags or control codes.
        control_codes: control codes of its training documents, with the number of documents; sampling uses them
            if it gets no training documents.
        language: ISO 639-1 code of the text that a language model was adapted to, where it is known.
    """

    model_config = _STRICT

    schema_version: Literal[1] = SCHEMA_VERSION
    tagger: TaggerSettings | None = None
    added_tokens: AddedTokens | None = None
    control_codes: tuple[tuple[tuple[str, ...], Annotated[int, Field(ge=1)]], ...] = ()
    language: str | None = None

    def save(self, folder: Path) -> None:
        """Write the file to the folder of a model."""
        write_atomically(folder / FILE, self.model_dump_json(exclude_none=True) + "\n")

    @classmethod
    def load(cls, folder: Path) -> ModelSettings:
        """The settings of the model in a folder; empty if there is no file.

        Raises:
            ModelNotUsableError: the file is damaged, or comes from another version of deidsynth.
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
