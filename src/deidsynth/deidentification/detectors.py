"""What identifies in a document: what the model found, and what is found around it."""

from __future__ import annotations

from collections.abc import Sequence

from deidsynth.config.detection import Detection
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.known_values import KnownValues
from deidsynth.deidentification.merging import Hit, merged
from deidsynth.documents import Document


class Detectors:
    """Finds what identifies in documents whose entities are those of a model.

    Args:
        detection: what is sought.
        language: ISO 639-1 code of the texts, if known.
        labels: of the model.
        known: values of patients that are known beforehand.
    """

    def __init__(
        self,
        detection: Detection,
        *,
        language: str | None,
        labels: Sequence[str],
        known: KnownValues | None = None,
    ) -> None:
        self._detection, self._language, self._labels, self._known = detection, language, labels, known

    def __call__(self, document: Document, patient: str | None = None) -> Found:
        """The document with all that was found.

        Args:
            document: with the entities of the model.
            patient: whose known values are sought.
        """
        return merged(document, (Hit(entity, "model") for entity in document.entities))
