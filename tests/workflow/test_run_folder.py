import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from random import Random
from typing import Any

import pytest

from deidsynth.config import RunConfig
from deidsynth.digests import digest
from deidsynth.errors import InputError, IntegrityError, OutputInUseError
from deidsynth.workflow import run_folder
from deidsynth.workflow.run_folder import Publication, RunFolder, list_runs, show_run, verify_run
from deidsynth.workflow.run_verification import check_run
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


def finish(folder: RunFolder, store: Store) -> None:
    """A finished run: planned, published and reported."""
    publish(folder, store)
    made = {each.manifest.name: each for each in store.artifacts()}
    planned = {name: {"stage": each.manifest.stage, "key": each.key} for name, each in made.items()}
    with folder.claim():
        folder.write_plan(planned, store)
        folder.write_config(RunConfig(seed=3))
        folder.write_report(REPORT, "<html></html>", digest("x"))
        folder.put({"test/errors.html": "<html></html>"}, private=True)


def make_early(folder: RunFolder, store: Store) -> None:
    """Make a run what an earlier version left: no digests of manifests, of the record and of the reports."""
    for place in (*store.root.rglob("manifest.json"), *folder.path.rglob("*.manifest.json")):
        place.write_text(json.dumps(without(json.loads(place.read_text()), "manifest_digest"), indent=2) + "\n")
    record = json.loads((folder.path / "run.json").read_text())
    record["published"] = {target: without(entry, "manifest") for target, entry in record["published"].items()}
    (folder.path / "run.json").write_text(json.dumps(without(record, "files", "record_digest"), indent=2) + "\n")


def without(data: dict[str, Any], *names: str) -> dict[str, Any]:
    return {name: value for name, value in data.items() if name not in names}


def test_every_flip_of_a_byte_is_found(folder: RunFolder, store: Store) -> None:
    finish(folder, store)
    assert check_run(folder.path).status == "whole"
    chance = Random(17)
    files = [path for root in (folder.path, store.root) for path in root.rglob("*") if path.is_file()]
    names = {path.name for path in files}
    assert {"run.json", "run.yaml", "report.json", "report.html", "errors.html", "manifest.json", "b"} <= names
    for path in files:
        if path.suffix == ".lock" or path.name == ".lock":
            continue
        whole = path.read_bytes()
        for _ in range(12 if whole else 0):
            place = chance.randrange(len(whole))
            other = chance.choice([whole[place] ^ 1 << chance.randrange(8), *b" \n\t0E"])
            flipped = whole[:place] + bytes([other]) + whole[place + 1 :]
            path.write_bytes(flipped)
            if flipped != whole:
                assert is_found(folder.path), (path, place, whole[place], other)
        path.write_bytes(whole)
    assert check_run(folder.path).status == "whole"


def is_found(path: Path) -> bool:
    try:
        return check_run(path).status == "damaged"
    except IntegrityError:
        return True


def test_what_is_no_part_of_a_run_is_found(folder: RunFolder, store: Store) -> None:
    finish(folder, store)
    (folder.path / "models" / "notes.txt").write_text("")
    (folder.path / "more" / "deep").mkdir(parents=True)
    (folder.path / "more" / "deep" / "a").write_text("")
    (folder.path / "link").symlink_to("models")
    (folder.path / "models" / "gold" / "inside").symlink_to(store.root)
    left = folder.path / "synthetic" / f".corpus.jsonl.{NO_PROCESS}.tmp"
    left.mkdir()
    (left / "half").write_text("")
    assert verify_run(folder.path) == [
        "models/gold/inside: not in the manifest",
        "link: not part of the run",
        "models/notes.txt: not part of the run",
        "more/deep/a: not part of the run",
        f"synthetic/.corpus.jsonl.{NO_PROCESS}.tmp: left by a killed process; remove it",
    ]


def test_an_unfinished_run_is_told_from_a_damaged_one(folder: RunFolder, store: Store) -> None:
    finish(folder, store)
    record = folder.record()
    assert list_runs(folder.path)[0]["status"] == "finished"
    with folder.claim():
        more = {**record.planned, "evaluate": {"stage": "evaluate", "key": digest("to come")}}
        folder.write_plan(more, store)
    found = check_run(folder.path)
    assert found.status == "unfinished"
    assert found.unfinished is not None
    assert found.unfinished.startswith("unfinished: 2 of 3 artifacts; finish the run with: deidsynth run")
    assert list_runs(folder.path)[0]["status"] == "unfinished"
    (folder.path / "models/gold/a/b").write_text("v")
    assert check_run(folder.path).status == "damaged"


@pytest.mark.parametrize("stopped_at", ["copy", "config", "report"])
def test_a_run_killed_while_it_writes_its_folder_is_unfinished_and_heals(
    folder: RunFolder, store: Store, monkeypatch: pytest.MonkeyPatch, stopped_at: str
) -> None:
    finish(folder, store)
    module = "deidsynth.workflow.run_folder"
    real = {name: getattr(run_folder, name) for name in ("write_atomically", "replace_tree")}

    def stop(function: str) -> Callable[..., None]:
        def write(*arguments: Any, **options: Any) -> None:
            if Path(arguments[0]).name == "run.json":
                real[function](*arguments, **options)
                return
            raise KeyboardInterrupt

        return write

    write = {
        "copy": lambda: publish(folder, store, weights="v"),
        "config": lambda: claimed(folder, lambda: folder.write_config(RunConfig(seed=4))),
        "report": lambda: claimed(folder, lambda: folder.write_report(REPORT, "<p></p>", digest("y"))),
    }[stopped_at]
    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        function = "replace_tree" if stopped_at == "copy" else "write_atomically"
        patched.setattr(f"{module}.{function}", stop(function))
        write()
    assert check_run(folder.path).status == "unfinished"
    write()
    if stopped_at != "copy":  # a copy of other content is another run, whose plan is not that of this one
        assert check_run(folder.path).status == "whole"


