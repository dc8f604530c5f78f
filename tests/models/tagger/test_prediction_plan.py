"""What is done differently on a GPU, tried on the CPU: the same entities."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from deidsynth.config import AnnotateConfig, TrainConfig
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Corpus, Document, LabelScheme
from deidsynth.errors import ModelNotUsableError
from deidsynth.models.tagger import prediction
from deidsynth.models.tagger.prediction import predict
from deidsynth.models.tagger.prediction_plan import Plan, in_turn, plan_of
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.stages.specification import StageContext
from deidsynth.stages.work import blocks
from deidsynth.stages.work.blocks import Blocks, n_blocks
from deidsynth.tagging import TagSet
from tiny_models import ENCODERS, note

Tiny = Callable[[str], Path]
TAGS = TagSet.of(LabelScheme(("CITY", "NAME")))
DOCUMENTS = [note(number, n_sentences=1 + number % 9) for number in range(150)]


def test_a_gpu_has_larger_batches_in_buckets_and_decodes_beside_them() -> None:
    assert plan_of("cpu") == Plan(32, 2048, 1, decodes_beside=False)
    assert plan_of("cuda:1") == plan_of("mps") == Plan(128, None, 64, decodes_beside=True)


@pytest.mark.parametrize("kind", list(ENCODERS))
def test_entities_are_those_of_the_cpu(kind: str, tiny: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    torch.manual_seed(1)
    tagger = new_tagger(TrainConfig(encoder=str(tiny(kind))), TAGS, [])
    with torch.no_grad():
        tagger.model.classifier.weight *= 20
    expected = list(predict(tagger, DOCUMENTS))
    assert sum(len(each.entities) for each in expected) > 300
    shapes: set[int] = set()
    threads: set[int] = set()
    best = prediction.best_sequences

    def seen(*given: Any) -> Any:
        threads.add(threading.get_ident())
        return best(*given)

    def counted(*given: Any, real: Callable[..., Tensor] = prediction.padded) -> Tensor:
        shapes.add(real(*given).shape[1])
        return real(*given)

    monkeypatch.setattr(prediction, "best_sequences", seen)
    monkeypatch.setattr(prediction, "padded", counted)
    monkeypatch.setattr(prediction, "plan_of", lambda device: replace(plan_of("cuda"), bucket_tokens=16))
    found = list(predict(tagger, DOCUMENTS))
    assert [[entity.key for entity in each.entities] for each in found] == [
        [entity.key for entity in each.entities] for each in expected
    ]
    for one, other in zip(found, expected, strict=True):
        scores = [[entity.score for entity in each.entities] for each in (one, other)]
        assert scores[0] == pytest.approx(scores[1], abs=1e-4)
    most = tagger.window_tokens + 2
    assert all(width % 16 == 0 or width == most for width in shapes) and max(shapes) <= most
    assert threading.get_ident() not in threads and threads


def test_the_next_item_is_made_while_one_is_worked_on() -> None:
    second_is_made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        second_is_made.set()
        yield 2

    def work(item: int) -> bool:
        return second_is_made.wait(20)

    assert list(in_turn(items(), work, beside=True)) == [True, True]


@pytest.mark.parametrize("beside", [False, True])
def test_results_come_in_order_and_failures_too(beside: bool) -> None:
    assert list(in_turn(range(9), lambda item: item * 2, beside=beside)) == [*range(0, 18, 2)]
    assert not list(in_turn([], str, beside=beside))

    def failing(item: int) -> int:
        if item == 2:
            raise ModelNotUsableError("no")
        return item

    found = in_turn(range(9), failing, beside=beside)
    assert [next(found), next(found)] == [0, 1]
    with pytest.raises(ModelNotUsableError):
        next(found)


@pytest.mark.parametrize(("device", "streams"), [("cpu", [64, 22]), ("cuda", [86])])
def test_blocks_are_one_stream_on_a_gpu_and_each_its_file(device, streams, tmp_path, monkeypatch) -> None:
    corpus = Corpus(tuple(DOCUMENTS), origin="invented")
    given: list[int] = []

    def fake(tagger: None, documents: Iterable[Document], *_: Any) -> Iterator[Document]:
        documents = list(documents)
        given.append(len(documents))
        yield from documents

    monkeypatch.setattr(blocks, "load_tagger", lambda name: None)
    monkeypatch.setattr(blocks, "predicted", fake)
    monkeypatch.setattr(blocks, "is_small", lambda *_: False)
    write_jsonl(corpus.with_documents(DOCUMENTS[64:128]), tmp_path / "block-000001.jsonl")
    context = StageContext(tmp_path, seed=1, device=device)
    found = Blocks(AnnotateConfig(), tmp_path, tmp_path, tmp_path, context, "annotate").annotated(
        corpus, range(n_blocks(corpus))
    )
    assert found == DOCUMENTS and given == streams
    assert [len(read_jsonl(tmp_path / f"block-{number:06d}.jsonl")) for number in range(3)] == [64, 64, 22]
