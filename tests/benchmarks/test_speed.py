"""The benchmarks of speed do what they say, on little; what they measure is not tested."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from deidsynth.config import TrainConfig
from deidsynth.corpora import write_jsonl
from deidsynth.documents import Corpus, LabelScheme
from deidsynth.models.tagger.token_classifier import new_tagger
from deidsynth.tagging import TagSet
from tiny_models import NOTES, one_thread, tiny  # noqa: F401 - fixtures

Benchmark = Callable[[str], ModuleType]


def test_scoring_beside_its_rivals(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--tokens", "3000", "--labels", "3", "--repetitions", "1", "--bootstrap-documents", "50"]
    assert benchmark("scoring").main([*options, "--resamples", "100", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    assert 0.8 < result["f1"] < 1
    assert result["ratio_to_seqeval"] > 0
    assert result["ratio_to_nervaluate"] > 0
    assert result["bootstrap"]["n_resamples"] == 100


def test_scoring_names_a_wrong_option(benchmark: Benchmark, capsys: pytest.CaptureFixture[str]) -> None:
    assert benchmark("scoring").main(["--noise", "2"]) == 2
    assert "--noise 2.0: expected a share from 0 to 1" in capsys.readouterr().err


def test_annotation_beside_the_pipeline(
    benchmark: Benchmark,
    tiny: Callable[[str], Path],  # noqa: F811
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    model, corpus = tmp_path / "model", tmp_path / "corpus.jsonl"
    scheme = TagSet.of(LabelScheme(("CITY", "NAME")))
    new_tagger(TrainConfig(encoder=str(tiny("modernbert"))), scheme, (), "cpu").save(model)
    write_jsonl(Corpus(NOTES, origin="invented", annotation="gold"), corpus)
    options = ["--documents", "3", "--repetitions", "1", "--batch-sizes", "2", "--language", "sv", "--json"]
    assert benchmark("annotation").main([str(model), str(corpus), *options]) == 0
    result = json.loads(capsys.readouterr().out)
    assert set(result["documents_per_second"]) == {"ours", "pipeline", "pipeline-chunks"}
    assert result["strict_f1_against_ours"]["ours"] in (1.0, None)
    assert result["ratio_to_pipeline"] > 0
