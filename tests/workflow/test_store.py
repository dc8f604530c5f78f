import errno
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from deidsynth.digests import digest
from deidsynth.errors import IntegrityError, StorageError
from deidsynth.workflow.store import Artifact, InputRecord, Manifest, Store, artifact_key

IDENTITY: dict[str, Any] = {
    "stage": "train",
    "stage_version": 1,
    "config": {"epochs": 2, "encoder": "scratch"},
    "seed": 1,
    "precision": "fp32",
    "inputs": {"corpus": digest("corpus")},
}
KEY = artifact_key(**IDENTITY)


def manifest(**changes: Any) -> Manifest:
    plain = {**IDENTITY, "inputs": {"corpus": InputRecord(digest("corpus"), digest("content"))}}
    return Manifest(key=KEY, name="gold", **{**plain, **changes})


def make(store: Store, files: dict[str, str] | None = None) -> Artifact:
    with store.reserve(KEY, "train") as work:
        work.prepare(manifest().inputs)
        for name, text in (files or {"model/weights": "w" * 100, "curve.jsonl": "{}\n"}).items():
            (work.output / name).parent.mkdir(parents=True, exist_ok=True)
            (work.output / name).write_text(text)
        (work.scratch / "checkpoint").write_text("state")
        return store.commit(work, manifest())


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def test_a_key_is_what_it_was() -> None:
    assert KEY == "sha256:a5b8839f61a757f6906c46b2135e6222631127fae23f85a670c1c3f97eae8588"


@pytest.mark.parametrize(
    "change",
    [
        {"stage": "adapt"},
        {"stage_version": 2},
        {"config": {"epochs": 3, "encoder": "scratch"}},
        {"seed": 2},
        {"seed": None},
        {"precision": "bf16"},
        {"inputs": {"corpus": digest("another")}},
        {"inputs": {"text": digest("corpus")}},
        {"source": digest("outside")},
        {"external": {"encoder": digest("weights")}},
    ],
)
def test_everything_that_decides_the_output_is_in_the_key(change: dict[str, Any]) -> None:
    assert artifact_key(**{**IDENTITY, **change}) != KEY


def test_the_content_of_a_path_stands_in_for_the_path() -> None:
    def key(path: str, content: str) -> str:
        config = {"prompts": {"file": path}}
        return artifact_key(**{**IDENTITY, "config": config}, external={"prompts.file": digest(content)})

    assert key("/here/prompts.txt", "a") == key("/there/prompts.txt", "a") != key("/here/prompts.txt", "b")


def test_nothing_is_created_before_the_first_artifact(store: Store) -> None:
    assert not store.has(KEY, "train")
    assert store.get(KEY, "train") is None
    assert store.artifacts() == []
    assert not store.root.exists()


def test_a_committed_artifact_is_found_again(store: Store) -> None:
    made = make(store)
    found = store.get(KEY, "train")
    assert found == made
    assert made.path.name == f"train-{KEY.removeprefix('sha256:')[:16]}"
    assert {name: record.size for name, record in made.manifest.files.items()} == {
        "curve.jsonl": 3,
        "model/weights": 100,
    }
    assert made.manifest.size == 103
    assert store.artifacts() == [made]
    assert store.verify(made) == []
    assert list((store.root / "work").iterdir()) == []
    assert store.root.stat().st_mode & 0o777 == 0o700


def test_the_content_digest_is_of_the_payload_alone(tmp_path: Path) -> None:
    one, two = make(Store(tmp_path / "one")), make(Store(tmp_path / "two"))
    other = make(Store(tmp_path / "three"), {"curve.jsonl": "{}"})
    assert one.content_digest == two.content_digest != other.content_digest


def test_removing_an_artifact(store: Store) -> None:
    store.remove(make(store))
    assert not store.has(KEY, "train")
    assert store.artifacts() == []


def _edit_manifest(artifact: Artifact, change: Callable[[dict[str, Any]], object]) -> None:
    place = artifact.path / "manifest.json"
    data = json.loads(place.read_text())
    change(data)
    place.write_text(json.dumps(data))


def test_verify_finds_every_kind_of_tampering(store: Store) -> None:
    artifact = make(store)
    (artifact.path / "model" / "weights").write_text("v" * 100)
    assert [problem.rpartition(": ")[2] for problem in store.verify(artifact)] == ["changed"]
    (artifact.path / "model" / "weights").unlink()
    (artifact.path / "model" / "more").write_text("")
    assert [problem.partition("/")[2] for problem in store.verify(artifact)] == [
        "model/weights: missing",
        "model/more: not in the manifest",
    ]


