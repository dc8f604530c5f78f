"""The runtime: one way from a text to the text without what identifies in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import torch

from deidentification.stand_ins import deidentifier, find
from deidsynth import (
    CheckFailedError,
    ConfigError,
    Deidentifier,
    InputError,
    ModelNotFoundError,
    ModelNotUsableError,
)
from deidsynth.config import TrainConfig
from deidsynth.deidentification import detection, runtime
from deidsynth.deidentification.deidentified import Deidentified
from deidsynth.deidentification.found import Found
from deidsynth.deidentification.runtime import DOCUMENTS_AT_ONCE, Failure, language_of
from deidsynth.documents import Document, Entity, LabelScheme
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.tagging import TagSet
from tiny_models import TEXTS, save_tiny


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tagger with random weights, so that what it finds depends on the text."""
    torch.manual_seed(1)
    root = tmp_path_factory.mktemp("tagger")
    made = new_tagger(
        TrainConfig(encoder=str(save_tiny("modernbert", root / "base"))), TagSet.of(LabelScheme(("NAME", "CITY"))), []
    )
    with torch.no_grad():
        made.model.classifier.weight.normal_(0, 2)
    made.save(root / "model")
    return root / "model"


def test_a_call_masks_what_was_found_and_leaves_every_other_character() -> None:
    made = deidentifier()("Dr Anna Berg, \U0001f600\r\nså Cecilia.")
    assert made.text == "Dr [NAME] [NAME], \U0001f600\r\nså [NAME]."
    assert [entity.start for entity in made.entities] == [3, 8, 20]
    assert [(each.new_start, each.new_end, each.action, each.source) for each in made.replacements] == [
        (3, 9, "mask", "model"),
        (10, 16, "mask", "model"),
        (24, 30, "mask", "model"),
    ]


def test_a_name_after_300_sentences_is_found_at_its_offset() -> None:
    filler = "Patienten mår bra. " * 300
    made = deidentifier()(f"{filler}Anna kom.")
    assert made.text == f"{filler}[NAME] kom."
    assert made.entities[0].start == len(filler)


@pytest.mark.parametrize("n_texts", [8, pytest.param(200, marks=pytest.mark.slow)])
def test_sixteen_threads_give_what_one_gives(model: Path, n_texts: int) -> None:
    runtime = Deidentifier.load(model, policy={"default": "number"}, device="cpu")
    lines = [text.splitlines()[0] for text in TEXTS]
    texts = [f"{lines[number % len(lines)]} {number}" for number in range(n_texts)]
    expected = [runtime(text) for text in texts]
    assert any(each.entities for each in expected)
    with ThreadPoolExecutor(16) as pool:
        several = list(pool.map(lambda _: [runtime(text) for text in texts], range(16)))
    assert all(each == expected for each in several)
    assert [each.text for each in runtime.stream(texts)] == [each.text for each in expected]


def test_a_stream_takes_texts_as_they_are_needed_and_documents_too() -> None:
    taken = []

    def texts() -> Iterator[str | Document]:
        for number in range(1000):
            taken.append(number)
            yield "Anna kom." if number % 2 else Document(str(number), "Dal kom.", group="p")

    stream = deidentifier().stream(texts())
    assert [next(stream).text, next(stream).text] == ["[NAME] kom."] * 2
    assert len(taken) == DOCUMENTS_AT_ONCE


def test_what_is_still_in_the_text_is_an_error_with_its_place() -> None:
    def one(documents: Sequence[Document]) -> list[Document]:
        return [each.with_entities([Entity(0, 4, "NAME")]) for each in documents]

    runtime = deidentifier(one)
    with pytest.raises(CheckFailedError, match="replaced at offset 0 is still at offset 20") as caught:
        runtime("Berg kom, och sen Berg.")
    assert "Berg" not in str(caught.value)
    stream = runtime.stream(["Anna kom.", "Berg kom, och sen Berg."])
    assert next(stream).text == "[NAME] kom."
    with pytest.raises(CheckFailedError, match="document 2: "):
        next(stream)


def test_the_fault_of_a_document_is_no_other_ones() -> None:
    def fragile(documents: Sequence[Document]) -> list[Document]:
        if any("sjuk" in each.text for each in documents):
            raise RuntimeError("quotes sjuk")
        return find(documents)

    def replace(found: Found, **_: object) -> Deidentified:
        if "Dal" in found.document.text:
            raise ValueError("quotes Dal")
        return Deidentified(found.document.text, (), ())

    replace.needs_scope_surfaces = False  # type: ignore[attr-defined]
    runtime = deidentifier(fragile, replace=replace)
    documents = [Document(str(number), text) for number, text in enumerate(["frisk", "sjuk", "Dal", "frisk"])]
    found = runtime.find_each(documents)
    assert [isinstance(each, Failure) for each in found] == [False, True, False, False]
    made = runtime.replace_each(found, lambda _: ())
    assert [getattr(each, "text", None) for each in made] == ["frisk", None, None, "frisk"]
    assert [each.reason.split(":")[0] for each in made if isinstance(each, Failure)] == [
        "unexpected RuntimeError at deidsynth/deidentification/runtime.py",
        "unexpected ValueError at deidsynth/deidentification/runtime.py",
    ]

    def broken(_: Sequence[Document]) -> list[Document]:
        raise ModelNotUsableError("no numbers")

    with pytest.raises(ModelNotUsableError):
        deidentifier(broken).find_each(documents)


