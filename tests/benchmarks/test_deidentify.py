"""The benchmark of what finds identifiers does what it says, on little."""

from __future__ import annotations

import importlib
import json
from pathlib import Path

import pytest

import deidsynth as ds

pytestmark = pytest.mark.slow


def test_tools_side_by_side_on_the_same_weights(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("presidio_analyzer")
    quick = {"encoder": "scratch", "scratch": {"hidden_size": 32, "layers": 1, "vocabulary_size": 400}, "epochs": 2}
    ds.train(ds.invented_corpus("es", 30, seed=1), output=tmp_path / "ner", progress=False, **quick)
    benchmark = importlib.import_module("deidentify")
    options = ["--model", str(tmp_path / "ner"), "--documents", "3", "--long-documents", "1", "--repetitions", "1"]
    assert benchmark.main([*options, "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    tools = result["tools"]
    assert set(tools) == {"tagger", "deidentifier", "presidio", "presidio-transformers", "spacy", "pipeline"}
    assert all(each["documents_per_second"] > 0 and each["peak_megabytes"] > 50 for each in tools.values())
    assert all(tools[ours]["exceptions"] == 0 for ours in ("tagger", "presidio", "spacy"))
    same = ("strict_f1", "names_missed_after_300_sentences", "names_missed_in_notes")
    assert len({tuple(tools[ours][key] for key in same) for ours in ("tagger", "presidio", "spacy")}) == 1
    assert result["ratio_to_pipeline"] > 0
