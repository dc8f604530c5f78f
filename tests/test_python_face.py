"""The ten lines of a notebook, on tiny models: corpora and models in, corpora and models out."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import deidsynth as ds

ENCODER = {"encoder": "scratch", "scratch": {"hidden_size": 32, "layers": 1, "vocabulary_size": 400}, "epochs": 2}
CAUSAL = {"base": "scratch", "scratch": {"hidden_size": 32, "layers": 1, "vocabulary_size": 400}, "epochs": 1}
LOOSE = {"max_length_tokens": 48, "filters": {"mode": "count"}}
QUIET: dict[str, Any] = {"device": "cpu", "progress": False}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("notebook")


@pytest.fixture(scope="module")
def corpus(folder: Path) -> ds.Corpus:
    """Invented notes, written and loaded as a user's would be."""
    path = folder / "notes.jsonl"
    ds.write_jsonl(ds.invented_corpus("es", 30, seed=1), path)
    return ds.load_corpus(path)


@pytest.fixture(scope="module")
def gold(corpus: ds.Corpus, folder: Path) -> ds.Tagger:
    train, _ = corpus.split(test=0.2, seed=1)
    return ds.train(train, output=folder / "gold", **ENCODER, **QUIET)


@pytest.fixture(scope="module")
def model(corpus: ds.Corpus, folder: Path) -> ds.LanguageModel:
    return ds.adapt(corpus, output=folder / "lm", **CAUSAL, **QUIET)


@pytest.fixture(scope="module")
def notes(model: ds.LanguageModel, folder: Path) -> ds.Corpus:
    return ds.synthesize(model, 6, output=folder / "notes", **LOOSE, **QUIET)


def test_a_tagger_takes_a_text_or_a_list_and_loads_once(gold: ds.Tagger, monkeypatch: pytest.MonkeyPatch) -> None:
    one = gold("Ingresó Ana Ruiz el 3 de mayo.")
    assert (type(one), one.text) == (ds.Document, "Ingresó Ana Ruiz el 3 de mayo.")
    monkeypatch.setattr("deidsynth.models.tagger.token_classifier.load_tagger", None)  # it is not loaded again
    several = gold(["Ana Ruiz", "sin nada"])
    assert [document.text for document in several] == ["Ana Ruiz", "sin nada"]
    assert "NOMBRE_SUJETO_ASISTENCIA" in gold.labels
    assert str(gold.folder) in repr(gold)


def test_an_adapted_model_is_sampled_as_it_stands(notes: ds.Corpus, folder: Path) -> None:
    assert (len(notes), notes.origin, notes.annotation) == (6, "synthetic", "silver")
    kept = json.loads((folder / "lm" / "model" / "deidsynth.json").read_text(encoding="utf-8"))
    assert sum(count for _, count in kept["control_codes"]) == 30
    rows = [json.loads(line) for line in (folder / "notes" / "samples.jsonl").read_text(encoding="utf-8").splitlines()]
    assert not any("control_codes_document" in row for row in rows)


def test_what_is_written_has_a_manifest_with_lineage(gold: ds.Tagger, notes: ds.Corpus, folder: Path) -> None:
    manifest = json.loads((gold.folder / "manifest.json").read_text(encoding="utf-8"))
    assert manifest["stage"] == "train" and manifest["config"]["learning_rate"] == 0.003
    assert [entry["direct"] for entry in manifest["lineage"]["invented_data"]] == [True]
    sampled = json.loads((folder / "notes" / "manifest.json").read_text(encoding="utf-8"))["lineage"]
    [source] = sampled["invented_data"]
    assert (source["direct"], source["via"][0]) == (False, "given-corpus")
    assert not list(folder.glob(".*")), "nothing is left behind"


def test_a_tagger_from_silver_notes_is_evaluated(
    gold: ds.Tagger, notes: ds.Corpus, corpus: ds.Corpus, folder: Path
) -> None:
    silver = gold.annotate(corpus, progress=False)
    assert (silver.annotation, silver.language) == ("silver", "es")
    _, test = corpus.split(test=0.2, seed=1)
    if not silver.n_entities:
        pytest.fail("a tagger that finds nothing teaches nothing")
    tagger = ds.train(silver, output=folder / "ner", **ENCODER, **QUIET)
    result = ds.evaluate(tagger.annotate(test, progress=False), test, resamples=200)
    assert result.strict.f1 is None or 0 <= result.strict.f1 <= 1
    assert result.strict.interval is None or len(tuple(result.strict.interval)) == 2
    made = json.loads((tagger.folder / "manifest.json").read_text(encoding="utf-8"))["lineage"]
    assert any("annotate" in source["via"] and "train" in source["via"] for source in made["invented_data"])


def test_what_was_sampled_is_loaded_by_its_folder_with_its_lineage(notes: ds.Corpus, folder: Path) -> None:
    loaded = ds.load_corpus(folder / "notes")
    assert loaded == notes
    assert loaded.lineage == notes.lineage
    [source] = loaded.lineage["invented_data"]
    assert (source["direct"], source["via"][-2:]) == (False, ["given-model", "synthesize"])


@pytest.mark.parametrize(
    ("call", "told"),
    [
        (
            lambda corpus, folder: ds.train(corpus, output=folder / "x", epoch=1),
            "epoch: unknown key, did you mean epochs",
        ),
        (lambda corpus, folder: ds.train(corpus, output=folder / "x", swaps=1), "it is now called mention_replacement"),
        (
            lambda corpus, folder: ds.adapt(corpus, output=folder / "x", base="scratch", method="lora"),
            "use full with scratch",
        ),
        (lambda corpus, folder: ds.synthesize(folder / "lm", 3, output=folder / "x", top_p=2), "top_p: "),
    ],
)
def test_settings_have_the_names_and_checks_of_the_configuration(
    call: Any, told: str, corpus: ds.Corpus, model: ds.LanguageModel, folder: Path
) -> None:
    with pytest.raises(ds.ConfigError, match=told):
        call(corpus, folder)
    assert not (folder / "x").exists()


def test_an_output_that_is_there_is_not_overwritten(corpus: ds.Corpus, gold: ds.Tagger) -> None:
    with pytest.raises(ds.InputError, match="is not empty"):
        ds.train(corpus, output=gold.folder, **ENCODER, **QUIET)


def test_bars_are_shown_unless_they_are_not_wanted(
    gold: ds.Tagger, corpus: ds.Corpus, capsys: pytest.CaptureFixture[str]
) -> None:
    gold.annotate(corpus[:2])
    assert "annotate" in capsys.readouterr().err
    gold.annotate(corpus[:2], progress=False)
    shown = capsys.readouterr()
    assert shown.err == shown.out == ""
