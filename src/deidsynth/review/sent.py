"""The record of what was sent to a person: private, and needed to take the corrections back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, ClassVar

from pydantic import ConfigDict, TypeAdapter, ValidationError

from deidsynth.digests import digest
from deidsynth.documents import Document, Entity, Origin
from deidsynth.errors import InputError, InvalidEntityError
from deidsynth.files import write_json
from deidsynth.review.queues import Queue

RECORD = "sent.json"
SCHEMA_VERSION = 1

_STRICT = ConfigDict(extra="forbid", strict=True)


@dataclass(frozen=True, slots=True)
class SentDocument:
    """A document that was sent.

    Args:
        name: its id in the tool: queue and place in it.
        doc_id: its own id.
        queue: that it is in.
        text: digest of the exact text.
        n_chars: of the text.
        predicted: what the tagger found, also where it was not shown.
        mark: the word outside of entities that was marked, with the probability that it belongs there; None for none.
        group: of the document.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    name: str
    doc_id: str
    queue: Queue
    text: str
    n_chars: int
    predicted: list[Entity]
    mark: Entity | None
    group: str | None

    def has_text(self, text: str) -> bool:
        """Whether a text is exactly the one that was sent."""
        return len(text) == self.n_chars and digest(text) == self.text

    def predicted_document(self, text: str) -> Document:
        """The document with what the tagger found.

        Args:
            text: the one that was sent.
        """
        return Document(self.doc_id, text, tuple(self.predicted), self.group)


@dataclass(frozen=True, slots=True)
class Sent:
    """Everything that was sent in one export.

    Args:
        format: of the files, as ``deidsynth corpus formats`` names it.
        seed: of the blind slice.
        model: digest of the tagger's folder; None if a corpus was sent as it was annotated before.
        origin: of the texts.
        language: of the texts, if known.
        labels: that a person could choose.
        mark: the label of marked words, which are no entities.
        n_candidates: documents that were chosen from.
        documents: in the order of queues and of their places in these.
        lineage: the data that texts and predictions go back to.
        created: UTC, ISO 8601.
    """

    __pydantic_config__: ClassVar[ConfigDict] = _STRICT

    format: str
    seed: int
    model: str | None
    origin: Origin
    language: str | None
    labels: list[str]
    mark: str
    n_candidates: int
    documents: list[SentDocument]
    lineage: dict[str, list[dict[str, Any]]]
    created: str
    schema_version: int = SCHEMA_VERSION

    def write(self, folder: Path) -> None:
        """Write the record into the folder of an export."""
        write_json(folder / RECORD, asdict(self), private=True)


_SENT: TypeAdapter[Sent] = TypeAdapter(Sent)


def read_sent(folder: Path) -> Sent:
    """The record in the folder of an export.

    Raises:
        InputError: it is not such a folder, or the record is damaged or of another version.
    """
    path = folder / RECORD
    try:
        text = path.read_bytes()
    except OSError:
        raise InputError(f"{folder}: has no {RECORD}; give the folder that deidsynth review export wrote") from None
    try:
        sent = _SENT.validate_json(text)
        if sent.schema_version != SCHEMA_VERSION:
            raise ValueError
    except (ValidationError, ValueError, RecursionError, InvalidEntityError):
        raise InputError(
            f"{path}: is damaged, or of another version of deidsynth; put back the file that review export wrote"
        ) from None
    return sent
