"""Texts without labels reach the gold model, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from test_pipeline_fake import EVERYTHING, computed, config_of, fakes, go, home  # noqa: F401 - home is a fixture

from deidsynth.errors import InputError
from deidsynth.workflow.pipeline import preview
from deidsynth.workflow.run_folder import show_run


def with_texts(home: Path, *texts: str):  # noqa: F811
    path = home / "more.jsonl"
    path.write_text("".join(json.dumps({"text": text}) + "\n" for text in texts), encoding="utf-8")
    corpus = {"path": str(home / "notes"), "language": "sv", "origin": "real", "unlabeled": str(path)}
    return config_of(home, corpus=corpus)


def test_only_the_gold_model_takes_them(home: Path) -> None:  # noqa: F811
    result = go(with_texts(home, "Another note", "One more"))
    assert computed(result) == sorted([*EVERYTHING, "unlabeled", "pseudonymize"])
    shown = {entry["name"]: entry for entry in show_run(result.folder)["artifacts"]}
    sources = {name: {each["source"] for each in entry["lineage"]["real_data"]} for name, entry in shown.items()}
    texts = shown["unlabeled"]["key"]
    assert {name for name, found in sources.items() if texts in found} == {
        "unlabeled", "gold", "evaluate-gold", "annotate", "synthetic", "evaluate-synthetic", "audit",
    }  # fmt: skip
    direct = [each["direct"] for each in shown["gold"]["lineage"]["real_data"] if each["source"] == texts]
    assert direct == [True]
    assert "Another" not in result.report.to_json()


def test_other_texts_leave_the_language_model_as_it_is(home: Path) -> None:  # noqa: F811
    go(with_texts(home, "Another note"))
    absent = {node["name"] for node in preview(with_texts(home, "Other"), stages=fakes(), device="cpu")
              if not node["present"]}  # fmt: skip
    assert absent == {"unlabeled", "gold", "evaluate-gold", "annotate", "synthetic", "evaluate-synthetic", "audit"}


def test_texts_that_are_test_documents_are_no_texts(home: Path) -> None:  # noqa: F811
    with pytest.raises(InputError, match="all texts are test documents"):
        go(with_texts(home, "Note 1 of Bo today"))
