import json
import stat
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from deidsynth.config import RunConfig
from deidsynth.digests import digest
from deidsynth.errors import InputError, IntegrityError, OutputInUseError
from deidsynth.workflow.run_folder import Publication, RunFolder, list_runs, show_run, verify_run
from deidsynth.workflow.store import Artifact, InputRecord, Manifest, Store, artifact_key
from run_reports import run_report

NO_PROCESS = 2**30
REPORT = run_report()


def make(store: Store, name: str, files: dict[str, str], inputs: dict[str, Artifact] | None = None) -> Artifact:
    records = {role: InputRecord(each.key, each.content_digest) for role, each in (inputs or {}).items()}
    identity: dict[str, Any] = {"stage": "train", "stage_version": 1, "config": {"name": name}, "seed": 1}
    identity |= {"precision": None}
    key = artifact_key(**identity, inputs={role: record.key for role, record in records.items()})
    with store.reserve(key, "train") as work:
        work.prepare(records)
        for path, text in files.items():
            (work.output / path).parent.mkdir(parents=True, exist_ok=True)
            (work.output / path).write_text(text)
        return store.commit(work, Manifest(key=key, name=name, inputs=records, facts={"n": 3}, **identity))


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / ".deidsynth")


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder(tmp_path / "runs" / "one")


def publish(folder: RunFolder, store: Store, weights: str = "w") -> list[str]:
    corpus = make(store, "annotate", {"corpus.jsonl": "{}\n"})
    model = make(store, "gold", {"model/config.json": "{}", "model/a/b": weights, "curve.jsonl": ""}, {"c": corpus})
    wanted = [
        Publication("models/gold", model, "model"),
        Publication("synthetic/corpus.jsonl", corpus, "corpus.jsonl"),
    ]
    with folder.claim():
        return folder.publish(wanted, store=store, artifacts={"annotate": corpus, "gold": model})


def files_below(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def test_a_claimed_folder_is_private(folder: RunFolder) -> None:
    with folder.claim():
        assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    with folder.claim():
        pass


def test_a_folder_with_other_things_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "run.yaml").write_text("mine: true")
    with pytest.raises(InputError, match=r"not empty and not a run folder.*--output"), RunFolder(tmp_path).claim():
        pass
    assert files_below(tmp_path) == ["run.yaml"]


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="a file, not a folder"), RunFolder(tmp_path / "file").claim():
        pass


def test_an_empty_folder_is_taken(tmp_path: Path) -> None:
    with RunFolder(tmp_path).claim():
        assert (tmp_path / "run.json").is_file()