def test_load_says_what_is_missing(model: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelNotFoundError):
        Deidentifier.load(tmp_path)
    with pytest.raises(ConfigError, match="default"):
        Deidentifier.load(model, policy={"default": "hide"})
    runtime = Deidentifier.load(model, device="cpu")
    assert (runtime.labels, runtime.policy.default, runtime.needs_scope_surfaces) == (("CITY", "NAME"), "mask", False)
    assert "NAME" in repr(runtime)
    assert [
        each.text for each in (runtime.find("Anna").document, next(runtime.find_stream([Document("1", "Bo")])).document)
    ] == [
        "Anna",
        "Bo",
    ]


def test_the_language_is_that_of_the_run(model: Path, tmp_path: Path) -> None:
    assert language_of(model) is None
    place = tmp_path / "run" / "models" / "gold"
    place.mkdir(parents=True)
    (place / "config.json").write_text("{}", encoding="utf-8")
    (tmp_path / "run" / "run.yaml").write_text("corpus: {language: sv}\n", encoding="utf-8")
    assert language_of(place) == "sv"


def test_a_label_that_nothing_finds_is_refused_where_the_rest_is_kept_and_else_told(model: Path) -> None:
    kept = {"default": "keep", "labels": {"NAMES": "mask", "CITY": "mask"}}
    with pytest.raises(ConfigError, match="labels.NAMES: nothing finds such a label.*found are CITY, EMAIL.*NAME"):
        Deidentifier.load(model, policy=kept, device="cpu")
    made = Deidentifier.load(model, policy={"labels": {"NAMES": "keep", "EMAIL": "keep"}}, device="cpu")
    assert made.unused_labels == ("NAMES",)


@pytest.mark.parametrize("text", [None, 3, b"Anna", ["Anna"]])
def test_what_is_no_text_is_refused(text: object) -> None:
    with pytest.raises(InputError, match="expected a text, got"):
        deidentifier()(text)  # type: ignore[arg-type]


def test_the_kinds_of_a_policy_hold_for_what_is_found_around_the_model(model: Path, monkeypatch) -> None:
    monkeypatch.setattr(
        detection,
        "predict",
        lambda _, documents, **__: [each.with_entities([Entity(0, 14, "PET")]) for each in documents],
    )
    policy = {"language": "sv", "kinds": {"PET": "full_name"}}
    made = Deidentifier.load(model, policy=policy, device="cpu")("Alvedina Kvist kom. Sedan gick Kvist hem.")
    assert made.text == "[PET] kom. Sedan gick [PET] hem."
    assert [each.source for each in made.replacements] == ["model", "second pass"]


def test_a_pattern_of_a_label_that_the_model_lacks_may_be_named(model: Path) -> None:
    kept = {"default": "keep", "language": "sv", "labels": {"ID": "mask"}}
    assert Deidentifier.load(model, policy=kept, device="cpu").unused_labels == ()
    with pytest.raises(ConfigError, match="labels.DATE: nothing finds such a label"):
        Deidentifier.load(model, policy={"default": "keep", "labels": {"DATE": "mask"}}, device="cpu")


def test_want_of_memory_is_no_documents_fault() -> None:
    def greedy(documents: Sequence[Document]) -> list[Document]:
        raise MemoryError

    with pytest.raises(MemoryError):
        deidentifier(greedy).find_each([Document("1", "frisk")])


@pytest.mark.parametrize("error", [MemoryError, torch.OutOfMemoryError])
def test_documents_that_are_too_many_together_are_taken_one_by_one(error: type[Exception]) -> None:
    def small(documents: Sequence[Document]) -> list[Document]:
        if len(documents) > 1:
            raise error
        return [*documents]

    found = deidentifier(small).find_each([Document(str(number), "frisk") for number in range(3)])
    assert [each.document.doc_id for each in found if isinstance(each, Found)] == ["0", "1", "2"]


def test_a_policy_is_refused_before_the_weights_are_read(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runtime, "Finder", lambda *_, **__: pytest.fail("the weights were read"))
    for policy, message in (
        ({"default": "keep", "labels": {"DATE": "mask"}}, "labels.DATE"),
        ({"default": "surrogate", "scope": "corpus"}, "key"),
    ):
        with pytest.raises(ConfigError, match=message):
            Deidentifier.load(model, policy=policy, device="cpu")