def test_verify_derives_key_and_content_digest_again(store: Store) -> None:
    artifact = make(store)
    _edit_manifest(artifact, lambda data: data["config"].update(epochs=20))
    found = store.get(KEY, "train")
    assert found is not None
    assert store.verify(found) == [f"{artifact.path.name}: the key does not match the manifest"]
    _edit_manifest(artifact, lambda data: (data["config"].update(epochs=2), data["files"].pop("curve.jsonl")))
    found = store.get(KEY, "train")
    assert found is not None
    assert f"{artifact.path.name}: the content digest does not match the recorded files" in store.verify(found)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda text: text[: len(text) // 2], "not a readable manifest"),
        (lambda text: "[]", "not a readable manifest"),
        (lambda text: text.replace('"config"', '"konfig"'), "not a readable manifest"),
        (lambda text: text.replace('"schema_version": 1', '"schema_version": 9'), "schema version 9"),
        (lambda text: text.replace(KEY, digest("else")), "belongs to another artifact"),
    ],
)
def test_a_damaged_manifest_says_what_to_remove(store: Store, damage: Callable[[str], str], message: str) -> None:
    artifact = make(store)
    place = artifact.path / "manifest.json"
    place.write_text(damage(place.read_text()))
    with pytest.raises(IntegrityError, match=message) as caught:
        store.get(KEY, "train")
    assert f"remove {artifact.path}" in str(caught.value) or "remove the folder" in str(caught.value)


def test_a_folder_without_manifest_is_no_artifact(store: Store) -> None:
    artifact = make(store)
    (artifact.path / "manifest.json").unlink()
    assert store.get(KEY, "train") is None
    assert make(store).path == artifact.path


def test_a_stage_may_not_write_the_manifest(store: Store) -> None:
    with pytest.raises(IntegrityError, match=r"manifest\.json, which is reserved for the store"):
        make(store, {"manifest.json": "{}"})


def test_an_earlier_attempt_is_taken_up_again(store: Store) -> None:
    inputs = manifest().inputs
    with store.reserve(KEY, "train") as work:
        assert work.prepare(inputs) == 1
        (work.output / "part").write_text("half")
        (work.output / ".part.123.tmp").write_text("rubbish of a killed writer")
        (work.scratch / "checkpoint").write_text("step 7")
    with store.reserve(KEY, "train") as work:
        assert work.prepare(inputs) == 2
        assert (work.scratch / "checkpoint").read_text() == "step 7"
        assert [path.name for path in work.output.iterdir()] == ["part"]


def test_the_work_of_a_finished_artifact_is_discarded_unless_it_is_computed_anew(store: Store) -> None:
    artifact = make(store)
    with store.reserve(KEY, "train") as work:
        work.prepare(manifest().inputs)
        store.discard_leftover(artifact)
        assert work.scratch.is_dir()
    store.discard_leftover(artifact)
    assert not work.folder.exists()
    assert store.verify(artifact) == []


def test_an_attempt_on_other_content_is_thrown_away(store: Store) -> None:
    with store.reserve(KEY, "train") as work:
        work.prepare(manifest().inputs)
        (work.scratch / "checkpoint").write_text("step 7")
    with store.reserve(KEY, "train") as work:
        assert work.prepare({"corpus": InputRecord(digest("corpus"), digest("other content"))}) == 1
        assert list(work.scratch.iterdir()) == []


def test_a_full_disk_leaves_no_half_artifact(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match=r"disk is full.*same command again: what was finished is kept"):
        make(store)
    monkeypatch.undo()
    assert not store.has(KEY, "train")
    assert store.verify(make(store)) == []


HOLDER = """
import sys
from pathlib import Path
from deidsynth.workflow.store import Store
with Store(Path(sys.argv[1])).reserve(sys.argv[2], "train"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_process_waits_and_says_for_whom(store: Store) -> None:
    command = [sys.executable, "-c", HOLDER, str(store.root), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdin is not None
        assert holder.stdout.readline() == "held\n"
        waited_for: list[str] = []
        entered = threading.Event()

        def wait() -> None:
            with store.reserve(KEY, "train", waited_for.append):
                entered.set()

        waiter = threading.Thread(target=wait)
        waiter.start()
        assert not entered.wait(0.3)
        assert waited_for == [str(holder.pid)]
        with store.reserve(digest("another key"), "train"):
            pass
        holder.stdin.write("\n")
        holder.stdin.flush()
        assert entered.wait(5)
        waiter.join()


def test_a_killed_process_lets_its_lock_go(store: Store) -> None:
    command = [sys.executable, "-c", HOLDER, str(store.root), KEY]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
        holder.wait()
    waited_for: list[str] = []
    with store.reserve(KEY, "train", waited_for.append):
        pass
    assert waited_for == []


def test_the_repr_of_a_store_is_its_path(tmp_path: Path) -> None:
    assert repr(Store(tmp_path)) == f"Store({str(tmp_path)!r})"
