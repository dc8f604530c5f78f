"""The component in spaCy's own pipelines."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import assume, given, strategies as st

from deidsynth.deidentification.found import Found
from deidsynth.documents import Document, Entity
from deidsynth.errors import ModelNotFoundError, ModelNotUsableError
from tool_notes import ENTITIES, NOTE, TEXTS

pytest.importorskip("spacy")
import spacy
from spacy.tokens import DocBin, Span

from deidsynth.integrations.spacy import NAME as COMPONENT

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]
Finds = Callable[[str], Iterable[Entity]]


class Told:
    """Finds what it is told to, as ``Deidentifier`` does."""

    def __init__(self, finds: Finds) -> None:
        self.finds, self.batches = finds, list[int]()

    def find(self, text: str, *, patient: str | None = None) -> Found:
        return next(self.find_stream([Document("1", text, group=patient)]))

    def find_stream(self, documents: Iterable[Document]) -> Iterator[Found]:
        some = list(documents)
        self.batches.append(len(some))
        for document in some:
            entities = tuple(self.finds(document.text))
            yield Found(document.with_entities(entities), ("model",) * len(entities))


def pipeline(model: Path | str = "nowhere", finds: Finds | None = None, **config: Any) -> Any:
    nlp = spacy.blank("sv")
    component = nlp.add_pipe(COMPONENT, config={"model": str(model), "device": "cpu", **config})
    if finds is not None:
        component._finder = Told(finds)
    return nlp


@pytest.fixture(scope="module")
def nlp(model: Path) -> Any:
    return pipeline(model)


def surfaces(doc: Any) -> list[tuple[str, str]]:
    return [(each["label"], doc.text[each["start"] : each["end"]]) for each in doc._.deidsynth]


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_pipeline_finds_the_same_at_exact_offsets(text: str, nlp: Any) -> None:
    doc = nlp(text)
    assert doc.text == text
    assert surfaces(doc) == ENTITIES == [(span.label_, span.text) for span in doc.spans["deidsynth"]]
    assert doc._.deidsynth_unaligned == 0 and doc.ents == ()
    assert all(0 < each["score"] <= 1 and each["source"] == "model" for each in doc._.deidsynth)


def test_labels_are_those_of_the_model_once_it_is_loaded(model: Path, nlp: Any) -> None:
    assert pipeline(model).get_pipe("deidsynth").labels == ()
    nlp(NOTE)
    assert set(nlp.get_pipe("deidsynth").labels) >= {"CITY", "NAME"}


def test_entities_become_ents_on_request_where_they_are_tokens() -> None:
    finds = [Entity(0, 4, "NAME"), Entity(9, 11, "AGE"), Entity(19, 23, "CITY", 0.5)]
    nlp = pipeline(finds=lambda _: finds, set_ents=True)
    doc = nlp("Anna Berg45år från Umeåtrakten")
    assert [(each["start"], each["end"]) for each in doc._.deidsynth] == [(0, 4), (9, 11), (19, 23)]
    assert [span.text for span in doc.spans["deidsynth"]] == ["Anna", "Berg45år", "Umeåtrakten"]
    assert [(each.text, each.label_) for each in doc.ents] == [("Anna", "NAME")]
    assert doc._.deidsynth_unaligned == 2


def test_ents_of_others_stay_where_nothing_is_found() -> None:
    nlp = pipeline(finds=lambda _: [Entity(0, 9, "NAME")], set_ents=True)
    doc = nlp.make_doc("Anna Berg bor i Umeå")
    doc.ents = [Span(doc, 1, 3, "WRONG"), Span(doc, 4, 5, "PLACE")]
    assert [(each.text, each.label_) for each in nlp(doc).ents] == [("Anna Berg", "NAME"), ("Umeå", "PLACE")]


ALIGNING = pipeline(set_ents=True)


@given(st.text(st.sampled_from("aB1 \n\t\r.\U0001f600é\u0301\u00a0"), min_size=1, max_size=30), st.data())
def test_every_entity_is_in_the_group_and_covered(text: str, data: Any) -> None:
    starts = [place for place, character in enumerate(text) if not character.isspace()]
    assume(starts)
    start = data.draw(st.sampled_from(starts))
    end = 1 + data.draw(st.sampled_from([place for place in starts if place >= start]))
    ALIGNING.get_pipe("deidsynth")._finder = Told(lambda _: [Entity(start, end, "X")])
    doc = ALIGNING(text)
    (span,) = doc.spans["deidsynth"]
    assert doc.text == text and span.start_char <= start < end <= span.end_char
    assert len(doc.ents) + doc._.deidsynth_unaligned == 1


def test_batches_are_found_together_and_equal_one_by_one(nlp: Any) -> None:
    texts = [*TEXTS.values(), "", "Mår bättre nu."]
    assert [surfaces(doc) for doc in nlp.pipe(texts, batch_size=2)] == [surfaces(nlp(text)) for text in texts]
    told = pipeline(finds=lambda _: [])
    list(told.pipe(["a"] * 7, batch_size=3))
    assert told.get_pipe("deidsynth")._finder.batches == [3, 3, 1]


def test_known_values_are_those_of_the_patient(model: Path, tmp_path: Path) -> None:
    (tmp_path / "known.csv").write_text("patient,value\np1,Xyloquist\n", encoding="utf-8")
    nlp = pipeline(model, known=str(tmp_path / "known.csv"))
    docs = [nlp.make_doc("Mår bättre nu. Xyloquist mår bra.") for _ in range(3)]
    docs[0]._.deidsynth_patient, docs[1]._.deidsynth_patient = "p1", "p2"
    expected = [["Xyloquist"], [], []]
    for found in (map(nlp, docs), nlp.pipe(docs)):
        assert [[surface for _, surface in surfaces(doc)] for doc in found] == expected


def test_errors_surface_and_what_is_ignored_does_not_leave() -> None:
    def finds(text: str) -> list[Entity]:
        if text == "broken":
            raise RuntimeError("out of memory")
        return []

    nlp = pipeline(finds=finds)
    with pytest.raises(RuntimeError, match="out of memory"):
        nlp("broken")
    with pytest.raises(RuntimeError, match="out of memory"):
        list(nlp.pipe(["fine", "broken"]))
    nlp.set_error_handler(lambda *_: None)
    assert [doc.text for doc in nlp.pipe(["fine", "broken", "more"], batch_size=1)] == ["fine", "more"]


def test_a_folder_without_a_model_is_told_at_the_first_document(tmp_path: Path) -> None:
    nlp = pipeline(tmp_path)
    with pytest.raises(ModelNotFoundError, match="no model"):
        nlp(NOTE)


def test_a_saved_pipeline_has_its_model_with_it(model: Path, tmp_path: Path) -> None:
    copy = tmp_path / "model"
    shutil.copytree(model, copy)
    pipeline(copy, set_ents=True).to_disk(tmp_path / "saved")
    shutil.rmtree(copy)
    (tmp_path / "saved").rename(tmp_path / "moved")
    doc = spacy.load(tmp_path / "moved")(NOTE)
    assert surfaces(doc) == ENTITIES == [(each.label_, each.text) for each in doc.ents]


def test_a_saved_pipeline_can_be_saved_where_it_is(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline(model).to_disk(tmp_path / "saved")
    before = sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*"))
    monkeypatch.chdir(tmp_path)
    nlp = spacy.load("saved")
    nlp.to_disk("saved")
    nlp.to_disk(tmp_path / "saved")
    assert sorted(path.relative_to(tmp_path) for path in tmp_path.rglob("*")) == before
    assert surfaces(spacy.load("saved")(NOTE)) == ENTITIES


def test_nothing_is_left_of_a_model_that_was_saved_before(model: Path, tmp_path: Path) -> None:
    saved = tmp_path / "deidsynth" / "model"
    (saved / "ensemble-2").mkdir(parents=True)
    (saved / "ensemble-2" / "config.json").write_text("{}")
    pipeline(model).to_disk(tmp_path)
    assert not (saved / "ensemble-2").exists()
    assert [path.name for path in saved.parent.iterdir()] == ["model"]
    assert surfaces(spacy.load(tmp_path)(NOTE)) == ENTITIES


def test_a_damaged_model_is_told(model: Path, tmp_path: Path) -> None:
    pipeline(model).to_disk(tmp_path)
    (tmp_path / "deidsynth" / "model" / "deidsynth.json").write_text("{")
    with pytest.raises(ModelNotUsableError, match=r"deidsynth\.json: cannot be read"):
        spacy.load(tmp_path)(NOTE)


def test_what_was_found_is_saved_with_the_document(nlp: Any) -> None:
    doc = nlp(NOTE)
    (again,) = DocBin(store_user_data=True, docs=[doc]).get_docs(spacy.blank("sv").vocab)
    assert again._.deidsynth == doc._.deidsynth
    assert [(each.text, each.label_) for each in again.spans["deidsynth"]] == [
        (NOTE[:18], "NAME"),
        ("Vindheim", "CITY"),
    ]


def test_spacy_finds_the_component_by_itself(tmp_path: Path) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["entry-points"]
    info = tmp_path / "declared-0.dist-info"
    info.mkdir()
    lines = [f"{name} = {target}" for name, target in declared["spacy_factories"].items()]
    (info / "entry_points.txt").write_text("\n".join(["[spacy_factories]", *lines, ""]))
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: declared\nVersion: 0\n")
    code = (
        "import sys, spacy; nlp = spacy.blank('sv'); print(nlp.add_pipe('deidsynth', config={'model': 'x'}).name, "
        "[name for name in sys.modules if name.startswith('deidsynth.models')])"
    )
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(tmp_path)])}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, timeout=120)
    assert (done.stdout.strip(), done.returncode) == ("deidsynth []", 0), done.stderr