def claimed(folder: RunFolder, action: Callable[[], object]) -> None:
    with folder.claim():
        action()


def test_a_record_that_was_changed_is_written_anew_by_the_next_run(folder: RunFolder, store: Store) -> None:
    finish(folder, store)
    place = folder.path / "run.json"
    place.write_text(place.read_text().replace('"created": "2', '"created": "1'))
    assert verify_run(folder.path) == ["run.json: changed; run again to write it anew"]
    with folder.claim():
        folder.write_plan(folder.record().planned, store)
    assert verify_run(folder.path) == []


def test_a_run_of_an_earlier_version_is_listed_shown_and_told_apart(folder: RunFolder, store: Store) -> None:
    finish(folder, store)
    make_early(folder, store)
    found = check_run(folder.path)
    assert (found.status, found.problems) == ("whole", ())
    assert [note.partition(":")[0] for note in found.notes] == ["run.json", "2 artifacts"]
    assert all("made by an earlier version" in note for note in found.notes)
    assert list_runs(folder.path)[0]["status"] == "finished"
    assert [each["present"] for each in show_run(folder.path)["artifacts"]] == [True, True]
    (folder.path / "models/gold/a/b").write_text("v")
    assert check_run(folder.path).status == "damaged"
    (folder.path / "models/gold/a/b").write_text("w")
    with folder.claim():
        folder.write_report(REPORT, "<html>again</html>", digest("x"))
    assert [note.partition(":")[0] for note in check_run(folder.path).notes] == ["2 artifacts"]
    assert check_run(folder.path).status == "whole"
    (folder.path / "run.yaml").write_text("")
    assert verify_run(folder.path) == ["run.yaml: changed"]


def test_a_claimed_folder_becomes_private_even_if_it_was_not(folder: RunFolder, store: Store) -> None:
    folder.path.mkdir(parents=True)
    folder.path.chmod(0o755)
    for part in ("artifacts", "locks"):
        (store.root / part).mkdir(parents=True)
        (store.root / part).chmod(0o755)
    publish(folder, store)
    assert stat.S_IMODE(folder.path.stat().st_mode) == 0o700
    assert {stat.S_IMODE((store.root / part).stat().st_mode) for part in ("artifacts", "work", "locks")} == {0o700}


@pytest.mark.parametrize(("kind", "mode"), [("real_data", 0o600), ("unknown_models", 0o600), ("invented_data", 0o644)])
def test_copies_of_what_may_be_real_are_private(folder: RunFolder, store: Store, kind: str, mode: int) -> None:
    key = digest(kind)
    before = os.umask(0o022)
    try:
        with store.reserve(key, "train") as work:
            work.prepare({})
            (work.output / "model").mkdir()
            (work.output / "model" / "vocabulary").write_text("")
            identity: dict[str, Any] = {"stage": "train", "stage_version": 1, "config": {}, "seed": 1}
            lineage = {kind: [{"source": "s", "direct": False, "via": [], "parts": []}]}
            manifest = Manifest(key=key, name="gold", precision=None, inputs={}, lineage=lineage, **identity)
            artifact = store.commit(work, manifest)
        with folder.claim():
            folder.publish([Publication("models/gold", artifact, "model")], store=store, artifacts={})
    finally:
        os.umask(before)
    written = [folder.path / "models/gold/vocabulary", folder.path / "models/gold.manifest.json"]
    written += [artifact.path / "model" / "vocabulary", artifact.path / "manifest.json"]
    assert [stat.S_IMODE(path.stat().st_mode) for path in written] == [mode] * 4


@pytest.mark.parametrize(
    "content", ["[" * 100_000, '{"schema_version": 1}', "\x00", "[]", '{"schema_version": 1, "artifacts": 5}']
)
def test_one_record_that_cannot_be_read_does_not_end_the_list(tmp_path: Path, store: Store, content: str) -> None:
    for name in ("a", "b"):
        finish(RunFolder(tmp_path / name), store)
    record = tmp_path / "a" / "run.json"
    record.write_text(content)
    assert [run["status"] for run in list_runs(tmp_path)] == ["damaged", "finished"]
    whole = json.loads((tmp_path / "b" / "run.json").read_text())
    for field, value in (
        ("created", 5),
        ("artifacts", {"a": {"stage": 1}}),
        ("published", {"a": 1}),
        ("planned", {"a": {}}),
    ):
        record.write_text(json.dumps({**without(whole, "record_digest"), field: value}))
        assert [run["status"] for run in list_runs(tmp_path)] == ["damaged", "finished"]
        with pytest.raises(IntegrityError, match="not a readable record"):
            show_run(tmp_path / "a")


def test_a_record_that_may_not_be_read_does_not_end_the_list(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        finish(RunFolder(tmp_path / name), store)
    read = Path.read_text

    def refuse(path: Path, *arguments: Any, **options: Any) -> str:
        if path == tmp_path / "a" / "run.json":
            raise PermissionError(13, "Permission denied", str(path))
        return read(path, *arguments, **options)

    monkeypatch.setattr(Path, "read_text", refuse)
    assert [run["status"] for run in list_runs(tmp_path)] == ["damaged", "finished"]
