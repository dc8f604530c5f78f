"""The bundle of a run with real stages on tiny models: complete, checkable, and without anything of the real notes."""

from __future__ import annotations

import json
import platform
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

from deidsynth.cli.app import app
from deidsynth.corpora import load_corpus, read_jsonl
from deidsynth.digests import hex_of
from deidsynth.documents import Corpus
from deidsynth.release.bundle import PARTS
from made_audits import audit_of, write_audit
from tiny_runs import write_config, write_notes


class Released:
    """A finished run on notes that are called real, and its bundle."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.notes = write_notes(home / "private-notes", n_validation=2, origin="real")
        self.run, self.bundle = home / "runs" / "hospital", home / "bundle"
        once = {"ensemble_size": 2, "epochs": 4, "task_adaptive_pretraining": {"epochs": 1}}
        config = write_config(home / "tiny.yaml", self.notes, self.run)
        data = yaml.safe_load(config.read_text(encoding="utf-8"))
        data["train_synthetic"] = {**data["train"], **once}
        config.write_text(yaml.safe_dump(data), encoding="utf-8")
        self.call("run", config, "--device", "cpu", "--quiet")
        self.audit = write_audit(home / "audited", audit_of(self.run))
        self.said = self.call("release", self.run, "--output", self.bundle, "--audit", self.audit, "--license", "mit")

    def call(self, *arguments: str | Path) -> Any:
        """What a command says that ends well."""
        result = CliRunner().invoke(app, [str(argument) for argument in arguments], prog_name="deidsynth")
        assert result.exit_code == 0, result.stderr
        return result

    def real(self) -> Iterator[Corpus]:
        """The real notes, part by part."""
        for path in sorted(self.notes.glob("*.jsonl")):
            yield read_jsonl(path)

    def manifests(self) -> list[dict[str, Any]]:
        """The manifests of all artifacts."""
        return [json.loads(path.read_text(encoding="utf-8")) for path in self.home.rglob("artifacts/*/manifest.json")]


@pytest.fixture(scope="module")
def released(tmp_path_factory: pytest.TempPathFactory) -> Released:
    return Released(tmp_path_factory.mktemp("released"))


def files_of(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_it_holds_what_was_promised_and_nothing_else(released: Released) -> None:
    rows = released.said.stdout
    assert all(name in rows for name in PARTS)
    assert {path.name for path in released.bundle.iterdir()} == {name.partition("/")[0] for name in PARTS}
    model = {path.name for path in (released.bundle / "model").iterdir()}
    assert model == {
        "README.md", "config.json", "deidsynth.json", "ensemble-2", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json",
    }  # fmt: skip


def test_everybody_may_read_it_although_the_run_is_private(released: Released) -> None:
    for path in (released.bundle, *released.bundle.rglob("*")):
        assert path.stat().st_mode & 0o777 == (0o755 if path.is_dir() else 0o644), path
    assert released.run.stat().st_mode & 0o077 == 0


def test_the_corpus_is_that_of_the_run_with_new_numbers(released: Released) -> None:
    before = read_jsonl(released.run / "synthetic" / "corpus.jsonl")
    corpus = read_jsonl(released.bundle / "corpus" / "corpus.jsonl")
    brat = load_corpus(released.bundle / "corpus" / "brat")
    for found in (corpus, brat):
        assert (found.origin, found.annotation, found.language) == ("synthetic", "silver", "sv")
        assert {each.doc_id for each in found} == {f"note-{number:02d}" for number in range(1, len(before) + 1)}
    for old, new in zip(before, corpus, strict=True):
        assert old.text == new.text
        assert [each.key for each in old.entities] == [each.key for each in new.entities]
    assert all(entity.score is None for document in corpus for entity in document.entities)
    by_id = {each.doc_id: each for each in brat}
    assert all(by_id[each.doc_id].text == each.text for each in corpus)


@pytest.mark.parametrize("folder", ["model", "model/ensemble-2"])
def test_plain_transformers_loads_the_model(released: Released, folder: str) -> None:
    from transformers import AutoModelForTokenClassification, AutoTokenizer, pipeline

    model = AutoModelForTokenClassification.from_pretrained(released.bundle / folder)
    tokenizer = AutoTokenizer.from_pretrained(released.bundle / "model")
    found = pipeline("token-classification", model=model, tokenizer=tokenizer)("Namn: Alvedina Kvistlund")
    assert all(each["entity"].startswith(("B-", "I-")) for each in found)
    assert {tag.partition("-")[2] for tag in model.config.label2id} - {""} <= {"NAME", "PLACE", "DATE"}


def test_deidsynth_loads_the_whole_ensemble(released: Released) -> None:
    from deidsynth.models.tagger.token_classifier import load_tagger

    assert len(load_tagger(str(released.bundle / "model")).models) == 2
    assert "ensemble of 2 models" in (released.bundle / "model" / "README.md").read_text(encoding="utf-8")


def test_the_model_card_has_the_header_of_model_hubs(released: Released) -> None:
    _, header, card = (released.bundle / "model" / "README.md").read_text(encoding="utf-8").split("---\n", 2)
    data = yaml.safe_load(header)
    assert (data["license"], data["language"]) == ("mit", ["sv"])
    assert (data["library_name"], data["pipeline_tag"]) == ("transformers", "token-classification")
    assert {"de-identification", "synthetic-data"} <= set(data["tags"])
    assert "base_model" not in data
    report = json.loads((released.run / "report.json").read_text(encoding="utf-8"))
    assert f"{report['models']['synthetic']['strict']['f1']:.3f}" in card
    assert "| rare_values | 0.110 | 0.100 |" in card


def test_the_data_sheet_has_the_counts_of_the_manifests(released: Released) -> None:
    sheet = (released.bundle / "DATASHEET.md").read_text(encoding="utf-8")
    facts = {each["name"]: each["facts"] for each in released.manifests()}
    n_released = len(read_jsonl(released.bundle / "corpus" / "corpus.jsonl"))
    assert f"{n_released} notes that a language model wrote" in sheet
    assert f"| documents | {facts['annotate']['n_documents']} |" in sheet
    assert f"| notes sampled | {facts['synthesize']['n_sampled']} |" in sheet
    assert "real data: 1 source, splits train, validation, through" in sheet
    assert "made apart from" in sheet
    for section in ("Motivation", "Composition", "Uses", "Distribution", "Maintenance"):
        assert f"## {section}" in sheet


def test_nothing_of_the_real_notes_is_in_it(released: Released) -> None:
    corpus = read_jsonl(released.bundle / "corpus" / "corpus.jsonl")
    files = {name: content for name, content in files_of(released.bundle).items() if not name.startswith("corpus/")}
    texts = {name: content for name, content in files.items() if not name.endswith(".safetensors")}
    others = b"\n".join(texts.values())
    everything = b"\n".join(files_of(released.bundle).values())
    names = {entry["source"] for each in released.manifests() for of in each["lineage"].values() for entry in of}
    names |= {each["key"] for each in released.manifests()}
    of_real = [each for each in released.manifests() if each["stage"] in ("import", "select", "adapt", "evaluate")]
    of_real += [each for each in released.manifests() if each["name"] == "gold"]
    names |= {each["content_digest"] for each in of_real}
    names |= {record["digest"] for each in of_real for name, record in each["files"].items() if "tokenizer" not in name}
    for digest in names:
        assert hex_of(digest)[:16].encode() not in everything
    for place in (str(released.home), "hospital", "private-notes", "tiny.yaml"):
        assert place.encode() not in everything
    if len(platform.node()) > 3:
        assert platform.node().encode() not in others
    synthetic = "\n".join(document.text for document in corpus)
    for document in (each for part in released.real() for each in part):
        assert document.doc_id.encode() not in everything
        for line in filter(None, document.text.splitlines()):
            assert line.encode() not in others
        for entity in document.entities:
            value = document.surface(entity)
            assert value.encode() not in others or value in synthetic


def test_real_values_are_in_it_no_more_than_the_synthetic_notes_have_them(released: Released) -> None:
    """Nothing but the notes themselves, which the audit measures against its control, can hold a value."""
    train, test = (
        {document.surface(entity) for document in part for entity in document.entities}
        for part in (read_jsonl(released.notes / f"{name}.jsonl") for name in ("train", "test"))
    )
    before = (released.run / "synthetic" / "corpus.jsonl").read_text(encoding="utf-8")
    after = b"\n".join(
        content for name, content in files_of(released.bundle).items() if not name.endswith(".safetensors")
    ).decode("utf-8")
    assert any(value in before for value in train)
    for values in (train, test):
        assert {value for value in values if value in after} <= {value for value in values if value in before}


@pytest.fixture
def copied(released: Released, tmp_path: Path) -> Path:
    return Path(shutil.copytree(released.bundle, tmp_path / "received"))


def commands(bundle: Path) -> list[str]:
    """The commands of VERIFY.md."""
    blocks = (bundle / "VERIFY.md").read_text(encoding="utf-8").split("```\n")[1::2]
    return [block.replace("python3 ", f"{sys.executable} ", 1) for block in blocks]


def verified(bundle: Path) -> list[int]:
    """The exit codes of the commands of VERIFY.md."""
    return [
        subprocess.run(["bash", "-c", command], cwd=bundle, capture_output=True, check=False).returncode
        for command in commands(bundle)
    ]


def test_both_commands_find_it_as_it_was_released(copied: Path) -> None:
    assert len(commands(copied)) == 2
    assert verified(copied) == [0, 0]


@pytest.mark.parametrize("name", ["model/model.safetensors", "corpus/corpus.jsonl", "VERIFY.md", "audit.json"])
def test_both_commands_find_a_changed_byte(copied: Path, name: str) -> None:
    content = bytearray((copied / name).read_bytes())
    commanded = commands(copied)
    content[-1] ^= 1
    (copied / name).write_bytes(content)
    for command in commanded:
        assert subprocess.run(["bash", "-c", command], cwd=copied, capture_output=True, check=False).returncode == 1


def test_both_commands_find_a_missing_file(copied: Path) -> None:
    (copied / "DATASHEET.md").unlink()
    assert verified(copied) == [1, 1]


def test_python_finds_a_file_that_was_added(copied: Path) -> None:
    (copied / "model" / "pytorch_model.bin").write_bytes(b"")
    assert verified(copied)[1] == 1


def test_the_printed_digest_is_that_of_the_checksums(released: Released) -> None:
    from deidsynth.digests import file_digest

    assert hex_of(file_digest(released.bundle / "checksums.txt")) in released.said.stderr
    listed = (released.bundle / "checksums.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition("  ")[2] for line in listed] == sorted(files_of(released.bundle).keys() - {"checksums.txt"})


def test_the_run_is_as_it_was(released: Released) -> None:
    released.call("runs", "verify", released.run)
