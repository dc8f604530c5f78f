"""The command line as a user meets it, and small corpora to give it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.cli.guard import set_debug
from deidsynth.documents import Document, Entity
from fake_specs import specs_of
from fake_stages import NAMES, FakeStage

Deidsynth = Callable[..., Result]
Note = Callable[..., dict[str, Any]]
WriteJsonl = Callable[[str, Sequence[dict[str, Any]]], Path]
FOUND = re.compile(r"\b(?:Anna|Karin|Dal|Ek)\b")


@pytest.fixture
def deidsynth(monkeypatch: pytest.MonkeyPatch) -> Iterator[Deidsynth]:
    """A call of the command line; the result holds exit_code, stdout and stderr."""
    monkeypatch.setenv("COLUMNS", "160")
    monkeypatch.setenv("NO_COLOR", "1")

    def call(*arguments: str | Path) -> Result:
        return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="deidsynth")

    yield call
    set_debug(False)


@pytest.fixture
def write_jsonl(tmp_path: Path) -> WriteJsonl:
    """A writer of JSONL files in the test's folder."""

    def write(name: str, documents: Sequence[dict[str, Any]]) -> Path:
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(document) + "\n" for document in documents), encoding="utf-8")
        return path

    return write


@pytest.fixture
def note() -> Note:
    """A maker of one line of a JSONL corpus."""

    def make(doc_id: str, text: str, *entities: tuple[int, int, str]) -> dict[str, Any]:
        spans = [{"start": start, "end": end, "label": label} for start, end, label in entities]
        return {"doc_id": doc_id, "text": text, "entities": spans}

    return make


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeStage]:
    """Fakes in place of the package's stages, by name."""
    import deidsynth.stages

    fakes = {name: FakeStage(name) for name in NAMES}
    monkeypatch.setattr(deidsynth.stages, "STAGES", specs_of(fakes))
    return fakes


@pytest.fixture
def corpus(write_jsonl: WriteJsonl, note: Note) -> Path:
    """A JSONL corpus of twelve notes, each with one name."""
    return write_jsonl("corpus.jsonl", [note(f"n{number}", f"Bo kom {number}", (0, 2, "NAME")) for number in range(12)])


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of a model that finds a few names, and breaks at one word."""
    import deidsynth.deidentification.detection as detection

    def predict(_tagger: object, documents: Iterable[Document], **_: object) -> Iterator[Document]:
        documents = list(documents)
        if any("BREAK" in document.text for document in documents):
            raise RuntimeError("Karin")
        for document in documents:
            found = (Entity(match.start(), match.end(), "NAME", 0.9) for match in FOUND.finditer(document.text))
            yield document.with_entities(found)

    monkeypatch.setattr(detection, "load_tagger", lambda _: None)
    monkeypatch.setattr(detection, "predict", predict)
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "config.json").write_text('{"id2label": {"0": "O", "1": "B-NAME", "2": "I-NAME"}}', encoding="utf-8")
    return folder
