"""A recognizer for Presidio's analyzer, and an analyzer that needs no download."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Final

from deidsynth.config.surrogates import Kind
from deidsynth.corpora.formats.spacy_docs import blank
from deidsynth.deidentification.runtime import Deidentifier
from deidsynth.errors import InputError, MissingExtraError
from deidsynth.integrations.finding import load_finder
from deidsynth.surrogates.labels import kind_of

try:
    from presidio_analyzer import (
        AnalyzerEngine,
        EntityRecognizer,
        LocalRecognizer,
        RecognizerRegistry,
        RecognizerResult,
    )
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
except ImportError:
    raise MissingExtraError("deidsynth.integrations.presidio", "presidio") from None

if TYPE_CHECKING:
    from presidio_analyzer.nlp_engine import NlpArtifacts

OWN: Final = "own"
PRESIDIO: Final = "presidio"
SMALLEST_SCORE = 1e-6
"""Presidio drops what has the score 0, which a rounded one may have where a threshold for recall lets it in."""

PRESIDIO_NAMES: Mapping[Kind, str] = MappingProxyType(
    {
        "first_name": "PERSON",
        "last_name": "PERSON",
        "full_name": "PERSON",
        "age": "AGE",
        "date": "DATE_TIME",
        "date_part": "DATE_TIME",
        "phone": "PHONE_NUMBER",
        "email": "EMAIL_ADDRESS",
        "url": "URL",
        "ip_address": "IP_ADDRESS",
        "swedish_identity": "SE_PERSONNUMMER",
        "spanish_record": "ID",
        "spanish_insurance": "ID",
        "spanish_license": "ID",
        "us_identity": "US_SSN",
        "national_identity": "ID",
        "identifier": "ID",
        "hospital": "ORGANIZATION",
        "clinic": "ORGANIZATION",
        "organization": "ORGANIZATION",
        "street": "LOCATION",
        "place": "LOCATION",
        "country": "LOCATION",
        "postcode": "LOCATION",
    }
)
"""Presidio's names for what labels of these kinds mark; other labels keep their own."""


class DeidsynthRecognizer(LocalRecognizer):
    """Finds in Presidio what ``deidsynth`` finds: valid entities in texts of any length, with exact offsets.

    It needs nothing of Presidio's NLP engine, so a blank one will do (``blank_analyzer``). Whatever goes wrong is
    raised: an empty list always means that nothing was found.

    Args:
        model: folder of a trained tagger, or a ``Deidentifier`` that is loaded already, which recognizers of several
            languages can share; the arguments about finding are then its own.
        supported_language: ISO 639-1 code under which Presidio asks for it; by default that of the model.
        entity_names: ``own`` reports labels as the model has them, ``presidio`` by Presidio's names where it has one,
            and a mapping says the name of each label that does not keep its own.
        patterns: whether what has an unmistakable form, such as email addresses, is also found by pattern.
        second_pass: whether further mentions of names that were found are sought.
        known: file of values that are known beforehand, as for ``Deidentifier.load``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: ``auto``, ``fp32`` or ``bf16``.
        name: in Presidio's records.

    Raises:
        InputError: no language is known, or a name is for no label of the model.
        ModelNotFoundError: the folder holds no model.
        ModelNotUsableError: the model is not a tagger.
    """

    def __init__(
        self,
        model: str | Path | Deidentifier,
        *,
        supported_language: str | None = None,
        entity_names: str | Mapping[str, str] = OWN,
        patterns: bool = True,
        second_pass: bool = True,
        known: str | Path | None = None,
        device: str = "auto",
        precision: str = "auto",
        name: str = "DeidsynthRecognizer",
    ) -> None:
        if isinstance(model, str | Path):
            model = load_finder(
                model,
                patterns=patterns,
                second_pass=second_pass,
                known=known,
                language=supported_language,
                device=device,
                precision=precision,
            )
        self._finder = model
        language = supported_language or model.language
        if language is None:
            raise InputError(f"{name}: the language of the model is not known; give supported_language, such as 'es'")
        self._names = _names(model.findable, entity_names)
        super().__init__(sorted(set(self._names.values())), name=name, supported_language=language)

    def load(self) -> None:
        """Nothing: the model is loaded when the recognizer is made, since it says which entities there are."""

    def analyze(
        self, text: str, entities: list[str], nlp_artifacts: NlpArtifacts | None = None
    ) -> list[RecognizerResult]:
        """What identifies in a text.

        Args:
            text: of any length.
            entities: names to report; all of them if there is none.
            nlp_artifacts: not used.

        Raises:
            InputError: the text is no string.
        """
        if not isinstance(text, str):
            raise InputError(f"{self.name}: expected a text to analyze, got {type(text).__name__}")
        found = self._finder.find(text)
        wants_all = not entities or set(self.supported_entities).issubset(entities)
        results = []
        for entity, source in zip(found.document.entities, found.sources, strict=True):
            kind = self._names.get(entity.label, entity.label)
            if wants_all or kind in entities:  # a known value may have a label that nobody can ask for
                score = 1.0 if entity.score is None else max(entity.score, SMALLEST_SCORE)
                results.append(RecognizerResult(kind, entity.start, entity.end, score, None, self._metadata(source)))
        return results

    def _metadata(self, source: str) -> dict[str, str]:
        return {
            RecognizerResult.RECOGNIZER_NAME_KEY: self.name,
            RecognizerResult.RECOGNIZER_IDENTIFIER_KEY: self.id,
            "source": source,
        }


def _names(labels: Sequence[str], wanted: str | Mapping[str, str]) -> dict[str, str]:
    """The name in Presidio of every label."""
    if wanted == OWN:
        wanted = {}
    elif wanted == PRESIDIO:
        kinds = {label: kind_of(label) for label in labels}
        wanted = {label: PRESIDIO_NAMES[kind] for label, kind in kinds.items() if kind and kind in PRESIDIO_NAMES}
    if isinstance(wanted, str):
        raise InputError(f"entity_names: expected {OWN!r}, {PRESIDIO!r} or a mapping of labels, got {wanted!r}")
    unknown = sorted(set(wanted) - set(labels))
    if unknown:
        raise InputError(f"entity_names: no such label: {', '.join(unknown)}; the labels are {', '.join(labels)}")
    return {label: wanted.get(label, label) for label in labels}


def blank_analyzer(*recognizers: EntityRecognizer) -> AnalyzerEngine:
    """An analyzer with these recognizers alone, on blank spaCy pipelines: nothing is downloaded.

    Presidio's own recognizer of email addresses may be one of them: the list of domains that came with it is used,
    where it would else ask for a newer one.

    Args:
        recognizers: one or more, of one or more languages.
    """
    importlib.import_module("tldextract").tldextract.TLD_EXTRACTOR.suffix_list_urls = ()
    languages = sorted({each.supported_language for each in recognizers})
    engine = SpacyNlpEngine(models=[{"lang_code": each, "model_name": "blank"} for each in languages])
    engine.nlp = {each: blank(each) for each in languages}
    registry = RecognizerRegistry(list(recognizers), supported_languages=languages)
    return AnalyzerEngine(registry=registry, nlp_engine=engine, supported_languages=languages)
