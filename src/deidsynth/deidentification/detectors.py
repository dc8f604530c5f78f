"""What identifies in a document: what the model found, and what is found around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import lru_cache

from deidsynth.config.detection import Detection
from deidsynth.config.surrogates import Kind
from deidsynth.deidentification.found import Found, Source
from deidsynth.deidentification.known_value_finder import KINDS_OF_KNOWN_VALUES, KnownValueFinder
from deidsynth.deidentification.known_values import KnownValues
from deidsynth.deidentification.labels import label_for
from deidsynth.deidentification.merging import Hit, merged
from deidsynth.deidentification.names import Mention
from deidsynth.deidentification.patterns import PatternFinder
from deidsynth.deidentification.second_pass import second_pass
from deidsynth.deidentification.whole_numbers import whole_numbers
from deidsynth.documents import Document, Entity
from deidsynth.normalization import NormalizedText, normalize

_PATIENTS_AT_ONCE = 256
"""Patients whose values are kept ready to be sought."""


class Detectors:
    """Finds what identifies in documents whose entities are those of a model; may be used by several threads.

    Args:
        detection: what is sought.
        language: ISO 639-1 code of the texts, if known.
        labels: of the model.
        known: values of patients that are known beforehand.
        kinds: kind of value for labels, beside those that the package knows.
    """

    def __init__(
        self,
        detection: Detection,
        *,
        language: str | None,
        labels: Sequence[str],
        known: KnownValues | None = None,
        kinds: Mapping[str, Kind] | None = None,
    ) -> None:
        self._detection, self._language, self._kinds = detection, language, kinds
        self._patterns = PatternFinder(language, labels, kinds) if detection.patterns else None
        known = known or KnownValues({})
        self._of_patient = lru_cache(_PATIENTS_AT_ONCE)(
            lambda patient: KnownValueFinder(known.of(patient), language, labels, kinds)
        )
        self._of_all = KnownValueFinder(known.of(None), language, labels, kinds)
        values = [value for patient in (None, *known.patients) for value in known.of(patient)]
        of_known = {value.label for value in values if value.label is not None}
        if any(value.label is None for value in values):
            of_known |= {label_for([kind], labels, kinds) for kind in KINDS_OF_KNOWN_VALUES}
        self._labels = frozenset({*labels, *(self._patterns.labels if self._patterns else ()), *of_known})

    @property
    def labels(self) -> frozenset[str]:
        """The labels of everything that may be found: by the model, by pattern, as a known value."""
        return self._labels

    def __call__(self, document: Document) -> Found:
        """The document with all that was found.

        Args:
            document: with the entities of the model; known values of its group, the patient, are sought.
        """
        patient = document.group
        seen = normalize(document.text)
        hits = [Hit(entity, "model") for entity in document.entities]
        finders = [self._of_all] if patient is None else [self._of_all, self._of_patient(patient)]
        known = [hit for finder in finders for hit in _hits(seen, finder.mentions(seen.text), "known value")]
        owners = _owners(document) if known else []
        hits += (hit for hit in known if _n_taking(document, owners, hit) < 2)  # those would make several entities one
        if self._patterns:
            hits += _hits(seen, self._patterns.mentions(seen.text), "pattern")
        found = merged(document, hits)
        if self._patterns:
            found = self._whole(found, seen)
        return self._again(found, seen) if self._detection.second_pass else found

    def _whole(self, found: Found, seen: NormalizedText) -> Found:
        """What was found, its numbers made whole."""
        entities = found.document.entities
        as_seen = replace(found.document, text=seen.text, entities=seen.to_normalized(entities))
        whole = [Hit(each, "pattern") for each in seen.to_original(whole_numbers(as_seen, self._kinds))]
        return merged(found.document, [*map(Hit, entities, found.sources), *whole]) if whole else found

    def _again(self, found: Found, seen: NormalizedText) -> Found:
        """What was found and further mentions of its names."""
        entities = found.document.entities
        as_seen = replace(found.document, text=seen.text, entities=seen.to_normalized(entities))
        mentions = _hits(seen, second_pass(as_seen, self._language, self._kinds), "second pass")
        owners = _owners(found.document) if mentions else []
        new = [hit for hit in mentions if not _n_taking(found.document, owners, hit)]
        if not new:
            return found
        return merged(found.document, [*map(Hit, entities, found.sources), *new])


def _hits(seen: NormalizedText, mentions: Iterable[Mention], source: Source) -> list[Hit]:
    """Mentions in normalized text as hits in the text of the document."""
    return [
        Hit(entity, source, mention.is_stated)
        for mention in mentions
        for entity in seen.to_original([Entity(mention.start, mention.end, mention.label)])
    ]


def _owners(document: Document) -> list[int]:
    """For each character of a text, the number of its entity, from 1, or 0."""
    owners = [0] * len(document.text)
    for number, entity in enumerate(document.entities, start=1):
        owners[entity.start : entity.end] = [number] * (entity.end - entity.start)
    return owners


def _n_taking(document: Document, owners: Sequence[int], hit: Hit) -> int:
    """How many entities of a document hold all letters and digits of a hit together; 0 if some are in none."""
    places = range(hit.entity.start, hit.entity.end)
    if any(not owners[place] and document.text[place].isalnum() for place in places):
        return 0
    return len({owners[place] for place in places} - {0})