HOLDER = """
import sys
from pathlib import Path
from deidsynth.workflow.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])).claim():
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_folder_in_use_names_the_process_and_the_remedy(folder: RunFolder) -> None:
    command = [sys.executable, "-c", HOLDER, str(folder.path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        message = rf"another run \(process {holder.pid}\).*wait until it ends, or choose another one with --output"
        with pytest.raises(OutputInUseError, match=message), folder.claim():
            pass
        holder.kill()
    with folder.claim():
        pass


def test_the_configuration_is_written_when_it_changes(folder: RunFolder) -> None:
    with folder.claim():
        assert folder.write_config(RunConfig(seed=3))
        assert not folder.write_config(RunConfig(seed=3))
        assert folder.write_config(RunConfig(seed=4))
    assert "seed: 4\n" in (folder.path / "run.yaml").read_text()


def test_publishing_copies_what_changed_and_nothing_else(folder: RunFolder, store: Store) -> None:
    assert publish(folder, store) == ["models/gold", "synthetic/corpus.jsonl"]
    assert files_below(folder.path / "models") == ["gold.manifest.json", "gold/a/b", "gold/config.json"]
    assert (folder.path / "synthetic/corpus.jsonl").read_text() == "{}\n"
    record = (folder.path / "run.json").read_bytes()
    assert publish(folder, store) == []
    assert (folder.path / "run.json").read_bytes() == record
    assert publish(folder, store, weights="v") == ["models/gold"]
    assert (folder.path / "models/gold/a/b").read_text() == "v"
    assert verify_run(folder.path) == []


def test_a_copy_that_is_gone_or_torn_is_made_again(folder: RunFolder, store: Store) -> None:
    publish(folder, store)
    (folder.path / "models/gold/a/b").write_text("")
    left = folder.path / f"models/.gold.{NO_PROCESS}.tmp"
    left.mkdir()
    (folder.path / "synthetic/corpus.jsonl").unlink()
    assert publish(folder, store) == ["models/gold", "synthetic/corpus.jsonl"]
    assert files_below(folder.path / "models") == ["gold.manifest.json", "gold/a/b", "gold/config.json"]
    assert not left.exists()
    assert verify_run(folder.path) == []


def test_an_artifact_that_lacks_what_is_published_is_named(folder: RunFolder, store: Store) -> None:
    artifact = make(store, "gold", {"curve.jsonl": ""})
    with folder.claim(), pytest.raises(IntegrityError, match="has no model; remove the folder and run again"):
        folder.publish([Publication("models/gold", artifact, "model")], store=store, artifacts={})


def test_verifying_finds_tampering_in_store_and_folder(folder: RunFolder, store: Store) -> None:
    publish(folder, store)
    assert verify_run(folder.path) == []
    model = next(artifact for artifact in store.artifacts() if artifact.manifest.name == "gold")
    (model.path / "curve.jsonl").write_text("{}")
    (folder.path / "models/gold/more").write_text("")
    (folder.path / "synthetic/corpus.jsonl").write_text("{ }")
    assert verify_run(folder.path) == [
        f"{model.path.name}/curve.jsonl: changed",
        "models/gold/more: not in the manifest",
        "synthetic/corpus.jsonl: changed",
    ]
    (folder.path / "synthetic/corpus.jsonl").unlink()
    assert "synthetic/corpus.jsonl: missing" in verify_run(folder.path)


def test_verifying_finds_missing_replaced_and_damaged_artifacts(folder: RunFolder, store: Store) -> None:
    publish(folder, store)
    by_name = {artifact.manifest.name: artifact for artifact in store.artifacts()}
    make(store, "annotate", {"corpus.jsonl": "{ }\n"})
    assert verify_run(folder.path) == [
        "annotate: its content in the store differs from that of this run; run again",
        f"{by_name['gold'].path.name}: made from different content of its input c; run again",
    ]
    store.remove(by_name["annotate"])
    (by_name["gold"].path / "manifest.json").write_text("{")
    missing, damaged = verify_run(folder.path)
    assert missing.startswith("annotate: its artifact is not in the store")
    assert "not a readable manifest; remove" in damaged


def test_reports_are_remembered_by_what_they_were_made_from(folder: RunFolder) -> None:
    with folder.claim():
        with pytest.raises(InputError, match="no report yet; finish the run with: deidsynth run"):
            folder.report()
        assert not folder.has_report(digest("x"))
        folder.write_report(REPORT, "<html></html>", digest("x"))
        assert folder.has_report(digest("x"))
        assert not folder.has_report(digest("y"))
        assert folder.report() == REPORT
        (folder.path / "report.html").unlink()
        assert not folder.has_report(digest("x"))
        (folder.path / "report.json").write_text("{")
        with pytest.raises(IntegrityError, match="not readable; remove it and run again"):
            folder.report()


def test_listing_tells_the_state_of_every_run(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "runs"
    for name in ("a", "b", "c"):
        publish(RunFolder(root / name), store)
    with RunFolder(root / "a").claim():
        RunFolder(root / "a").write_report(REPORT, "", digest("x"))
    (root / "c" / "run.json").write_text("{}")
    (root / "other").mkdir()
    found = list_runs(root)
    assert [(Path(run["path"]).name, run["status"]) for run in found] == [
        ("a", "finished"),
        ("b", "unfinished"),
        ("c", "damaged"),
    ]
    assert (found[0]["created"], found[0]["language"]) == (REPORT.created, "es")
    assert (found[0]["gold_strict_f1"], found[0]["synthetic_strict_f1"]) == (1.0, 0.8)
    assert list_runs(root / "b")[0]["path"] == str(root / "b")
    with pytest.raises(InputError, match="no such folder"):
        list_runs(root / "nowhere")


def test_runs_are_listed_below_folders_of_runs(tmp_path: Path, store: Store) -> None:
    root = tmp_path / "runs"
    for name in ("demo/sv", "1/2/3", "1/2/3/inside", "1/2/4/5", ".hidden/a"):
        publish(RunFolder(root / name), store)
    assert [run["path"] for run in list_runs(root)] == [str(root / "1/2/3"), str(root / "demo/sv")]


def test_showing_a_run(folder: RunFolder, store: Store) -> None:
    publish(folder, store)
    store.remove(next(artifact for artifact in store.artifacts() if artifact.manifest.name == "annotate"))
    shown = show_run(folder.path)
    assert shown["status"] == "unfinished"
    assert shown["store"] == str(store.root)
    assert shown["published"] == ["models/gold", "synthetic/corpus.jsonl"]
    gone, there = shown["artifacts"]
    assert (gone["name"], gone["present"]) == ("annotate", False)
    assert (there["name"], there["present"], there["size"], there["facts"]) == ("gold", True, 3, {"n": 3})
    json.dumps(shown)


def test_what_is_no_run_folder_is_told(tmp_path: Path) -> None:
    for check in (show_run, verify_run):
        with pytest.raises(InputError, match="not a run folder"):
            check(tmp_path)


def test_a_damaged_record_says_what_to_do(folder: RunFolder) -> None:
    with folder.claim():
        pass
    (folder.path / "run.json").write_text('{"schema_version": 2}')
    with pytest.raises(IntegrityError, match="not a readable record of a run; remove it"):
        verify_run(folder.path)
