"""The recognizer in Presidio's own analyzer, without any download."""

from __future__ import annotations

import socket
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest

from deidsynth.config.policy import Policy
from deidsynth.deidentification.detectors import Detectors
from deidsynth.deidentification.policies import Replacer
from deidsynth.deidentification.runtime import Deidentifier
from deidsynth.documents import Document, Entity
from deidsynth.errors import InputError, ModelNotFoundError
from tool_notes import ENTITIES, NOTE, TEXTS

pytest.importorskip("presidio_analyzer")
from presidio_analyzer import BatchAnalyzerEngine
from presidio_analyzer.predefined_recognizers import EmailRecognizer

from deidsynth.integrations.presidio import DeidsynthRecognizer, blank_analyzer

pytestmark = pytest.mark.slow

Finds = list[tuple[str, str]]


def told(
    *entities: Entity,
    error: Exception | None = None,
    labels: Sequence[str] = ("NAME", "CITY"),
    language: str | None = "sv",
) -> Deidentifier:
    """What finds these entities in every text, and nothing around them."""

    def find(documents: Sequence[Document]) -> list[Document]:
        if error is not None:
            raise error
        return [document.with_entities(entities) for document in documents]

    policy = Policy.model_validate({"detect": {"patterns": False, "second_pass": False}})
    return Deidentifier(
        find,
        detect=Detectors(policy.detect, language=language, labels=labels),
        replace=Replacer(policy, language=language),
        policy=policy,
        labels=labels,
        language=language,
    )


@pytest.fixture(scope="module")
def recognizer(model: Path) -> DeidsynthRecognizer:
    return DeidsynthRecognizer(model, supported_language="sv", device="cpu")


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any, **__: Any) -> None:
        raise AssertionError("asks the network")

    monkeypatch.setattr(socket, "getaddrinfo", refuse)
    monkeypatch.setattr(socket.socket, "connect", refuse)


def finds(text: str, results: Iterable[Any]) -> Finds:
    ordered = sorted(results, key=lambda each: each.start)
    return [(each.entity_type, text[each.start : each.end]) for each in ordered]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_analyzer_finds_the_same_at_exact_offsets(text: str, recognizer: DeidsynthRecognizer, offline: None) -> None:
    results = blank_analyzer(recognizer).analyze(text, language="sv")
    assert finds(text, results) == ENTITIES
    assert all(0 < each.score <= 1 for each in results)
    assert {each.recognition_metadata["recognizer_name"] for each in results} == {"DeidsynthRecognizer"}


def test_only_what_is_asked_for_is_reported(recognizer: DeidsynthRecognizer) -> None:
    assert finds(NOTE, blank_analyzer(recognizer).analyze(NOTE, language="sv", entities=["NAME"])) == ENTITIES[:1]


def test_batches_go_through(recognizer: DeidsynthRecognizer) -> None:
    texts = [NOTE, "Mår bättre nu.", ""]
    found = BatchAnalyzerEngine(blank_analyzer(recognizer)).analyze_iterator(texts, "sv")
    assert [finds(text, each) for text, each in zip(texts, found, strict=True)] == [ENTITIES, [], []]


def test_names_are_those_of_presidio_where_it_has_one() -> None:
    entities = [Entity(0, 4, "FIRST_NAME", 0.5), Entity(5, 7, "TITLE"), Entity(8, 10, "HOSPITAL", 0.25)]
    made = told(*entities, labels=["FIRST_NAME", "TITLE", "HOSPITAL"])
    presidio = DeidsynthRecognizer(made, entity_names="presidio")
    own = DeidsynthRecognizer(made, entity_names={"TITLE": "DEGREE"})
    assert [each.entity_type for each in presidio.analyze("Anna MD SU", [])] == ["PERSON", "TITLE", "ORGANIZATION"]
    assert [each.entity_type for each in own.analyze("Anna MD SU", [])] == ["FIRST_NAME", "DEGREE", "HOSPITAL"]
    assert own.supported_entities == ["DEGREE", "FIRST_NAME", "HOSPITAL"]
    assert [each.score for each in own.analyze("Anna MD SU", [])] == [0.5, 1.0, 0.25]


@pytest.mark.parametrize(
    ("names", "message"), [("short", "expected 'own'"), ({"NAMN": "PERSON"}, "no such label: NAMN")]
)
def test_names_that_fit_nothing_are_refused(names: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        DeidsynthRecognizer(told(), entity_names=names)


def test_what_a_threshold_for_recall_lets_in_is_not_dropped_for_its_score() -> None:
    analyzer = blank_analyzer(DeidsynthRecognizer(told(Entity(0, 4, "NAME", 0.0))))
    assert finds("Anna kom", analyzer.analyze("Anna kom", language="sv")) == [("NAME", "Anna")]


@pytest.mark.parametrize("error", [InputError("the device is gone"), RuntimeError("out of memory")])
def test_errors_surface(error: Exception) -> None:
    analyzer = blank_analyzer(DeidsynthRecognizer(told(error=error)))
    with pytest.raises(type(error), match=str(error)):
        analyzer.analyze("Anna kom", language="sv")


def test_what_cannot_be_used_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError, match="no model"):
        DeidsynthRecognizer(tmp_path, supported_language="sv")
    with pytest.raises(InputError, match="expected a text to analyze, got NoneType"):
        DeidsynthRecognizer(told()).analyze(None, [])  # type: ignore[arg-type]
    with pytest.raises(InputError, match="give supported_language"):
        DeidsynthRecognizer(told(language=None))


def test_what_is_found_around_the_model_is_reported_too(model: Path, tmp_path: Path) -> None:
    (tmp_path / "known.csv").write_text("value,label\nXyloquist,PET\n", encoding="utf-8")
    recognizer = DeidsynthRecognizer(model, supported_language="sv", device="cpu", known=tmp_path / "known.csv")
    text = f"{NOTE} Skriv till a.b@example.org om Xyloquist."
    found = blank_analyzer(recognizer).analyze(text, language="sv")
    around = [("EMAIL", "a.b@example.org"), ("PET", "Xyloquist")]
    assert [each for each in finds(text, found) if each[0] in ("EMAIL", "PET")] == around
    assert finds(text, recognizer.analyze(text, ["EMAIL"])) == [("EMAIL", "a.b@example.org")]
    alone = DeidsynthRecognizer(model, supported_language="sv", device="cpu", patterns=False)
    assert {label for label, _ in finds(text, alone.analyze(text, []))} == {"CITY", "NAME"}


def test_one_model_serves_several_languages_and_other_recognizers(offline: None) -> None:
    made = told(Entity(0, 4, "NAME", 0.9))
    several = [DeidsynthRecognizer(made, supported_language=each) for each in ("es", "sv")]
    analyzer = blank_analyzer(*several, EmailRecognizer(supported_language="es"))
    text = "Anna: anna@example.org"
    assert finds(text, analyzer.analyze(text, language="es")) == [
        ("NAME", "Anna"),
        ("EMAIL_ADDRESS", "anna@example.org"),
    ]
    assert finds(text, analyzer.analyze(text, language="sv")) == [("NAME", "Anna")]
