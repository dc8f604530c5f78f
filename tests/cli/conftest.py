"""The command line as a user meets it, and small corpora to give it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.cli.guard import set_debug
from deidsynth.config import StageConfig
from deidsynth.corpora import make_splits, read_jsonl, write_jsonl as jsonl_writer
from deidsynth.documents import Corpus, Document, Entity
from deidsynth.metrics import Counts
from deidsynth.stages.specification import StageContext
from fake_specs import specs_of
from run_reports import memorization, recall, scores

Deidsynth = Callable[..., Result]
Note = Callable[..., dict[str, Any]]
WriteJsonl = Callable[[str, Sequence[dict[str, Any]]], Path]


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


class FakeStage:
    """A stage that counts documents instead of computing, and remembers what it was given."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.seen: list[dict[str, Any]] = []
        self.error: BaseException | None = None

    def run(
        self, config: StageConfig, inputs: Mapping[str, Path], output: Path, context: StageContext
    ) -> Mapping[str, Any]:
        found = {role: sorted(path.name for path in folder.iterdir()) for role, folder in inputs.items()}
        corpora = {role: read_jsonl(folder / "corpus.jsonl") for role, folder in inputs.items() if self._holds(folder)}
        self.seen.append({"config": config, "files": found, "corpora": corpora, "context": context})
        if self.error is not None:
            raise self.error
        facts: dict[str, Any] = {"n_documents": 0}
        if self.name in {"adapt", "train"}:
            (output / "model").mkdir(exist_ok=True)
            silver = self.name == "train" and corpora["corpus"].annotation == "silver"
            (output / "model" / "config.json").write_text(json.dumps({"silver": silver}), encoding="utf-8")
            (output / "curve.jsonl").write_text("", encoding="utf-8")
        elif self.name == "evaluate":
            silver = json.loads((inputs["model"] / "model" / "config.json").read_text(encoding="utf-8"))["silver"]
            (output / "scores.json").write_text(
                json.dumps(scores(Counts(1, 1, 1) if silver else Counts(3, 1, 1))), encoding="utf-8"
            )
            gold = corpora["corpus"]
            found = [gold[0].with_entities(()), *gold[1:]] if silver else gold
            write_target(gold.with_documents(found), output / "predictions.jsonl")
        elif self.name == "memorization":
            found = memorization(recall(0.25), recall(0.125), [])
            (output / "memorization.json").write_text(json.dumps(found), encoding="utf-8")
        else:
            corpus = self._corpus(config, inputs, corpora)
            write_target(corpus, output / "corpus.jsonl")
            facts = {"n_documents": len(corpus)}
        return facts

    def _holds(self, folder: Path) -> bool:
        return (folder / "corpus.jsonl").is_file()

    def _corpus(self, config: Any, inputs: Mapping[str, Path], corpora: Mapping[str, Corpus]) -> Corpus:
        if self.name == "select":
            parts = json.loads((inputs["corpus"] / "parts.json").read_text(encoding="utf-8"))
            return make_splits(read_jsonl(inputs["corpus"] / "documents.jsonl"), parts, config.split)[config.part]
        source = corpora["train"] if self.name == "synthesize" else corpora["texts"]
        made = [Document(f"s{number}", "Hej Bo", (Entity(4, 6, "NAME"),)) for number in range(len(source))]
        return Corpus(tuple(made), origin="synthetic", annotation="silver")


def write_target(corpus: Corpus, path: Path) -> None:
    """Write a file that an earlier attempt may have left."""
    path.unlink(missing_ok=True)
    jsonl_writer(corpus, path)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> dict[str, FakeStage]:
    """Fakes in place of the package's stages, by name."""
    import deidsynth.stages

    names = ("select", "adapt", "synthesize", "train", "annotate", "evaluate", "memorization")
    fakes = {name: FakeStage(name) for name in names}
    monkeypatch.setattr(deidsynth.stages, "STAGES", specs_of(fakes))
    return fakes


@pytest.fixture
def corpus(write_jsonl: WriteJsonl, note: Note) -> Path:
    """A JSONL corpus of twelve notes, each with one name."""
    return write_jsonl("corpus.jsonl", [note(f"n{number}", f"Bo kom {number}", (0, 2, "NAME")) for number in range(12)])
