"""Sampling as a stage: filters, replacements, and a run that is killed again and again."""

from __future__ import annotations

import json
import multiprocessing
import signal
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from deidsynth.config import SynthesizeConfig, parse
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document
from deidsynth.errors import CorpusError
from deidsynth.progress import SilentProgress
from deidsynth.sampling.engine import Request, Sample, SamplingSettings
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work.synthesize import Synthesize
from tiny_models import NOTES
from tiny_synthesis import inputs, synthesize, synthesize_and_die

LOOP = "mår bättre nu " * 40
NEW = "hjälp med annat som ingen har skrivit förut: {} och {}"


class Scripted:
    """An engine that continues prompts with the texts it is given, one after another."""

    def __init__(self, texts: Iterator[str]) -> None:
        self._texts = texts
        self.batches: list[list[Request]] = []
        self.seeds: list[int] = []
        self.settings = SamplingSettings()

    def sample_batch(self, requests: Sequence[Request], settings: SamplingSettings, seed: int) -> list[Sample]:
        self.batches.append(list(requests))
        self.seeds.append(seed)
        self.settings = settings
        texts = [f"{request.prompt} {next(self._texts)}" for request in requests]
        return [
            Sample(each.index, text, each.prompt_number, len(each.prompt), len(text.split()), False, seed)
            for each, text in zip(requests, texts, strict=True)
        ]


class Said(SilentProgress):
    """Remembers what is told."""

    def __init__(self) -> None:
        self.messages: list[str] = []

    def message(self, text: str) -> None:
        self.messages.append(text)


