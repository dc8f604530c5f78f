"""The whole pipeline through the command line, with its real stages on tiny models and invented notes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

from deidsynth.cli.app import app
from deidsynth.corpora import read_jsonl, write_jsonl
from deidsynth.documents import Document, Entity
from tiny_runs import FIRST, LAST, SETTINGS, note, write_config, write_notes

UNSEEN = {"Xylofonia": "NAME", "Quästorp-Wibb": "NAME", "19770707-7777": "ID", "zx.quästorp@example.org": "EMAIL"}
"""Stand in validation notes, as the first words that give prompts, and in test notes: no model may ever say them."""

LEARNED = {"Pluvialdo": "NAME", "Ögondahl-Fnitter": "NAME", "19660606-6666": "NAME"}
"""Stand in a training note: the gold model learns them, the language model reads surrogates instead."""


def deidsynth(*arguments: str | Path) -> Result:
    return CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="deidsynth")


def must(*arguments: str | Path) -> Result:
    result = deidsynth(*arguments)
    assert result.exit_code == 0, result.stderr
    return result


def plant_secrets(file: Path, secrets: Mapping[str, str]) -> None:
    """Put a note that begins with names which stand nowhere else at the front of a part."""
    text, entities = "", []
    for secret, label in secrets.items():
        entities.append(Entity(len(text), len(text) + len(secret), label))
        text += f"{secret} "
    corpus = read_jsonl(file)
    planted = Document(f"case-{file.stem}", f"{text}\nSökte för hosta.\n", tuple(entities))
    write_jsonl(corpus.with_documents([planted, *corpus]), file)


class Finished:
    """A run that is done, and all that it said."""

    def __init__(self, home: Path) -> None:
        self.corpus = write_notes(home / "notes", n_validation=2, origin="real")
        plant_secrets(self.corpus / "train.jsonl", LEARNED)
        for part in ("validation", "test"):
            plant_secrets(self.corpus / f"{part}.jsonl", UNSEEN)
        self.config = write_config(home / "tiny.yaml", self.corpus, home / "runs" / "one")
        self.folder = home / "runs" / "one"
        self.store = home / "runs" / ".deidsynth"
        self.result = must("run", self.config, "--device", "cpu")

    def stages(self) -> dict[str, dict[str, Any]]:
        return {stage["name"]: stage for stage in self.report()["stages"]}

    def report(self) -> dict[str, Any]:
        report: dict[str, Any] = json.loads((self.folder / "report.json").read_text(encoding="utf-8"))
        return report

    def manifests(self) -> dict[str, dict[str, Any]]:
        files = self.store.glob("artifacts/*/manifest.json")
        manifests = [json.loads(file.read_text(encoding="utf-8")) for file in files]
        return {manifest["name"]: manifest for manifest in manifests}


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    return Finished(tmp_path_factory.mktemp("finished"))


@pytest.fixture
def copied(finished: Finished, tmp_path: Path) -> Path:
    """The configuration of the finished run with a run folder and a store of its own."""
    shutil.copytree(finished.store, tmp_path / ".deidsynth")
    data = yaml.safe_load(finished.config.read_text(encoding="utf-8"))
    path = tmp_path / "run.yaml"
    path.write_text(yaml.safe_dump({**data, "output": str(tmp_path / "copied")}), encoding="utf-8")
    return path


def test_a_run_leaves_the_folder_that_was_promised(finished: Finished) -> None:
    for name in ("run.yaml", "report.html", "report.json", "synthetic/corpus.jsonl"):
        assert (finished.folder / name).stat().st_size > 0
    for model in ("lm", "gold", "synthetic"):
        folder = finished.folder / "models" / model
        assert {"config.json", "model.safetensors", "tokenizer.json"} <= {file.name for file in folder.iterdir()}
    assert finished.folder.stat().st_mode & 0o777 == 0o700
    resolved = yaml.safe_load((finished.folder / "run.yaml").read_text(encoding="utf-8"))
    assert resolved["adapt"]["max_grad_norm"] == 1.0
    assert (resolved["corpus"]["language"], resolved["precision"]) == ("sv", "fp32")


def test_the_models_load_with_transformers_alone(finished: Finished) -> None:
    from transformers import AutoModelForCausalLM, AutoModelForTokenClassification

    AutoModelForCausalLM.from_pretrained(finished.folder / "models" / "lm")
    labels = {}
    for name in ("gold", "synthetic"):
        tagger = AutoModelForTokenClassification.from_pretrained(finished.folder / "models" / name)
        labels[name] = {tag.partition("-")[2] for tag in tagger.config.label2id} - {""}
    assert labels["gold"] == {"NAME", "PLACE", "DATE"}
    silver = read_jsonl(finished.folder / "synthetic" / "corpus.jsonl")
    assert labels["synthetic"] == set(silver.label_scheme())


def test_the_synthetic_corpus_is_silver_and_synthetic(finished: Finished) -> None:
    corpus = read_jsonl(finished.folder / "synthetic" / "corpus.jsonl")
    assert (corpus.origin, corpus.annotation) == ("synthetic", "silver")
    assert len(corpus) == 2 * finished.report()["corpora"]["train"]["n_documents"] == 66
    assert corpus.n_entities > 0
    assert all(0 < (entity.score or 0) <= 1 for document in corpus for entity in document.entities)


def test_the_report_keeps_its_contract(finished: Finished) -> None:
    report = finished.report()
    assert report["schema_version"] == 4
    for model in ("gold", "synthetic"):
        scores = report["models"][model]
        for way in ("strict", "span", "merged", "token"):
            assert set(scores[way]) == {"precision", "recall", "f1", "tp", "fp", "fn"}
        assert {"NAME", "PLACE", "DATE"} <= set(scores["per_label"])
        assert scores["n_documents"] == 9
        assert "leak" in scores
    gold, synthetic = (report["models"][model]["strict"]["f1"] for model in ("gold", "synthetic"))
    assert report["difference"]["strict_f1"] == synthetic - gold
    assert all({"name", "key", "status", "duration_seconds"} <= set(stage) for stage in report["stages"])
    assert {stage["status"] for stage in report["stages"]} == {"done"}
    assert list(report["curves"]) == ["adapt", "gold_pretraining", "gold", "synthetic_pretraining", "synthetic"]
    assert all(points for points in report["curves"].values())
    assert report["shared_groups"] == {"train_test": 0, "validation_test": 0}
    assert (report["origin"], report["language"]) == ("real", "sv")


def test_training_learns(finished: Finished) -> None:
    report = finished.report()
    for points in report["curves"].values():
        assert points[-1]["train_loss"] < points[0]["train_loss"]
    assert report["models"]["gold"]["strict"]["f1"] > 0.7
    assert report["models"]["synthetic"]["token"]["f1"] > 0.1


def test_no_text_of_the_gold_corpus_leaves_it(finished: Finished) -> None:
    files = ("report.html", "report.json", "run.json", "synthetic/corpus.jsonl")
    page, report, record, synthetic = ((finished.folder / file).read_text(encoding="utf-8") for file in files)
    samples = "".join(file.read_text(encoding="utf-8") for file in finished.store.glob("artifacts/*/samples.jsonl"))
    assert samples.count("prompt_number") == 66
    figures = [finished.result.stdout, finished.result.stderr, report, record, samples]
    figures.append(json.dumps(finished.manifests(), ensure_ascii=False))
    for text in figures:
        held = [word for word in (*UNSEEN, *LEARNED, *FIRST, *LAST) if word.casefold() in text.casefold()]
        assert held == []
    for text in (page, synthetic):
        assert [word for word in (*UNSEEN, *LEARNED) if word.casefold() in text.casefold()] == []
    for text in (*figures, page, synthetic):
        assert [name for name in ("case-train", "case-test", "train-3", "test-102") if f'"{name}"' in text] == []
        assert "case-validation" not in text


def test_the_language_model_reads_no_identifier(finished: Finished) -> None:
    manifests = finished.manifests()
    [folder] = finished.store.glob("artifacts/pseudonymize-*")
    original, read = read_jsonl(finished.corpus / "train.jsonl"), read_jsonl(folder / "corpus.jsonl")
    assert (len(read), read.origin) == (len(original), "real")
    assert (folder / "corpus.jsonl").stat().st_mode & 0o777 == 0o600
    for before, after in zip(original, read, strict=True):
        values = [before.surface(entity) for entity in before.entities]
        assert [value for value in values if value.casefold() in after.text.casefold()] == []
        assert [text for text, found in before.pieces() if found is None][-1] in after.text
    for name in ("adapt", "synthesize"):
        assert manifests[name]["inputs"]["train"]["key"] == manifests["pseudonymize"]["key"]
    assert manifests["memorization"]["inputs"]["train"]["key"] == manifests["select-train"]["key"]
    assert manifests["adapt"]["facts"]["reads_surrogates"] is True
    facts = manifests["pseudonymize"]["facts"]
    assert facts["n_replaced"] == original.n_entities == sum(facts["by_kind"].values())
    assert facts["by_kind"] == {"date": 32, "full_name": 35, "place": 32}
    assert "Replace identifiers by surrogates" in (finished.folder / "report.html").read_text(encoding="utf-8")
    assert "on pseudonyms" in (finished.folder / "report.html").read_text(encoding="utf-8")


def test_the_closing_table_counts_the_measures_that_the_page_counts(finished: Finished) -> None:
    [folder] = finished.store.glob("artifacts/audit-*")
    facts = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))["facts"]
    measures = json.loads((folder / "audit.json").read_text(encoding="utf-8"))["measures"]
    verdicts = [each["verdict"] for each in measures if each["name"] != "validity"]
    counted = [facts[key] for key in ("n_passed", "n_failed", "n_without_verdict")]
    assert counted == [verdicts.count(each) for each in ("pass", "fail", "no-verdict")]
    assert len(measures) == sum(counted) + 1


def test_every_manifest_tells_what_it_has_seen(finished: Finished) -> None:
    manifests = finished.manifests()
    assert len(manifests) == 14

    def seen(name: str) -> tuple[bool, list[str]]:
        lineage = manifests[name]["lineage"]
        assert lineage["invented_data"] == []
        [entry] = lineage["real_data"]
        return entry["direct"], entry["parts"]

    assert seen("adapt") == seen("gold") == (True, ["train"])
    assert seen("synthesize") == (True, ["train", "validation"])
    assert seen("synthetic") == (False, ["train", "validation"])
    assert "test" not in seen("annotate")[1]
    assert list(manifests["synthetic"]["inputs"]) == ["corpus"]
    assert manifests["synthetic"]["inputs"]["corpus"]["key"] == manifests["annotate"]["key"]


def test_a_second_run_does_nothing_and_says_so(finished: Finished) -> None:
    kept = [path for path in finished.folder.rglob("*") if path.is_file() and path.name != ".lock"]
    before = {path: path.stat().st_mtime_ns for path in kept}
    result = must("run", finished.folder / "run.yaml", "--device", "cpu")
    assert "nothing to do" in result.stderr
    assert {path: path.stat().st_mtime_ns for path in kept} == before


def test_another_learning_rate_for_ner_leaves_what_is_upstream(copied: Path) -> None:
    result = must("run", copied, "--set", "train.learning_rate=0.003", "--device", "cpu", "--json", "--quiet")
    statuses = {stage["name"]: stage["status"] for stage in json.loads(result.stdout)["stages"]}
    again = {"gold", "evaluate-gold", "annotate", "synthetic", "evaluate-synthetic", "audit"}
    assert {name for name, status in statuses.items() if status == "done"} == again


def test_verify_says_yes_and_after_tampering_no(copied: Path) -> None:
    must("run", copied, "--device", "cpu", "--quiet")
    folder = copied.parent / "copied"
    assert "every artifact matches its manifest" in must("runs", "verify", folder).stderr
    [weights] = (copied.parent / ".deidsynth" / "artifacts").glob("adapt-*/model/model.safetensors")
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    result = deidsynth("runs", "verify", folder)
    assert result.exit_code == 1
    assert "model/model.safetensors: changed" in result.stderr


def test_deidentify_masks_and_tags_notes(finished: Finished, tmp_path: Path) -> None:
    gold = note("new", 17)
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "new.txt").write_bytes(gold.text.encode())
    model = finished.folder / "models" / "gold"
    must("deidentify", model, tmp_path / "notes", "--output", tmp_path / "masked", "--mode", "mask", "--device", "cpu")
    must("deidentify", model, tmp_path / "notes", "--output", tmp_path / "tagged", "--mode", "tag", "--device", "cpu")
    masked, tagged = gold.text, gold.text
    for entity in reversed(gold.entities):
        around = [f"<{entity.label}>", gold.surface(entity), f"</{entity.label}>"]
        masked = f"{masked[: entity.start]}[{entity.label}]{masked[entity.end :]}"
        tagged = f"{tagged[: entity.start]}{''.join(around)}{tagged[entity.end :]}"
    assert (tmp_path / "masked" / "new.txt").read_text(encoding="utf-8") == masked
    assert (tmp_path / "tagged" / "new.txt").read_text(encoding="utf-8") == tagged


def test_each_stage_alone_takes_files_and_gives_files(tmp_path: Path) -> None:
    corpus = write_notes(tmp_path / "notes")
    test = corpus / "test.jsonl"

    def settings(section: str) -> list[str]:
        flat = [f"--set={key}={json.dumps(value)}" for key, value in SETTINGS[section].items()]
        return [*flat, "--device", "cpu"]

    must("adapt", "--corpus", corpus, "--output", tmp_path / "lm", *settings("adapt"))
    texts = tmp_path / "texts.jsonl"
    prompts = ["--prompts-from", test, "--language", "sv"]
    must("synthesize", tmp_path / "lm", *prompts, "--n-documents", "24", "--output", texts, *settings("synthesize"))
    assert len(read_jsonl(texts)) == 24
    must("train", corpus, "--output", tmp_path / "gold", *settings("train"))
    silver = tmp_path / "silver.jsonl"
    must("annotate", tmp_path / "gold", texts, "--output", silver, *settings("annotate"))
    assert (read_jsonl(silver).annotation, len(read_jsonl(silver))) == ("silver", 24)
    assert [document.text for document in read_jsonl(silver)] == [document.text for document in read_jsonl(texts)]
    must("train", silver, "--output", tmp_path / "synthetic", *settings("train"))
    for name in ("gold", "synthetic"):
        predicted = tmp_path / f"{name}.jsonl"
        must("annotate", tmp_path / name, test, "--output", predicted, "--device", "cpu")
        scores = json.loads(must("evaluate", test, predicted, "--json").stdout)
        assert scores["n_documents"] == 8
        assert scores["token"]["f1"] > 0.04
    left = {path.name for path in tmp_path.iterdir()}
    files = {"texts.jsonl", "silver.jsonl", "gold.jsonl", "synthetic.jsonl"}
    assert left == {"notes", "lm", "gold", "synthetic", *files, *(f"{file}.manifest.json" for file in files)}