class Stage:
    """The stage with an engine of a test's own."""

    def __init__(self, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.root, self._monkeypatch = root, monkeypatch
        self.said = Said()

    def __call__(self, texts: Iterator[str], train: Sequence[Document] = NOTES, **settings: Any) -> Mapping[str, Any]:
        folders = {role: self.root / role for role in ("model", "prompts", "train", "output", "scratch")}
        for folder in folders.values():
            folder.mkdir(exist_ok=True)
        for role, documents in (("prompts", NOTES[:4]), ("train", train)):
            (folders[role] / "corpus.jsonl").unlink(missing_ok=True)
            write_jsonl(Corpus(tuple(documents), origin="invented"), folders[role] / "corpus.jsonl")
        self.engine = Scripted(texts)
        self._monkeypatch.setattr("deidsynth.stages.work.synthesize._engine", lambda *_: self.engine)
        plain = {"samples_per_prompt": 2, "batch_size": 3, "prompts": {"language": "sv"}, **settings}
        plain["filters"] = {"overlong": 1.0, **plain.get("filters", {})}  # the scripted engine ends nothing
        context = StageContext(folders["scratch"], seed=3, progress=self.said)
        return Synthesize().run(parse(SynthesizeConfig, plain), folders, folders["output"], context)

    @property
    def texts(self) -> list[str]:
        return [document.text for document in read_jsonl(self.root / "output" / "corpus.jsonl")]

    @property
    def rows(self) -> list[dict[str, Any]]:
        lines = (self.root / "output" / "samples.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines]


@pytest.fixture
def stage(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Stage:
    return Stage(tmp_path, monkeypatch)


def _new(first: int = 0) -> Iterator[str]:
    yield from (NEW.format(number, number * number + 7) for number in range(first, first + 1000))


def test_rejected_texts_are_replaced_by_others_with_their_prompts(stage: Stage) -> None:
    texts = iter([LOOP, *list(_new())[:6], LOOP, NOTES[5].text, *list(_new(50))[:9]])
    facts = stage(texts)
    assert [len(batch) for batch in stage.engine.batches] == [3, 3, 2, 2, 1]
    assert len(set(stage.engine.seeds)) == 5
    assert (facts["n_asked"], facts["n_documents"], facts["n_missing"]) == (8, 8, 0)
    assert (facts["n_sampled"], facts["n_rejected"], facts["n_loops"], facts["n_with_long_runs"]) == (11, 3, 2, 1)
    assert len(stage.texts) == 8
    assert not any(LOOP in text for text in stage.texts)
    assert stage.said.messages == []
    rejected = [row for row in stage.rows if not row["kept"]]
    assert [row["findings"] for row in rejected] == [["loop"], ["loop"], ["long_run"]]
    prompts = [row["prompt_number"] for row in stage.rows]
    assert sorted(prompts[8:10]) == sorted(row["prompt_number"] for row in rejected[:2])
    kept = [row["doc_id"] for row in stage.rows if row["kept"]]
    assert kept == [document.doc_id for document in read_jsonl(stage.root / "output" / "corpus.jsonl")]


def test_texts_without_an_end_are_replaced_where_they_are_longer_than_most(stage: Stage) -> None:
    long = NEW.format(1, 2) + " " + " ".join(f"{number}:e" for number in range(200))
    facts = stage(iter([long, *_new()]), filters={"overlong": 0.9})
    assert (facts["n_overlong"], facts["n_rejected"], facts["n_documents"]) == (1, 1, 8)


def test_a_shortage_is_told(stage: Stage) -> None:
    facts = stage(iter([LOOP] * 7 + list(_new())), filters={"max_sampled_ratio": 1.25})
    assert (facts["n_sampled"], facts["n_documents"], facts["n_missing"]) == (10, 3, 5)
    [message] = stage.said.messages
    assert message.startswith("5 of 8 texts are missing because the filters rejected 7 of 10;")


def test_counted_texts_are_kept(stage: Stage) -> None:
    facts = stage(iter([LOOP] * 3 + [""] + list(_new())), filters={"mode": "count"})
    assert (facts["n_sampled"], facts["n_documents"], facts["n_rejected"], facts["n_missing"]) == (8, 8, 0, 0)
    found = [facts[name] for name in ("n_loops", "n_empty", "n_near_duplicates", "n_without_eos")]
    assert found == [3, 1, 1, 8]  # two of the loops have one prompt


def test_nothing_is_looked_at_where_nothing_is_asked_for(stage: Stage) -> None:
    facts = stage(iter([LOOP] * 8), filters={"mode": "off"})
    assert (facts["n_documents"], facts["n_loops"], facts["n_near_duplicates"]) == (8, 0, 0)
    assert stage.rows[0]["repeated"] is None


def test_no_text_is_left(stage: Stage) -> None:
    with pytest.raises(CorpusError, match=r"filters reject every sampled text \(n_loops: 12\).*mode: count"):
        stage(iter([LOOP] * 12))


def test_texts_that_are_all_empty_have_another_remedy(stage: Stage) -> None:
    with pytest.raises(CorpusError, match="every sampled text is empty; adapt for more epochs"):
        stage(iter([""] * 12))


def test_without_training_text_it_is_said_that_nothing_is_compared(stage: Stage) -> None:
    facts = stage(_new(), train=[Document("1", "")])
    assert facts["n_documents"] == 8
    assert "no training text to compare with" in stage.said.messages[0]


def test_texts_are_cut_before_a_stop_text_behind_their_prompt(stage: Stage) -> None:
    facts = stage((f"{text} slut här, och mer" for text in _new()), stop=["slut", "mer", "l"], filters={"mode": "off"})
    assert facts["n_without_eos"] == 0
    assert [text.removesuffix(" hjä") for text in stage.texts] != stage.texts
    assert all(text.endswith(" hjä") for text in stage.texts)
    assert stage.engine.settings.stop == ("slut", "mer", "l")


def test_a_run_that_is_killed_again_and_again_gives_the_same(tmp_path: Path) -> None:
    folders = inputs(tmp_path)
    facts = synthesize(folders, tmp_path / "undisturbed")
    assert facts["n_rejected"] > 10
    assert facts["n_documents"] == facts["n_asked"] == len(NOTES)
    n_batches = len(list((tmp_path / "undisturbed" / "scratch").iterdir()))
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["deidsynth.stages.work.synthesize"])
    for n_kept, dies_at in ((2, 3), (2, 1), (7, 6), (9, 3)):  # six batches are asked for first
        victim = processes.Process(target=synthesize_and_die, args=(folders, tmp_path / "disturbed", dies_at))
        victim.start()
        victim.join(120)
        assert victim.exitcode == -signal.SIGKILL
        assert len(list((tmp_path / "disturbed" / "scratch").iterdir())) == n_kept < n_batches
    again = synthesize(folders, tmp_path / "disturbed")
    for file in ("corpus.jsonl", "samples.jsonl"):
        made = [(tmp_path / run / "output" / file).read_bytes() for run in ("undisturbed", "disturbed")]
        assert made[0] == made[1]
    speed = "tokens_per_second"
    assert {**facts, speed: 0} == {**again, speed: 0}
